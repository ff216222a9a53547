"""Fixes of the arguments as written: unknown ones renamed or dropped, tensors moved to where they belong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nnshape.explain.refusals import place_of
from nnshape.fixes.editing import Edit
from nnshape.fixes.fix import Candidate
from nnshape.problems.nearest import nearest_name
from nnshape.shapes.arguments import Signature
from nnshape.shapes.layers import find_layer
from nnshape.shapes.tensor import Tensor
from nnshape.spec import Expression, Keyword, Node, Span, nodes
from nnshape.tracing import Trace
from nnshape.tracing.contexts import FaultContext

#: Names of NumPy, of Keras or of another layer for an argument, and torch's own here.
_OTHER_NAMES = {
    "axis": "dim",
    "keepdims": "keepdim",
    "filters": "out_channels",
    "units": "out_features",
    "rate": "p",
    "in_channels": "in_features",
    "in_features": "in_channels",
    "out_channels": "out_features",
    "out_features": "out_channels",
    "hidden_dim": "hidden_size",
}


def in_a_tuple(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Put tensors that are given one by one in parentheses: `cat((a, b), 1)` for `cat(a, b, 1)`."""
    node, signature = context.node, context.signature
    if not isinstance(node, nodes.Call) or signature is None or len(context.arguments) != len(node.args):
        return
    if not signature.positional or signature.positional[0].kinds[0] != "Tensors":
        return
    count = 0
    while count < len(node.args) and isinstance(context.arguments[count], Tensor):
        count += 1
    if count:
        first, last = (context.expression.span(node.args[place]) for place in (0, count - 1))
        text = context.expression.origin.source.text[first.start : last.end]
        edit = Edit(Span(first.source, first.start, last.end), f"({text}{',' if count == 1 else ''})")
        yield Candidate("join them in a tuple", (edit,), context.call.span, context.call.name)


def called_with_tensors(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Apply a layer to the tensors that its constructor got: `CrossEntropyLoss()(x, y)`."""
    node, signature, expression = context.node, context.signature, context.expression
    if not isinstance(node, nodes.Call) or signature is None or len(context.arguments) != len(node.args):
        return
    if not _constructs(context):
        return
    tensors: list[str] = []
    others: list[str] = []
    for item, value in zip(node.args, context.arguments, strict=True):
        (tensors if isinstance(value, Tensor) else others).append(expression.span(item).text)
    if tensors:
        others += [expression.span(keyword).text for keyword in node.keywords]
        whole, function = expression.span(node), expression.span(node.function)
        edit = Edit(Span(whole.source, function.end, whole.end), f"({', '.join(others)})({', '.join(tensors)})")
        yield Candidate("make the layer, then call it", (edit,), context.call.span, context.call.name)


def known_arguments(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Rename an argument that the layer or function does not have, or drop it; drop one that is given twice."""
    if _constructs(context) and any(isinstance(value, Tensor) for value in context.arguments):
        return  # the tensors belong to the layer's call
    expression, place = context.expression, place_of(context)
    step = context.call.span, context.call.name
    if isinstance(place, nodes.Keyword) and place.name is not None:
        call = next(call for call in _calls(context.node) if place in call.keywords)
        span = expression.span(place)
        free = _not_given(_signature(context), call)
        near = _meant(place.name, free)
        if near is not None and span.text.startswith(place.name):
            edit = Edit(Span(span.source, span.start, span.start + len(place.name)), near)
            yield Candidate(f"did you mean {near}?", (edit,), *step)
        yield Candidate(f"drop {place.name}", (without_argument(expression, call, place),), *step)
    elif isinstance(context.node, nodes.Call) and context.refusal.argument is None:
        args = context.node.args
        if any(isinstance(item, nodes.Comprehension) for item in args):
            return  # the call was meant to be one that takes many
        for first in range(len(args) - 1, -1, -1):
            edit = without_argument(expression, context.node, args[first], args[-1])
            yield Candidate("drop what it does not take", (edit,), *step)


def _meant(name: str, known: list[str]) -> str | None:
    """The argument that a name stands for: by another library's name, by its spelling, or as a part of it alone."""
    if (other := _OTHER_NAMES.get(name)) in known:
        return other
    parts = [one for one in known if name in one.split("_")]
    return nearest_name(name, known) or (parts[0] if len(parts) == 1 else None)


def without_empty_call(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Let a layer read the running value: `Linear(4, 2)` for `Linear(4, 2)()`."""
    node = context.node
    if isinstance(node, nodes.Call) and isinstance(node.function, nodes.Call) and not node.args and not node.keywords:
        whole, made = context.expression.span(node), context.expression.span(node.function)
        edit = Edit(Span(whole.source, made.end, whole.end), "")
        yield Candidate("apply it to the value above", (edit,), context.call.span, context.call.name)


def only_the_tensor(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Drop the arguments after the tensor of a Parameter or Buffer, which has the shape of that tensor."""
    node = context.node
    if not isinstance(node, nodes.Call) or len(context.arguments) != len(node.args) or len(node.args) < 2:
        return
    name = node.function.id if isinstance(node.function, nodes.Name) else ""
    if name in ("Buffer", "Parameter") and isinstance(context.arguments[0], Tensor):
        edit = without_argument(context.expression, node, node.args[1], node.args[-1])
        yield Candidate("the tensor has the shape", (edit,), context.call.span, context.call.name)


def _constructs(context: FaultContext) -> bool:
    """Whether the constructor of a layer refused its arguments."""
    return context.module is None and context.signature is not None and find_layer(context.signature.owner) is not None


def _calls(node: Node) -> Iterator[nodes.Call]:
    while isinstance(node, nodes.Call):
        yield node
        node = node.function


def _signature(context: FaultContext) -> Signature | None:
    """The signature of the call that refused: that of the layer's inputs if the layer was applied."""
    if context.module is not None and context.module.layer is not None:
        return context.module.layer.call_signature()
    return context.signature


def _not_given(signature: Signature | None, call: nodes.Call) -> list[str]:
    if signature is None:
        return []
    given = {keyword.name for keyword in call.keywords}
    given.update(parameter.name for parameter, _ in zip(signature.positional, call.args, strict=False))
    return [name for name in signature.by_name if name not in given]


def without_argument(
    expression: Expression, call: nodes.Call, item: Node | Keyword, last: Node | Keyword | None = None
) -> Edit:
    """The edit that drops an argument, or those from it to the last one, with a comma."""
    items: Sequence[Node | Keyword] = sorted((*call.args, *call.keywords), key=lambda one: one.start)
    first, behind = items.index(item), items.index(last or item) + 1
    start, end = expression.span(item).start, expression.span(last or item).end
    if first:
        start = expression.span(items[first - 1]).end
    elif behind < len(items):
        end = expression.span(items[behind]).start
    return Edit(Span(expression.origin.source, start, end), "")
