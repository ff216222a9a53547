"""Fixes that keep samples whole and apart: a transpose in place of a view."""

from __future__ import annotations

from collections.abc import Iterator

from nnshape.fixes.editing import Edit
from nnshape.fixes.fix import Candidate
from nnshape.fixes.operands import as_operand
from nnshape.shapes.regrouping import Swap
from nnshape.spec import Span, nodes
from nnshape.tracing import Trace
from nnshape.tracing.contexts import FaultContext


def dimensions_in_order(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Swap the dimensions where a view or reshape only read the values as another shape."""
    swap, node = context.refusal.wanted, context.node
    if not isinstance(swap, Swap) or not isinstance(node, nodes.Call):
        return
    expression = context.expression
    sizes: tuple[nodes.Node, ...] = node.args
    start, ahead = expression.span(node).start, ""
    if len(node.args) + len(node.keywords) == len(context.arguments) + len(context.keywords):
        # A function: its first argument becomes the owner of the method.
        ahead = f"{as_operand(sizes[0], expression.span(sizes[0]).text)}." if sizes else ""
        sizes = sizes[1:]
    elif isinstance(node.function, nodes.Attribute):
        start = expression.span((node.function.name_start, node.function.end)).start
    if len(sizes) == 1 and isinstance(sizes[0], (nodes.Tuple, nodes.List)):
        sizes = sizes[0].items
    texts = [expression.span(item).text for item in sizes]
    text = swap_text(swap.order)
    if swap.split:
        if len(texts) != len(swap.split):
            return
        text = f"reshape({', '.join(texts[place] for place in swap.split)}).{text}"
    elif not swap.alone:
        if not texts:
            return
        text += f".reshape({', '.join(texts)})"
    edit = Edit(Span(expression.origin.source, start, expression.span(node).end), ahead + text)
    yield Candidate("swap the dimensions", (edit,), context.call.span, context.call.name)


def swap_text(order: tuple[int, ...]) -> str:
    """The method that puts dimensions in an order: `transpose` for two of them, else `permute`."""
    places = [place for place, source in enumerate(order) if place != source]
    if len(places) == 2:
        return f"transpose({places[0]}, {places[1]})"
    return f"permute({', '.join(map(str, order))})"
