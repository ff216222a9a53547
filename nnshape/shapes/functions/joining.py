"""Joining: https://pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.shapes.axes import axis
from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.dims import Size
from nnshape.shapes.dtypes import DType, result_type
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, Tensor, product

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Tensors, Whole

_ORDINALS = ("first", "second", "third", "fourth", "fifth")


def _ordinal(place: int) -> str:
    return f"the {_ORDINALS[place]} tensor" if place < len(_ORDINALS) else f"tensor {place + 1}"


def _joined_dtype(tensors: tuple[Tensor, ...]) -> DType:
    first = tensors[0].dtype
    return first if all(tensor.dtype is first for tensor in tensors) else result_type(*tensors)


def _require_some(tensors: Any, name: str) -> tuple[Tensor, ...]:
    if not tensors:
        words = "(): expected a non-empty list of Tensors" if name == "torch.cat" else " expects a non-empty TensorList"
        note = f"{name}{words}"
        raise Refusal("invalid-argument", "{layer} joins one or more tensors, but none arrives", "tensors", note=note)
    return tuple(tensors)


@function(example=("cat([x, x], 1)", "6x5x5"))
def cat(tensors: Tensors, dim: Whole = 0) -> Tensor:
    """Concatenates tensors along a dimension; all other sizes must be equal.

    tensors: the tensors to concatenate.
    dim: the dimension to concatenate along.
    """
    tensors = _require_some(tensors, "torch.cat")
    # torch skips empty 1D tensors, whatever the shape of the others.
    real = [(place, tensor) for place, tensor in enumerate(tensors) if tensor.shape != (0,)]
    dtype = _joined_dtype(tensors)
    for place, tensor in enumerate(tensors):
        if not tensor.shape:
            note = f"zero-dimensional tensor (at position {place}) cannot be concatenated"
            message = f"{{layer}} joins along a dimension, but {_ordinal(place)} is a single number: use stack instead"
            raise Refusal("wrong-rank", message, "tensors", note=note)
    if not real:  # then torch ignores dim
        return Tensor((0,), dtype)
    first_place, first = real[0]
    shape = first.shape
    place = axis(dim, shape)
    total: Size = shape[place]
    sizes = list(shape)
    for number, tensor in real[1:]:
        if len(tensor.shape) != len(shape):
            note = f"Tensors must have same number of dimensions: got {len(shape)} and {len(tensor.shape)}"
            message = (
                f"{{layer}} joins tensors of one rank, but {_ordinal(first_place)} is {first} "
                f"and {_ordinal(number)} {tensor}"
            )
            raise Refusal("wrong-rank", message, "tensors", note=note)
        for other, size in enumerate(tensor.shape):
            if other == place:
                total = total + size
            elif size is not sizes[other] and size != sizes[other]:
                if not assume_equal(sizes[other], size):
                    raise _uneven(first_place, first, number, tensor, other, place, dim)
                if type(size) is int:
                    sizes[other] = size
    sizes[place] = total
    return Tensor(tuple(sizes), dtype)


def _uneven(
    place_of_one: int, first: Tensor, number: int, other: Tensor, place: int, joined: int, dim: Size
) -> Refusal:
    """`skip is 57 high, up is 56; cat joins dim 1 only`."""
    shape = first.shape
    one, two = shape[place], other.shape[place]
    words = {len(shape) - 2: " high", len(shape) - 1: " wide"} if len(shape) == 4 else {}
    word = words.get(place, f" in dim {place}")
    message = f"{{one}} is {one}{word}, {{other}} is {two}; cat joins dim {dim} only"
    note = (
        f"Sizes of tensors must match except in dimension {joined}. "
        f"Expected size {one} but got size {two} for tensor number {number} in the list."
    )
    names = {"one": (first, _ordinal(place_of_one)), "other": (other, _ordinal(number))}
    return Refusal(
        "size-mismatch",
        message,
        "tensors",
        note=note,
        arrived=two,
        wanted=one,
        tensor=other,
        dims=(place,),
        names=names,
    )


for _name in ("concat", "concatenate"):
    function(name=_name, example=(f"{_name}([x, x], 1)", "6x5x5"))(cat.rule)


@function(example=("stack([x, x])", "6x5x5"))
def stack(tensors: Tensors, dim: Whole = 0) -> Tensor:
    """Stacks tensors of equal shape along a new dimension.

    tensors: the tensors to stack.
    dim: the index of the new dimension.
    """
    tensors = _require_some(tensors, "stack")
    place = axis(dim, tensors[0].shape, extra=1)
    shape = _common_shape(tensors)
    return Tensor((*shape[:place], len(tensors), *shape[place:]), _joined_dtype(tensors))


def _common_shape(tensors: tuple[Tensor, ...]) -> Shape:
    shape = tensors[0].shape
    for number, tensor in enumerate(tensors[1:], 1):
        same = len(tensor.shape) == len(shape)
        if not same or not all(assume_equal(a, b) for a, b in zip(shape, tensor.shape, strict=True)):
            note = (
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 "
                f"and {list(tensor.shape)} at entry {number}"
            )
            message = (
                f"{{layer}} wants tensors of one shape, but the first is {tensors[0]} and {_ordinal(number)} {tensor}"
            )
            raise Refusal("size-mismatch" if same else "wrong-rank", message, "tensors", note=note)
    return shape


def _at_least(rank: int, tensors: Any, name: str) -> tuple[Tensor, ...]:
    """The tensors after torch's atleast_1d, 2d or 3d."""
    return tuple(tensor.like(with_rank(tensor.shape, rank)) for tensor in _require_some(tensors, name))


def with_rank(shape: Shape, rank: int) -> Shape:
    """The shape with dimensions of size 1 added, up to this rank."""
    if rank == 3 and len(shape) == 2:
        return (*shape, 1)
    if rank == 3 and len(shape) == 1:
        return (1, *shape, 1)
    return (1,) * (rank - len(shape)) + shape


@function(example=("hstack([x, x])", "6x5x5"))
def hstack(tensors: Tensors) -> Tensor:
    """Concatenates tensors horizontally: along dimension 1, or 0 for 1D tensors."""
    tensors = _at_least(1, tensors, "hstack")
    return cat.rule(tensors, 0 if len(tensors[0].shape) == 1 else 1)  # type: ignore[no-any-return]


@function(example=("vstack([x, x])", "6x5x5"))
def vstack(tensors: Tensors) -> Tensor:
    """Concatenates tensors vertically, along dimension 0; 1D tensors become rows."""
    return cat.rule(_at_least(2, tensors, "vstack"), 0)  # type: ignore[no-any-return]


function(name="row_stack", example=("row_stack([x, x])", "6x5x5"))(vstack.rule)


@function(example=("dstack([x, x])", "6x5x5"))
def dstack(tensors: Tensors) -> Tensor:
    """Concatenates tensors in depth, along dimension 2."""
    return cat.rule(_at_least(3, tensors, "dstack"), 2)  # type: ignore[no-any-return]


@function(example=("column_stack([x, x])", "6x5x5"))
def column_stack(tensors: Tensors) -> Tensor:
    """Concatenates tensors as columns; 1D tensors become columns first."""
    columns = tuple(
        tensor if len(tensor.shape) > 1 else tensor.like((product(tensor.shape), 1))
        for tensor in _require_some(tensors, "column_stack")
    )
    return cat.rule(columns, 1)  # type: ignore[no-any-return]
