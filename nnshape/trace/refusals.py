"""Gives a rule's refusal its place: the argument at fault, the step that is named, the tensors that came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from nnshape.problems import Label, Problem
from nnshape.shapes.arguments import Signature
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import tensors_in
from nnshape.spec import nodes
from nnshape.trace.faults import Fault
from nnshape.trace.model import Module
from nnshape.trace.scope import Frame


def located_refusal(
    frame: Frame,
    node: nodes.Node,
    refusal: Refusal,
    arguments: Sequence[Any],
    signature: Signature | None,
    module: Module | None = None,
) -> Fault:
    """The fault for a refusal of the call at `node`, whose constructor or function has this signature."""
    place = _argument_node(node, refusal, signature)
    span = frame.expression.span(place)
    if (
        place is node
        and module is not None
        and module.layer is not None
        and module.path != frame.prefix + frame.call.name
    ):
        related: tuple[Label, ...] = (Label(module.span, f"{module.path} is made here"),)
    else:
        related = ()
    message = refusal.message.replace("{layer}", frame.call.name)
    notes = (f"torch says: {refusal.note}",) if refusal.note else ()
    arrived = tuple(_arrivals(frame, arguments))
    help = (refusal.help,) if refusal.help else ()
    return Fault(Problem(refusal.problem, message, span, "", arrived + related, (), help, notes))


def _argument_node(node: nodes.Node, refusal: Refusal, signature: Signature | None) -> nodes.Node | nodes.Keyword:
    """The part of a call in which an argument is written; the whole call where it is not."""
    name = refusal.argument
    if name is None or not isinstance(node, nodes.Call):
        return node
    for call in _calls(node):
        for keyword in call.keywords:
            if keyword.name == name:
                return keyword if refusal.problem == "unknown-argument" else keyword.value
    if signature is None:
        return node
    names = [parameter.name for parameter in signature.positional]
    if name not in names:
        return node
    constructor = _calls(node)[-1]
    position = names.index(name)
    if isinstance(constructor.function, nodes.Attribute) and signature.owner[:1].islower():
        position -= 1  # a method's first argument stands before the dot
    if 0 <= position < len(constructor.args) and not any(isinstance(a, nodes.Starred) for a in constructor.args):
        return constructor.args[position]
    return node


def _calls(node: nodes.Call) -> list[nodes.Call]:
    """The call, and the construction inside it: `Conv2d(1, 6, 5)(x)` holds two calls."""
    calls = [node]
    while isinstance(calls[-1].function, nodes.Call):
        calls.append(calls[-1].function)
    return calls


def _arrivals(frame: Frame, arguments: Sequence[Any]) -> list[Label]:
    """Where each tensor that arrived was made, and its shape there."""
    labels = []
    for tensor in tensors_in(tuple(arguments)):
        made = frame.tracer.makers.get(id(tensor))
        if made is not None:
            span, before = made
            came = f"{before} -> " if before is not None else ""
            labels.append(Label(span, f"{came}{tensor}"))
    return list(dict.fromkeys(labels))[:3]


def refuse_import(target: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> NoReturn:
    """Refuse to import a Python class that the person running nnshape has not allowed by name."""
    message = f"{target} is Python code, and this run does not allow it to be imported"
    raise Refusal("import-refused", message, help=f"if you trust it: --allow-import {target}")
