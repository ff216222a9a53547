"""Turns the exceptions of arithmetic into faults at the node that was evaluated."""

from __future__ import annotations

from typing import Any

from nnshape.shapes.dims import Dim, TooLarge
from nnshape.shapes.tensor import Tensor, Unknown
from nnshape.spec import nodes
from nnshape.tracing import numbers
from nnshape.tracing.faults import Unknowable, fault
from nnshape.tracing.runtime_sizes import plain
from nnshape.tracing.scope import Frame
from nnshape.tracing.value_display import symbols_under


class located:
    """A context manager that turns the exceptions of arithmetic into faults at a node."""

    __slots__ = ("_frame", "_node")

    def __init__(self, frame: Frame, node: nodes.Node) -> None:
        self._frame = frame
        self._node = node

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None:
            return
        span = self._frame.expression.span(self._node)
        if isinstance(error, numbers.UndecidedCondition):
            raise undecided(self._frame, self._node) from None
        if isinstance(error, TooLarge):
            raise fault("too-large", str(error), span) from None
        if isinstance(error, IndexError):
            raise fault("index-error", str(error).replace("tuple ", ""), span) from None
        if isinstance(error, (TypeError, ValueError)):
            raise fault("wrong-type", str(error), span) from None


def undecided(frame: Frame, node: nodes.Node) -> Exception:
    """Return the fault for a condition on a symbolic size, which asks for its value."""
    text = frame.expression.span(node).text
    symbols = ", ".join(sorted(symbols_under(frame, node)))
    help = (f"give {symbols} a value: dims: {{{symbols.split(', ')[0]}: 224}}",) if symbols else ()
    message = f"`{text}` depends on {symbols or 'a size'}, which has no value"
    return fault("unknown-value", message, frame.expression.span(node), help=help)


def truth(frame: Frame, node: nodes.Node, value: Any) -> bool:
    """Return whether a condition holds. Raises Fault if it depends on a symbol or on the values of a tensor."""
    value = plain(value)
    if isinstance(value, Unknown):
        raise Unknowable
    if isinstance(value, Tensor):
        message = "a condition cannot use the values of a tensor, which are unknown until the model runs"
        raise fault("wrong-type", message, frame.expression.span(node))
    if isinstance(value, Dim):
        raise undecided(frame, node)
    return bool(value)
