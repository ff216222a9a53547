"""Type promotion, against torch's own answers for every pair of dtypes and kinds of operand."""

from __future__ import annotations

import itertools
import re

import pytest
import torch

import nnshape
from nnshape.calculator.one_step import one_step
from nnshape.shapes.dims import symbol
from nnshape.shapes.dtypes import ALIASES, DTYPES, FLOAT8, ITEM_BYTES, STORED, fits, promote, result_type
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor

pytestmark = pytest.mark.filterwarnings("ignore:ComplexHalf")

NAMES = [name for name in ITEM_BYTES if name not in STORED]
NUMBERS = [True, 2, 2.5, 1j]


def torch_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def test_promotion_of_every_pair_is_torchs() -> None:
    for a, b in itertools.product(NAMES, NAMES):
        assert promote(a, b) == torch_name(torch.promote_types(getattr(torch, a), getattr(torch, b))), (a, b)


def test_item_bytes_and_aliases_are_torchs() -> None:
    for name in ITEM_BYTES:
        assert getattr(torch, name).itemsize == ITEM_BYTES[name]
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


#: Dtypes of torch that only its C++ code knows what to do with.
_SHELLS = re.compile(r"u?int[1-7]|bits\d+(x\d)?|float4_e2m1fn_x2")


def test_every_dtype_of_torch_is_in_the_table() -> None:
    own = {torch_name(value) for value in vars(torch).values() if isinstance(value, torch.dtype)}
    assert {name for name in own if not _SHELLS.fullmatch(name)} == set(ITEM_BYTES)
    assert set(ALIASES.values()) <= set(ITEM_BYTES)


def test_a_stored_dtype_is_promoted_with_none_but_itself() -> None:
    for a, b in itertools.product(STORED, ITEM_BYTES):
        if a == b:
            assert promote(a, b) == a
        else:
            with pytest.raises(Refusal, match="convert one of them"):
                promote(a, b)


@pytest.mark.parametrize("name", sorted(FLOAT8))
def test_the_largest_number_of_a_small_float_is_torchs(name: str) -> None:
    largest = torch.finfo(getattr(torch, name)).max
    assert fits(largest, name)
    assert not fits(2 * largest, name)


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "uint64", *sorted(FLOAT8)])
@pytest.mark.parametrize("step", [
    "x.reshape(N, 24)", "x.permute(0, 2, 1)", "cat((x, x), 1)", "stack((x, x))", "x[:, 1:]", "x.flip(1)",
    "x.tile(1, 2, 1)", "x.float()", "x.to(float64)", "x.clone()", "x.unsqueeze(1)", "x.expand(N, 4, 6)",
    "x.repeat(1, 2, 1)", "x.movedim(1, 2)", "x.select(1, 0)", "full((2,), 1, dtype=x.dtype)", "x.float() * x.numel()",
    "zeros_like(x)", "x.new_ones(3)", "Flatten()(x)", "x.contiguous()", "ones(2).to(x.dtype)", "x.squeeze(1)",
    "x.roll(1, 1)", "x.split(2, 1)", "x.diagonal(0, 1, 2)",
])  # fmt: skip
def test_what_moves_a_stored_tensor_gives_what_torch_gives(step: str, dtype: str) -> None:
    model = nnshape.trace(one_step(step, [f"x={dtype}[N, 4, 6]"]))
    assert not model.errors
    real = eval(
        step,
        {**vars(torch), "Flatten": torch.nn.Flatten, "N": 2, "x": torch.empty(2, 4, 6, dtype=getattr(torch, dtype))},
    )
    one, other = (value[0] if isinstance(value, tuple) else value for value in (model.output, real))
    if isinstance(other, torch.Tensor):
        shape = [2 if str(size) == "N" else size for size in one.shape]
        assert (shape, one.dtype) == (list(other.shape), torch_name(other.dtype))


@pytest.mark.parametrize("dtype", sorted(STORED))
@pytest.mark.parametrize("step", ["Linear(4, 2)", "x + 1", "relu(x)", "x @ x", "x.sum()", "Conv1d(4, 4, 1)", "x * x"])
def test_what_has_no_rule_for_a_stored_tensor_says_so(step: str, dtype: str) -> None:
    (problem,) = nnshape.trace(f"input: '{dtype}[N, 4, 4]'\nlayers:\n  a: {step}\n").problems
    assert problem.kind == "wrong-dtype"
    assert dtype in problem.message
    assert problem.span is not None


@pytest.mark.parametrize("dtype", sorted(STORED))
def test_no_layer_has_parameters_of_a_stored_dtype(dtype: str) -> None:
    (problem,) = nnshape.trace(f"input: 4\nlayers:\n  a: Linear(4, 2, dtype={dtype})\n").problems
    assert (problem.kind, problem.span.text) == ("wrong-dtype", f"Linear(4, 2, dtype={dtype})")
