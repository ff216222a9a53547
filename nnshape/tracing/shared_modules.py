"""Registers a module that is made already under one more name, as `self.head = self.embed` does in torch.

The state dict lists its parameters under each name, and they count once.
"""

from __future__ import annotations

from typing import Any

from nnshape.spec import nodes
from nnshape.tracing.faults import fault
from nnshape.tracing.members import child_at, module_at, module_of
from nnshape.tracing.model import Module
from nnshape.tracing.scope import Frame
from nnshape.work import PARAMETER, spend


def module_named(frame: Frame, node: nodes.Node) -> Module | None:
    """Return the module that a name or path names: `embed`, `net.stem[0]`, `heads['a']`. None for other expressions.

    The module is made by an earlier step, or handed to the block. Raises Fault for an item that is not there.
    """
    found: Any = None
    if isinstance(node, (nodes.Name, nodes.Attribute)):
        found = module_of(frame, node)
    elif isinstance(node, nodes.Subscript):
        whole = module_at(frame, node.value)
        found = None if whole is None else child_at(frame, node, whole)
        if found is None and isinstance(held := module_of(frame, node.value), Module) and held.holds_modules:
            found = frame.evaluate(node)
    return found if isinstance(found, Module) and found.path is not None and found.tensor is None else None


def register_again(frame: Frame, node: nodes.Node, module: Module) -> Module:
    """Register a module under the name of the current step too. Raises Fault if the module contains that step."""
    name = frame.call.name
    if frame.module.children.get(name) is not module:
        for part in module.every_name():
            spend(PARAMETER)  # a file can double the names again and again
            if part[1].children is frame.module.children:  # not the module itself, for which another may stand
                message = f"{module.path} cannot be a part of itself"
                raise fault("invalid-argument", message, frame.expression.span(node))
        frame.module.children[name] = module
        module.other_paths = (*module.other_paths, frame.prefix + name)
    frame.placed = frame.call.module = module
    frame.call.reused = True
    return module
