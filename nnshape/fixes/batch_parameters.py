"""Fixes of modules that are made for one batch: `Parameter(1, 64)` for `Parameter(N, 64)`, a transpose in front."""

from __future__ import annotations

from collections.abc import Iterator

from nnshape.fixes.batches import batch_nodes, in_step
from nnshape.fixes.editing import Edit
from nnshape.fixes.fix import Candidate, argument_of, construction
from nnshape.fixes.inputs import line_after
from nnshape.shapes.tensor import N, Tensor, tensors_in
from nnshape.spec import Body, Expression, Span, nodes
from nnshape.tracing import Trace
from nnshape.tracing.batch_parameters import batch_refusal
from nnshape.tracing.contexts import FaultContext


def one_for_all(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Make a Parameter or Buffer for one sample, and expand it to the batch where it does not broadcast."""
    module, name = context.module, context.call.name
    if module is None or module.tensor is None or batch_refusal(module) is None:
        return
    unwrapped = _computed(context.node)
    if unwrapped is not None:
        edit = Edit(context.expression.span(context.node), context.expression.span(unwrapped).text)
        yield in_step(context, "compute it in each call", edit)
        return
    ones = [Edit(context.expression.span(node), "1") for node in batch_nodes(context.node)]
    if not ones:
        return
    yield in_step(context, "make it for one sample", *ones)
    expand = f".expand({', '.join('N' if size == N else '-1' for size in module.tensor.shape)})"
    uses = [Edit(Span(span.source, span.end, span.end), expand) for span in _uses(trace, context, name)]
    if uses:
        shown = ", ".join(map(line_after, (ones[0], uses[0])))
        yield Candidate("make it for one sample, and expand it", (*ones, *uses), shown=shown)


def _computed(node: nodes.Node) -> nodes.Call | None:
    """The argument of `Buffer(arange(N))`, whose values would be others for one sample."""
    argument = node.args[0] if isinstance(node, nodes.Call) and node.args else None
    if not isinstance(argument, nodes.Call):
        return None
    function = argument.function
    name = function.id if isinstance(function, nodes.Name) else getattr(function, "name", "")
    return argument if name in ("arange", "eye", "linspace", "logspace", "tril_indices", "triu_indices") else None


def _uses(trace: Trace, context: FaultContext, name: str) -> Iterator[Span]:
    """The places below a step, in its own body, that name it."""
    for expression in _below(trace.spec.body, context.call.span) or next(
        filter(None, (_below(block.body, context.call.span) for block in trace.spec.blocks.values())), []
    ):
        for node in nodes.walk(expression.node):
            if isinstance(node, nodes.Name) and node.id == name:
                yield expression.span(node)


def _below(body: Body, span: Span) -> list[Expression]:
    """The expressions of the steps below the one at a place; empty if it is in another body."""
    places = [step.span.source is span.source and step.span.start == span.start for step in body.steps]
    if True not in places:
        return []
    steps = body.steps[places.index(True) + 1 :]
    return [step.value for step in steps if step.value is not None and not isinstance(step.value, Body)]


def batch_in_front(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Transpose the input of a layer that takes the batch for features: `Linear(auto, 10)(t.transpose(0, 1))`."""
    module, tensor = context.module, next(iter(tensors_in(context.arguments)), None)
    if module is None or module.layer is None or tensor is None or batch_refusal(module) is None:
        return
    made = construction(context.node)
    place = tensor.shape.index(N) if tensor.shape.count(N) == 1 else 0
    if made is None or not place:
        return
    edits = []
    argument = context.refusal.argument and argument_of(made, module.layer.signature(), context.refusal.argument)
    if argument and context.expression.span(argument).text != "auto":
        edits.append(Edit(context.expression.span(argument), "auto"))
    given = _given(context.expression, made, tensor)
    edits.append(Edit(given, f"{given.text or '(_'}.transpose(0, {place}){'' if given.text else ')'}"))
    yield in_step(context, "put the batch first", *edits)


def _given(expression: Expression, made: nodes.Call, tensor: Tensor) -> Span:
    """The first tensor that a layer is applied to, or the place behind the layer, which takes `_`."""
    for node in nodes.walk(expression.node):
        if isinstance(node, nodes.Call) and node.function is made and node.args:
            return expression.span(node.args[0])
    end = expression.span(made).end
    return Span(expression.origin.source, end, end)
