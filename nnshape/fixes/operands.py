"""Fixes of a call's operands: one of several values, or a value squeezed, transposed, cast or resized."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nnshape.fixes.editing import Edit
from nnshape.fixes.fix import Candidate, whole_number
from nnshape.shapes.tensor import Tensor, tensors_in
from nnshape.spec import Span, nodes
from nnshape.tracing import Operation, Trace
from nnshape.tracing.contexts import FaultContext
from nnshape.tracing.model import BodyInput, Call

#: The values to select from a layer that returns several, with their meanings.
_PARTS = {
    "LSTM": (("[0]", "use every step"), ("[1][0][-1]", "use the last hidden state")),
    "GRU": (("[0]", "use every step"), ("[1][-1]", "use the last hidden state")),
    "RNN": (("[0]", "use every step"), ("[1][-1]", "use the last hidden state")),
    "LSTMCell": (("[0]", "use the hidden state"), ("[1]", "take the cell state")),
    "MultiheadAttention": (("[0]", "use the output"),),
}


_SHAPES = ("wrong-rank", "size-mismatch", "silent-broadcast")


def one_of_several(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Select one tensor of a layer that returns several, such as the output or last hidden state of an LSTM."""
    given = next((value for value in context.arguments if isinstance(value, tuple)), None)
    if context.refusal.problem != "wrong-type" or given is None:
        return
    producer, outer = next((tensor.producer for tensor in tensors_in(given)), None), None
    if isinstance(producer, BodyInput) and producer.call is not None:
        # The block got the values: its call selects one.
        outer = producer.call
        producer = next((tensor.producer for tensor in tensors_in(producer.given)), None)
    call = producer.call if isinstance(producer, Operation) else None
    if call is None or (outer is None and call not in context.scope.steps_before):
        return
    for index, description in _PARTS.get(call.type, (("[0]", "use the first value"),)):
        edit = _taking(context, call.name, call.name + index) if outer is None else _passing(outer, call.name, index)
        if edit is not None:
            step = outer or context.call
            yield Candidate(description, (edit,), step.span, step.name)


def _passing(outer: Call, name: str, index: str) -> Edit | None:
    """The edit of a block's call that passes a part of a step's values instead of all of them, or of another part."""
    if outer.module is None or outer.module.place[0] is None:
        return None
    made, step = outer.module.span, outer.span
    if made.source is not step.source or not step.start <= made.start <= made.end <= step.end:
        return None
    behind = made.source.text[made.end : step.end]
    if not behind.startswith("("):
        return Edit(Span(made.source, made.end, made.end), f"({name}{index})")
    match = re.search(rf"(?<![\w.]){re.escape(name)}((\[[^\[\]]*\])*)(?![\w.\[])", behind)
    if match is None:
        return None
    start, end = made.end + match.start(1), made.end + match.end(1)
    return Edit(Span(made.source, start, end), index)


def _taking(context: FaultContext, name: str, text: str) -> Edit | None:
    """The edit that puts a part of a step's values in place of all of them, or of another part."""
    node, expression = context.node, context.expression
    if context.module is not None and context.module.place[1] is node:
        end = expression.span(node).end
        return Edit(Span(expression.origin.source, end, end), f"({text})")
    for item in _operand_nodes(node):
        whole = item
        while isinstance(item, nodes.Subscript):
            item = item.value
        if isinstance(item, nodes.Name) and item.id in (name, "_"):
            return Edit(expression.span(whole), text)
    if (
        isinstance(node, nodes.Call)
        and len(node.args) < len(context.arguments)
        and isinstance(node.function, nodes.Name)
    ):
        # A function of the running value: `relu()`.
        start = expression.span(node.function).end + 1
        comma = ", " if node.args or node.keywords else ""
        return Edit(Span(expression.origin.source, start, start), f"{text}{comma}")
    return None


def another_form(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Squeeze, transpose, cast or resize an operand."""
    node, refusal = context.node, context.refusal
    parts = _operand_nodes(node)
    yield from _fewer_indices(context, parts)
    tensors = [tensor for value in context.arguments for tensor in tensors_in(value)]
    for number, (tensor, part) in enumerate(zip(tensors[-len(parts) :] if parts else [], parts, strict=False)):
        span = context.expression.span(part)
        text = as_operand(part, span.text)
        for method, description in _methods(context, tensor, number):
            yield Candidate(description, (Edit(span, f"{text}.{method}"),), context.call.span, context.call.name)
    if refusal.names and len(parts) == 2 and all(isinstance(part, nodes.Name) for part in parts) and len(tensors) == 2:
        one, two = (context.expression.span(part) for part in parts)
        dims = "2:" if len(tensors[0].shape) == 4 else ""
        if dims and tensors[0].shape[1:2] and context.scope.name_of(tensors[0]):
            edit = Edit(two, f"interpolate({two.text}, {one.text}.shape[{dims}])")
            yield Candidate("resize one to match the other", (edit,), context.call.span, context.call.name)


def _fewer_indices(context: FaultContext, parts: tuple[nodes.Node, ...]) -> Iterator[Candidate]:
    """Limit the indices to the rows of the embedding: `arange(1024)` for 1,024 rows."""
    layer = context.module.layer if context.module is not None else None
    rows = vars(layer).get("num_embeddings") if layer is not None else None
    for part in parts if context.refusal.problem == "index-error" and type(rows) is int else ():
        if isinstance(part, nodes.Call) and len(part.args) == 1 and whole_number(part.args[0]) is not None:
            edit = Edit(context.expression.span(part.args[0]), str(rows))
            yield Candidate("use fewer indices", (edit,), context.call.span, context.call.name)


def as_operand(node: nodes.Node, text: str) -> str:
    """Return the text of a node as the owner of a method call, in parentheses if needed."""
    return text if isinstance(node, (nodes.Name, nodes.Call, nodes.Subscript, nodes.Attribute)) else f"({text})"


def _operand_nodes(node: nodes.Node) -> tuple[nodes.Node, ...]:
    if isinstance(node, nodes.Binary):
        return (node.left, node.right)
    if isinstance(node, nodes.Compare):
        return (node.left, *node.comparators)
    if isinstance(node, nodes.Call):
        if len(node.args) and isinstance(node.args[0], (nodes.Tuple, nodes.List)):
            return node.args[0].items
        return node.args
    return ()


def _methods(context: FaultContext, tensor: Tensor, number: int) -> Iterator[tuple[str, str]]:
    refusal, shape = context.refusal, tensor.shape
    if refusal.problem in _SHAPES and len(shape) > 1 and shape[-1] == 1:
        yield f"squeeze({len(shape) - 1})", "drop the dimension of 1"
    if refusal.problem == "size-mismatch" and len(shape) > 1 and number == 1 and context.module is None:
        yield "transpose(-2, -1)", "transpose it"
    if refusal.problem == "wrong-dtype":
        yield ("long()", "cast it to int64") if tensor.dtype.startswith("float") else ("float()", "cast it to float32")
