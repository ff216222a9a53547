"""Makes a Sequential, and the items of any container, from a list of expressions or a comprehension."""

from __future__ import annotations

from typing import Any

from nnshape.spec import nodes
from nnshape.spec.naming_rules import item_name_fault
from nnshape.tracing.faults import fault
from nnshape.tracing.located import truth
from nnshape.tracing.loops import turns
from nnshape.tracing.model import Module
from nnshape.tracing.scope import Frame, Item, ItemsBody


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
        raise fault("wrong-type", message, frame.expression.span(inside), help=help, notes=notes)
    elif (isinstance(inside, nodes.List) and (unpacked or alone)) or (isinstance(inside, nodes.Tuple) and unpacked):
        for item in inside.items:
            _add_items(frame, items, item, kind, alone=False)
    elif unpacked:
        message = "only a list or a comprehension written in place can be unpacked here"
        raise fault("syntax", message, frame.expression.span(argument))
    else:
        items.append(_item(frame, argument, {}, kind, len(items)))


def _item(frame: Frame, node: nodes.Node, variables: dict[str, Any], kind: str, position: int) -> Item:
    if (
        isinstance(node, nodes.Tuple)
        and len(node.items) == 2
        and isinstance(node.items[0], (nodes.FString, nodes.Constant))
    ):
        with frame.naming(variables):
            name = frame.evaluate(node.items[0])
        span = frame.expression.span(node.items[0])
        if not isinstance(name, str):
            raise fault("wrong-type", f"an item's name must be a string, not {name!r}", span)
        wrong = item_name_fault(name, kind)
        if wrong is not None:
            raise fault("invalid-name", wrong, span)
        return Item(name, node.items[1], variables, is_named=True)
    return Item(str(position), node, variables)
