"""Memory formats: https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch.memory_format."""

from __future__ import annotations

from nnshape.shapes.layouts.layout import contiguous_strides, dense_strides, is_dense_in_order, is_one, less, same
from nnshape.shapes.tensor import Shape


def channels_last_order(rank: int) -> tuple[int, ...]:
    """The dimensions of a channels-last tensor from the innermost."""
    return (1, *range(rank - 1, 1, -1), 0)


def channels_last_strides(shape: Shape) -> Shape:
    """The strides of a channels-last tensor."""
    return dense_strides(shape, channels_last_order(len(shape)))


def is_channels_last(shape: Shape, strides: Shape) -> bool:
    """Whether torch's `suggest_memory_format` gives channels-last. Raises Undecided.

    `is_channels_last_strides_2d_s4` in c10/core/MemoryFormat.h, and the same for 3d.
    """
    if len(shape) not in (4, 5):
        return False
    if type(strides[1]) is int and strides[1] == 0:
        return False
    least = 0
    for place in channels_last_order(len(shape)):
        size, step = shape[place], strides[place]
        if type(size) is int and size == 0:
            return False
        if less(step, least):
            return False
        if place == 0 and same(least, strides[1]):
            return False
        least = step if is_one(size) else step * size  # type: ignore[assignment]
    return True


def suggested_strides(shape: Shape, channels_last: bool) -> Shape:
    """The strides of a new tensor in one of the two formats."""
    return channels_last_strides(shape) if channels_last else contiguous_strides(shape)


def is_channels_last_contiguous(shape: Shape, strides: Shape) -> bool:
    """Torch's `is_contiguous(memory_format=torch.channels_last)`, or of three dimensions."""
    return len(shape) in (4, 5) and is_dense_in_order(shape, strides, channels_last_order(len(shape)))
