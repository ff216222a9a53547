"""Arguments that torch names in several ways, or takes by their place alone, against torch on the CPU."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from nnshape.shapes.constraints import collecting
from nnshape.shapes.dims import symbol
from nnshape.shapes.dtypes import DTYPES
from nnshape.shapes.functions import find_function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor

CALLS = [
    ("tensor_split", (), {"indices": (1, 2)}),
    ("tensor_split", (), {"sections": 2, "dim": 1}),
    ("tensor_split", (2,), {}),
    ("tensor_split", (), {}),
    ("tensor_split", (2,), {"sections": 2}),
    ("tensor_split", (), {"indices_or_sections": 2}),
    ("tensor_split", (), {"indices": 2}),
    ("tensor_split", (), {"sections": (1,)}),
    ("hsplit", (), {"sections": 2}),
    ("hsplit", (), {"indices": [1]}),
    ("vsplit", (), {"indices": (1, 3)}),
    ("vsplit", (), {"indices_or_sections": 2}),
    ("hsplit", (), {"sections": 3}),
    ("hsplit", (), {}),
]


@pytest.mark.parametrize(("name", "arguments", "keywords"), CALLS)
def test_the_names_that_torch_takes(name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    try:
        wanted = [tuple(piece.shape) for piece in getattr(torch, name)(torch.zeros(4, 6), *arguments, **keywords)]
    except (TypeError, RuntimeError):
        wanted = None
    try:
        pieces = find_function(name).apply((Tensor((4, 6)), *arguments), keywords)
        found = [piece.shape for piece in pieces]
    except Refusal:
        found = None
    assert found == wanted


def test_pieces_cut_by_the_values_of_a_tensor() -> None:
    split, T = find_function("tensor_split"), symbol("T")
    with collecting() as constraints:
        pieces = split.apply((Tensor((N, T)), Tensor((2,), DTYPES["int64"]), 1), {})
    assert len(pieces) == 3
    assert all(piece.shape[0] == N for piece in pieces)
    assert len({piece.shape[1] for piece in pieces}) == 3
    assert len(constraints) == 3  # none is longer than the tensor
    with pytest.raises(Refusal, match="value of a tensor") as caught:
        split.apply((Tensor((N, T)), Tensor((), DTYPES["int64"]), 1), {})
    assert caught.value.problem == "unknown-value"


@pytest.mark.parametrize(("name", "dim"), [("hsplit", 1), ("vsplit", 0), ("dsplit", 2)])
def test_halves_of_a_symbolic_size(name: str, dim: int) -> None:
    T = symbol("T")
    with collecting() as constraints:
        pieces = find_function(name).apply((Tensor(tuple(T if at == dim else 4 for at in range(3))), 2), {})
    assert [piece.shape[dim] for piece in pieces] == [T // 2, T // 2]
    assert [str(constraint) for constraint in constraints] == ["T % 2 == 0"]
    with collecting() as constraints:
        find_function(name).apply((Tensor(tuple(2 * T if at == dim else 4 for at in range(3))), 2), {})
    assert not constraints
