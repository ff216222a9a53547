"""Tables that are sliced by the size of the batch."""

from __future__ import annotations

import pytest

from nnshape.fixes import fixes

TABLE = "pe: Parameter({})\ny: {}"


@pytest.mark.parametrize(
    ("input", "size", "step", "fixed"),
    [
        ("'[N, T, 64]'", "512, 1, 64", "x + pe[:x.size(0)]", "y: x + pe[:x.size(1)].transpose(0, 1)"),
        ("50x64", "512, 1, 64", "x + pe[:x.shape[0]]", "y: x + pe[:x.shape[1]].transpose(0, 1)"),
        ("50x64", "512, 1, 64", "pe[:x.size(0)]", "y: pe[:x.size(1)].transpose(0, 1)"),
        ("50x64", "512, 1, 64", "pe[:x.size(0), :]", "y: pe[:x.size(1), :].transpose(0, 1)"),
        ("50x64", "1, 512, 64", "pe[:, :x.size(0)]", "y: pe[:, :x.size(1)]"),
        ("50x64", "512, 64", "pe[:x.size(0)]", "y: pe[:x.size(1)]"),
        ("50x64", "512, 64", "pe[0:x.size(0)]", "y: pe[0:x.size(1)]"),
        ("'int64[N, T]'", "512, 64", "pe[:x.size(0)]", "y: pe[:x.size(1)]"),
        ("'[T, N, 64]'", "512, 1, 64", "pe[:x.size(1)]", "y: pe[:x.size(0)]"),
        ("50x64", "512, 64", "pe.narrow(0, 0, x.size(0))", None),
    ],
)
def test_a_row_for_each_sample(steps, input, size, step, fixed):
    traced = steps(TABLE.format(size, step), input)
    assert [(kind, line) for kind, line, _ in traced.problems] == [("mixes-samples", 4)]
    assert "is the batch, and dimension" in traced.trace.problems[0].message
    if fixed:
        assert fixed in [fix.shown for fix in fixes(traced.trace)]


@pytest.mark.parametrize(
    ("input", "size", "step"),
    [
        ("'[T, N, 64]'", "512, 1, 64", "x + pe[:x.size(0)]"),
        ("'[N, T, 64]'", "1, 512, 64", "x + pe[:, :x.size(1)]"),
        ("50x64", "512", "pe[:x.size(0)]"),  # labels and indices
        ("50x64", "512, 1", "pe[:x.size(0)]"),
        ("64", "512, 64", "pe[:x.size(0)]"),  # a noise that is kept
        ("50x64", "2, 512, 64", "pe[:, :x.size(0)]"),  # the state of two layers
        ("'[B, N, 64]'", "512, 64", "pe[:x.size(0)]"),
        ("50x64", "512, 64", "x[:x.size(0)]"),
    ],
)
def test_a_row_for_each_step_or_for_labels(steps, input, size, step):
    assert [kind for kind, _, _ in steps(TABLE.format(size, step), input).problems if kind == "mixes-samples"] == []
