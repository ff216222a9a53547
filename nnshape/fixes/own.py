"""Fixes of the failing call: an argument set from its input, or the layer for another rank."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nnshape.explain.refusals import place_of, tensor_of
from nnshape.fixes.editing import Edit
from nnshape.fixes.fix import Candidate, argument_of, construction, text_of, whole_number, with_argument
from nnshape.shapes.dtypes import DType
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.tensor import Tensor, tensors_in
from nnshape.spec import Expression, Node, Span, nodes
from nnshape.tracing import Module, Trace
from nnshape.tracing.contexts import FaultContext
from nnshape.tracing.scope import BlockBody

_LOSS = re.compile(r"\w*(_loss|Loss|Loss2d|cross_entropy|cross_entropy_with_logits|kl_div)")
_FAMILY = re.compile(r"(.*)([123])d")


def match_input(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Set the argument at fault to the size of the input."""
    value = _arriving(context)
    place = place_of(context)
    if value is None or place is context.node or isinstance(place, nodes.Keyword) or is_map(context):
        return
    expression = _expression(context)
    for edit, literal in written(trace, context, expression, place, text_of(value)):
        in_step = edit.span.source is context.call.span.source and (
            context.call.span.start <= edit.span.start and edit.span.end <= context.call.span.end
        )
        yield Candidate(
            "match the input", (edit,), context.call.span if in_step else None, context.call.name,
            shown="" if in_step else line_after(edit), safe=in_step and literal,
        )  # fmt: skip
    layer, call = _layer(context), construction(context.node)
    if layer is not None and call is not None and context.refusal.argument in layer.auto:
        # A literal would be wrong in another iteration or another call of the block.
        edit = Edit(expression.span(place), "auto")
        yield Candidate("match the input", (edit,), context.call.span, context.call.name)


def is_map(context: FaultContext) -> bool:
    """Whether a map arrives at a layer of the last dimension: its width is no number of features."""
    tensor, module = tensor_of(context), context.module
    of_last = module is not None and module.type in ("Linear", "LayerNorm", "RMSNorm")
    return of_last and tensor is not None and len(tensor.shape) > 3


def is_loss(context: FaultContext) -> bool:
    """Whether a loss refused: its sizes are the number of classes, which no layer decides."""
    return _LOSS.fullmatch(name_of_rule(context)) is not None


def name_of_rule(context: FaultContext) -> str:
    """The name of the layer or function that refused."""
    if context.module is not None:
        return context.module.type
    return context.signature.owner if context.signature is not None else ""


def _arriving(context: FaultContext) -> Any:
    refusal = context.refusal
    if refusal.tensor is not None and len(refusal.dims) > 1 and refusal.arrived is not None:
        value: Any = tuple(refusal.tensor.shape[dim] for dim in refusal.dims)
        return value if all(type(size) is int for size in value) else None
    if refusal.problem == "index-error" and refusal.argument == "num_embeddings":
        spans = [tensor.span for tensor in tensors_in(context.arguments) if tensor.span is not None]
        value = spans[0][1] + 1 if spans else None
    else:
        value = refusal.arrived
    return value if type(value) is int and value > 0 else None


def _expression(context: FaultContext) -> Expression:
    module = context.module
    if module is not None and module.place[0] is not None and module.place[1] is not context.node:
        return module.place[0]
    return context.expression


def written(
    trace: Trace, context: FaultContext, expression: Expression, node: Node, value: str
) -> Iterator[tuple[Edit, bool]]:
    """Yield the edits that set an argument at its source, each with whether it replaces a literal."""
    if isinstance(node, (nodes.Name, nodes.Word)):
        name = node.id
        body = context.scope.module.body
        if isinstance(body, BlockBody) and body.definition.block is not None and name in body.names:
            yield from _at_the_block(trace, context.scope.module, name, value)
        elif name in trace.spec.dims:
            yield Edit(trace.spec.dims[name].span, value), False
    else:
        literal = isinstance(node, nodes.Constant) or (
            isinstance(node, (nodes.Tuple, nodes.List)) and all(whole_number(item) is not None for item in node.items)
        )
        yield Edit(expression.span(node), value), literal


