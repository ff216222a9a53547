"""Mappings of values, `dict(low=c1, high=c2)`, and the methods that list them and the modules of a container."""

from __future__ import annotations

from typing import Any

from nnshape.shapes.tensor import Unknown
from nnshape.spec import nodes
from nnshape.tracing.faults import Unknowable, fault
from nnshape.tracing.members import CONTAINERS, items_of_container
from nnshape.tracing.model import Module
from nnshape.tracing.runtime_sizes import plain
from nnshape.tracing.scope import Frame

#: The methods of a mapping, and of a container, that a loop goes over.
LISTINGS = ("keys", "values", "items")


def make_mapping(
    frame: Frame, node: nodes.Call, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> dict[str, Any]:
    """Return the mapping of `dict(a=x, b=y)`, `dict(mapping, b=y)` or `dict((name, value) for …)`. Raises Fault."""
    made: dict[str, Any] = {}
    for argument in arguments[:1]:
        if isinstance(argument, Unknown):
            raise Unknowable
        pairs = list(argument.items()) if isinstance(argument, dict) else argument
        if len(arguments) > 1 or not isinstance(pairs, (tuple, list)) or not all(map(_is_pair, pairs)):
            message = "dict takes values by name, a mapping, or pairs of a name and a value"
            help = ("write dict(low=a, high=b), or dict((f'c{i}', part) for i, part in enumerate(parts))",)
            raise fault("wrong-type", message, frame.expression.span(node), help=help)
        made.update((plain(name), value) for name, value in pairs)
    made.update(keywords)
    return made


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, (tuple, list)) and len(pair) == 2 and isinstance(plain(pair[0]), str)


def is_listed(owner: Any, name: str) -> bool:
    """Return whether `owner.name()` lists a mapping, or a container that holds no item of that name."""
    if name not in LISTINGS:
        return False
    if isinstance(owner, Module):
        return owner.holds_modules and CONTAINERS[owner.type][0] and name not in owner.children
    return isinstance(owner, dict)


def listing(frame: Frame, node: nodes.Call, owner: Any, name: str) -> tuple[Any, ...]:
    """Return the names, values or pairs of a mapping or container, in its order. Raises Fault for arguments."""
    if node.args or node.keywords:
        raise fault("unknown-argument", f"{name}() takes no arguments", frame.expression.span(node))
    pairs = owner.items() if isinstance(owner, dict) else items_of_container(frame, owner)
    if name == "items":
        return tuple(pairs)
    return tuple(key if name == "keys" else value for key, value in pairs)
