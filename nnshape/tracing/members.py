"""Reads the items of a ModuleList, ModuleDict, ParameterList or ParameterDict."""

from __future__ import annotations

from typing import Any

from nnshape.problems.nearest import listed, nearest
from nnshape.spec import nodes
from nnshape.tracing.faults import fault
from nnshape.tracing.located import located
from nnshape.tracing.model import Module, StoredTensor
from nnshape.tracing.operations import read_attribute
from nnshape.tracing.runtime_sizes import plain
from nnshape.tracing.scope import Frame, Local
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


def module_at(frame: Frame, node: nodes.Node) -> Module | None:
    """Return the Sequential, or the nested steps that are Parameters alone, that an expression names; else None."""
    if isinstance(node, nodes.Subscript):
        owner = module_at(frame, node.value)
        module = None if owner is None else child_at(frame, node, owner)
    else:
        module = module_of(frame, node)
    if module is None or module.holds_modules:
        return None
    is_parameters = module.run is not None and len(module.children) == len(module.run.calls)
    is_parameters = is_parameters and all(child.tensor is not None for child in module.children.values())
    return module if module.type == "Sequential" or (is_parameters and module.children) else None


def module_of(frame: Frame, node: nodes.Node) -> Module | None:
    """Return the module of the step that a name or path names, or None."""
    if isinstance(node, nodes.Name):
        own = frame.own(node.id)
        if type(own) is Local:
            return own.module
        return own if isinstance(own, Module) else None
    if isinstance(node, nodes.Attribute):
        owner = module_of(frame, node.value)
        return None if owner is None else owner.children.get(node.name)
    return None


def child_at(frame: Frame, node: nodes.Subscript, module: Module) -> Module | None:
    """Return the child of a Sequential at a place or of a name: `stem[0]`, `stem[-1]`, `stem['conv']`. Raises Fault."""
    names = list(module.children)
    index = plain(frame.evaluate(node.index))
    if isinstance(index, str) and index in module.children:
        return module.children[index]
    if isinstance(index, int) and -len(names) <= index < len(names):
        return module.children[names[index]]
    if not isinstance(index, (int, str)):
        return None
    if module.run is None:
        message = f"{module.path} has not been called, so its items are not made yet"
        help = ("write ModuleList(…) for modules that later steps call one by one",)
        raise fault("index-error", message, frame.expression.span(node), help=help)
    message = f"{module.path} has no item {shown(index)}: it has {listed(names, 'none')}"
    raise fault("index-error", message, frame.expression.span(node))


def items_held(frame: Frame, container: Module) -> list[Any]:
    """Return the items of a container, or the names of a ModuleDict or ParameterDict, as a Python loop would."""
    if CONTAINERS[container.type][0]:
        return list(container.children)
    return [_held(frame, child) for child in container.children.values()]


def items_of_container(frame: Frame, container: Module) -> list[tuple[str, Any]]:
    """Return the pairs of a name and an item."""
    return [(name, _held(frame, child)) for name, child in container.children.items()]


def _held(frame: Frame, child: Module) -> Any:
    return child if child.tensor is None else read_attribute(frame, StoredTensor(child, ""), child.tensor)
