"""`Layout`: the strides of a tensor, and its block of memory.

Sizes may be symbols. torch treats sizes of 1 differently in most decisions on strides, so a symbol counts as
2 or more here. A decision that differs between such sizes raises `Undecided`, and the layout is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from nnshape.records import dataclass
from nnshape.shapes.dims import Size, at_least, equal, substitute, symbol, symbols_of
from nnshape.shapes.dtypes import ITEM_BYTES, DType
from nnshape.shapes.tensor import Shape, Tensor, product

#: The modes of a model. torch uses other kernels without gradients, and in evaluation.
Mode: TypeAlias = Literal["training", "evaluation", "evaluation without gradients"]
MODES: tuple[Mode, ...] = ("training", "evaluation", "evaluation without gradients")


#: The layouts of several tensors, in the order of `tensors_in`; None is unknown.
Layouts: TypeAlias = "tuple[Layout | None, ...]"


class Undecided(Exception):
    """A layout depends on the values of symbols."""


@dataclass(frozen=True, slots=True)
class Storage:
    """A block of memory. Two layouts share it if they have the same `owner` object."""

    owner: object
    bytes: Size


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of a tensor's elements in memory. `strides` and `offset` count elements, as in torch."""

    strides: Shape
    offset: Size
    storage: Storage

    def view(self, strides: Sequence[Size], offset: Size = 0) -> Layout:
        """The same memory with other strides, starting `offset` elements later."""
        return Layout(tuple(strides), self.offset + offset, self.storage)


def new_layout(shape: Shape, dtype: DType, strides: Sequence[Size], owner: object = None) -> Layout:
    """A layout with these strides in new memory, or in that of `owner`."""
    return Layout(tuple(strides), 0, Storage(owner or object(), product(shape) * ITEM_BYTES[dtype]))


def contiguous_layout(tensor: Tensor, owner: object = None) -> Layout:
    """A contiguous layout in new memory, or in that of `owner`."""
    return new_layout(tensor.shape, tensor.dtype, contiguous_strides(tensor.shape), owner)


def contiguous_strides(shape: Shape) -> Shape:
    """The strides of a contiguous tensor; a size of 0 counts as 1, as in torch."""
    return dense_strides(shape, range(len(shape) - 1, -1, -1))


def dense_strides(shape: Shape, order: Sequence[int]) -> Shape:
    """The strides of a tensor without gaps and with its dimensions in this order, from the innermost."""
    strides: list[Size] = [1] * len(shape)
    step: Size = 1
    for place in order:
        strides[place] = step
        size = shape[place]
        if size != 0:
            step = step * size
    return tuple(strides)


def _raised(size: Size) -> Size:
    """The size with each symbol one larger: a condition on it for symbols >= 1 is one on `size` for symbols >= 2."""
    return substitute(size, {name: symbol(name) + 1 for name in symbols_of(size)})


def same(left: Size, right: Size) -> bool:
    """Whether two numbers of elements are equal. Raises Undecided."""
    if type(left) is int and type(right) is int:
        return left == right
    answer = equal(left, right)
    if answer is None:
        answer = equal(_raised(left), _raised(right))
    if answer is None:
        raise Undecided
    return answer


def less(left: Size, right: Size) -> bool:
    """Whether one number of elements is smaller than another. Raises Undecided."""
    if type(left) is int and type(right) is int:
        return left < right
    answer = at_least(left, right)
    if answer is None:
        answer = at_least(_raised(left), _raised(right))
    if answer is None:
        raise Undecided
    return not answer


def is_one(size: Size) -> bool:
    """Whether a size is 1. Raises Undecided."""
    return size == 1 if type(size) is int else same(size, 1)


def is_empty(shape: Shape) -> bool:
    """Whether the shape has no elements. A symbol is never 0."""
    return any(type(size) is int and size == 0 for size in shape)


def is_dense_in_order(shape: Shape, strides: Shape, order: Sequence[int]) -> bool:
    """Whether the elements have no gaps in this order of dimensions, from the innermost."""
    step: Size = 1
    for place in order:
        size = shape[place]
        # Where the stride fits already, nobody needs to know whether a symbolic size is 1.
        if strides[place] != step:
            if is_one(size):
                continue
            if not same(strides[place], step):
                return False
        step = step * size
    return True


def is_contiguous(shape: Shape, strides: Shape) -> bool:
    """Torch's `is_contiguous()`."""
    return is_empty(shape) or is_dense_in_order(shape, strides, range(len(shape) - 1, -1, -1))


def is_plain(shape: Shape, strides: Shape) -> bool:
    """Whether the strides are those of a new contiguous tensor, of sizes of 1 too."""
    return strides == contiguous_strides(shape)


def is_dense(shape: Shape, strides: Shape) -> bool:
    """Torch's `is_non_overlapping_and_dense`: the elements fill a range of memory, without gaps or overlaps."""
    if is_contiguous(shape, strides):
        return True
    if is_empty(shape):
        return True
    wide = [place for place, size in enumerate(shape) if not is_one(size)]
    order = by_stride(wide, strides)
    return is_dense_in_order(shape, strides, order)


def by_stride(places: list[int], strides: Shape) -> list[int]:
    """The dimensions by ascending stride; equal strides keep their order. Raises Undecided."""
    order: list[int] = []
    for place in places:
        at = len(order)
        while at and less(strides[place], strides[order[at - 1]]):
            at -= 1
        order.insert(at, place)
    return order


def overlaps_itself(shape: Shape, strides: Shape) -> bool:
    """Whether torch sees that one place in memory holds several elements: a dimension of 2 or more with stride 0."""
    if is_empty(shape):
        return False
    return any(type(step) is int and step == 0 and not is_one(size) for size, step in zip(shape, strides, strict=True))
