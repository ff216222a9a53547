"""Calls in an expression: what is called, and with what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnshape.problems.nearest import nearest
from nnshape.shapes.function import Function
from nnshape.shapes.functions import find_function, find_method
from nnshape.shapes.tensor import Tensor, Unknown
from nnshape.spec import nodes
from nnshape.tracing import applying, containers, expressions, measuring, names, sequences
from nnshape.tracing.containers import CONTAINERS
from nnshape.tracing.derived import Derived, plain
from nnshape.tracing.faults import fault
from nnshape.tracing.located import located
from nnshape.tracing.model import Attribute
from nnshape.tracing.scope import MISSING, Frame, Namespace, Special, find_torch, is_callable, torch_names
from nnshape.tracing.values import shown


def call(frame: Frame, node: nodes.Call) -> Any:
    """The value of a call; a tensor that this step made when its body ran before is made no second time."""
    function = node.function
    if isinstance(function, nodes.Name):
        target = names.lookup(frame, function.id, function, called=True)
    elif isinstance(function, nodes.Attribute):
        owner = names.attribute_owner(frame, function)
        if isinstance(owner, Tensor):
            return _method_call(frame, node, owner, function.name)
        if isinstance(owner, Namespace):
            target = names.in_namespace(frame, function, owner, called=True)
        elif isinstance(owner, Unknown):
            _arguments(frame, node)
            raise expressions.Unknowable
        else:
            target = names.attribute(frame, function)
    else:
        target = expressions.evaluate(frame, function)
    if isinstance(target, Unknown):
        raise expressions.Unknowable
    if not is_callable(target):
        message = f"{shown(target)} cannot be called"
        raise fault("wrong-type", message, frame.expression.span(function))
    if isinstance(target, Special) and target.name == "Sequential":
        return sequences.make_sequential(frame, node)
    if isinstance(target, Special) and target.name in CONTAINERS:
        return containers.make_container(frame, node, target.name)
    existing = applying.made_before(frame, target)
    if existing is not None and existing.tensor is not None:
        return applying.read_attribute(frame, Attribute(existing, ""), existing.tensor)
    arguments, keywords = _arguments(frame, node)
    return applying.call(frame, node, target, arguments, keywords)


def _arguments(frame: Frame, node: nodes.Call) -> tuple[tuple[Any, ...], dict[str, Any]]:
    arguments = expressions.evaluate_all(frame, node.args)
    if len(node.args) == 1 and type(node.args[0]) is nodes.Comprehension and not node.args[0].bracketed:
        arguments = [tuple(arguments[0])]
    keywords: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.name is None:
            message = "** unpacks a mapping, and the language has none"
            raise fault("syntax", message, frame.expression.span(keyword))
        value = keyword.value
        unquoted = isinstance(value, nodes.Name) and value.id in _UNQUOTED.get(keyword.name, ())
        if unquoted and frame.own(value.id) is MISSING:  # type: ignore[union-attr]
            keywords[keyword.name] = value.id  # type: ignore[union-attr]
        else:
            keywords[keyword.name] = expressions.evaluate(frame, value)
    return tuple(arguments), keywords


#: The strings that print(model) shows without their quotes, so that a pasted layer has none.
_UNQUOTED = {"padding": ("same", "valid"), "padding_mode": ("reflect", "replicate", "circular")}


def _method_call(frame: Frame, node: nodes.Call, tensor: Tensor, name: str) -> Any:
    arguments, keywords = _arguments(frame, node)
    read = _READINGS.get(name)
    if read is not None and not keywords:
        with located(frame, node):
            return read(tensor, *map(plain, arguments))
    function = find_method(name) or measuring.method_without_rule(frame, node, name)
    if function is None:
        assert isinstance(node.function, nodes.Attribute)
        span = frame.expression.span((node.function.name_start, node.function.end))
        help = nearest(name, (n for n in torch_names() if isinstance(f := find_torch(n, True), Function) and f.method))
        if find_function(name) is not None:
            help = (f"{name} is a function: write {name}(…) with the tensor as its first argument",)
        raise fault("unknown-name", f"a tensor has no method {name}", span, help=help)
    return applying.apply_function(frame, node, function, (tensor, *arguments), keywords, method=True)


def _size(tensor: Tensor, dim: int | None = None) -> Any:
    sizes = names.shape_of(tensor)
    return sizes if dim is None else sizes[dim]


#: Tensor methods that read a number off the tensor.
_READINGS: dict[str, Callable[..., Any]] = {
    "size": _size,
    "dim": lambda tensor: len(tensor.shape),
    "ndimension": lambda tensor: len(tensor.shape),
    "numel": lambda tensor: Derived(tensor.numel(), "numel", (tensor,)),
}
