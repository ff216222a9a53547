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
    place = _argument_node(node, refusal, signature, module, len(arguments))
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
    arrived = _arrivals(frame, arguments)
    here = next((label.text for label in arrived if label.span == span), "")
    others = tuple(label for label in arrived if label.span != span)
    help = (refusal.help,) if refusal.help else ()
    return Fault(Problem(refusal.problem, message, span, here, others + related, (), help, notes))


def _argument_node(
    node: nodes.Node, refusal: Refusal, signature: Signature | None, module: Module | None, given: int
) -> nodes.Node | nodes.Keyword:
    """The part of a call in which an argument is written; the whole call where it is not.

    `given` is how many arguments came: one more than are written where `_`, or what stands before a
    method's dot, came first.
    """
    name = refusal.argument
    if name is None or not isinstance(node, nodes.Call):
        return node
    for call in _calls(node):
        for keyword in call.keywords:
            if keyword.name == name:
                return keyword if refusal.problem == "unknown-argument" else keyword.value
    if signature is None:
        return node
    if name in signature.by_name:
        # A constructor may stand inside the call of what it makes.
        call = _calls(node)[-1] if signature.owner[:1].isupper() else node
        ahead = 0 if call is not node or signature.owner[:1].isupper() else given - len(call.args)
    elif module is not None and module.layer is not None:
        signature, call = module.layer.call_signature(), node
        ahead = given - len(call.args)
    else:
        return node
    names = [parameter.name for parameter in signature.positional]
    position = names.index(name) - ahead if name in names else -1
    if 0 <= position < len(call.args) and not any(isinstance(a, nodes.Starred) for a in call.args):
        return call.args[position]
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
            text = f"{came}{tensor}"
            labels.append(Label(span, "" if text == span.text.strip() else text))
    return list(dict.fromkeys(labels))[:3]


def refuse_import(target: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> NoReturn:
    """Refuse to import a Python class that the person running nnshape has not allowed by name."""
    message = f"{target} is Python code, and this run does not allow it to be imported"
    raise Refusal("import-refused", message, help=f"if you trust it: --allow-import {target}")
