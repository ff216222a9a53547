"""An operation in `output` is that of `output` in messages and fixes, not of the step before."""

from __future__ import annotations

import pytest

import nnshape

_TEXT = """\
input: 3x8
layers:
  o:
    body: Linear(8, 4)
  p: Linear(4, 2)
output: {output}
"""
_HEADS = _TEXT.replace("{output}", '{{first: p, second: "p[0]"}}')


def _of(text):
    trace = nnshape.trace(nnshape.loads(text))
    (problem,) = (each for each in trace.problems if each.kind != "unused-step")
    return trace, problem


@pytest.mark.parametrize(
    ("output", "kind", "message"),
    [
        ("o.body[1]", "loses-batch", "output loses the batch: 1 in dimension 0 selects one sample of [N, 3, 4]"),
        ("'[p, o[1]]'", "loses-batch", "output loses the batch: 1 in dimension 0 selects one sample of [N, 3, 4]"),
        ("[p, 'o[1]']", "loses-batch", "output loses the batch: 1 in dimension 0 selects one sample of [N, 3, 4]"),
        ("softmax(p, 0)", "mixes-samples", "output mixes the samples: softmax runs along dimension 0 of [N, 3, 2], "),
        ("p + ones(5, 3, 2)", "fixed-batch", "output runs at N = 1 and N = 5 only, not at every batch"),
        ("p.softmax(3)", "index-error", "output has no dimension 3 in "),
        ("p(p)", "size-mismatch", "output "),
    ],
)
def test_the_message_names_output(output, kind, message):
    _, problem = _of(_TEXT.format(output=output))
    assert (problem.kind, problem.span.line) == (kind, 6)
    assert problem.message.startswith(message)
    assert " p " not in f" {problem.message}"


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ("o.body[1]", "output: o.body[:, 1]"),
        ('"softmax(p, 0)"', 'output: "softmax(p, -1)"'),
        ("[p, 'o[1]']", "output: [p, 'o[:, 1]']"),
    ],
)
def test_the_fix_shows_output(output, shown):
    trace, problem = _of(_TEXT.format(output=output))
    assert shown in [fix.shown for fix in nnshape.find_fixes(trace) if fix.problem.kind == problem.kind]


def test_a_mapping():
    assert _of(_HEADS.format())[1].message.startswith("output loses the batch")


def test_the_same_operation_in_a_step_is_that_of_the_step():
    _, problem = _of(_TEXT.format(output="q").replace("output:", '  q: "o.body[1]"\noutput:'))
    assert problem.message.startswith("q loses the batch")
