"""`name := value`: gives a value a name until its step ends, so that a loop can build on its own last value.

`grown: "[last := turn(last) for turn in turns]"` applies each module to the output of the one before, and keeps all.
"""

from __future__ import annotations

from typing import Any

from nnshape.spec import nodes
from nnshape.spec.naming_rules import name_problem
from nnshape.tracing.faults import Fault, fault
from nnshape.tracing.model import Module
from nnshape.tracing.scope import Frame, ItemsBody, Local
from nnshape.tracing.value_display import shown


def assign(frame: Frame, node: nodes.Assign, value: Any) -> None:
    """Let a name mean a value until the current step ends. Raises Fault if the name or the place cannot have one."""
    name = node.name
    span = frame.expression.span((node.start, node.start + len(name)))
    problem = name_problem(name, "a value", span)
    if problem is not None:
        raise Fault(problem)
    if frame.module.holds_modules or isinstance(frame.module.body, ItemsBody):
        message = f"{name} := … cannot stand in an item of a {frame.module.type}, which has its own names"
        help = ("write it in a list, [… for … in …], in a step of its own",)
        raise fault("syntax", message, frame.expression.span(node), help=help)
    if name in frame.names:
        message = f"{name} is a loop variable or a hyperparameter here, and keeps its value"
        raise fault("ambiguous-name", message, span, help=("use another name",))
    if isinstance(value, Module) and not value.stands:
        message = f"{name} would be {shown(value)} that no step has made"
        help = (f"declare it in a step of its own, {name}: Module(…), or apply it",)
        raise fault("wrong-type", message, frame.expression.span(node.value), help=help)
    if frame.assigned is None:
        frame.assigned = {}
    frame.assigned.setdefault(name, frame.locals.get(name))
    frame.locals[name] = Local(value)


def end_assignments(frame: Frame) -> None:
    """Give the names that the current step has assigned the values that they had before."""
    for name, before in (frame.assigned or {}).items():
        if before is None:
            del frame.locals[name]
        else:
            frame.locals[name] = before
    frame.assigned = None
