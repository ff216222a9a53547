"""The name of a dtype in an hparam is that dtype in each argument that takes one, as the built module shows."""

from __future__ import annotations

import pytest
import torch

import nnshape

_TEXT = """\
input: 16
hparams: {{d: {d}}}
blocks:
  B(t)(y):
    l: Linear(16, 16, dtype=t)(y.to(t))
layers:
  a: "{step}"
output: a
"""
_STEPS = [
    "x.to(d)",
    "x.to(dtype=d)",
    "x.to('cpu', d)",
    "x.type(d)",
    "Linear(16, 4, dtype=d)(x.to(d))",
    "Linear(16, 4, True, None, d)(x.to(d))",
    "Linear(auto, 4, dtype=d)(x.to(d))",
    "Sequential(Linear(16, 4, dtype=d))(x.to(d))",
    "B(d)",
    "x.to(d) + zeros(16, dtype=d)",
    "x.to(d) + arange(16, dtype=d)",
    "zeros_like(x, dtype=d)",
    "x.new_zeros(N, dtype=d)",
    "x.sum(-1, dtype=d)",
    "softmax(x, -1, dtype=d)",
    "x.to(d) + Parameter(16, dtype=d)",
    "x.to(d) + Buffer(16, dtype=d)",
]


@pytest.mark.parametrize("step", _STEPS)
@pytest.mark.parametrize("d", ["bfloat16", "torch.float16", "double"])
def test_a_dtype_of_an_hparam_is_that_of_the_built_module(step, d):
    trace = nnshape.trace(nnshape.loads(_TEXT.format(step=step, d=d)))
    assert not [problem for problem in trace.problems if problem.severity == "error"]
    made = nnshape.build(trace)(torch.zeros(2, 16))
    assert made.dtype is getattr(torch, d.removeprefix("torch."))
    assert str(made.dtype) == f"torch.{trace.output.dtype}"


def test_a_view_as_the_dtype_of_an_hparam():
    trace = nnshape.trace(nnshape.loads(_TEXT.format(step="x.view(d)", d="int16")))
    made = nnshape.build(trace)(torch.zeros(2, 16))
    assert (str(trace.output), tuple(made.shape), made.dtype) == ("int16[N, 32]", (2, 32), torch.int16)


@pytest.mark.parametrize("step", ["Linear(16, 4, dtype=d)", "zeros(4, dtype=d)", "x.type(d)", "Buffer(16, dtype=d)"])
def test_another_string_is_refused_where_a_dtype_is_taken(step):
    (problem,) = nnshape.trace(nnshape.loads(_TEXT.format(step=step, d="bfloat17"))).problems
    assert (problem.kind, problem.span.line) == ("wrong-type", 7)
    assert "bfloat17" in problem.message


def test_the_name_of_a_dtype_stays_a_string_elsewhere():
    text = "input: 16\nhparams: {d: float16}\nlayers:\n  a: \"Linear(16, 4 if d == 'float16' else 5)\"\n"
    assert str(nnshape.trace(nnshape.loads(text)).output) == "4"
