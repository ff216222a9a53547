"""Which `N` is the batch of a model, and which is a size like any other."""

from __future__ import annotations

import pytest

from nnshape.shapes.dims import symbol
from nnshape.shapes.tensor import N
from nnshape.spec import parse_shape
from nnshape.tracing.batch import batch_axis, is_batch


@pytest.mark.parametrize(
    "shapes",
    [
        ["3x32x32"],
        ["[N, 3, H, W]"],
        ["[N]"],
        ["int64[N, T]"],
        ["[T, N, 64]"],
        ["[seq_len, N, 64]"],
        ["[L, N]"],
        ["[S + 1, N, 64]"],
        ["[50, N, 64]"],
        ["int64[50, N]"],
        ["[width, N, 64]"],  # an hparam is a number
        ["[N, 10]", "[8, 10]"],
        ["[N, 10]", "[B, 10]"],
        ["[N, 10]", "[2*N, 10]"],
        ["[50, N, 64]", "[3, 4, N]"],
    ],
)
def test_n_is_the_batch(shapes):
    assert is_batch(map(parse_shape, shapes), {"width": 20})


@pytest.mark.parametrize(
    "shapes",
    [
        [],
        ["[64, 3, 32, 32]"],
        ["[T, 64]"],
        ["[N, N]"],
        ["[N, 16]", "[N, N]"],
        ["[N, 16, N//2]"],
        ["[B, N, 64]"],
        ["[batch, N, 64]"],
        ["[B, 3, N]"],
        ["[N, 10]", "[B, N, 3]"],
        ["[T, 64, N]"],
        ["[3, N]"],  # N points
    ],
)
def test_n_is_an_ordinary_size(shapes):
    assert not is_batch(map(parse_shape, shapes), {})


def test_the_axis_of_the_batch():
    assert [batch_axis(shape) for shape in ((N, 3), (symbol("T"), N, 3), (3,), (N, N), (N * 2, 3))] == [
        0, 1, None, None, None,
    ]  # fmt: skip
