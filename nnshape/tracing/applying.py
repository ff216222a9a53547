"""Registers modules in the model under the names of their steps, and applies them."""

from __future__ import annotations

from typing import Any

from nnshape.shapes.tensor import UNKNOWN
from nnshape.spec import nodes
from nnshape.tracing.faults import fault
from nnshape.tracing.layers import apply_layer
from nnshape.tracing.model import Module
from nnshape.tracing.scope import Frame, Special


def made_before(frame: Frame, target: Any) -> Module | None:
    """Return the Parameter or Buffer that this step made in an earlier run of its body, or None. It is made once."""
    if not frame.again or not isinstance(target, Special):
        return None
    module = frame.module.children.get(frame.call.name)
    if module is None or module.tensor is None:
        return None
    frame.placed = frame.call.module = module
    return module


def _as_before(frame: Frame, module: Module) -> Module:
    """Return the module that this step made in an earlier run of its body, so that the runs share weights.

    Its body is replaced by the new module's, which holds the values of this run. Raises Fault if the types differ.
    """
    before = frame.module.children.get(frame.call.name)
    if before is None:
        return module
    if before.type != module.type:
        message = f"{before.path} is a {before.type} at first, but a {module.type} when its block is applied again"
        help = ("a step makes one module: use a separate step for each type",)
        raise fault("invalid-argument", message, module.span, help=help)
    before.body, before.entry = module.body, module.entry
    frame.placed = frame.call.module = before
    return before


def place(frame: Frame, module: Module) -> None:
    """Register a module under the name of the current step. Raises Fault if the step has made one already."""
    if module.path is not None:
        return
    name = frame.call.name
    if frame.placed is not None:
        message = f"{name} makes a second module in one step"
        help = ("give it a step of its own",)
        raise fault("syntax", message, frame.call.span, help=help)
    module.path = frame.prefix + name
    frame.placed = module
    frame.call.module = module
    frame.module.children[name] = module


def is_other_name(frame: Frame, module: Module) -> bool:
    """Return whether the current step registers a module that has another name from before."""
    return frame.placed is module and bool(module.other_paths) and module.path != frame.prefix + frame.call.name


def apply_module(
    frame: Frame, node: nodes.Node | None, module: Module, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    """Apply a module to its arguments, record the operation in the current step, and return the output."""
    if module.entry is not None:
        assert node is not None
        return frame.tracer.apply_through(frame, node, module, arguments, keywords)
    return apply_itself(frame, node, module, arguments, keywords)


def apply_itself(
    frame: Frame, node: nodes.Node | None, module: Module, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    """Apply a module as `apply_module` does, without the block that it is."""
    if frame.again and module.path is None and frame.placed is None:
        module = _as_before(frame, module)
    new = module.path is None
    place(frame, module)
    if module.body is not None:
        return frame.tracer.apply_body(frame, node, module, arguments, keywords)
    assert node is not None
    if module.holds_modules:
        message = f"{module.path} is a {module.type}, which cannot be called"
        help = (f"call one of its items: {module.path}[{_first_key(module)}](x)",)
        raise fault("wrong-type", message, frame.expression.span(node), help=help)
    if module.tensor is not None:
        raise fault(
            "wrong-type", f"{frame.call.name} is a {module.type}: it cannot be called", frame.expression.span(node)
        )
    if module.layer is None:
        return UNKNOWN
    if not new:
        frame.call.reused = frame.placed is None or is_other_name(frame, module)
        frame.call.module = frame.call.module or module
    return apply_layer(frame, node, module, arguments, keywords)


def _first_key(container: Module) -> str:
    name = next(iter(container.children), "0")
    return name if name.isdigit() else repr(name)
