"""A block that names its inputs among its hyperparameters is told where inputs come."""

from __future__ import annotations

import pytest

import nnshape

_TEXT = """\
input: 8
blocks:
  {key}:
    {body}
layers:
  e: {call}
"""
_HINT = "inputs come in brackets of their own: "


def _help(key, body, call):
    trace = nnshape.trace(nnshape.loads(_TEXT.format(key=key, body=body, call=call)))
    (problem,) = trace.problems
    assert (problem.span.line, problem.severity) == (6, "error")
    return problem.kind, [text for text in problem.help if text.startswith(_HINT)]


@pytest.mark.parametrize(
    ("key", "body", "meant"),
    [
        ("E(d)", "a: Linear(8, 4)(d)", "E()(d):"),
        ("E(d)", "a: relu(d)", "E()(d):"),
        ("E(d)", "a: cat([d, d], 1)", "E()(d):"),
        ("E(d)", "a: d.flatten(1)", "E()(d):"),
        ("E(d)", "fc: {sub: 'Linear(8, 4)(d)'}", "E()(d):"),
        ("E(w, d)", "a: Linear(w, w)(d)", "E(w)(d):"),
        ("E(d, e)", "a: Bilinear(8, 8, 4)(d, e)", "E()(d, e):"),
        ("E(d, k=3)", "a: Linear(8, k)(d)", "E(k=3)(d):"),
    ],
)
def test_a_hyperparameter_that_is_used_as_a_tensor(key, body, meant):
    assert _help(key, body, "E()(x)") == ("missing-argument", [_HINT + meant])
    assert _help(key, body, "E") == ("wrong-type", [_HINT + meant])


@pytest.mark.parametrize(
    ("key", "body"),
    [
        ("E(d)", "a: Linear(8, d)(x)"),
        ("E(d)", "a: Linear(8, d)"),
        ("E(d)", "a: x + zeros(d)"),
        ("E(d)", "a: x.view(N, d, -1)"),
        ("E(d)", "a: Sequential(Linear(8, 8) for i in range(d))"),
        ("E(d)(x)", "a: Linear(8, d)(x)"),
    ],
)
def test_a_hyperparameter_that_is_a_number(key, body):
    assert _help(key, body, "E()(x)") == ("missing-argument", [])
    assert _help(key, body, "E") == ("wrong-type", [])


def test_the_hint_is_right():
    trace = nnshape.trace(nnshape.loads(_TEXT.format(key="E()(d)", body="a: Linear(8, 4)(d)", call="E()(x)")))
    assert not trace.problems
    assert str(trace.output) == "4"
