"""Predicates on values, and the text of values in messages."""

from __future__ import annotations

from typing import Any

from nnshape.shapes.arguments import described
from nnshape.shapes.dims import Dim, symbols_of
from nnshape.shapes.function import Function
from nnshape.shapes.tensor import Tensor, Unknown, tensors_in
from nnshape.spec import nodes
from nnshape.tracing.model import Module
from nnshape.tracing.runtime_sizes import RuntimeSize, plain
from nnshape.tracing.scope import Definition, FileScope, Foreign, Frame, Special, is_layer_class
from nnshape.work import spend


def holds_tensor(value: Any) -> bool:
    """Return whether a value is or holds a tensor, inside tuples, lists and mappings too."""
    return any(True for _ in tensors_in(value))


def holds_unknown(value: Any) -> bool:
    """Return whether a value is or holds an unknown one, after a fault or without a rule."""
    if isinstance(value, (tuple, list)):
        for item in value:
            # A packed sequence is a tuple too, and each of its fields may be unknown.
            if type(item) is Unknown or (isinstance(item, (tuple, list, dict)) and item and holds_unknown(item)):
                return True
        return False
    if isinstance(value, dict):
        return bool(value) and holds_unknown(tuple(value.values()))
    return isinstance(value, Unknown)


def shown(value: Any) -> str:
    """Return the text of a value in a message."""
    if isinstance(value, Module):
        return f"a {value.type}"
    if isinstance(value, (Definition, FileScope)):
        return "a block"
    if is_layer_class(value):
        return f"the layer type {value.__name__}"
    if isinstance(value, Special):
        return f"the layer type {value.name}"
    if isinstance(value, Function):
        return f"the function {value.name}"
    return described(plain(value))


def is_applied(value: Any) -> bool:
    """Return whether a value can be applied to tensors: a module, a layer's class, a block or a function."""
    return isinstance(value, (Module, Definition, FileScope, Foreign, Function, Special)) or is_layer_class(value)


def symbols_under(frame: Frame, node: nodes.Node) -> frozenset[str]:
    """Return the symbols in the values of the names in an expression."""
    found: frozenset[str] = frozenset()
    for part in nodes.walk(node):
        if isinstance(part, nodes.Name):
            spend(1)
            own = frame.own(part.id)
            found |= _symbols_in(getattr(own, "value", own))
    return found


def _symbols_in(value: Any) -> frozenset[str]:
    if isinstance(value, RuntimeSize):
        value = value.value
    if isinstance(value, Dim):
        return symbols_of(value)
    if isinstance(value, Tensor):
        return frozenset().union(*map(_symbols_in, value.shape)) - {"N"} if value.shape else frozenset()
    return frozenset()
