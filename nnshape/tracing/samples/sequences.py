"""Finds recurrent layers and attention that read the batch as the steps of a sequence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nnshape.records import dataclass
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.tracing.model import Module, Operation
from nnshape.tracing.samples.flow import batch_dim, bracketed, holds_batch

#: The layers that combine the steps of a sequence, with the names of those inputs.
SEQUENCES = {
    "GRU": ("input",),
    "LSTM": ("input",),
    "MultiheadAttention": ("key", "value"),
    "RNN": ("input",),
    "Transformer": ("src", "tgt"),
    "TransformerDecoder": ("tgt", "memory"),
    "TransformerDecoderLayer": ("tgt", "memory"),
    "TransformerEncoder": ("src",),
    "TransformerEncoderLayer": ("src",),
}
RECURRENT = ("GRU", "LSTM", "RNN")


@dataclass(frozen=True, slots=True)
class BatchFirst:
    """The value of `batch_first` that the input needs; None if it lacks a dimension for the steps."""

    value: bool | None


def look(operation: Operation) -> Refusal | None:
    """Return the warning for a layer that reads the batch as steps, or None."""
    module = operation.target
    if not isinstance(module, Module):
        return _attention(operation)
    if module.layer is None:
        return None
    first = is_batch_first(module.layer)
    for tensor in sequences(operation):
        if not takes_batch_for_steps(tensor, first):
            continue
        if len(tensor.shape) == 2:
            expected = "[T, features], one sequence without a batch"
        else:
            expected = "[N, T, features]" if first else "[T, N, features]"
        message = f"{{layer}} mixes the samples: {module.type} reads {bracketed(tensor.shape)} as {expected}"
        return Refusal("mixes-samples", message, wanted=BatchFirst(None if len(tensor.shape) == 2 else not first))
    return None


def _attention(operation: Operation) -> Refusal | None:
    """The warning of attention without a layer, which takes the last dimension but one for the steps."""
    given = (*operation.arguments[1:3], operation.keywords.get("key"), operation.keywords.get("value"))
    for tensor in given:
        if isinstance(tensor, Tensor) and len(tensor.shape) > 1 and batch_dim(tensor.shape) == len(tensor.shape) - 2:
            wanted = "[..., T, features]"
            message = f"{{layer}} mixes the samples: attention takes {bracketed(tensor.shape)} for {wanted}"
            return Refusal("mixes-samples", message, wanted=BatchFirst(None))
    return None


def sequences(operation: Operation) -> Iterator[Tensor]:
    """Yield the sequence inputs of a layer."""
    module = operation.target
    if not isinstance(module, Module) or module.layer is None:
        return
    names = SEQUENCES.get(module.type, ())
    parameters = [parameter.name for parameter in module.layer.call_signature().positional]
    given: dict[str, Any] = {**dict(zip(parameters, operation.arguments, strict=False)), **operation.keywords}
    yield from (given[name] for name in names if isinstance(given.get(name), Tensor))


def is_batch_first(layer: Layer) -> bool:
    """Return whether a layer, or the layer that it stacks, takes [N, T, features]."""
    stacked = getattr(layer, "layer", None)
    return bool(getattr(stacked if isinstance(stacked, Layer) else layer, "batch_first", False))


def takes_batch_for_steps(tensor: Tensor, batch_first: bool) -> bool:
    """Return whether an input has the batch in the dimension that the layer reads as steps."""
    shape = tensor.shape
    if len(shape) == 2:
        return holds_batch(shape[0])
    if len(shape) != 3:
        return False
    steps, batch = (shape[1], shape[0]) if batch_first else (shape[0], shape[1])
    return holds_batch(steps) and not holds_batch(batch)
