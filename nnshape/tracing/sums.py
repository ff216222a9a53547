"""Python's `sum` of tensors, or from a start, as in `sum(head(x) for head in heads)`."""

from __future__ import annotations

from typing import Any

from nnshape.shapes.tensor import Tensor
from nnshape.spec import nodes
from nnshape.tracing import numbers
from nnshape.tracing.faults import fault
from nnshape.tracing.located import located
from nnshape.tracing.number_arguments import wrong_arguments
from nnshape.tracing.operations import on_tensors
from nnshape.tracing.scope import Frame
from nnshape.work import spend


def added(frame: Frame, node: nodes.Call, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Return the sum of items, added one after the other to the start. Raises Fault."""
    items, *rest = arguments
    start = [*rest, *(value for key, value in keywords.items() if key == "start")]
    if len(start) > 1 or keywords.keys() - {"start"}:
        message = wrong_arguments("sum", arguments, keywords)
        raise fault("wrong-type", message, frame.expression.span(node))
    total = start[0] if start else 0
    for index, item in enumerate(items):
        if index == 0 and not start and isinstance(item, Tensor) and item.dtype != "bool":
            total = item  # Python adds it to 0, which changes no tensor but one of truths
        elif isinstance(total, Tensor) or isinstance(item, Tensor):
            total = on_tensors(frame, node, "add", (total, item))
        else:
            spend(len(total) if isinstance(total, (tuple, list, str)) else 1)
            with located(frame, node):
                total = numbers.arithmetic("+", total, item)
    return total
