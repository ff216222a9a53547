"""Fixes of what a call is given: one value of several, another form of an operand."""

from __future__ import annotations

from collections.abc import Iterator

from nnshape.fixes.candidate import Candidate, whole_number
from nnshape.fixes.editing import Edit
from nnshape.shapes.tensor import Tensor, tensors_in
from nnshape.spec import Span, nodes
from nnshape.tracing import Trace
from nnshape.tracing.causes import Cause
from nnshape.tracing.labels import named

#: Which of its values people want of a layer that returns several, and what it is.
_PARTS = {
    "LSTM": (("[0]", "take every step"), ("[1][0][-1]", "take the last hidden state")),
    "GRU": (("[0]", "take every step"), ("[1][-1]", "take the last hidden state")),
    "RNN": (("[0]", "take every step"), ("[1][-1]", "take the last hidden state")),
    "LSTMCell": (("[0]", "take the hidden state"), ("[1]", "take the cell state")),
    "MultiheadAttention": (("[0]", "take the output"),),
}


_SHAPES = ("wrong-rank", "size-mismatch", "silent-broadcast")


def one_of_several(trace: Trace, cause: Cause) -> Iterator[Candidate]:
    """The output of an LSTM, or its last state, where all that it returns was taken for one tensor."""
    given = next((value for value in cause.arguments if isinstance(value, tuple)), None)
    if cause.refusal.problem != "wrong-type" or given is None or cause.module is None:
        return
    makers = cause.frame.tracer.makers
    maker = next((makers.get(id(tensor)) for tensor in tensors_in(given)), None)
    call = None if maker is None else maker.call
    if call is None or call.name not in cause.frame.locals:
        return
    for index, description in _PARTS.get(call.type, (("[0]", "take the first value"),)):
        edit = _taking(cause, call.name, call.name + index)
        if edit is not None:
            yield Candidate(description, (edit,), cause.call.span, cause.call.name)


def _taking(cause: Cause, name: str, text: str) -> Edit | None:
    node, expression = cause.node, cause.expression
    if cause.module is not None and cause.module.place[1] is node:
        end = expression.span(node).end
        return Edit(Span(expression.origin.source, end, end), f"({text})")
    if isinstance(node, nodes.Call):
        for item in node.args:
            if isinstance(item, nodes.Name) and item.id in (name, "_"):
                return Edit(expression.span(item), text)
    return None


def another_form(trace: Trace, cause: Cause) -> Iterator[Candidate]:
    """An operand with a dimension less, transposed, cast, or brought to the other's size."""
    node, refusal = cause.node, cause.refusal
    parts = _operand_nodes(node)
    yield from _fewer_ids(cause, parts)
    tensors = [tensor for value in cause.arguments for tensor in tensors_in(value)]
    for number, (tensor, part) in enumerate(zip(tensors[-len(parts) :] if parts else [], parts, strict=False)):
        span = cause.expression.span(part)
        simple = isinstance(part, (nodes.Name, nodes.Call, nodes.Subscript, nodes.Attribute))
        text = span.text if simple else f"({span.text})"
        for method, description in _methods(cause, tensor, number):
            yield Candidate(description, (Edit(span, f"{text}.{method}"),), cause.call.span, cause.call.name)
    if refusal.names and len(parts) == 2 and all(isinstance(part, nodes.Name) for part in parts) and len(tensors) == 2:
        one, two = (cause.expression.span(part) for part in parts)
        dims = "2:" if len(tensors[0].shape) == 4 else ""
        if dims and tensors[0].shape[1:2] and named(cause.frame, tensors[0]):
            edit = Edit(two, f"interpolate({two.text}, {one.text}.shape[{dims}])")
            yield Candidate("bring one to the other's size", (edit,), cause.call.span, cause.call.name)


def _fewer_ids(cause: Cause, parts: tuple[nodes.Node, ...]) -> Iterator[Candidate]:
    """`arange(1024)` for a table of 1024 rows."""
    layer = cause.module.layer if cause.module is not None else None
    rows = vars(layer).get("num_embeddings") if layer is not None else None
    for part in parts if cause.refusal.problem == "index-error" and type(rows) is int else ():
        if isinstance(part, nodes.Call) and len(part.args) == 1 and whole_number(part.args[0]) is not None:
            edit = Edit(cause.expression.span(part.args[0]), str(rows))
            yield Candidate("look up fewer", (edit,), cause.call.span, cause.call.name)


def _operand_nodes(node: nodes.Node) -> tuple[nodes.Node, ...]:
    if isinstance(node, nodes.Binary):
        return (node.left, node.right)
    if isinstance(node, nodes.Call):
        if len(node.args) and isinstance(node.args[0], (nodes.Tuple, nodes.List)):
            return node.args[0].items
        return node.args
    return ()


def _methods(cause: Cause, tensor: Tensor, number: int) -> Iterator[tuple[str, str]]:
    refusal, shape = cause.refusal, tensor.shape
    if refusal.problem in _SHAPES and len(shape) > 1 and shape[-1] == 1:
        yield f"squeeze({len(shape) - 1})", "drop the dimension of 1"
    if refusal.problem == "size-mismatch" and len(shape) > 1 and number == 1 and cause.module is None:
        yield "transpose(-2, -1)", "transpose it"
    if refusal.problem == "wrong-dtype":
        yield ("long()", "make it int64") if tensor.dtype.startswith("float") else ("float()", "make it float32")
