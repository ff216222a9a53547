"""Finds reshapes that mix samples, scramble a sample, or cut samples into rows of the batch."""

from __future__ import annotations

from typing import Any

from nnshape.shapes.dims import Size
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.regrouping import Swap, swap_of
from nnshape.shapes.tensor import N, Shape, Tensor, product, sizes_text, tensors_in
from nnshape.tracing.model import Operation
from nnshape.tracing.runtime_sizes import plain
from nnshape.tracing.samples.flow import (
    BatchLayout,
    batch_dim,
    bracketed,
    function_of,
    input_of,
    layout_of,
    share_of,
    source_of,
    split,
)


def look(operation: Operation) -> Refusal | None:
    """Return the warning for a reshape that is probably a mistake, or None."""
    tensor, result = input_of(operation), operation.result
    if tensor is None or not isinstance(result, Tensor) or tensor.shape == result.shape:
        return None
    start = batch_dim(tensor.shape)
    if start is None or _keeps(tensor.shape, result.shape, start):
        return None
    place = batch_dim(result.shape)
    if place is None:
        return None
    before = layout_of(tensor)
    swap = swap_of(tensor.shape, result.shape)
    if before is not None and _mixes(before, tensor.shape, place, result.shape):
        return _mixed(tensor.shape, result.shape, swap or _unfolded(before, tensor.shape, result.shape))
    if swap is not None and not _shifts(tensor):
        if before is None and _moves(swap, start):
            return None
        one, two = _told(tensor.shape, result.shape)
        message = f"{{layer}} scrambles each sample: a reshape of {one} to {two} does not swap dimensions"
        return Refusal("scrambled", message, wanted=swap)
    return None if before is None else _cut(operation, before, tensor.shape, place, result.shape)


def _keeps(shape: Shape, result: Shape, dim: int) -> bool:
    """Whether a reshape only splits one dimension, or joins some, and leaves the batch and all before it alone."""
    ahead, most = 0, min(len(shape), len(result))
    while ahead < most and shape[ahead] == result[ahead]:
        ahead += 1
    behind = 0
    while behind < most - ahead and shape[-1 - behind] == result[-1 - behind]:
        behind += 1
    return dim < ahead and most - ahead - behind <= 1


def _mixes(before: BatchLayout, shape: Shape, place: int, result: Shape) -> bool:
    """Return whether a row of the batch in the result has elements of several samples."""
    share, stride, row = share_of(result[place]), before.stride(shape), product(result[place + 1 :])
    if share == 1:
        return before.blocks(shape) != product(result[:place]) and stride != row
    # Where samples have no equal shares, as in N//25, the reshape runs at some batches only, which is told apart.
    if type(stride) is not int or type(row) is not int:
        return False
    return type(share) is int and split(before, shape, place, result) is None


def _mixed(shape: Shape, result: Shape, swap: Swap | None) -> Refusal:
    one, two = bracketed(shape), bracketed(result)
    if swap is None:
        message = f"{{layer}} mixes the samples: a reshape of {one} to {two} cuts across the batch"
    else:
        message = f"{{layer}} mixes the samples: a reshape of {one} to {two} does not swap dimensions"
    return Refusal("mixes-samples", message, wanted=swap)


def _unfolded(before: BatchLayout, shape: Shape, result: Shape) -> Swap | None:
    """The swap after a split of a joined dimension in its own order: `[20*N, 4]` to `[20, N, 4]` for `[N, 20, 4]`."""
    parts = tuple(size for size in (before.outer, N, before.inner) if size != 1)
    whole = (*shape[: before.dim], *parts, *shape[before.dim + 1 :])
    swap = swap_of(whole, result)
    if len(parts) == 1 or swap is None or not swap.alone:
        return None
    return Swap(swap.order, split=tuple(swap.order.index(place) for place in range(len(whole))))


def _moves(swap: Swap, dim: int) -> bool:
    """Return whether a swap moves a dimension of the input."""
    return bool(swap.split) or swap.order[dim] != dim


def _shifts(tensor: Tensor) -> bool:
    """Return whether a view shifts each row by one after padding a column, as for relative positions."""
    operation = source_of(tensor)
    if function_of(operation) in ("getitem", "narrow"):
        view = _source_of_input(operation)
        if function_of(view) not in ("view", "reshape"):
            return False
        operation = _source_of_input(view)
    if operation is None or function_of(operation) not in _PADS or not isinstance(operation.result, Tensor):
        return False
    wider = operation.result.shape
    return any(
        len(part.shape) == len(wider) and part.shape[:-1] == wider[:-1] and wider[-1] - part.shape[-1] == 1
        for part in tensors_in((operation.arguments, operation.keywords))
    )


def _source_of_input(operation: Operation | None) -> Operation | None:
    tensor = None if operation is None else input_of(operation)
    return None if tensor is None else source_of(tensor)


_PADS = ("pad", "cat", "concat", "concatenate")


def _cut(operation: Operation, before: BatchLayout, shape: Shape, place: int, result: Shape) -> Refusal | None:
    """Return the warning for a -1 that counts pieces of a sample as rows of the batch, or None."""
    share = share_of(result[place])
    sizes = written_sizes(operation)
    if share in (None, 1) or place >= len(sizes) or sizes[place] != -1 or before.blocks(shape) != 1:
        return None
    row: Size = product(result[place + 1 :])
    if any(product(shape[after:]) == row for after in range(len(shape) + 1)):
        return None
    sample = sizes_text(shape[before.dim + 1 :])
    message = f"{{layer}} cuts each sample: {sample} becomes {share} rows of {sizes_text(result[place + 1 :])}"
    return Refusal("swallows-batch", f"{message}, and -1 is {result[place]}, not N", "shape")


def written_sizes(operation: Operation) -> tuple[Any, ...]:
    """Return the arguments of a view or reshape, -1 included; empty for other functions."""
    if function_of(operation) not in ("view", "reshape"):
        return ()
    sizes = (*plain(operation.arguments[1:]), *plain(tuple(operation.keywords.values())))
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes


def _told(shape: Shape, result: Shape) -> tuple[str, str]:
    """Both shapes as a person writes them: per sample if N leads both."""
    if len(shape) > 1 and len(result) > 1 and shape[0] == N == result[0]:
        return sizes_text(shape[1:]), sizes_text(result[1:])
    return bracketed(shape), bracketed(result)
