"""Fixes of two steps: flatten a map and take its size, or put the channels last for a normalization and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nnshape.explain.refusals import place_of, tensor_of
from nnshape.fixes.editing import Edit, edited
from nnshape.fixes.fix import Candidate
from nnshape.fixes.inserted import free_name, line_before, whole_lines
from nnshape.fixes.own import is_map
from nnshape.shapes.tensor import Tensor, product
from nnshape.spec import Span, nodes
from nnshape.tracing import Trace
from nnshape.tracing.contexts import FaultContext
from nnshape.tracing.scope import ItemsBody


def flatten_and_size(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Flatten the map, and set `in_features` to the number of its elements."""
    tensor, place = tensor_of(context), place_of(context)
    if not is_map(context) or context.module is None or context.module.type != "Linear" or tensor is None:
        return
    features = product(tensor.shape[1:])
    if type(features) is not int or features == context.refusal.wanted or not isinstance(place, nodes.Constant):
        return
    size = Edit(context.expression.span(place), str(features))
    because = f"{' * '.join(map(str, tensor.shape[1:]))} = {features}"
    node = context.expression.span(context.node)
    step = edited(node.source.text[: node.end], (size,))[node.start :]
    if isinstance(context.scope.module.body, ItemsBody):
        ahead = Edit(Span(node.source, node.start, node.start), "Flatten(), ")
        yield Candidate("flatten the map", (ahead, size), shown=f"Flatten(), {step}", because=because)
        return
    if context.module.place[1] is not context.node:
        return
    name = free_name(trace, context, "flatten")
    line = line_before(context.call, f"{name}: Flatten()")
    if line is not None:
        shown = f"{name}: Flatten(), {context.call.name}: {step}"
        yield Candidate("flatten the map", (line, size), shown=shown, because=because)


def channels_last_and_back(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Permute the channels to the end for a LayerNorm of them, and back."""
    tensor, module = tensor_of(context), context.module
    if not is_map(context) or tensor is None or module is None or module.type == "Linear":
        return
    lines, rank = whole_lines(context.call), len(tensor.shape)
    if module.place[1] is not context.node or lines is None or not _normalizes(context, tensor):
        return
    there = f"permute({', '.join(map(str, (0, *range(2, rank), 1)))})"
    back = f"permute({', '.join(map(str, (0, rank - 1, *range(1, rank - 1))))})"
    first, last = free_name(trace, context, "channels_last"), free_name(trace, context, "channels_first")
    ahead, behind = line_before(context.call, f"{first}: {there}"), line_before(context.call, f"{last}: {back}")
    if ahead is None or behind is None:
        return
    text = behind.replacement if lines.text.endswith(("\n", "\r")) else "\n" + behind.replacement
    after = Edit(Span(lines.source, lines.end, lines.end), text)
    shown = f"{first}: {there} above {context.call.name}, and {last}: {back} below it"
    yield Candidate("put the channels last, and back", (ahead, after), shown=shown)


def _normalizes(context: FaultContext, tensor: Tensor) -> bool:
    sizes: Any = vars(context.module.layer).get("normalized_shape") if context.module is not None else None
    return sizes in (tensor.shape[1], (tensor.shape[1],), [tensor.shape[1]])
