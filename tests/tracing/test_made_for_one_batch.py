"""Blocks that take one batch, and parameters, buffers and layers that are made for one: errors with a fix."""

from __future__ import annotations

import pytest

import nnshape
from nnshape.fixes import edited

BLOCKS = """
blocks:
  Fixed()(x[32, T, C]): {a: 'Linear(auto, 4)'}
  Mixed()(x[B, T, C], m[T, B]): {a: 'Linear(auto, 4)(x + m.mean())'}
  Given(n)(x[n, T, 64]): {a: 'Linear(auto, 4)'}
  Square()(x[T, T, C]): {a: 'Linear(auto, 4)'}
  Pair()(x[B, T, C], m[B, S]): {a: 'Linear(auto, 4)(x + m.mean())'}
  Outer()(x): {f: Fixed()(x)}
  Free()(x[B, T, 64]): {a: 'Linear(auto, 4)', v: 'a.view(B, T * 4)'}
  PerSample()(x[_, 50, C]): {a: 'Linear(auto, 4)'}
  Rest()(x[..., C]): {a: 'Linear(C, 4)'}
"""


def traced(*steps, input="{x: '[N, 50, 64]', y: '[N, 50]'}", head=""):
    lines = "".join(f"  {step}\n" for step in steps)
    return nnshape.trace(nnshape.loads(f"input: {input}{head or chr(10)}layers:\n{lines}"))


def told(trace):
    return [(problem.kind, problem.span.text, problem.message) for problem in trace.problems]


def fixed(trace):
    return [edited(trace.spec.source.text, fix.edits) for fix in nnshape.find_fixes(trace)]


@pytest.mark.parametrize(
    ("step", "place", "message"),
    [
        ("b: Fixed()(x)", "x[32, T, C]", "x is [N, 50, 64], which fits [32, T, C] at N = 32 only"),
        ("b: Mixed()(x, y)", "m[T, B]", "m is [N, 50], which fits [T, B] at N = 50 only"),
        ("b: Given(8)(x)", "x[n, T, 64]", "x is [N, 50, 64], which fits [n, T, 64] at N = 8 only"),
        ("b: Square()(x)", "x[T, T, C]", "x is [N, 50, 64], which fits [T, T, C] at N = 50 only"),
        ("b: Pair()(x, zeros(7, 2))", "m[B, S]", "m is [7, 2], which fits [B, S] at N = 7 only"),
        ("b: Outer()(x)", "x[32, T, C]", "x is [N, 50, 64], which fits [32, T, C] at N = 32 only"),
        ("b: Sequential(Given(4) for i in range(2))(x)", "x[n, T, 64]", None),
    ],
)
def test_a_block_that_takes_one_batch_is_an_error_at_its_pattern(step, place, message):
    trace = traced(step, "c: b.mean() + y", head=BLOCKS)
    found = [problem for problem in trace.problems if problem.kind == "fixed-batch"]
    assert [(problem.span.text, problem.message) for problem in found[:1]] == [
        (place.partition("[")[1] + place.partition("[")[2], message or found[0].message)
    ]
    assert found[0].severity == "error"
    assert not [constraint for constraint in trace.constraints if "N" in str(constraint)]


def test_the_pattern_of_a_block_has_a_fix():
    trace = traced("b: Fixed()(x)", "c: b + y[:, :, None]", head=BLOCKS)
    assert "Fixed()(x[_, T, C])" in fixed(trace)[0]


@pytest.mark.parametrize("step", ["b: Free()(x)", "b: PerSample()(x)", "b: Rest()(x)", "b: Pair()(x, y)"])
def test_a_block_that_takes_every_batch_is_clean(step):
    assert not told(traced(step, "c: b.mean() + y", head=BLOCKS))


@pytest.mark.parametrize(
    ("steps", "place", "message", "fix"),
    [
        (("p: Parameter(N, 1)", "c: y + p"), "Parameter(N, 1)", "p would be [N, 1]", "Parameter(1, 1)"),
        (
            ("p: Parameter(x.shape[0], 1, 64)", "c: cat([p, x], 1)"),
            "Parameter(x.shape[0], 1, 64)", "p would be [N, 1, 64]", "cat([p.expand(N, -1, -1), x], 1)",
        ),
        (("p: Parameter(randn(N, 50))", "c: y + p"), "Parameter(randn(N, 50))", "p would be [N, 50]", "randn(1, 50)"),
        (("p: Parameter((x.size(0), 50))", "c: y + p"), "Parameter((x.size(0), 50))", "p would", "((1, 50))"),
        (("b: Buffer(zeros(N, 50))", "c: y + b"), "Buffer(zeros(N, 50))", "but a buffer", "zeros(1, 50)"),
        (
            ("b: Buffer(arange(N))", "c: y + b[:, None]"),
            "Buffer(arange(N))", "b would be [N], but a buffer", "b: arange(N)\n",
        ),
        (("l: ParameterList([Parameter(N, 50)])", "c: y + l[0]"), "Parameter(N, 50)", "0 would be [N, 50]", None),
        (
            ("t: y.transpose(0, 1)", "l: Linear(auto, 10)"),
            "auto", "l would have a weight of [10, N], but a parameter", "Linear(auto, 10)(_.transpose(0, 1))",
        ),
        (
            ("t: y.t()", "l: Linear(N, 10)(t)"),
            "N", "l would have a weight of [10, N]", "Linear(auto, 10)(t.transpose(0, 1))",
        ),
        (
            ("t: x.transpose(0, 1)", "b: BatchNorm1d(auto)(t)"),
            "auto", "b would have a weight of [N]", "BatchNorm1d(auto)(t.transpose(0, 1))",
        ),
        (("f: x.flatten()", "l: Linear(auto, 10)"), "auto", "l would have a weight of [10, 3200*N]", "flatten(1)"),
        (("g: Sequential(Linear(N, 4))(y.t())",), "N", "0 would have a weight of [4, N]", None),
        (("e: Embedding(N, 4)(y.long())",), "N", "e would have a weight of [N, 4]", None),
        (("u: Unflatten(0, (N, 1))(x)",), "(N, 1)", "u would be made with unflattened_size=(N, 1)", None),
        (("p: AdaptiveAvgPool1d(N)(x)",), "N", "p would be made with output_size=N", None),
    ],
)  # fmt: skip
def test_what_is_made_for_one_batch_is_an_error(steps, place, message, fix):
    trace = traced("z: x.mean() + y.mean()", *steps)
    found = [(kind, text, said) for kind, text, said in told(trace) if kind != "unused-step"]
    assert [(kind, text) for kind, text, _ in found] == [("fixed-batch", place)]
    assert message in found[0][2]
    if fix is not None:
        assert fix in fixed(trace)[0]


def test_other_symbols_may_size_a_parameter():
    assert not told(traced("p: Parameter(T, 4)", "c: x + p", input="'[N, T, 4]'"))


def test_an_ordinary_n_may_size_a_parameter():
    assert not told(traced("p: Parameter(N, 4)", "c: x @ p", input="'[N, N]'"))


def test_one_message_where_the_step_and_its_assertion_are_for_one_batch():
    assert [kind for kind, _, _ in told(traced("v: x.view(32, 3200) -> [32, 3200]"))] == ["fixed-batch"]
    assert [kind for kind, _, _ in told(traced("v: x.flatten(1) -> [32, 3200]", "w: v + y.mean()"))] == ["fixed-batch"]
