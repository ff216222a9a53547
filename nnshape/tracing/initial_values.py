"""Refuses a Parameter or Buffer whose initial value is not known when the model is made.

torch makes it in `__init__`, where no input has arrived and no module has been applied. There it can be computed from
the Parameters and Buffers that the same body made before, as in `alphas: Buffer(1 - betas)`.
"""

from __future__ import annotations

from nnshape.problems import Label
from nnshape.shapes.function import Function
from nnshape.shapes.tensor import Tensor, tensors_in
from nnshape.spec import nodes
from nnshape.tracing.faults import Fault, fault
from nnshape.tracing.model import BodyInput, Module, Operation, StoredTensor
from nnshape.tracing.scope import Frame
from nnshape.work import spend

#: Units of work per operation back from an initial value.
_LINK = 8
_HELP = ("use zeros, ones, randn or arange, or give its sizes",)


def refuse_later_value(frame: Frame, node: nodes.Call, kind: str, value: Tensor) -> None:
    """Raise Fault if the initial value is computed from an input, a module or another parameter."""
    source = _later_source(frame, value)
    if source is None:
        return
    producer = source.producer
    related = []
    if isinstance(producer, BodyInput):
        found = f"the input {producer.name}"
        related = [Label(producer.span, "the input")]
    else:
        assert isinstance(producer, Operation)
        found = _named(producer)
        if producer.call is not frame.call:
            related = [Label(producer.call.span, "computed here")]
    message = f"the initial value of {frame.call.name} depends on {found}, but a {kind} is made before the model runs"
    raise _located(frame, node, message, related)


def _located(frame: Frame, node: nodes.Call, message: str, related: list[Label]) -> Fault:
    return fault("invalid-argument", message, frame.expression.span(node), help=_HELP, related=related)


def _named(operation: Operation) -> str:
    target = operation.target
    if isinstance(target, StoredTensor):
        made = target.module
        return f"{made.path}.{target.name}" if target.name else f"the {made.type} {made.path}"
    assert isinstance(target, Module)
    return f"the module {target.path}"


def _later_source(frame: Frame, value: Tensor) -> Tensor | None:
    """Return a tensor that an input, a module or a parameter of another body gives, or None."""
    stack, seen = [value], {value}
    while stack:
        tensor = stack.pop()
        spend(_LINK)
        producer = tensor.producer
        if isinstance(producer, Operation) and isinstance(producer.target, StoredTensor):
            made = producer.target.module
            if made.tensor is None or frame.module.children.get(producer.call.name) is not made:
                return tensor
            continue
        if not isinstance(producer, Operation) or not isinstance(producer.target, Function):
            return tensor if isinstance(producer, (BodyInput, Operation)) else None
        for other in tensors_in((producer.arguments, dict(producer.keywords))):
            if other not in seen:
                seen.add(other)
                stack.append(other)
    return None
