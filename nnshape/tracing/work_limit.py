"""Charges the work of a model's values, and reports a model that exceeds the limit."""

from __future__ import annotations

from typing import Any

from nnshape.problems import Problem
from nnshape.shapes.tensor import Tensor
from nnshape.spec import Span
from nnshape.spec.limits import WORK, WORK_A_CALL
from nnshape.tracing.faults import Abort
from nnshape.work import budget, spend

#: What one turn of a loop counts for, beside its names and its element.
TURN = 3
#: Characters of a text that count for 1.
_CHARACTERS = 16
#: What a tensor inside a tuple counts for, beside its dimensions: each use of the tuple looks at it.
_TENSOR = 3


def ended(span: Span, doing: str) -> Abort:
    """The end of a trace whose work is spent, at what was being done then."""
    message = f"this model takes too much work: the limit was met {doing}"
    help = (f"a model may take {WORK:,} units of work, and {WORK_A_CALL} more for each call",)
    return Abort(Problem("too-large", message, span, help=help))


def spend_on(value: Any) -> None:
    """Count a value by all that it holds: what uses it goes through it, a tuple inside a tuple each time."""
    spend(_weight(value, budget().left))


def _weight(value: Any, most: float) -> int:
    """The items of a tuple, those of the tuples in it too, counted until they are more than the most."""
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
            stack += [part for part in item if isinstance(part, (tuple, list, str, Tensor))]
    return count