def _at_the_block(trace: Trace, module: Module, name: str, value: str) -> Iterator[tuple[Edit, bool]]:
    """Yield edits of the literal passed for a hyperparameter, at the call of the block or of a block around it."""
    assert trace.root.module is not None
    modules = {item.path: item for item in trace.root.module.walk()}
    inner: Module | None = module
    while inner is not None:
        if not isinstance(inner.body, BlockBody) or inner.body.definition.block is None or name not in inner.body.names:
            return
        expression, node = inner.place
        call = construction(node)
        if expression is None or call is None:
            return
        names = [parameter.name for parameter in inner.body.definition.block.parameters]
        given = next((keyword.value for keyword in call.keywords if keyword.name == name), None)
        if given is None and names.index(name) < len(call.args):
            given = call.args[names.index(name)]
        if whole_number(given) is not None and given is not None:
            yield Edit(expression.span(given), value), False
        if isinstance(given, nodes.Binary):
            # The fault may be in one operand: `width` in `width * (i + 1)`.
            for part in nodes.walk(given):
                if isinstance(part, nodes.Name):
                    yield Edit(expression.span(given), expression.span(part).text), False
        if not isinstance(given, nodes.Name):
            return
        name = given.id
        inner = modules.get((inner.path or "").rpartition(".")[0])
        while inner is not None and inner.path and not isinstance(inner.body, BlockBody):
            inner = modules.get(inner.path.rpartition(".")[0])


def line_after(edit: Edit) -> str:
    """Return the line of an edit outside the step, after the edit."""
    span = edit.span
    line = span.source.line(span.line)
    start = span.column - 1
    return (line[:start] + edit.replacement + line[start + span.end - span.start :]).split(" #")[0].strip()


