"""Finds softmax, cumulative sums, sorts and transforms along the batch."""

from __future__ import annotations

from typing import Any

from nnshape.records import dataclass
from nnshape.shapes.axes import axis
from nnshape.shapes.function import Function
from nnshape.shapes.refusal import Refusal
from nnshape.tracing.batch import batch_axis
from nnshape.tracing.model import Module, Operation
from nnshape.tracing.runtime_sizes import plain
from nnshape.tracing.samples.flow import batch_dim, bracketed, function_of, input_of


@dataclass(frozen=True, slots=True)
class Along:
    """The argument for the dimension of an operation, and the dimension that was probably meant."""

    argument: str
    meant: int


def look(operation: Operation) -> Refusal | None:
    """Return the warning for an operation along the batch, or None."""
    tensor = input_of(operation)
    if tensor is None:
        return None
    place = batch_axis(tensor.shape)
    # In a matrix of pairs, [N, N], a row is a sample.
    if place is None or batch_dim(tensor.shape) is None:
        return None
    rank = len(tensor.shape)
    name, given, dims = _dims(operation, rank)
    if place not in {axis(dim, tensor.shape) for dim in dims}:
        return None
    subject = f"{name} without a dim" if given is False else name
    message = (
        f"{{layer}} mixes the samples: {subject} runs along dimension {place} of {bracketed(tensor.shape)}, the batch"
    )
    first = 1 if place == 0 else 0
    meant = Along("dim", -1 if "soft" in name.lower() and rank == 3 else first)
    return Refusal("mixes-samples", message, wanted=meant if given is not None and rank > 1 else None)


def _dims(operation: Operation, rank: int) -> tuple[str, bool | None, tuple[int, ...]]:
    """Return the name of the operation, whether its dim was given (None if it takes none), and its dimensions."""
    target = operation.target
    if isinstance(target, Module):
        layer = target.layer
        given = None if target.type == "Softmax2d" else getattr(layer, "dim", None)
        dim: Any = -3 if target.type == "Softmax2d" else given
        return target.type, None if target.type == "Softmax2d" else given is not None, _softmax_dims(dim, rank)
    assert isinstance(target, Function)
    name = function_of(operation)
    if name == "msort":
        return name, None, (0,)
    bound = target.signature().bind(plain(operation.arguments), dict(plain(tuple(operation.keywords.items()))))
    if name in ("layer_norm", "rms_norm"):
        return name, None, tuple(range(-len(bound["normalized_shape"]), 0))
    dim = bound.get("dim")
    given = len(operation.arguments) + len(operation.keywords) > 1 and dim is not None
    if "softm" in name:
        return name, given, _softmax_dims(dim, rank)
    if dim is None:  # fftn transforms every dimension, or with sizes, that many of the last
        sizes = bound.get("s")
        count = rank if sizes is None else len(sizes) if isinstance(sizes, (tuple, list)) else 1
        return name, False, tuple(range(-count, 0))
    return name, given, tuple(dim) if isinstance(dim, (tuple, list)) else (dim,)


def _softmax_dims(dim: int | None, rank: int) -> tuple[int, ...]:
    """Return the dimension of a softmax; by default, torch uses the first or second, depending on the rank."""
    return (dim if dim is not None else 0 if rank in (0, 1, 3) else 1,)
