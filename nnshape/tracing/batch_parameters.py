"""Refuses modules that are made for one batch: a parameter, a buffer or an argument whose size depends on N.

torch makes a module once, before any batch arrives. Of `Linear(auto, 10)` on `[50, N]`, it would need one for each N.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.shapes.dims import Dim
from nnshape.shapes.refusal import Refusal
from nnshape.tracing.rule_refusals import located_refusal
from nnshape.tracing.samples.flow import bracketed, holds_batch

if TYPE_CHECKING:
    from nnshape.shapes.layer_base import Layer
    from nnshape.tracing.model import Module
    from nnshape.tracing.scope import Frame


def refuse_batch_sizes(frame: Frame, module: Module, arguments: tuple[Any, ...]) -> None:
    """Report a new module that depends on the batch. The trace goes on with its sizes.

    `arguments` are those that a layer is applied to, or those of the Parameter or Buffer.
    """
    refusal = batch_refusal(module)
    expression, node = module.place
    if refusal is None or expression is None:
        return
    with frame.reading(expression):
        signature = None if module.layer is None else module.layer.signature()
        wrong = located_refusal(frame, node, refusal, arguments, signature, module)  # type: ignore[arg-type]  # a pair
    frame.tracer.report(wrong.problem)
    frame.call.partial_parameters = True


def batch_refusal(module: Module) -> Refusal | None:
    """Return the refusal of a module that depends on the batch, or None."""
    argument = None if module.layer is None else _argument(module.layer)
    for kind, tensors in (("parameter", module.parameters), ("buffer", module.buffers)):
        for name, tensor in tensors.items():
            if _has_batch(tensor.shape):
                has = f"would have a {name} of" if name else "would be"
                message = f"{{layer}} {has} {bracketed(tensor.shape)}, but a {kind} has one size for every batch"
                return Refusal("fixed-batch", message, argument)
    if argument is None:
        return None
    value = _text(getattr(module.layer, argument))
    message = f"{{layer}} would be made with {argument}={value}, but a layer is made once for every batch"
    return Refusal("fixed-batch", message, argument)


def _argument(layer: Layer) -> str | None:
    return next((name for name, value in vars(layer).items() if _has_batch(value)), None)


def _has_batch(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return any(map(_has_batch, value))
    return isinstance(value, Dim) and holds_batch(value)


def _text(value: Any) -> str:
    return f"({', '.join(map(_text, value))})" if isinstance(value, (tuple, list)) else str(value)
