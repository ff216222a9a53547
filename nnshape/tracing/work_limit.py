"""Counts the work of the values of a model, and reports a model that exceeds the limit."""

from __future__ import annotations

from typing import Any

from nnshape.problems import Problem
from nnshape.shapes.tensor import Tensor
from nnshape.spec import Span
from nnshape.spec.limits import WORK, WORK_A_CALL
from nnshape.tracing.faults import Abort
from nnshape.work import budget, spend

#: The work of one iteration of a loop, apart from its names and element.
TURN = 3
#: The number of characters of a string that count as one unit.
_CHARACTERS = 16
#: The work of a tensor inside a tuple, apart from its dimensions: each use of the tuple visits it.
_TENSOR = 3


def ended(span: Span, doing: str) -> Abort:
    """Return the Abort of a trace that has spent its work. `doing` says when, such as `in this step`."""
    message = f"this model takes too much work: it reached the limit {doing}"
    help = (f"a model may take {WORK:,} units of work, and {WORK_A_CALL} more for each call",)
    return Abort(Problem("too-large", message, span, help=help))


def spend_on(value: Any) -> None:
    """Spend work in proportion to the contents of a value, since each use visits them all. Raises OutOfWork."""
    spend(_weight(value, budget().left))


def _weight(value: Any, most: float) -> int:
    """Return the size of a value with nested items, counted until it exceeds `most`."""
    count = 0
    stack = [value]
    while stack and count <= most:
        item = stack.pop()
        if isinstance(item, str):
            count += len(item) // _CHARACTERS
        elif isinstance(item, Tensor):
            count += _TENSOR + len(item.shape)
        else:
            count += len(item)
            parts = (*item, *item.values()) if isinstance(item, dict) else item
            stack += [part for part in parts if isinstance(part, (tuple, list, dict, str, Tensor))]
    return count
