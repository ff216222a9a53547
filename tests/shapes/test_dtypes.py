"""Type promotion, against torch's own answers for every pair of dtypes and kinds of operand."""

from __future__ import annotations

import itertools

import pytest
import torch

from nnshape.shapes.dims import symbol
from nnshape.shapes.dtypes import DTYPES, ITEM_BYTES, promote, result_type
from nnshape.shapes.tensor import Tensor

NAMES = list(ITEM_BYTES)
NUMBERS = [True, 2, 2.5, 1j]


def torch_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def test_promotion_of_every_pair_is_torchs() -> None:
    for a, b in itertools.product(NAMES, NAMES):
        assert promote(a, b) == torch_name(torch.promote_types(getattr(torch, a), getattr(torch, b))), (a, b)


@pytest.mark.filterwarnings("ignore:ComplexHalf")
def test_item_bytes_and_aliases_are_torchs() -> None:
    for name in NAMES:
        assert torch.empty((), dtype=getattr(torch, name)).element_size() == ITEM_BYTES[name]
    for alias, dtype in DTYPES.items():
        assert torch_name(getattr(torch, alias)) == dtype


@pytest.mark.parametrize(("first", "second"), [((2,), (2,)), ((2,), ()), ((), (2,)), ((), ())])
def test_result_type_of_tensors_with_and_without_dimensions(first: tuple, second: tuple) -> None:
    for a, b in itertools.product(NAMES, NAMES):
        wanted = torch.result_type(
            torch.ones(first, dtype=getattr(torch, a)), torch.ones(second, dtype=getattr(torch, b))
        )
        assert result_type(Tensor(first, DTYPES[a]), Tensor(second, DTYPES[b])) == torch_name(wanted), (a, b)


@pytest.mark.parametrize("shape", [(2,), ()])
@pytest.mark.parametrize("number", NUMBERS)
def test_result_type_with_a_python_number(shape: tuple, number: complex) -> None:
    for name in NAMES:
        real, abstract = torch.ones(shape, dtype=getattr(torch, name)), Tensor(shape, DTYPES[name])
        wanted = torch_name(torch.result_type(real, number))
        assert result_type(abstract, number) == result_type(number, abstract) == wanted, (name, number)


def test_a_symbolic_size_counts_as_a_whole_number() -> None:
    assert result_type(Tensor((2,)), symbol("T")) == "float32"
    assert result_type(Tensor((2,), DTYPES["bool"]), symbol("T")) == "int64"
