"""Softmax, cumulative sums and sorts along the batch, with a dim and without."""

from __future__ import annotations

import pytest

from nnshape.fixes import fixes


@pytest.mark.parametrize(
    ("input", "step", "fixed"),
    [
        ("10", "s: softmax(0)", "s: softmax(1)"),
        ("10", "s: x.softmax(dim=0)", "s: x.softmax(dim=1)"),
        ("10", "s: softmax(x, 0)", "s: softmax(x, 1)"),
        ("10", "s: Softmax(0)", "s: Softmax(1)"),
        ("10", "s: Softmax(dim=-2)", "s: Softmax(dim=1)"),
        ("4x10", "s: softmax(x)", "s: softmax(x, dim=-1)"),  # without a dim torch takes the first of three
        ("4x10", "s: log_softmax()", "s: log_softmax(dim=-1)"),
        ("4x10", "s: Softmax()", "s: Softmax(dim=-1)"),
        ("4x10", "s: LogSoftmax(0)", "s: LogSoftmax(-1)"),
        ("4x10", "s: Softmin()(x)", "s: Softmin(dim=-1)(x)"),
        ("8x8", "s: Softmax2d()", None),  # without a batch, the channels are the first of three
        ("10", "s: gumbel_softmax(1.0, dim=0)", "s: gumbel_softmax(1.0, dim=1)"),
        ("'[N]'", "s: softmax(0)", None),
        ("'int64[20, N]'", "s: softmax(x * 1.0, 1)", "s: softmax(x * 1.0, 0)"),
        ("'[T, N, 10]'", "s: softmax(1)", "s: softmax(-1)"),
        ("10x6", "s: cumsum(0)", "s: cumsum(1)"),
        ("10x6", "s: cumprod(0)", "s: cumprod(1)"),
        ("10x6", "s: cummax(0)[0]", "s: cummax(1)[0]"),
        ("10x6", "s: logcumsumexp(0)", "s: logcumsumexp(1)"),
        ("'[N]'", "s: sort()[0]", None),
        ("'[N]'", "s: argsort()", None),
        ("10x6", "s: sort(0)[0]", "s: sort(1)[0]"),
        ("10x6", "s: sort(dim=0, descending=True)[0]", "s: sort(dim=1, descending=True)[0]"),
        ("10", "s: msort()", None),
        ("10x6", "s: fftn(x).real", None),
        ("10", "s: fft2(x).real", None),
        ("10", "s: fft(x, dim=0).real", "s: fft(x, dim=1).real"),
        ("10", "s: layer_norm(x.shape)", None),
    ],
)
def test_along_the_batch(steps, input, step, fixed):
    traced = steps(step, input)
    assert [(kind, line) for kind, line, _ in traced.problems] == [("mixes-samples", 3)]
    assert "mixes the samples" in traced.trace.problems[0].message
    if fixed:
        assert [fix.shown for fix in fixes(traced.trace)] == [fixed]


@pytest.mark.parametrize(
    ("input", "step"),
    [
        ("10", "s: softmax(1)"),
        ("10", "s: softmax()"),  # without a dim torch takes the second of two
        ("10", "s: Softmax()"),
        ("4x10x10", "s: softmax(x)"),
        ("4x10x10", "s: Softmax2d()"),
        ("4x10", "s: softmax(-1)"),
        ("10", "s: softmax(x @ x.t(), 1)"),
        ("10", "s: softmax(x @ x.t(), 0)"),  # the columns of a matrix of pairs
        ("10", "s: sort()[0]"),
        ("10", "s: argsort(-1)"),
        ("10x6", "s: cumsum(1)"),
        ("10x6", "s: x.view(-1, 6).cumsum(0)"),  # places in the queue of an expert
        ("10", "s: rfft()"),
        ("10x6", "s: fft2()"),
        ("10", "s: layer_norm(x.shape[1:])"),
        ("10", "s: x - x.mean(0)"),
        ("10", "s: x.flip(0) + x.roll(1, 0)"),
        ("10", "s: logsumexp(0)"),
        ("'[B, N, 10]'", "s: softmax(1)"),
        ("'[N, N]'", "s: softmax(0)"),
        ("'[T, 10]'", "s: softmax(0)"),
    ],
)
def test_along_another_dimension(steps, input, step):
    assert steps(step, input).problems == []
