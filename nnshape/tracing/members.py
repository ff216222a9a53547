"""Reads the items of a ModuleList, ModuleDict, ParameterList or ParameterDict."""

from __future__ import annotations

from typing import Any

from nnshape.problems.nearest import listed, nearest
from nnshape.spec import nodes
from nnshape.tracing.faults import fault
from nnshape.tracing.located import located
from nnshape.tracing.model import Module, StoredTensor
from nnshape.tracing.operations import read_attribute
from nnshape.tracing.scope import Frame
from nnshape.tracing.value_display import shown

#: For each container: whether its items have names, and whether they are parameters.
CONTAINERS = {
    "ModuleList": (False, False),
    "ModuleDict": (True, False),
    "ParameterList": (False, True),
    "ParameterDict": (True, True),
}


def item_of(frame: Frame, node: nodes.Subscript, container: Module, index: Any) -> Any:
    """Return the value of `heads[0]`, `heads[1:]` or `heads['a']`. Raises Fault."""
    names = list(container.children)
    if CONTAINERS[container.type][0]:
        if index not in container.children:
            help = nearest(str(index), names)
            message = f"{container.path} has no item {shown(index)}: it has {listed(names, 'none')}"
            raise fault("index-error", message, frame.expression.span(node), help=help)
        return _held(frame, container.children[index])
    if not isinstance(index, (int, slice)):
        message = f"{container.path} is a {container.type}: its index must be a number, not {shown(index)}"
        raise fault("wrong-type", message, frame.expression.span(node))
    with located(frame, node):
        found = names[index]
    if isinstance(found, list):
        return tuple(_held(frame, container.children[name]) for name in found)
    return _held(frame, container.children[found])


def items_held(frame: Frame, container: Module) -> list[Any]:
    """Return the items of a container, or the names of a ModuleDict or ParameterDict, as a Python loop would."""
    if CONTAINERS[container.type][0]:
        return list(container.children)
    return [_held(frame, child) for child in container.children.values()]


def _held(frame: Frame, child: Module) -> Any:
    return child if child.tensor is None else read_attribute(frame, StoredTensor(child, ""), child.tensor)
