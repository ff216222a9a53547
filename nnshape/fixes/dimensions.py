"""Fixes of a dimension or an index that is out of range, or of a dimension that is named twice."""

from __future__ import annotations

from collections.abc import Iterator

from nnshape.fixes.editing import Edit
from nnshape.fixes.fix import Candidate, Gap, argument_of, construction
from nnshape.fixes.values import literal, node_at_fault
from nnshape.shapes.tensor import Tensor, tensors_in
from nnshape.spec import Expression, Node, Span, nodes
from nnshape.tracing import Trace
from nnshape.tracing.contexts import FaultContext


def in_range(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Use the last dimension, or the last index, in place of one beyond it."""
    if isinstance(context.node, nodes.Subscript):
        yield from _index_in_range(context, context.node)
        return
    tensor = context.refusal.tensor or next(iter(tensors_in(context.arguments)), None)
    if tensor is None or not tensor.shape:
        return
    rank = len(tensor.shape)
    for expression, node in _dimensions(context):
        number = literal(node)
        if type(number) is int and not -rank <= number < rank:
            # The batch is dimension 0: from the front, dimension 1 is the first of a sample.
            meant = rank - 1 if number >= 0 else 1 - rank
            edit = Edit(expression.span(node), str(meant))
            yield Candidate("use the nearest dimension", (edit,), context.call.span, context.call.name)


def _dimensions(context: FaultContext) -> Iterator[tuple[Expression, Node]]:
    """The nodes that name dimensions in the call that refused."""
    name, module = context.refusal.argument or "", context.module
    node = node_at_fault(context)
    if node is not None:
        items = node.items if isinstance(node, (nodes.Tuple, nodes.List)) else (node,)
        yield from ((context.expression, item) for item in items)
    elif module is not None and module.place[0] is not None and module.layer is not None:
        made = construction(module.place[1])
        argument = None if made is None else argument_of(made, module.layer.signature(), name)
        if argument is not None:
            yield module.place[0], argument
    elif isinstance(context.node, nodes.Call):
        yield from ((context.expression, item) for item in items_of(context.node))


def items_of(call: nodes.Call) -> tuple[Node, ...]:
    """The arguments of a call, given one by one or as one tuple."""
    if len(call.args) == 1 and isinstance(call.args[0], (nodes.Tuple, nodes.List)):
        return call.args[0].items
    return call.args


def _index_in_range(context: FaultContext, node: nodes.Subscript) -> Iterator[Candidate]:
    tensor = context.arguments[0] if context.arguments else None
    items = node.index.items if isinstance(node.index, nodes.Tuple) else (node.index,)
    if not isinstance(tensor, Tensor) or any(literal(item) is None and _adds(item) for item in items):
        return
    rank = len(tensor.shape)
    if len(items) > rank > 0:
        first, last = context.expression.span(items[rank - 1]).end, context.expression.span(items[-1]).end
        edit = Edit(Span(context.expression.origin.source, first, last), "")
        yield Candidate("index each dimension once", (edit,), context.call.span, context.call.name)
    for item, size in zip(items, tensor.shape, strict=False):
        number = literal(item)
        if type(number) is int and type(size) is int and size and not -size <= number < size:
            edit = Edit(context.expression.span(item), str(size - 1 if number >= 0 else -size))
            yield Candidate("use the nearest index", (edit,), context.call.span, context.call.name)


def _adds(item: Node) -> bool:
    """Whether an index is None or `...`, after which items and dimensions do not pair."""
    return isinstance(item, nodes.Constant) and (item.value is None or item.value is Ellipsis)


def each_once(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Name the missing dimension in place of one that is named twice, if only one of the two ways works."""
    tensor = next(iter(tensors_in(context.arguments)), None)
    if not isinstance(context.node, nodes.Call) or tensor is None or "twice" not in context.refusal.message:
        return
    rank, items = len(tensor.shape), [item for _, item in _dimensions(context)]
    numbers = [literal(item) for item in items]
    places = [number % rank for number in numbers if type(number) is int]
    missing = set(range(rank)) - set(places)
    if len(places) != rank or len(missing) != 1:
        return
    (meant,) = missing
    twice = [item for item, place in zip(items, places, strict=True) if places.count(place) == 2]
    first, last = context.expression.span(items[0]), context.expression.span(items[-1])
    ways = tuple(
        ", ".join(str(meant) if item is one else context.expression.span(item).text for item in items) for one in twice
    )
    edit = Edit(Span(first.source, first.start, last.end), "auto")
    gap = Gap("dims", {}, literal=False, alternatives=ways)
    yield Candidate("name each dimension once", (edit,), context.call.span, context.call.name, gap=gap)
