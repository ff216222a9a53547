"""A value that a fault leaves unknown is unknown to each step after it: one fault is told once."""

from __future__ import annotations

import pytest

import nnshape

_PACKED = """\
input: "[N, 5, 8]"
layers:
  p: pack_padded_sequence(x, tensor([5, 3]), batch_first=True)
  o: "{step}"
output: o
"""


@pytest.mark.parametrize(
    "step",
    [
        "LSTM(8, 16, batch_first=True)",
        "GRU(8, 16)(p)",
        "GRU(8, 16)(*[p])",
        "GRU(8, 16)(x, p)",
        "GRU(auto, 16)",
        "RNN(8, 16, 2)([p][0])",
        "Sequential(LSTM(8, 16))",
        "pad_packed_sequence(p, batch_first=True)",
        "Linear(8, 4)(p.data)",
        "Linear(8, 4)(p)",
        "relu(p)",
        "cat(p)",
        "(p, 1)[0]",
        "[p, p]",
        "dict(a=p)",
    ],
)
def test_a_packed_sequence_of_one_batch_is_unknown_to_the_next_step(step):
    trace = nnshape.trace(nnshape.loads(_PACKED.format(step=step)))
    found = [(problem.kind, problem.message) for problem in trace.problems]
    assert found == [("fixed-batch", "p runs at N = 2 only, not at every batch")]


def test_a_packed_sequence_of_every_batch_is_known():
    lengths = "input: {x: '[N, 5, 8]', lengths: 'int64[N]'}\nlayers:\n"
    text = f"{lengths}  p: pack_padded_sequence(x, lengths, batch_first=True)\n  o: LSTM(8, 16)\n  y: o[1][0][0]\n"
    trace = nnshape.trace(nnshape.loads(text))
    assert not trace.problems
    assert str(trace.output) == "16"
