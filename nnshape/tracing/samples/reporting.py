"""Reports the warning for an operation, at that operation or at the one to fix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnshape.problems import Label, Problem
from nnshape.shapes.dims import TooLarge
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.refusal import Refusal
from nnshape.spec import nodes
from nnshape.tracing.contexts import FaultContext, key_of
from nnshape.tracing.model import Module, Operation
from nnshape.tracing.rule_refusals import warn
from nnshape.tracing.samples import along, broadcasts, lost_batch, masks, reshapes, sequences, slices
from nnshape.tracing.scope import Frame

_LOOK: dict[str, Callable[[Operation], Refusal | None]] = {
    "along": along.look,
    "broadcasts": broadcasts.look,
    "lost_batch": lost_batch.look,
    "reshapes": reshapes.look,
    "sequences": sequences.look,
    "slices": slices.look,
}


def report(
    looker: str,
    frame: Frame,
    node: nodes.Node,
    operation: Operation,
    apply: Callable[[tuple[Any, ...], dict[str, Any]], Any],
) -> None:
    """Check an operation, and report its warning once, even if the step runs again."""
    try:
        found = masks.look(operation) if looker == "masks" else _LOOK[looker](operation)
    except (TooLarge, ZeroDivisionError):  # sizes that no model has: nothing is known of their samples
        return
    if isinstance(found, tuple):
        _report_elsewhere(frame, node, operation, *found)
        return
    if found is None:
        return
    if isinstance(found.wanted, slices.Sliced):
        frame.tracer.batch.needs.append(found.wanted.need)
    span = frame.expression.span(node)
    if any(known.span == span and known.kind == found.problem for known in frame.tracer.problems):
        return
    module, signature = _signature(operation)
    warn(frame, node, found, operation.arguments, signature, module, operation.keywords, apply)


def _signature(operation: Operation) -> tuple[Module | None, Any]:
    target = operation.target
    if isinstance(target, Module):
        assert isinstance(target.layer, Layer)
        return target, target.layer.signature()
    return None, target.signature()  # type: ignore[union-attr]  # a function


def _report_elsewhere(frame: Frame, node: nodes.Node, operation: Operation, refusal: Refusal, made: Operation) -> None:
    """Report a warning at the step that made an argument of an operation."""
    module, signature = _signature(operation)
    here = frame.expression.span(node)
    related = () if made.call is operation.call else (Label(here, f"{operation.call.in_messages.name} uses it"),)
    message = refusal.message.replace("{layer}", made.call.in_messages.name)
    problem = Problem(refusal.problem, message, made.call.span, related=related, severity="warning")
    context = FaultContext(
        refusal, frame.scope(), made.call, frame.expression, node, operation.arguments, operation.keywords, signature,
        module,
    )  # fmt: skip
    frame.tracer.contexts.setdefault(key_of(problem), context)
    frame.tracer.report(problem)
