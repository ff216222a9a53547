"""Counts what reading a model computes, so that a file nobody vouches for ends at a limit."""

from __future__ import annotations

from typing import Any

from nnshape.problems import Problem
from nnshape.shapes.tensor import Tensor
from nnshape.spec import nodes
from nnshape.spec.limits import WORK
from nnshape.tracing.faults import Abort
from nnshape.tracing.scope import Frame

#: What one application of a rule counts for, beside an expression's 1.
RULE = 10
#: What one turn of a loop counts for, beside its names and its element.
TURN = 5
#: Characters of a text that count for 1.
_CHARACTERS = 8


def spend(frame: Frame, node: nodes.Node, amount: int) -> None:
    """Count some work; beyond the limit the trace ends at this node."""
    tracer = frame.tracer
    tracer.work += amount
    if tracer.work > WORK:
        message = "the loops, tuples and texts of this model take more than reading one should"
        help = (f"what they compute adds up to at most {WORK:,} values",)
        raise Abort(Problem("too-large", message, frame.expression.span(node), help=help))


def spend_on(frame: Frame, node: nodes.Node, value: Any) -> None:
    """Count a value by all that it holds: what uses it goes through it, a tuple inside a tuple each time."""
    spend(frame, node, _weight(value, WORK - frame.tracer.work))


def _weight(value: Any, most: int) -> int:
    """The items of a tuple, those of the tuples in it too, counted until they are more than the most."""
    count = 0
    stack = [value]
    while stack and count <= most:
        item = stack.pop()
        if isinstance(item, str):
            count += len(item) // _CHARACTERS
        elif isinstance(item, Tensor):
            count += len(item.shape)
        else:
            count += len(item)
            stack += [part for part in item if isinstance(part, (tuple, list, str, Tensor))]
    return count
