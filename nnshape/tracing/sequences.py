"""Sequential: items written one by one or by a loop, each a step of a body."""

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
    """A Sequential of the items written."""
    body = ItemsBody(tuple(items_of(frame, node, "Sequential")), frame.expression, frame)
    return Module("Sequential", (frame.expression, node), body=body)


def items_of(frame: Frame, node: nodes.Call, kind: str) -> list[Item]:
    """The items written in the call of a Sequential or its like: named by a pair's string, else counted from 0."""
    items: list[Item] = []
    if node.keywords:
        message = f"{kind} takes items, not named arguments"
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
    """Add what one argument of a Sequential gives: an item, the turns of a loop, or the items of an unpacked list."""
    unpacked = isinstance(argument, nodes.Starred)
    inside = argument.value if isinstance(argument, nodes.Starred) else argument
    while unpacked and isinstance(inside, nodes.Conditional):
        chosen = truth(frame, inside.test, frame.evaluate(inside.test))
        inside = inside.body if chosen else inside.orelse
    if isinstance(inside, nodes.Comprehension):
        for variables in turns(frame, inside):
            items.append(_item(frame, inside.element, dict(variables), kind, len(items)))
    elif (isinstance(inside, nodes.List) and (unpacked or alone)) or (isinstance(inside, nodes.Tuple) and unpacked):
        for item in inside.items:
            _add_items(frame, items, item, kind, alone=False)
    elif unpacked:
        message = "only a list or a loop that is written here can be unpacked among the items"
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
            raise fault("wrong-type", f"an item's name is a string without dots, not {name!r}", span)
        wrong = item_name_fault(name, kind)
        if wrong is not None:
            raise fault("invalid-name", wrong, span)
        return Item(name, node.items[1], variables, is_named=True)
    return Item(str(position), node, variables)
