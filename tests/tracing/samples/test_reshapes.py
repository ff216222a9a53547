"""Reshapes: which scramble a sample, mix samples or cut them, and which only split and join dimensions."""

from __future__ import annotations

import pytest

import nnshape
from nnshape.fixes import edited, fixes

UNFOLDED = "t: reshape({}).transpose(0, 1)"


def told(steps, body: str, input: str) -> list[tuple[str, int]]:
    """Kind and line of the problems of these steps, the first of which is on line 3."""
    return [(kind, line) for kind, line, _ in steps(body, input).problems]


@pytest.mark.parametrize(
    ("input", "step", "fixed"),
    [
        ("50x64", "t: view(N, 64, 50)", "t: transpose(1, 2)"),
        ("50x64", "t: x.reshape(N, 64, 50)", "t: x.transpose(1, 2)"),
        ("50x64", "t: reshape(x, (N, 64, 50))", "t: x.transpose(1, 2)"),
        ("50x64", "t: torch.reshape(x * 2, (N, 64, 50))", "t: (x * 2).transpose(1, 2)"),
        ("50x64", "t: view(x.size(0), 64, -1)", "t: transpose(1, 2)"),
        ("50x64", "t: view(-1, 64, 50)", "t: transpose(1, 2)"),
        ("50x64", "t: relu(_).view(N, 64, 50).relu()", "t: relu(_).transpose(1, 2).relu()"),
        ("3x32x24", "t: view(N, 32, 24, 3)", "t: permute(0, 2, 3, 1)"),
        ("32x32x3", "t: view(N, 3, 32, 32)", "t: permute(0, 3, 1, 2)"),
        ("'[N, T, 64]'", "t: view(N, 64, x.shape[1])", "t: transpose(1, 2)"),
        # Heads that were not moved ahead of the steps.
        ("'[N, T, 512]'", "t: view(N, 8, x.shape[1], 64)", "t: reshape(N, x.shape[1], 8, 64).transpose(1, 2)"),
        ("50x512", "t: x.view(N, 8, -1, 64)", "t: x.reshape(N, -1, 8, 64).transpose(1, 2)"),
        ("50x8x64", "t: view(N, 8, 50, 64)", "t: transpose(1, 2)"),
        # Patches and channels, in both directions.
        ("196x768", "t: view(N, 768, 14, 14)", "t: transpose(1, 2).reshape(N, 768, 14, 14)"),
        ("768x14x14", "t: reshape(N, 196, 768)", "t: permute(0, 2, 3, 1).reshape(N, 196, 768)"),
        ("768x14x14", "t: reshape(N, -1, 768)", "t: permute(0, 2, 3, 1).reshape(N, -1, 768)"),
        ("'[N, 8, 50, 64]'", "t: reshape(N * 50, 8, 64)", "t: transpose(1, 2).reshape(N * 50, 8, 64)"),
        ("16x5x5", "t: view(-1, 16)", "t: permute(0, 2, 3, 1).reshape(-1, 16)"),
        # A dimension of 1 does not hide it.
        ("1x50x64", "t: view(N, 64, 1, 50)", "t: transpose(2, 3).reshape(N, 64, 1, 50)"),
    ],
)
def test_a_view_to_a_permutation_of_the_sizes_scrambles(steps, input, step, fixed):
    traced = steps(step, input)
    assert [(kind, line) for kind, line, _ in traced.problems] == [("scrambled", 3)]
    (problem,) = traced.trace.problems
    assert problem.severity == "warning"
    found = [fix for fix in fixes(traced.trace) if fix.description == "swap the dimensions"]
    assert [fix.shown for fix in found] == [fixed] * (fixed is not None)
    for fix in found:
        after = nnshape.trace(nnshape.loads(edited(traced.trace.spec.source.text, fix.edits)))
        assert not after.problems
        assert after.output.shape == traced.trace.output.shape


