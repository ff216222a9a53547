"""Locates the batch in a tensor: alone in a dimension, or merged with other dimensions in a known order."""

from __future__ import annotations

from functools import lru_cache

from nnshape.records import dataclass
from nnshape.shapes.dims import Dim, Size, divisible, symbols_of
from nnshape.shapes.function import Function
from nnshape.shapes.tensor import N, Shape, Tensor, product, tensors_in
from nnshape.tracing.model import BodyInput, Module, Operation
from nnshape.work import spend

#: Maximum number of operations to go back, and the units of work for each.
_MAX_BACK = 200
_BACK = 5

#: The functions that only split and merge dimensions.
RESHAPES = frozenset({
    "flatten", "ravel", "reshape", "reshape_as", "squeeze", "unflatten", "unsqueeze", "view", "view_as",
})  # fmt: skip
_REPEATS = frozenset({"repeat", "tile"})
_JOINS = frozenset({"cat", "concat", "concatenate"})


@dataclass(frozen=True, slots=True)
class BatchLayout:
    """The dimension that holds the batch, with its size as `outer * N * inner`, in this order."""

    dim: int
    outer: Size
    inner: Size

    def stride(self, shape: Shape) -> Size:
        """Return the number of consecutive elements that belong to one sample."""
        return self.inner * product(shape[self.dim + 1 :])

    def blocks(self, shape: Shape) -> Size:
        """Return how many times all samples are repeated in memory order: 1 if N is outermost."""
        return product(shape[: self.dim]) * self.outer


def holds_batch(size: Size) -> bool:
    """Return whether a size contains N."""
    return isinstance(size, Dim) and _has_batch(size)


@lru_cache(maxsize=1024)
def _has_batch(size: Dim) -> bool:
    return "N" in symbols_of(size)


def batch_dim(shape: Shape) -> int | None:
    """Return the only dimension whose size contains N, or None if there is none or several."""
    found = None
    for place, size in enumerate(shape):
        if type(size) is not int and holds_batch(size):
            if found is not None:
                return None
            found = place
    return found


def share_of(size: Size) -> Size | None:
    """Return the number of rows per sample of a size, such as 20 for `20*N`; None if N does not divide it."""
    if size == N:
        return 1
    if divisible(size, N) is not True:
        return None
    share = size // N
    return None if holds_batch(share) else share


def source_of(tensor: Tensor) -> Operation | None:
    """Return the operation of a function or layer that made a tensor, inside blocks too; None for an input."""
    for _ in range(_MAX_BACK):
        spend(1)
        producer = tensor.producer
        if isinstance(producer, BodyInput):
            outside = producer.outside(tensor)
            if outside is None:
                return None
            tensor = outside
        elif isinstance(producer, Operation):
            if producer.run is None:
                return producer
            inner = list(tensors_in(producer.run.output))
            if tensor.index >= len(inner):
                return None
            tensor = inner[tensor.index]
        else:
            return None
    return None


def function_of(operation: Operation | None) -> str:
    """Return the name of the function that an operation computes, without the `_` of an in-place one; else empty."""
    target = operation.target if operation is not None else None
    if isinstance(target, Module):
        target = None if target.layer is None else target.layer.functional
    return target.name.removesuffix("_") if isinstance(target, Function) else ""


def bracketed(shape: Shape) -> str:
    """Return the text of a shape with its batch: `[N, 10]`."""
    return f"[{', '.join(map(str, shape))}]"


def input_of(operation: Operation) -> Tensor | None:
    """Return the first argument of an operation if it is a tensor, or None."""
    first = operation.arguments[0] if operation.arguments else next(iter(operation.keywords.values()), None)
    return first if isinstance(first, Tensor) else None


def layout_of(tensor: Tensor, left: int = _MAX_BACK) -> BatchLayout | None:
    """Return the layout of the batch in a tensor; None if it is in no dimension, in several, or in an unknown order.

    The order of a dimension such as `20*N` follows from the operations that made it.
    """
    place = batch_dim(tensor.shape)
    if place is None:
        return None
    size = tensor.shape[place]
    share = share_of(size)
    if share == 1:
        return BatchLayout(place, 1, 1)
    if share is None:
        return None
    while left > 0:
        left -= 1
        spend(_BACK)
        operation = source_of(tensor)
        if operation is None:
            return None
        same = None if function_of(operation) in RESHAPES else _input_of_size(operation, size)
        if same is None:
            order = _joined(operation, size, left)
            return None if order is None else BatchLayout(place, *order)
        tensor = same
    return None


def joined_by(tensor: Tensor) -> Operation | None:
    """Return the operation that gave the dimension of the batch its size, or None if unknown."""
    place = batch_dim(tensor.shape)
    for _ in range(_MAX_BACK if place is not None else 0):
        spend(_BACK)
        operation = source_of(tensor)
        if operation is None or place is None:
            return None
        same = _input_of_size(operation, tensor.shape[place])
        if same is None or (function_of(operation) in RESHAPES and _order(same) != _order(tensor)):
            return operation
        tensor, place = same, batch_dim(same.shape)
    return None


def _order(tensor: Tensor) -> tuple[Size, Size] | None:
    layout = layout_of(tensor)
    return None if layout is None else (layout.outer, layout.inner)


def _sources(operation: Operation) -> list[tuple[Tensor, int]]:
    """Return the inputs of an operation with the batch in one dimension, each with that dimension."""
    tensors = tensors_in((operation.arguments, operation.keywords))
    return [(tensor, place) for tensor in tensors if (place := batch_dim(tensor.shape)) is not None]


def _input_of_size(operation: Operation, size: Size) -> Tensor | None:
    """Return the input of an operation whose dimension of the batch already has this size, or None."""
    return next((tensor for tensor, place in _sources(operation) if tensor.shape[place] == size), None)


def _joined(operation: Operation, size: Size, left: int) -> tuple[Size, Size] | None:
    """Return `outer` and `inner` of the dimension of the batch that an operation made, or None if unknown."""
    sources = _sources(operation)
    result = operation.result
    if not sources or not isinstance(result, Tensor):
        return None
    tensor, place = sources[0]
    before = layout_of(tensor, left)
    after = batch_dim(result.shape)
    if before is None or after is None:
        return None
    name = function_of(operation)
    if name in RESHAPES:
        return split(before, tensor.shape, after, result.shape)
    times = size // tensor.shape[place]
    if tensor.shape[place] * times != size:
        return None
    if name in _REPEATS or (name in _JOINS and len({tensor.shape for tensor, _ in sources}) == 1):
        return times * before.outer, before.inner
    if name == "repeat_interleave":
        return before.outer, before.inner * times
    return None


def split(before: BatchLayout, shape: Shape, dim: int, result: Shape) -> tuple[Size, Size] | None:
    """Return `outer` and `inner` of the batch in the result of a reshape; None if a row holds several samples."""
    share = share_of(result[dim])
    if share is None:
        return None
    stride, step = before.stride(shape), product(result[dim + 1 :])
    if before.blocks(shape) == 1 and product(result[:dim]) == 1:
        return 1, share
    if divisible(stride, step) is not True:
        return None
    inner = stride // step
    return (share // inner, inner) if divisible(share, inner) is True else None
