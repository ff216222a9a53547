"""Finds the steps inside the body that a step has applied: `backbone.layer2`, or `stem.steps[0]` for a number."""

from __future__ import annotations

from nnshape.problems.nearest import nearest
from nnshape.spec import nodes
from nnshape.tracing.faults import fault
from nnshape.tracing.model import Call, Operation
from nnshape.tracing.name_lookup import STEPS, TENSOR_ATTRIBUTES, step_name
from nnshape.tracing.scope import Frame, Local


def inner_step(frame: Frame, node: nodes.Node) -> Call | None:
    """Return the call of a step inside the body that an earlier step has applied, or None for any other expression.

    The operations that run the bodies on the way are opened, since a value of theirs is used outside. Raises Fault if
    a step on the way has applied several bodies with a step of that name.
    """
    way: list[Operation] = []
    call = _call_of(frame, node, way)
    if call is None or not way:
        return None
    module = call.module
    if module is not None and (module.tensor is not None or module.holds_modules):
        return None  # a parameter or a container: their names mean what they mean for any module
    if type(node) is nodes.Attribute and node.name in TENSOR_ATTRIBUTES and module is None:
        return None
    for operation in way:
        operation.is_opened = True
    return call


def unknown_step(frame: Frame, node: nodes.Attribute) -> Exception | None:
    """Return the fault for a name that the body of an applied step lacks, or None if that step has no body."""
    call = _call_of(frame, node.value, [])
    bodies = [] if call is None else [operation.run for operation in call.operations if operation.run is not None]
    if not bodies:
        return None
    names = [step.name for run in bodies for step in run.calls]
    text = frame.expression.span(node.value).text
    span = frame.expression.span((node.name_start, node.end))
    return fault("unknown-name", f"{text} has no step {node.name}", span, help=nearest(node.name, names))


def _call_of(frame: Frame, node: nodes.Node, way: list[Operation]) -> Call | None:
    known = node.id if type(node) is nodes.Name else step_name(frame, node)
    if known is not None:
        own = frame.own(known)
        return own.call if type(own) is Local else None
    if type(node) is nodes.Attribute:
        call, name = _call_of(frame, node.value, way), node.name
    elif type(node) is nodes.Subscript and type(node.value) is nodes.Attribute and node.value.name == STEPS:
        call = _call_of(frame, node.value.value, way)
        index = None if call is None else frame.evaluate(node.index)
        if isinstance(index, bool) or not isinstance(index, (int, str)):
            return None
        name = str(index)
    else:
        return None
    if call is None:
        return None
    found = [
        (operation, step)
        for operation in call.operations
        if operation.run is not None
        for step in operation.run.calls
        if step.name == name
    ]
    if len(found) > 1:
        message = f"{call.path} applies {len(found)} modules that have a step {name}"
        help = ("apply each in a step of its own",)
        raise fault("ambiguous-name", message, frame.expression.span(node), help=help)
    if not found:
        return None
    operation, step = found[0]
    way.append(operation)
    return step
