"""Makes a Sequential, and the items of any container, from a list of expressions or a comprehension."""

from __future__ import annotations

from typing import Any

from nnshape.shapes.tensor import Unknown
from nnshape.spec import nodes
from nnshape.spec.naming_rules import item_name_fault
from nnshape.tracing import numbers
from nnshape.tracing.faults import Unknowable, fault
from nnshape.tracing.located import truth
from nnshape.tracing.loops import turns
from nnshape.tracing.model import Module
from nnshape.tracing.scope import MISSING, Frame, Item, ItemsBody, Local
from nnshape.tracing.value_display import holds_tensor, is_applied, shown


def make_sequential(frame: Frame, node: nodes.Call) -> Module:
    """Return a new Sequential with its items, not run yet. Raises Fault."""
    body = ItemsBody(tuple(items_of(frame, node, "Sequential")), frame.expression, frame.captured())
    return Module("Sequential", (frame.expression, node), body=body)


def items_of(frame: Frame, node: nodes.Call, kind: str) -> list[Item]:
    """Return the items of a Sequential or container. Names come from (name, item) pairs, or count from 0."""
    items: list[Item] = []
    if node.keywords:
        message = f"{kind} takes items, not keyword arguments"
        raise fault("unknown-argument", message, frame.expression.span(node.keywords[0]))
    for argument in node.args:
        _add_items(frame, items, argument, kind, alone=len(node.args) == 1)
    seen: set[str] = set()
    for item in items:
        if item.name in seen:
            name = item.name
            raise fault("duplicate-key", f"two items of the {kind} are called {name}", frame.expression.span(node))
        seen.add(item.name)
    return items


def _add_items(frame: Frame, items: list[Item], argument: nodes.Node, kind: str, alone: bool) -> None:
    """Add the items of one argument: a single item, those of a comprehension, or those of an unpacked list."""
    unpacked = isinstance(argument, nodes.Starred)
    inside = argument.value if isinstance(argument, nodes.Starred) else argument
    while unpacked and isinstance(inside, nodes.Conditional):
        chosen = truth(frame, inside.test, frame.evaluate(inside.test))
        inside = inside.body if chosen else inside.orelse
    if isinstance(inside, nodes.Comprehension):
        for variables in turns(frame, inside):
            items.append(_item(frame, inside.element, dict(variables), kind, len(items)))
    elif isinstance(inside, nodes.List) and kind == "Sequential" and not unpacked:
        message = "Sequential takes its items one by one, not a list"
        help = (f"unpack it: Sequential(*{frame.expression.span(inside).text})",)
        notes = ("torch says: list is not a Module subclass",)
        span = frame.expression.span(inside)
        raise fault("wrong-type", message, span, help=help, notes=notes, instead=(f"*{span.text}",))
    elif (isinstance(inside, nodes.List) and (unpacked or alone)) or (isinstance(inside, nodes.Tuple) and unpacked):
        for item in inside.items:
            _add_items(frame, items, item, kind, alone=False)
    elif unpacked:
        message = "only a list or a comprehension written in place can be unpacked here"
        raise fault("syntax", message, frame.expression.span(argument))
    else:
        items.append(_item(frame, argument, {}, kind, len(items)))


def _may_be_name(frame: Frame, node: nodes.Node, variables: dict[str, Any]) -> bool:
    """Whether the first part of a pair can be a string, so that it names the second; `(_, x)` is a pair of tensors."""
    if isinstance(node, (nodes.FString, nodes.Constant)):
        return True
    for part in nodes.walk(node):
        if isinstance(part, nodes.Name):
            value = variables[part.id] if part.id in variables else frame.own(part.id)
            value = value.value if type(value) is Local else value
            if (value is MISSING and part.id not in numbers.PYTHON) or holds_tensor(value) or is_applied(value):
                return False
    return True


def _item(frame: Frame, node: nodes.Node, variables: dict[str, Any], kind: str, position: int) -> Item:
    if isinstance(node, nodes.Tuple) and len(node.items) == 2 and _may_be_name(frame, node.items[0], variables):
        with frame.naming(variables):
            name = frame.evaluate(node.items[0])
        span = frame.expression.span(node.items[0])
        if isinstance(name, Unknown):
            raise Unknowable
        if not isinstance(name, str):
            raise fault("wrong-type", f"an item's name must be a string, not {shown(name)}", span)
        wrong = item_name_fault(name, kind)
        if wrong is not None:
            raise fault("invalid-name", wrong, span)
        return Item(name, node.items[1], variables, is_named=True)
    return Item(str(position), node, variables)