@pytest.mark.parametrize(
    ("input", "step"),
    [
        ("64x64", "t: view(N, 64, 64)"),
        ("1x28x30", "t: view(N, 28, 1, 30)"),  # nothing but a 1 moves
        ("50x64", "t: view(N, 50, 8, 8)"),
        ("50x64", "t: view(N, 50, 8, 8).transpose(1, 2)"),
        ("50x64", "t: view(N, 25, 128)"),  # pairs of steps, as in a pyramid
        ("64x28x28", "t: view(N, 8, 8, 28, 28).transpose(1, 2).reshape(N, 64, 28, 28)"),  # a shuffle of channels
        ("3x32x32", "t: view(N, 3, 8, 4, 8, 4).permute(0, 2, 4, 3, 5, 1).reshape(N, 64, 48)"),  # patches
        ("48x8x8", "t: flatten(2).transpose(1, 2)"),
        ("128x8x8", "t: pixel_shuffle(2)"),
        # Relative positions: a column of padding, and a view that shifts each row.
        ("4x10x11", "t: pad(x[:, :, :, 1:], (1, 0)).view(N, 4, 11, 10)[:, :, 1:].view_as(x[:, :, :, 1:])"),
        ("4x6x10", "t: pad(x, (1, 0)).view(N, 4, 11, 6)[:, :, 1:].view_as(x)"),
        ("[3, 50, 64]", "t: view(3, 64, 50)"),
    ],
)
def test_a_reshape_that_splits_and_joins_scrambles_nothing(steps, input, step):
    if input.startswith("["):
        input = f"'{input}'"
    assert [kind for kind, _ in told(steps, step, input) if kind in ("scrambled", "mixes-samples")] == []


@pytest.mark.parametrize(
    ("input", "body", "fixed"),
    [
        ("'[T, N, 16]'", "t: reshape(N, x.shape[0], 16)", "t: transpose(0, 1)"),
        ("'[20, N, 16]'", "t: view(N, 20, 16)", "t: transpose(0, 1)"),
        ("20x16", "t: view(20, N, 16)", "t: transpose(0, 1)"),
        ("20x16", "t: view(20, -1, 16)", "t: transpose(0, 1)"),
        ("8x3", "t: view(8, N, 3)", "t: transpose(0, 1)"),
        ("8x3", "t: view(8, 3, N)", "t: permute(1, 2, 0)"),
        ("16x5x5", "t: view(16, -1)", "t: transpose(0, 1).reshape(16, -1)"),
        ("20x16", "t: view(40, -1)", None),
        ("'[4, N, 8]'", "t: view(-1, 16)", None),
        ("'[20, N, 16]'", "flat: flatten(0, 1)\nt: unflatten(0, (N, 20))", None),
        ("'[20, N, 16]'", "flat: flatten(0, 1)\nt: Unflatten(0, (-1, 20))", None),
        ("20x16", "flat: Flatten(0)\nt: Unflatten(0, (8, -1))", None),
        # The order of a joined dimension is that of the steps that made it.
        ("'[20, N, 16]'", "flat: view(-1, 16)\nfc: Linear(16, 4)\nt: view(N, 20, 4)", UNFOLDED.format("20, N, 4")),
        ("20x16", "flat: view(-1, 16)\nfc: Linear(16, 4)\nt: view(20, N, 4)", UNFOLDED.format("N, 20, 4")),
        (
            "20x16",
            "flat: x.transpose(0, 1).reshape(-1, 16)\nfc: ReLU()\nt: view(N, 20, 16)",
            UNFOLDED.format("20, N, 16"),
        ),
        ("16", "beams: x.repeat(5, 1)\nt: view(N, 5, 16)", UNFOLDED.format("5, N, 16")),
        ("16", "both: cat((x, x * 2))\nt: view(N, -1, 16)", UNFOLDED.format("-1, N, 16")),
        ("16", "beams: x.repeat_interleave(5, 0)\nt: view(5, N, 16)", UNFOLDED.format("N, 5, 16")),
    ],
)
def test_a_reshape_that_cuts_across_the_batch_mixes_samples(steps, input, body, fixed):
    traced = steps(body, input)
    last = body.count("\n") + 3
    assert [(kind, line) for kind, line, _ in traced.problems] == [("mixes-samples", last)]
    found = [fix.shown for fix in fixes(traced.trace)]
    assert found == ([fixed] if fixed else [])


