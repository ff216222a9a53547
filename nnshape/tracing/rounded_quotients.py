"""Evaluates `ceil(H/2)` and `floor(H/2)` of symbolic sizes: the quotient itself is no whole number."""

from __future__ import annotations

from typing import Any

from nnshape.shapes.dims import Dim, at_least
from nnshape.spec import nodes
from nnshape.tracing.located import located
from nnshape.tracing.numbers import arithmetic
from nnshape.tracing.runtime_sizes import is_number, plain
from nnshape.tracing.scope import Frame

ROUNDED = ("ceil", "floor")
#: Nodes that can be evaluated twice: they make no module and no tensor.
_NUMBERS = (nodes.Name, nodes.Constant, nodes.Binary, nodes.Unary, nodes.Subscript)


def rounded_quotient(frame: Frame, node: nodes.Call, name: str) -> Any:
    """Return the quotient of two sizes, one of them symbolic, rounded up or down; None for any other argument."""
    quotient = node.args[0] if len(node.args) == 1 and not node.keywords else None
    if not isinstance(quotient, nodes.Binary) or quotient.operator != "/" or not _is_of_numbers(quotient):
        return None
    above, below = frame.evaluate(quotient.left), frame.evaluate(quotient.right)
    sizes = plain(above), plain(below)
    if not any(isinstance(size, Dim) for size in sizes) or not all(map(is_number, sizes)) or float in map(type, sizes):
        return None
    with located(frame, quotient):
        if name == "floor":
            return arithmetic("//", above, below)
        if at_least(sizes[1], 1):  # ceil(a/b) = (a - 1)//b + 1, the form that convolutions have
            return arithmetic("+", arithmetic("//", arithmetic("-", above, 1), below), 1)
        # ceil(a/b) = -(-a//b)
        return arithmetic("*", arithmetic("//", arithmetic("*", above, -1), below), -1)


def _is_of_numbers(node: nodes.Node) -> bool:
    for part in nodes.walk(node):
        shape = isinstance(part, nodes.Attribute) and part.name == "shape"
        if not shape and not isinstance(part, _NUMBERS):
            return False
    return True
