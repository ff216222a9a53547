"""Views with strides that are given as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.shapes.constraints import assume_at_least
from nnshape.shapes.dims import Size
from nnshape.shapes.dtypes import ITEM_BYTES
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, Tensor, product, shape_text

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Whole, WholeTuple


@function(method=True, example=("as_strided((5, 2), (1, 3))", "[6, 5]"))
def as_strided(input: Tensor, size: WholeTuple, stride: WholeTuple, storage_offset: Whole | None = None) -> Tensor:
    """Returns a view of the same memory with the given size and strides, which may overlap.

    size: the shape of the view.
    stride: the strides of the view, in elements.
    storage_offset: the place of its first element in the memory; that of the input by default.
    """
    if len(size) != len(stride):
        message = f"as_strided wants a stride for each size, but {len(stride)} arrive for {len(size)}"
        raise Refusal("invalid-argument", message, "stride", note="mismatch in length of strides and shape")
    for step in stride:
        if not assume_at_least(step, 0):
            note = f"as_strided: Negative strides are not supported at the moment, got strides: {list(stride)}"
            raise Refusal("invalid-argument", f"a stride cannot be negative: {list(stride)}", "stride", note=note)
    for one in size:
        if not assume_at_least(one, 0):
            note = f"Storage size calculation overflowed with sizes={list(size)} and strides={list(stride)}"
            raise Refusal("invalid-argument", f"a size cannot be negative: {list(size)}", "size", note=note)
    if storage_offset is not None and not assume_at_least(storage_offset, 0):
        message = f"a place in memory cannot be negative: {storage_offset}"
        note = f"Tensor: invalid storage offset {storage_offset}"
        raise Refusal("invalid-argument", message, "storage_offset", note=note)
    if input.producer is None:  # a new tensor; `layouts.requirements` checks any other
        start = 0 if storage_offset is None else storage_offset
        check_bounds(input, size, stride, start, product(input.shape) * ITEM_BYTES[input.dtype])
    return input.like(size)


def check_bounds(input: Tensor, size: Shape, stride: Shape, start: Size, bytes: Size) -> None:
    """Raise Refusal (index-error) if a view from this element on ends outside its memory of so many bytes."""
    if any(type(one) is int and one == 0 for one in size):
        return
    item = ITEM_BYTES[input.dtype]
    end = start + 1
    for one, step in zip(size, stride, strict=True):
        end = end + (one - 1) * step
    if assume_at_least(bytes // item, end):
        return
    message = (
        f"a view of {shape_text(size)} with strides ({', '.join(map(str, stride))}) ends at element {end}, but the "
        f"memory of {shape_text(input.shape)} has {bytes // item}"
    )
    note = (
        f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {start}, and itemsize {item} "
        f"requiring a storage size of {item * end} are out of bounds for storage of size {bytes}"
    )
    raise Refusal("index-error", message, "size", note=note)
