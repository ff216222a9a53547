"""Finds tables sliced by the batch instead of the steps, such as `pe[:x.size(0)]` for an `[N, T, F]` input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nnshape.records import dataclass
from nnshape.shapes.constraints import Constraint
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor, product
from nnshape.tracing.batch import batch_axis
from nnshape.tracing.model import Operation
from nnshape.tracing.runtime_sizes import RuntimeSize, plain
from nnshape.tracing.samples.flow import batch_dim, bracketed, function_of, holds_batch, input_of


@dataclass(frozen=True, slots=True)
class Sliced:
    """The dimension of the steps, and whether the table, which has the batch second, must be transposed.

    `need` is what the slice asks of the batch: as many rows as the table has.
    """

    meant: int
    turned: bool
    need: Constraint


def look(operation: Operation) -> Refusal | None:
    """Return the warning for a slice that selects a row per sample instead of a row per step, or None."""
    table = input_of(operation)
    if table is None:
        return None
    for place, stop in _stops(operation):
        # Labels and indices of samples have rows only, and a state has its layers in front.
        if plain(stop) != N or any(map(holds_batch, table.shape)) or product(table.shape[:place]) != 1:
            continue
        if product(table.shape[place + 1 :]) == 1:
            continue
        read = stop.operands[0] if isinstance(stop, RuntimeSize) and stop.how == "size" else None
        if not isinstance(read, Tensor) or not _has_steps(read):
            continue
        batch = batch_axis(read.shape)
        if batch is None:
            continue
        meant = 1 if batch == 0 else 0
        message = (
            f"{{layer}} selects a row per sample: dimension {batch} of {bracketed(read.shape)} is the batch, and "
            f"dimension {meant} has the steps"
        )
        turned = batch == 0 and table.shape[place + 1] == 1
        need = Constraint(table.shape[place], ">=", N)
        return Refusal("mixes-samples", message, wanted=Sliced(meant, turned, need))
    return None


def _has_steps(tensor: Tensor) -> bool:
    """Return whether a tensor is a batch of sequences, of vectors or of indices."""
    return batch_dim(tensor.shape) is not None and (len(tensor.shape) == 3 or (
        len(tensor.shape) == 2 and tensor.dtype in ("int64", "int32", "bool")
    ))  # fmt: skip


def _stops(operation: Operation) -> Iterator[tuple[int, Any]]:
    """Yield the dimension and end of each slice that begins at 0."""
    values = (*operation.arguments[1:], *operation.keywords.values())
    if function_of(operation) == "narrow":
        if len(values) == 3 and type(values[0]) is int and values[0] >= 0 and values[1] == 0:
            yield values[0], values[2]
        return
    index = values[0] if values else ()
    place = 0
    for part in index if isinstance(index, tuple) else (index,):
        if part is None:
            continue
        if part is Ellipsis or isinstance(part, Tensor):
            return
        if isinstance(part, slice) and part.start in (None, 0) and part.step in (None, 1) and part.stop is not None:
            yield place, part.stop
        place += 1
