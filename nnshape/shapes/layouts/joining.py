"""Joining: the result is channels-last where every tensor is, else contiguous.

`cat` and `stack` in ATen/native/TensorShape.cpp.
"""

from __future__ import annotations

from collections.abc import Sequence

from nnshape.shapes.axes import axis
from nnshape.shapes.layouts.applied import Applied, UnknownLayout, lays_out
from nnshape.shapes.layouts.formats import is_channels_last, suggested_strides
from nnshape.shapes.layouts.layout import Layout, contiguous_layout, new_layout
from nnshape.shapes.layouts.viewing import view_strides
from nnshape.shapes.tensor import Shape, Tensor


def _channels_last(parts: Sequence[tuple[Shape, Shape]]) -> bool:
    return all(is_channels_last(shape, strides) for shape, strides in parts)


def _parts(applied: Applied) -> list[tuple[Shape, Shape]]:
    return [(tensor.shape, applied.layout(tensor).strides) for tensor in applied.operands]


@lays_out("cat concat concatenate vstack row_stack hstack dstack column_stack")
def cat(applied: Applied) -> Layout:
    """In the memory format that all parts suggest."""
    output: Tensor = applied.result
    parts = _parts(applied)
    alike = all(len(shape) == output.ndim for shape, _ in parts)
    last = alike and output.ndim in (4, 5) and _channels_last(parts)
    return new_layout(output.shape, output.dtype, suggested_strides(output.shape, last))


@lays_out("stack")
def stack(applied: Applied) -> Layout:
    """Joined along the dimension, which is then split by a view; at the end, joined with a new dimension of 1."""
    output: Tensor = applied.result
    parts = _parts(applied)
    rank = output.ndim - 1
    place = axis(applied["dim"], parts[0][0], extra=1)
    if place == rank:
        ended = [((*shape, 1), (*strides, 1)) for shape, strides in parts]
        last = output.ndim in (4, 5) and _channels_last(ended)
        return new_layout(output.shape, output.dtype, suggested_strides(output.shape, last))
    if rank not in (4, 5) or not _channels_last(parts):
        return contiguous_layout(output)
    shape = parts[0][0]
    joined = (*shape[:place], shape[place] * len(parts), *shape[place + 1 :])
    strides = view_strides(joined, suggested_strides(joined, True), output.shape)
    if strides is None:
        raise UnknownLayout
    return new_layout(output.shape, output.dtype, strides)
