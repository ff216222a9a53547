"""Finds operations that lose the batch without a reduction: `squeeze()`, or an index of one sample."""

from __future__ import annotations

from typing import Any

from nnshape.records import dataclass
from nnshape.shapes.axes import axis
from nnshape.shapes.dims import Dim
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, Tensor
from nnshape.tracing.batch import batch_axis
from nnshape.tracing.model import Module, Operation
from nnshape.tracing.runtime_sizes import plain
from nnshape.tracing.samples.flow import batch_dim, bracketed, function_of, input_of, source_of
from nnshape.tracing.samples.sequences import RECURRENT, is_batch_first, sequences, takes_batch_for_steps


@dataclass(frozen=True, slots=True)
class Squeezed:
    """The dimensions of 1 that `squeeze` may drop, and whether `flatten(1)` gives the same result."""

    dims: tuple[int, ...]
    flat: bool


@dataclass(frozen=True, slots=True)
class Indexed:
    """The dimension of an index that selects one sample."""

    place: int


@dataclass(frozen=True, slots=True)
class LastState:
    """The recurrent layer whose state belongs to no sample."""

    module: Module


def look(operation: Operation) -> Refusal | None:
    """Return the warning for an operation that drops the batch, at N = 1 or at any N; or None."""
    tensor, result = input_of(operation), operation.result
    if tensor is None or not isinstance(result, Tensor):
        return None
    place = batch_dim(tensor.shape)
    if place is None:
        return _lost_state(tensor)
    if batch_axis(tensor.shape) is None:
        return None
    name = function_of(operation)
    if name == "squeeze":
        return _squeezed(operation, tensor.shape, place, result.shape)
    index = _index(operation, name)
    number = _number_at(index, place, len(tensor.shape))
    if number is None or batch_dim(result.shape) is not None:
        return None
    message = (
        f"{{layer}} loses the batch: {number} in dimension {place} selects one sample of {bracketed(tensor.shape)}"
    )
    return Refusal("loses-batch", message, wanted=Indexed(place) if name == "getitem" else None)


def _squeezed(operation: Operation, shape: Shape, place: int, result: Shape) -> Refusal | None:
    bound = [*operation.arguments[1:], *operation.keywords.values()]
    dim: Any = plain(bound[0]) if bound else None
    ones = tuple(at for at, size in enumerate(shape) if size == 1)
    if dim is None:
        flat = place == 0 and len(result) == 2 and len(shape) > 2
        message = f"{{layer}} loses the batch at N = 1: squeeze() drops every dimension of 1 in {bracketed(shape)}"
        return Refusal("loses-batch", message, wanted=Squeezed(ones, flat) if ones else None)
    dims = {axis(one, shape) for one in (dim if isinstance(dim, (tuple, list)) else (dim,))}
    if place not in dims:
        return None
    message = f"{{layer}} loses the batch at N = 1: squeeze then drops dimension {place} of {bracketed(shape)}"
    kept = tuple(at for at in ones if at in dims)
    return Refusal("loses-batch", message, wanted=Squeezed(kept, False) if kept else None)


def _index(operation: Operation, name: str) -> tuple[Any, ...]:
    """Return the parts of an index. `select(1, i)` is treated as `[:, i]`."""
    values = plain((*operation.arguments[1:], *operation.keywords.values()))
    if name == "getitem":
        return values[0] if isinstance(values[0], tuple) else values[:1]
    if len(values) == 2 and type(values[0]) is int:
        ahead = values[0] if values[0] >= 0 else values[0] + len(operation.arguments[0].shape)
        return (*[slice(None)] * ahead, values[1])
    return ()


def _number_at(index: tuple[Any, ...], place: int, rank: int) -> Any:
    """Return the integer that indexes a dimension; None for any other index, or none."""
    used = sum(part is not None and part is not Ellipsis for part in index)
    at = 0
    for part in index:
        if part is Ellipsis:
            at += rank - used
        elif isinstance(part, (Tensor, list, bool)):
            return None
        elif part is not None:
            if at == place:
                return part if type(part) is int or isinstance(part, Dim) else None
            at += 1
    return None


def _lost_state(tensor: Tensor) -> Refusal | None:
    """Return the warning for the state of a recurrent layer that reads the batch as steps, or None."""
    operation = source_of(tensor)
    module = operation.target if operation is not None else None
    if operation is None or not isinstance(module, Module) or module.type not in RECURRENT or module.layer is None:
        return None
    if not tensor.index:
        return None
    first = is_batch_first(module.layer)
    taken = next((one for one in sequences(operation) if takes_batch_for_steps(one, first)), None)
    if taken is None:
        return None
    message = f"{{layer}} loses the batch: {operation.call.in_messages.name} reads {bracketed(taken.shape)} as "
    message += "[N, T, features]" if first else "[T, N, features]"
    message += f", so its state {bracketed(tensor.shape)} belongs to no sample"
    return Refusal("loses-batch", message, wanted=LastState(module) if len(taken.shape) == 3 else None)
