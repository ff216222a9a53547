"""The fact behind the warnings that samples mix: one sample is changed, and the others are looked at."""

from __future__ import annotations

import pytest

import nnshape
from nnshape.modules.independence import samples_apart


def apart(body: str, input: str = "20x16") -> tuple[list[str], bool | None]:
    lines = "\n".join(f"  {line}" for line in body.splitlines())
    trace = nnshape.trace(nnshape.loads(f"input: {input}\nlayers:\n{lines}\n"))
    return [problem.kind for problem in trace.problems], samples_apart(trace)


@pytest.mark.parametrize(
    ("input", "body"),
    [
        ("20x16", "l: LSTM(16, 8)\nlast: l[0][:, -1]\nfc: Linear(8, 2)"),
        ("20x16", "l: GRU(16, 8, bidirectional=True)(x)[0]"),
        ("20x16", "l: TransformerEncoderLayer(16, 4, 32)"),
        ("20x16", "l: MultiheadAttention(16, 4)(x, x, x)[0]"),
        ("16", "s: softmax(0)"),
        ("16", "s: cumsum(0)"),
        ("16", "s: sort(0)[0]"),
        ("'[N]'", "s: argsort()"),
        ("20x16", "t: view(20, N, 16)"),
        ("20x16", "t: view(20, N, 16)\nr: relu(t)\nback: r.transpose(0, 1)"),
        ("'[20, N, 16]'", "rows: view(-1, 16)\nfc: Linear(16, 4)\nt: view(N, 20, 4)"),
        ("20x16", "pe: Parameter(50, 1, 16)\ny: x + pe[:x.size(0)]"),
        ("int64[N, 9]", "e: Embedding(30, 16)\nl: LSTM(16, 8)(e)[0]"),
        (
            "{x: 8x16, m: 8x8}",
            "a: MultiheadAttention(16, 4, batch_first=True)(x, x, x, attn_mask=m.repeat(4, 1, 1))[0]",
        ),
    ],
)
def test_another_sample_moves(input, body):
    assert apart(body, f"'{input}'" if input.startswith("int") else input) == (["mixes-samples"], False)


@pytest.mark.parametrize(
    "body",
    [
        "t: view(20, N, 16)\nr: relu(t)\nback: r.view(N, 20, 16)",  # as it was
        "l: LSTM(16, 16)\ny: x + 0 * l[0]",
    ],
)
def test_no_other_sample_moves(body):
    kinds, fact = apart(body)
    assert set(kinds) == {"mixes-samples"}
    assert fact is True


@pytest.mark.parametrize(
    ("input", "body"),
    [
        ("20x16", "fc: Linear(16, 4)"),
        ("20x16", "rows: view(-1, 16)\nfc: Linear(16, 4)"),
        ("'[20, N, 16]'", "rows: view(-1, 16)\nfc: Linear(16, 4)\nbn: BatchNorm1d(4)"),
        ("16", "beams: repeat_interleave(3, 0)\nfc: Linear(16, 4)"),
        ("16", "beams: repeat(3, 1)"),
        ("20x16", "l: LSTM(16, 8, batch_first=True)\no: l[0]"),
    ],
)
def test_samples_that_are_apart(input, body):
    assert apart(body, input)[1] is True


@pytest.mark.parametrize(
    ("input", "body"),
    [
        ("{x: 16, y: '[N]'}", "fc: Linear(16, 1)(x)\nloss: mse_loss(fc.squeeze(1), y)"),  # a loss has no batch
        ("16", "h: x @ x.t()"),
        ("16", "h: dropout(x, 0.5, True)"),
        ("16", "h: x + randn(16)"),
        ("16", "h: x * 0"),
        ("16", "h: log(-exp(x))"),
        ("20x16", "l: LSTM(16, 8)"),  # its states have no batch
        ("'[N, 40000, 40000]'", "fc: Linear(40000, 40000)"),
        ("3x50000x50000", "fc: Conv2d(3, 4, 3)"),
    ],
)
def test_a_run_that_cannot_tell(input, body):
    assert apart(body, input)[1] is None