@pytest.mark.parametrize(
    ("input", "body"),
    [
        ("'[T, N, 16]'", "t: view(-1, 16)"),
        ("'[20, N, 16]'", "flat: view(-1, 16)\nfc: Linear(16, 4)\nt: view(20, N, 4)"),
        ("'[20, N, 16]'", "heads: view(20, N * 4, 4)\nt: heads.view(20, N, 16)"),
        ("20x16", "flat: view(-1, 16)\nfc: Linear(16, 4)\nt: view(N, 20, 4)"),
        ("20x16", "flat: x.transpose(0, 1).reshape(-1, 16)\nfc: Linear(16, 4)\nt: view(20, N, 4)"),
        ("16", "beams: x.repeat_interleave(5, 0)\nfc: Linear(16, 9)\nt: view(N, 5, 9)"),
        ("16", "beams: x.repeat(5, 1)\nt: view(5, N, 16)"),
        ("16", "both: cat((x, x * 2))\nt: view(2, N, 16)"),
        ("16", "both: stack((x, x * 2))\nflat: flatten(0, 1)\nt: view(2, N, 16)"),
        ("16", "beams: x[:, None].expand(-1, 5, -1).reshape(-1, 16)\nt: view(N, 5, 16)"),
        ("'[6, N, 8]'", "t: view(3, -1, 8)"),
        ("8x30x10x10", "t: flatten(0, 1)\nback: unflatten(0, (N, 8))"),
    ],
)
def test_a_reshape_that_joins_the_batch_and_takes_it_apart_again_mixes_nothing(steps, input, body):
    assert told(steps, body, input) == []


@pytest.mark.parametrize(
    ("input", "body"),
    [
        ("20x32", "rows: view(-1, 32)"),
        ("int64[N, 20]", "rows: view(-1)"),
        ("20x32", "rows: flatten()"),
        ("4x20x32", "rows: view(-1, 20, 32)"),
        ("4x20x32", "rows: view(-1, 640)"),
        ("16x5x5", "rows: view(N * 4, 4, 5, 5)"),  # written out
        ("8x50", "rows: reshape(-1, 400)"),
    ],
)
def test_a_row_of_whole_dimensions_is_no_cut(steps, input, body):
    assert told(steps, body, f"'{input}'" if "[" in input else input) == []


@pytest.mark.parametrize(
    ("input", "step", "message"),
    [
        ("8x16", "rows: view(-1, 64)", "rows cuts each sample: 8x16 becomes 2 rows of 64, and -1 is 2*N, not N"),
        ("512", "rows: view(-1, 256)", "rows cuts each sample: 512 becomes 2 rows of 256, and -1 is 2*N, not N"),
        ("16x5x5", "rows: view(-1, 80)", "rows cuts each sample: 16x5x5 becomes 5 rows of 80, and -1 is 5*N, not N"),
    ],
)
def test_a_row_that_ends_within_a_dimension_is_one(steps, input, step, message):
    (problem,) = steps(step, input).trace.problems
    assert (problem.kind, problem.message) == ("swallows-batch", message)
    assert (problem.span.line, problem.span.column) == (3, 9)


@pytest.mark.parametrize(
    ("input", "body"),
    [
        ("0x4", "t: view(4, 0, N)"),
        ("'[0, N, 4]'", "t: reshape(N, 0, 4)"),
        ("0x4", "flat: view(-1, 4)\nt: view(0, N)"),
        ("0", "s: softmax(0)"),
        ("'[" + ", ".join(["N", *(f"a{n}" for n in range(40))]) + "]'", f"t: reshape({', '.join(['N', '-1'])})"),
        ("'[N, A, B, C, D, E, F, G]'", "t: reshape(A, B, C, D, E, F, G, N)"),
        ("2x3x4x5x6x7x8", "t: reshape(8, 7, 6, 5, 4, 3, 2, N)"),
    ],
)
def test_no_sizes_end_the_trace(steps, input, body):
    assert {kind for kind, _, _ in steps(body, input).problems} <= {"mixes-samples", "scrambled", "restricted-batch"}
