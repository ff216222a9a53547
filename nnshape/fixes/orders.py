"""Fixes of an order: swapped sizes of the layer above, the dimension of a cat, the dimensions of a permute."""

from __future__ import annotations

from collections.abc import Iterator

from nnshape.explain.origins import chain_of
from nnshape.fixes.batches import in_step
from nnshape.fixes.dimensions import items_of
from nnshape.fixes.editing import Edit
from nnshape.fixes.fix import Candidate, argument_of, construction, with_argument
from nnshape.fixes.own import name_of_rule
from nnshape.fixes.values import literal
from nnshape.shapes.tensor import Tensor, tensors_in
from nnshape.spec import Expression, Span, nodes
from nnshape.tracing import Module, Trace
from nnshape.tracing.contexts import FaultContext

_JOINING = frozenset({"cat", "concat", "concatenate"})


def swapped_sizes(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Swap the first two sizes of the layer above: `Embedding(vocab, width)` for `Embedding(width, vocab)`."""
    for tensor in tensors_in((context.arguments, dict(context.keywords))):
        links = chain_of(tensor).links[:1]
        module = links[0].operation.target if links and links[0].operation is not None else None
        if not isinstance(module, Module) or module.layer is None or module.place[0] is None:
            continue
        expression, call = module.place[0], construction(module.place[1])
        names = [parameter.name for parameter in module.layer.signature().positional[:2]]
        sizes = [vars(module.layer).get(name) for name in names]
        if call is not None and len(call.args) > 1 and all(type(size) is int for size in sizes):
            one, two = (expression.span(item) for item in call.args[:2])
            between = one.source.text[one.end : two.start]
            edit = Edit(Span(one.source, one.start, two.end), f"{two.text}{between}{one.text}")
            yield in_step(context, "swap the two sizes", edit)


def other_dimension(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Join tensors along the only dimension in which they differ."""
    node, signature = context.node, context.signature
    if not isinstance(node, nodes.Call) or signature is None or name_of_rule(context) not in _JOINING:
        return
    joined = list(tensors_in(context.arguments))
    ranks = {len(tensor.shape) for tensor in joined}
    if len(joined) < 2 or len(ranks) != 1:
        return
    (rank,) = ranks
    differ = [place for place in range(rank) if len({tensor.shape[place] for tensor in joined}) > 1]
    if len(differ) != 1:
        return
    given = argument_of(node, signature, "dim")
    number = literal(given) if given is not None else None
    place = differ[0] - rank if type(number) is int and number < 0 else differ[0]
    if given is not None:
        yield in_step(context, "join the dimension that differs", Edit(context.expression.span(given), str(place)))
    else:
        edit = with_argument(context.expression, node, signature, "dim", place)
        yield in_step(context, "join the dimension that differs", edit)


def every_dimension(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Order every dimension in a permute that names fewer: with the batch first, or two of them by transpose."""
    node, expression = context.node, context.expression
    tensor = next(iter(tensors_in(context.arguments)), None)
    if not isinstance(node, nodes.Call) or name_of_rule(context) != "permute" or tensor is None:
        return
    dims = [item for item in items_of(node) if literal(item) is not None]
    rank = len(tensor.shape)
    numbers = [literal(item) for item in dims]
    places = [number % rank if -rank <= number < rank else rank for number in numbers if type(number) is int]
    if not dims or len(places) != len(dims):
        return
    first, last = expression.span(dims[0]), expression.span(dims[-1])
    if sorted(places) == list(range(1, rank)):
        yield in_step(context, "keep the batch first", _before(expression, first, "0, "))
    if len(dims) == 2 and len(node.args) == 2:
        name = _name_span(expression, node)
        if name is not None:
            yield in_step(context, "swap the two dimensions", Edit(name, "transpose"))
    if len(dims) > rank and sorted(places[:rank]) == list(range(rank)):
        end = expression.span(dims[rank - 1]).end
        yield in_step(context, "name each dimension once", Edit(Span(last.source, end, last.end), ""))


def _before(expression: Expression, span: Span, text: str) -> Edit:
    return Edit(Span(expression.origin.source, span.start, span.start), text)


def _name_span(expression: Expression, node: nodes.Call) -> Span | None:
    """The name of the function or method that is called."""
    function = node.function
    if isinstance(function, nodes.Attribute):
        return expression.span((function.name_start, function.end))
    return expression.span(function) if isinstance(function, nodes.Name) else None


def normalized_last(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Normalize the features of a sequence by LayerNorm, where a norm of maps is given one."""
    module, tensor = context.module, context.refusal.tensor or next(iter(tensors_in(context.arguments)), None)
    if module is None or not module.type.startswith(("BatchNorm", "InstanceNorm")) or not isinstance(tensor, Tensor):
        return
    expression, node = module.place
    call = construction(node)
    features = None if module.layer is None else vars(module.layer).get("num_features")
    if expression is None or call is None or len(tensor.shape) != 3 or tensor.shape[-1] != features:
        return
    if len(call.args) == 1 and not call.keywords and tensor.shape[1] != features:
        yield in_step(context, "normalize the features", Edit(expression.span(call.function), "LayerNorm"))
