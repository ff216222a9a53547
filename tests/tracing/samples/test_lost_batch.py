"""Shapes that lose the batch without a reduction."""

from __future__ import annotations

import pytest

from nnshape.fixes import fixes


@pytest.mark.parametrize(
    ("input", "step", "fixed"),
    [
        ("3x1x1", "s: squeeze()", "s: flatten(1)"),
        ("3x1x1", "s: x.squeeze()", "s: x.flatten(1)"),
        ("3x1x1", "s: squeeze(x)", "s: x.flatten(1)"),
        ("1", "s: squeeze()", "s: squeeze(1)"),
        ("1x8x8", "s: relu(x).squeeze()", "s: relu(x).squeeze(1)"),
        ("1x8x1", "s: squeeze()", "s: flatten(1)"),
        ("1x8x1x8", "s: squeeze()", "s: squeeze((1, 3))"),
        ("'[T, N, 1]'", "s: squeeze()", "s: squeeze(2)"),
        ("8", "s: squeeze()", None),
        ("8x8", "s: squeeze(0)", None),
        ("1x8", "s: squeeze((0, 1))", "s: squeeze(1)"),
        ("'[N]'", "s: squeeze(-1)", None),
        ("50x8", "s: x[-1]", "s: x[:, -1]"),
        ("50x8", "s: LSTM(8, 4, batch_first=True)(x)[0][-1]", "s: LSTM(8, 4, batch_first=True)(x)[0][:, -1]"),
        ("50x8", "s: x[0, :, 1]", None),
        ("50x8", "s: select(0, 2)", None),
        ("'[T, N, 8]'", "s: x[:, -1]", "s: x[-1]"),
        ("'[T, N, 8]'", "s: LSTM(8, 4)(x)[0][:, -1]", "s: LSTM(8, 4)(x)[0][-1]"),
    ],
)
def test_the_batch_is_lost(steps, input, step, fixed):
    traced = steps(step, input)
    assert [(kind, line) for kind, line, _ in traced.problems] == [("loses-batch", 3)]
    if fixed:
        assert fixed in [fix.shown for fix in fixes(traced.trace)]


@pytest.mark.parametrize(
    ("input", "step"),
    [
        ("3x1x1", "s: squeeze(2)"),
        ("3x1x1", "s: squeeze((2, 3))"),
        ("3x1x1", "s: squeeze(-1)"),
        ("3x1x1", "s: flatten(1)"),
        ("50x8", "s: x[:, -1]"),
        ("50x8", "s: x[..., -1]"),
        ("50x8", "s: x[:1]"),
        ("'[T, N, 8]'", "s: x[-1]"),
        ("50x8", "s: x.mean(0)"),
        ("'[3, N, 8]'", "s: unbind(x, 0)[0]"),
        ("16", "s: x.view(N, 4, 4).permute(1, 0, 2)[0]"),
        ("16", "s: (x @ x.t())[0]"),  # a row of pairs
        ("'[B, N, 8]'", "s: x[0]"),
        ("'[T, 8]'", "s: squeeze()"),
        ("8", "s: squeeze(x.mean())"),
    ],
)
def test_the_batch_is_kept_or_reduced(steps, input, step):
    assert steps(step, input).problems == []


@pytest.mark.parametrize("last", ["l[1][0][-1]", "l[1][0].squeeze(0)", "cat((l[1][0][-2], l[1][0][-1]), 1)"])
def test_the_last_state_of_a_layer_that_took_the_batch_for_the_steps(steps, last):
    layer = "LSTM(300, 128, bidirectional=True)" if "-2" in last else "LSTM(300, 128)"
    traced = steps(f"l: {layer}\nlast: {last}\nfc: Linear(auto, 2)", "50x300")
    kinds = [(kind, line) for kind, line, _ in traced.problems]
    assert kinds[0] == ("mixes-samples", 3)
    assert ("loses-batch", 4) in kinds
    assert {kind for kind, line in kinds[1:]} == {"loses-batch"}
    for problem in traced.trace.problems:
        assert [fix.shown for fix in fixes(traced.trace) if fix.problem is problem] == [
            f"l: {layer[:-1]}, batch_first=True)"
        ]


def test_the_last_state_of_a_layer_that_reads_the_batch_first(steps):
    assert steps("l: LSTM(300, 128, batch_first=True)\nlast: l[1][0][-1]", "50x300").problems == []
