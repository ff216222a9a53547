"""Fixes of arguments taken for others: swapped ones, a size for a factor, the width of keys, a batch in a sample."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nnshape.explain.origins import chain_of
from nnshape.fixes.editing import Edit, first_line_after
from nnshape.fixes.fix import Candidate, argument_of, construction, whole_number, with_argument
from nnshape.shapes.tensor import N, Tensor, tensors_in
from nnshape.spec import Span
from nnshape.tracing import Module, Operation, Trace
from nnshape.tracing.contexts import FaultContext

#: Pairs of arguments that people swap: the first two, in torch's order.
_PAIRS = {
    "Bilinear": ("in1_features", "in2_features"),
    "Embedding": ("num_embeddings", "embedding_dim"),
    "EmbeddingBag": ("num_embeddings", "embedding_dim"),
    "GroupNorm": ("num_groups", "num_channels"),
    "GRU": ("input_size", "hidden_size"),
    "GRUCell": ("input_size", "hidden_size"),
    "Linear": ("in_features", "out_features"),
    "LSTM": ("input_size", "hidden_size"),
    "LSTMCell": ("input_size", "hidden_size"),
    "MultiheadAttention": ("embed_dim", "num_heads"),
    "RNN": ("input_size", "hidden_size"),
    "RNNCell": ("input_size", "hidden_size"),
    "TransformerDecoderLayer": ("d_model", "nhead"),
    "TransformerEncoderLayer": ("d_model", "nhead"),
    **{f"Conv{d}d": ("in_channels", "out_channels") for d in (1, 2, 3)},
    **{f"ConvTranspose{d}d": ("in_channels", "out_channels") for d in (1, 2, 3)},
}

#: One number as the size of `Upsample(2)`, `interpolate(2)`, `interpolate(x, 2)` or `interpolate(x, size=2)`.
_SIZE = re.compile(r"(?:\bUpsample\(|\binterpolate\((?:\s*[\w.]*[^\W\d][\w.]*\s*,)?)\s*((?:size=)?(\d+))\s*[,)]")


def swapped_arguments(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Swap the first two arguments of a layer: `GroupNorm(32, 64)` for `GroupNorm(64, 32)`."""
    signature, refusal = context.signature, context.refusal
    call = construction(context.node)
    if signature is None or call is None or refusal.argument not in _PAIRS.get(signature.owner, ()):
        return
    first, second = (argument_of(call, signature, name) for name in _PAIRS[signature.owner])
    one, other = whole_number(first), whole_number(second)
    if first is None or second is None or one is None or other is None or one == other:
        return
    if refusal.arrived is not None and refusal.arrived not in (one, other):
        return
    spans = context.expression.span(first), context.expression.span(second)
    edits = (Edit(spans[0], spans[1].text), Edit(spans[1], spans[0].text))
    names = _PAIRS[signature.owner]
    yield Candidate(f"{names[0]} comes first", edits, context.call.span, context.call.name)


def factor_for_size(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Resize by a factor, where a small number was given as the size: `Upsample(scale_factor=2)`."""
    seen: set[Operation] = set()
    for tensor in tensors_in((context.arguments, dict(context.keywords))):
        for link in chain_of(tensor).links:
            operation = link.operation
            if operation is None or operation in seen or link.before is None or len(link.before.shape) < 3:
                continue
            seen.add(operation)
            target, width = operation.target, link.before.shape[-1]
            if getattr(target, "type", getattr(target, "name", "")) not in ("Upsample", "interpolate"):
                continue
            span = target.span if isinstance(target, Module) else operation.call.span
            match = _SIZE.search(span.text)
            if match is not None and 1 < int(match[2]) <= 16 and (type(width) is not int or int(match[2]) <= width):
                start, end = (span.start + offset for offset in match.span(1))
                edit = Edit(Span(span.source, start, end), f"scale_factor={match[2]}")
                yield Candidate("its first argument is a size", (edit,), operation.call.span, operation.call.name)


def key_widths(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Give an attention the widths of keys and values that differ from its own: `kdim=32, vdim=32`."""
    module, call = context.module, construction(context.node)
    if module is None or module.layer is None or module.type != "MultiheadAttention" or call is None:
        return
    expression = context.expression
    if module.place[1] is not context.node and module.place[0] is not None:
        expression, call = module.place[0], construction(module.place[1])
    given = [value for value in context.arguments if isinstance(value, Tensor)]
    names = ("query", "key", "value")
    tensors = {**dict(zip(names, given, strict=False)), **context.keywords}
    width = vars(module.layer)["embed_dim"]
    wanted = {}
    for name, tensor in (("kdim", tensors.get("key")), ("vdim", tensors.get("value"))):
        size = tensor.shape[-1] if isinstance(tensor, Tensor) and tensor.shape else None
        if type(size) is int and size != width:
            wanted[name] = size
    if call is None or not wanted:
        return
    signature = module.layer.signature()
    if any(argument_of(call, signature, name) is not None for name in wanted):
        edits = tuple(with_argument(expression, call, signature, name, size) for name, size in wanted.items())
    else:
        first = with_argument(expression, call, signature, *next(iter(wanted.items())))
        edits = (Edit(first.span, ", " + ", ".join(f"{name}={size}" for name, size in wanted.items())),)
    step = context.call.span if expression is context.expression else None
    shown = "" if step is not None else first_line_after(edits)
    yield Candidate("give the widths of keys and values", edits, step, context.call.name, shown=shown)


def without_batch(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Leave the batch out of the shape of a sample: `3x224x224` for `32x3x224x224`."""
    for item in trace.spec.inputs:
        pattern, tensor = item.pattern, trace.inputs.get(item.name)
        if pattern is None or tensor is None or not pattern.per_sample or len(pattern.dims) < 2:
            continue
        if pattern.span.source is not trace.spec.source or tensor.shape[:1] != (N,):
            continue
        second = pattern.span_of(1)
        edit = Edit(Span(second.source, pattern.span.start, second.start), "")
        yield Candidate("a sample has no batch", (edit,), shown=first_line_after((edit,)))
