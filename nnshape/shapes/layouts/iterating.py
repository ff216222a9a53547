"""The strides that torch's TensorIterator gives the result of an elementwise operation.

It keeps the order of dimensions of its operands: `TensorIteratorBase::reorder_dimensions` and `fast_set_up` in
ATen/TensorIterator.cpp.
"""

from __future__ import annotations

from collections.abc import Sequence

from nnshape.shapes.dims import Size
from nnshape.shapes.layouts.formats import channels_last_order
from nnshape.shapes.layouts.layout import (
    contiguous_strides,
    dense_strides,
    is_contiguous,
    is_dense,
    is_dense_in_order,
    is_empty,
    is_one,
    less,
    same,
)
from nnshape.shapes.tensor import Shape

#: The shape and strides of an operand.
Operand = tuple[Shape, Shape]


def elementwise_strides(shape: Shape, operands: Sequence[Operand]) -> Shape:
    """The strides of a new result of this shape, from those of the operands that broadcast to it.

    Raises Undecided.
    """
    alike = all(_same_shape(own, shape) for own, _ in operands)
    if alike:
        if all(is_contiguous(*operand) for operand in operands):
            return contiguous_strides(shape)
        if len(shape) == 4 and all(_is_channels_last(*operand) for operand in operands):
            return dense_strides(shape, channels_last_order(4))
        first = operands[-1][1]
        if all(is_dense(*operand) for operand in operands) and all(
            all(map(same, strides, first)) for _, strides in operands
        ):
            return first
    order = _order(shape, [_broadcast(shape, *operand) for operand in operands])
    if order == list(range(len(shape) - 1, -1, -1)):
        return contiguous_strides(shape)
    return _compatible(shape, order)


def dense_like(shape: Shape, strides: Shape) -> Shape:
    """The strides of `empty_like`: the same without gaps, otherwise dense in the same order. Raises Undecided."""
    if is_dense(shape, strides):
        return strides
    return dense_strides(shape, _order(shape, [strides]))


def _same_shape(one: Shape, other: Shape) -> bool:
    return len(one) == len(other) and all(map(same, one, other))


def _is_channels_last(shape: Shape, strides: Shape) -> bool:
    return is_empty(shape) or is_dense_in_order(shape, strides, channels_last_order(4))


def _broadcast(shape: Shape, own: Shape, strides: Shape) -> Shape:
    """The strides of an operand in the shape of the result: 0 in a dimension that is broadcast."""
    ahead = len(shape) - len(own)
    broadcast = (
        0 if size != whole and is_one(size) and not is_one(whole) else step
        for size, whole, step in zip(own, shape[ahead:], strides, strict=True)
    )
    return ((0,) * ahead) + tuple(broadcast)


def _order(shape: Shape, operands: Sequence[Shape]) -> list[int]:
    """The dimensions from the innermost, as torch sorts them by the strides of the operands."""

    def should_swap(inner: int, outer: int) -> int:
        for strides in operands:
            one, two = strides[inner], strides[outer]
            if (type(one) is int and one == 0) or (type(two) is int and two == 0):
                continue
            if not same(one, two):
                return -1 if less(one, two) else 1
            if less(shape[outer], shape[inner]):
                return 1
        return 0

    order = list(range(len(shape) - 1, -1, -1))
    for place in range(1, len(order)):
        at = place
        for before in range(place - 1, -1, -1):
            verdict = should_swap(order[before], order[at])
            if verdict > 0:
                order[before], order[at] = order[at], order[before]
                at = before
            elif verdict < 0:
                break
    return order


def _compatible(shape: Shape, order: Sequence[int]) -> Shape:
    """Dense strides in this order; unlike in `dense_strides`, the strides outside of a size of 0 are 0."""
    strides: list[Size] = [1] * len(shape)
    step: Size = 1
    for place in order:
        strides[place] = step
        step = step * shape[place]
    return tuple(strides)
