"""Finds 3-D attention masks with heads and samples in the wrong order.

torch expects the heads of each sample next to each other: `[N * num_heads, L, S]`.
"""

from __future__ import annotations

from collections.abc import Iterator

from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.tracing.model import Module, Operation
from nnshape.tracing.samples.flow import bracketed, function_of, joined_by, layout_of


def look(operation: Operation) -> tuple[Refusal, Operation] | None:
    """Return the warning for a mask in the order head, sample, and the operation that made it; or None."""
    for mask in _masks(operation):
        layout = layout_of(mask)
        made = joined_by(mask)
        if layout is None or made is None or layout.dim != 0 or layout.outer == 1:
            continue
        name = function_of(made) or "it"
        message = (
            f"{{layer}} mixes the samples: {operation.call.in_messages.name} expects {bracketed(mask.shape)} in the "
            f"order sample, head, but {name} returns the order head, sample"
        )
        return Refusal("mixes-samples", message), made
    return None


def _masks(operation: Operation) -> Iterator[Tensor]:
    module = operation.target
    if not isinstance(module, Module) or module.layer is None:
        return
    parameters = [parameter.name for parameter in module.layer.call_signature().positional]
    for name, value in (*zip(parameters, operation.arguments, strict=False), *operation.keywords.items()):
        if isinstance(value, Tensor) and len(value.shape) == 3 and name.endswith("mask") and "padding" not in name:
            yield value