def another_window(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Use a smaller kernel, or padding, if a kernel does not fit its map."""
    layer, call = _layer(context), construction(context.node)
    if layer is None or call is None or context.refusal.problem != "empty-output" or tensor_of(context) is None:
        return
    expression, own, tensor = _expression(context), vars(layer), _tensor(context)
    dimensions = len(context.refusal.dims)
    if tensor is None or "kernel_size" not in own or not dimensions:
        return
    sizes = [size for size in tensor.shape[-dimensions:] if type(size) is int]
    kernel, padding = own["kernel_size"], own.get("padding", 0)
    if len(sizes) != dimensions or type(kernel) is not int or type(padding) is not int:
        return
    room = min(sizes) + 2 * padding
    pool = type(layer).__name__.endswith(("Pool1d", "Pool2d", "Pool3d"))
    # Kernel sizes are usually odd, to have a center.
    smaller = room if room % 2 or pool else room - 1
    if 1 < smaller < kernel:
        edit = with_argument(expression, call, layer.signature(), "kernel_size", smaller)
        yield Candidate("use a smaller kernel", (edit,), context.call.span, context.call.name)
    if not pool and "padding" in own:
        # First half the kernel, which keeps the size ("same" padding), then the smallest that works.
        for wider in dict.fromkeys((kernel // 2, padding + -(-(kernel - room) // 2))):
            edit = with_argument(expression, call, layer.signature(), "padding", wider)
            yield Candidate("pad the map", (edit,), context.call.span, context.call.name)


def another_family(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Use the layer for the rank of the input: BatchNorm1d instead of BatchNorm2d."""
    layer, call, tensor = _layer(context), construction(context.node), _tensor(context)
    if layer is None or call is None or tensor is None or context.refusal.problem != "wrong-rank":
        return
    function = call.function
    name = function.id if isinstance(function, nodes.Name) else ""
    match = _FAMILY.fullmatch(name)
    if match is None:
        return
    for digit in (max(1, len(tensor.shape) - 2), len(tensor.shape) - 1):
        if digit in (1, 2, 3) and str(digit) != match[2]:
            edit = Edit(_expression(context).span(function), f"{match[1]}{digit}d")
            yield Candidate("use the layer for this rank", (edit,), context.call.span, context.call.name)


def another_dtype(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Set the layer's dtype to that of the input."""
    layer, call, tensor = _layer(context), construction(context.node), _tensor(context)
    if context.refusal.problem != "wrong-dtype" or layer is None or call is None or tensor is None:
        return
    if "dtype" in layer.signature().by_name and "float" in tensor.dtype:
        edit = with_argument(_expression(context), call, layer.signature(), "dtype", tensor.dtype)
        yield Candidate("use the dtype of the input", (edit,), context.call.span, context.call.name)


def divisors(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Use the nearest divisors, if the number of heads or groups does not divide the size."""
    call, name = construction(context.node), context.refusal.argument
    if call is None or context.signature is None or name is None or context.refusal.problem != "not-divisible":
        return
    node = argument_of(call, context.signature, name)
    number = whole_number(node)
    if number is None or node is None or not 0 < number <= 4096:
        return
    for value in sorted(range(1, 2 * number + 1), key=lambda value: (abs(value - number), -value))[1:9]:
        edit = Edit(_expression(context).span(node), str(value))
        yield Candidate("use a divisor", (edit,), context.call.span, context.call.name)


def reshapes(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Change one size of a reshape to match the number of elements in a sample."""
    refusal, node = context.refusal, context.node
    if not isinstance(node, nodes.Call) or refusal.argument != "shape":
        return
    arrived, wanted = refusal.arrived, refusal.wanted
    if refusal.problem == "swallows-batch" and arrived is None:
        yield from _batch_ahead(context, node)
    if type(arrived) is not int or type(wanted) is not int or wanted < 1:
        return
    items = node.args
    if len(items) == 1 and isinstance(items[0], (nodes.Tuple, nodes.List)):
        items = items[0].items
    for item in reversed(items):
        number = whole_number(item)
        if number is not None and number > 0 and arrived * number % wanted == 0:
            edit = Edit(context.expression.span(item), str(arrived * number // wanted))
            yield Candidate("match the input", (edit,), context.call.span, context.call.name)


def copied(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Copy a tensor that a view cannot reshape: use reshape, or contiguous first."""
    node = context.node
    if context.refusal.problem != "not-contiguous" or not isinstance(node, nodes.Call):
        return
    function, expression = node.function, context.expression
    step = context.call.span, context.call.name
    if isinstance(function, nodes.Attribute):
        name = expression.span((function.name_start, function.end))
        if function.name in ("view", "view_as") and not (node.args and _is_dtype(context)):
            yield Candidate("copy it", (Edit(name, function.name.replace("view", "reshape")),), *step)
        ahead = Span(name.source, name.start, name.start)
        yield Candidate("copy it first", (Edit(ahead, "contiguous()."),), *step)
        for item in node.args:
            if not isinstance(item, nodes.Constant):
                end = expression.span(item).end
                yield Candidate("copy what it reads", (Edit(Span(name.source, end, end), ".clone()"),), *step)
    elif isinstance(function, nodes.Name):
        name = expression.span(function)
        if function.id in ("view", "view_as") and not _is_dtype(context):
            yield Candidate("copy it", (Edit(name, function.id.replace("view", "reshape")),), *step)
        yield Candidate("copy it first", (Edit(Span(name.source, name.start, name.start), "contiguous()."),), *step)
        for item in node.args[1:]:
            if not isinstance(item, nodes.Constant):
                end = expression.span(item).end
                yield Candidate("copy what it reads", (Edit(Span(name.source, end, end), ".clone()"),), *step)


def _is_dtype(context: FaultContext) -> bool:
    return any(isinstance(value, DType) for value in context.arguments)


def _batch_ahead(context: FaultContext, node: nodes.Call) -> Iterator[Candidate]:
    """Write the batch before -1, so that it remains a dimension."""
    if node.args:
        start = context.expression.span(node.args[0]).start
        edit = Edit(Span(context.expression.origin.source, start, start), "N, ")
        yield Candidate("keep the batch dimension", (edit,), context.call.span, context.call.name)


def _layer(context: FaultContext) -> Layer | None:
    return None if context.module is None else context.module.layer


def _tensor(context: FaultContext) -> Tensor | None:
    return context.refusal.tensor or next(iter(tensors_in(context.arguments)), None)
