"""Fixes of a step that is made for one batch: `N` for a number, new axes, `expand`, `batch_first`, a padding mask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nnshape.explain.origins import chain_of
from nnshape.fixes.editing import Edit
from nnshape.fixes.fix import Candidate, construction
from nnshape.fixes.inputs import line_after
from nnshape.fixes.operands import as_operand
from nnshape.fixes.samples import set_batch_first
from nnshape.shapes.dims import Size
from nnshape.shapes.functions.class_losses import ClassesLast
from nnshape.shapes.tensor import N, Shape, Tensor, tensors_in
from nnshape.spec import Body, Expression, Span, nodes
from nnshape.tracing import Trace
from nnshape.tracing.contexts import FaultContext
from nnshape.tracing.model import Call

#: The mask of padding that was meant, where a mask of positions was given by this name.
_PADDING = {
    "attn_mask": "key_padding_mask", "mask": "src_key_padding_mask", "src_mask": "src_key_padding_mask",
    "tgt_mask": "tgt_key_padding_mask", "memory_mask": "memory_key_padding_mask",
}  # fmt: skip
#: Candidates of one sort.
_MOST = 6


def in_step(context: FaultContext, description: str, *edits: Edit) -> Candidate:
    """Return the candidate with these edits, shown as the step if all are in it."""
    span = context.call.span
    inside = all(span.source is e.span.source and span.start <= e.span.start and e.span.end <= span.end for e in edits)
    if inside:
        return Candidate(description, edits, span, context.call.name)
    return Candidate(description, edits, shown=", ".join(map(line_after, edits)))


def given_tensors(context: FaultContext) -> list[tuple[nodes.Node, Tensor]]:
    """The tensors that the failing call is given, with the nodes that give them."""
    node, arguments = context.node, context.arguments
    pairs: list[tuple[nodes.Node, Any]] = []
    if isinstance(node, nodes.Binary):
        pairs = list(zip((node.left, node.right), arguments, strict=False))
    elif isinstance(node, nodes.Call):
        if context.module is not None and context.module.place[1] is node:
            return []
        written = list(node.args)
        if len(arguments) == len(written) + 1 and isinstance(node.function, nodes.Attribute):
            written.insert(0, node.function.value)
        pairs = list(zip(written, arguments[len(arguments) - len(written) :], strict=False))
        pairs += [(item.value, context.keywords.get(item.name or "")) for item in node.keywords]
    found: list[tuple[nodes.Node, Tensor]] = []
    for part, value in pairs:
        if isinstance(value, Tensor):
            found.append((part, value))
        elif isinstance(value, (tuple, list)) and isinstance(part, (nodes.Tuple, nodes.List)):
            items = zip(part.items, value, strict=False)
            found += [(item, each) for item, each in items if isinstance(each, Tensor)]
    return found


def with_method(context: FaultContext, node: nodes.Node, text: str) -> Edit:
    """The edit that puts a method call or an index behind an operand."""
    span = context.expression.span(node)
    return Edit(span, f"{as_operand(node, span.text)}{text}")


def new_axes(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Insert axes behind the batch of the operand with fewer dimensions: `p[:, :, None, None]`."""
    operands = given_tensors(context)
    most = max((tensor.ndim for _, tensor in operands), default=0)
    for node, tensor in operands:
        missing = most - tensor.ndim
        if not missing or N not in tensor.shape:
            continue
        place = tensor.shape.index(N)
        # First all axes at the end, as for a vector per channel; then in front of each other dimension.
        for at in range(tensor.ndim, place, -1):
            trailing = [":"] * tensor.ndim if at == tensor.ndim else [":"] * at
            edit = with_method(context, node, f"[{', '.join([*trailing, *['None'] * missing])}]")
            yield in_step(context, "add the missing axes", edit)
    for node, tensor in operands:
        if tensor.ndim == most > 1 and N in tensor.shape and tensor.shape[0] != N:
            place = tensor.shape.index(N)
            yield in_step(context, "put the batch first", with_method(context, node, f".transpose(0, {place})"))


def classes_first(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Move the classes of a loss's scores to dimension 1: `h.transpose(1, 2)`."""
    wanted = context.refusal.wanted
    if not isinstance(wanted, ClassesLast):
        return
    last = wanted.dimensions - 1
    order = ", ".join(map(str, (0, last, *range(1, last))))
    text = ".transpose(1, 2)" if last == 2 else f".permute({order})"
    for node, _ in given_tensors(context)[:1]:
        yield in_step(context, "move the classes", with_method(context, node, text))


def batch_first(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Let a sequence layer take the batch first, and give it a mask of padding as one."""
    masks = list(_padding_masks(context))
    yield from masks
    module = context.module
    layer = module.layer if module is not None else None
    part = getattr(layer, "layer", None) or layer
    if module is None or getattr(part, "batch_first", None) is not False:
        return
    for candidate in set_batch_first(context, module, True):
        yield candidate
        for mask in masks:
            yield in_step(context, "set batch_first", *candidate.edits, *mask.edits)


def _padding_masks(context: FaultContext) -> Iterator[Candidate]:
    node, module = context.node, context.module
    if not isinstance(node, nodes.Call) or module is None or module.layer is None:
        return
    known = type(module.layer).call_signature().by_name
    edits = []
    for keyword in node.keywords:
        meant = _PADDING.get(keyword.name or "")
        if meant in known and keyword.name is not None:
            span = context.expression.span((keyword.start, keyword.start + len(keyword.name)))
            edits.append(Edit(span, meant))
    names = list(known)
    for position, part in enumerate(node.args):
        meant = _PADDING.get(names[position]) if position < len(names) and module.place[1] is not node else None
        if meant in known:
            span = context.expression.span(part)
            edits.append(Edit(span, f"{meant}={span.text}"))
    for edit in edits:
        yield in_step(context, "give it as a padding mask", edit)
    if len(edits) > 1:
        yield in_step(context, "give them as padding masks", *edits)


# ---- numbers in place of the batch ----


def numbers(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Write N for the number, in the failing call or where the tensor was made that has it."""
    size = context.refusal.wanted
    if type(size) is not int or size < 2:
        return
    own = [edit for edit, _ in _number_edits(trace, context.expression, context.node, size)]
    yield from _each(context, own)
    made = _makers(trace, context, size)
    for at in range(max((len(edits) for edits in made), default=0)):
        yield in_step(context, "let the batch be N", *(edits[min(at, len(edits) - 1)][0] for edits in made))
    stretched = [(edits, node, tensor) for edits, (node, tensor) in zip(made, _blamed(context, size), strict=False)]
    for edits, node, tensor in stretched:
        if edits and edits[0][1] and tensor.shape.index(size) == 0:
            whole = ", ".join(["N", *["-1"] * (tensor.ndim - 1)])
            yield in_step(
                context, "expand it to the batch", edits[0][0], with_method(context, node, f".expand({whole})")
            )


def _each(context: FaultContext, edits: Sequence[Edit]) -> Iterator[Candidate]:
    for edit in edits[:_MOST]:
        yield in_step(context, "let the batch be N", edit)
    if len(edits) > 1:
        yield in_step(context, "let the batch be N", *edits)


def _number_edits(
    trace: Trace, expression: Expression, node: nodes.Node, size: int, learned: bool = False
) -> Iterator[tuple[Edit, bool]]:
    """Edits of the numbers of this size below a node, and whether each is a size of a Parameter or Buffer.

    A Parameter has one form for all batches, so its batch is 1.
    """
    for part in nodes.walk(node):
        value: Any = part.value if isinstance(part, nodes.Constant) else None
        if isinstance(part, nodes.Name) and part.id in trace.spec.hparams:
            value = trace.spec.hparams[part.id].value
        if type(value) is not int or value < size or value % size:
            continue
        factor = value // size
        is_learned = any(_holds(call, part) for call in _learned(node))
        if factor > 1 and is_learned:
            continue
        text = "1" if is_learned else "N" if factor == 1 else f"{factor}*N"
        yield Edit(expression.span(part), text), is_learned


def _learned(node: nodes.Node) -> Iterator[nodes.Call]:
    for part in nodes.walk(node):
        function = part.function if isinstance(part, nodes.Call) else None
        if isinstance(function, nodes.Name) and function.id in ("Parameter", "Buffer"):
            yield part


def _holds(outer: nodes.Node, inner: nodes.Node) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _blamed(context: FaultContext, size: Size) -> list[tuple[nodes.Node, Tensor]]:
    return [(node, tensor) for node, tensor in given_tensors(context) if N not in tensor.shape and size in tensor.shape]


def _makers(trace: Trace, context: FaultContext, size: int) -> list[list[tuple[Edit, bool]]]:
    """For each tensor that is made for one batch, the edits of the step that made it so."""
    found: dict[Span, list[tuple[Edit, bool]]] = {}
    for tensor in tensors_in((context.arguments, dict(context.keywords))):
        if N in tensor.shape or size not in tensor.shape:
            continue
        for call in _steps_behind(tensor, size):
            expression = _expression_of(trace, call)
            if call is context.call or expression is None:
                continue
            nodes_there = [
                edit
                for edit in _number_edits(trace, expression, expression.node, size)
                if call.span.start <= edit[0].span.start and edit[0].span.end <= call.span.end
            ]
            if nodes_there:
                found.setdefault(call.span, nodes_there)
                break
    return list(found.values())


def _steps_behind(tensor: Tensor, size: Size) -> list[Call]:
    """The steps that set this size of a tensor, nearest first."""
    dims = [place for place, part in enumerate(tensor.shape) if part == size]
    calls: list[Call] = []
    for dim in dims:
        calls += [link.call for link in chain_of(tensor, (dim,)).links[:8]]
    return list(dict.fromkeys(calls))


def _expression_of(trace: Trace, call: Call) -> Expression | None:
    """The expression that a step was read from."""
    waiting: list[Body] = [trace.spec.body, *(block.body for block in trace.spec.blocks.values())]
    while waiting:
        for step in waiting.pop().steps:
            span = step.span
            inside = span.source is call.span.source and span.start <= call.span.start and call.span.end <= span.end
            if isinstance(step.value, Body):
                waiting.append(step.value)
            elif inside and step.value is not None:
                return step.value
    return None


# ---- other ways ----


def expanded(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Expand the operands of one sample to the batch: `cls.expand(N, -1, -1)`, `h0.repeat(1, N, 1)`."""
    operands = given_tensors(context)
    ones: list[tuple[nodes.Node, Tensor, int]] = []
    for node, tensor in operands:
        for place, size in enumerate(tensor.shape):
            if size == 1 and N not in tensor.shape and _is_batch_elsewhere(operands, tensor.shape, place):
                ones.append((node, tensor, place))
                break
    if ones:
        expand = [
            with_method(context, node, f".expand({_at(place, tensor.ndim, '-1')})") for node, tensor, place in ones
        ]
        yield in_step(context, "expand it to the batch", *expand)
    states = [(node, tensor) for node, tensor in operands[1:] if tensor.ndim == 3 and tensor.shape[1] == 1]
    if states and context.module is not None:
        repeat = [with_method(context, node, f".repeat({_at(1, 3, '1')})") for node, _ in states]
        yield in_step(context, "repeat it for the batch", *repeat)


def _at(place: int, count: int, other: str) -> str:
    return ", ".join("N" if at == place else other for at in range(count))


def _is_batch_elsewhere(operands: Sequence[tuple[nodes.Node, Tensor]], shape: Shape, place: int) -> bool:
    return any(
        len(tensor.shape) == len(shape) and tensor.shape[place] == N for _, tensor in operands if tensor.shape != shape
    )


def other_sizes(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Write the other size for N: a mask of `ones(T, T)` for `ones(N, N)`."""
    size = context.refusal.wanted
    if size is None or size == 1:
        return
    places: list[tuple[Expression, list[nodes.Node]]] = [(context.expression, batch_nodes(context.node))]
    for tensor in tensors_in((context.arguments, dict(context.keywords))):
        if N in tensor.shape:
            for call in _steps_behind(tensor, N):
                expression = _expression_of(trace, call)
                if expression is not None and call is not context.call:
                    places.append((expression, batch_nodes(expression.node)))
    for expression, found in places:
        if found:
            yield in_step(
                context, f"use {size} instead of N", *(Edit(expression.span(node), str(size)) for node in found)
            )


def batch_nodes(node: nodes.Node) -> list[nodes.Node]:
    """The nodes below a node that read the batch: `N`, `x.shape[0]`, `x.size(0)`."""
    found: list[nodes.Node] = []
    for part in nodes.walk(node):
        is_name = isinstance(part, nodes.Name) and part.id == "N"
        is_shape = (
            isinstance(part, nodes.Subscript)
            and isinstance(part.value, nodes.Attribute)
            and part.value.name == "shape"
            and isinstance(part.index, nodes.Constant)
            and part.index.value == 0
        )
        is_size = (
            isinstance(part, nodes.Call)
            and isinstance(part.function, nodes.Attribute)
            and part.function.name == "size"
            and len(part.args) == 1
            and isinstance(part.args[0], nodes.Constant)
            and part.args[0].value == 0
        )
        if is_name or is_shape or is_size:
            found.append(part)
    return found


def batch_of_input(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Give an input the batch of the others: `c: [N, 10]` for `c: [8, 10]` or `c: [B, 10]`."""
    size = context.refusal.wanted
    for tensor in tensors_in((context.arguments, dict(context.keywords))):
        for dim, part in enumerate(tensor.shape):
            if size is None or part != size:
                continue
            start = chain_of(tensor, (dim,)).input
            for item in trace.spec.inputs:
                pattern = item.pattern
                if start is None or pattern is None or pattern.per_sample or trace.inputs.get(item.name) != start:
                    continue
                for place, written in enumerate(start.shape if N not in start.shape else ()):
                    if written == size and pattern.span.source is trace.spec.source:
                        edit = Edit(pattern.span_of(place), "N")
                        yield Candidate("give the input the batch", (edit,), shown=line_after(edit))


def flattened(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Keep the batch in a flatten or reshape above: `flatten(1)` for `flatten()`."""
    for tensor in tensors_in((context.arguments, dict(context.keywords))):
        for link in chain_of(tensor, tuple(range(tensor.ndim))).links[:4]:
            expression = _expression_of(trace, link.call)
            for node in nodes.walk(expression.node) if expression is not None else ():
                call = construction(node) if isinstance(node, nodes.Call) else None
                if call is not node or call is None or expression is None:
                    continue
                function = call.function
                name = function.id if isinstance(function, nodes.Name) else getattr(function, "name", "")
                name_end = expression.span(function).end
                whole = Edit(Span(expression.origin.source, name_end, expression.span(call).end), "")
                if name in ("flatten", "Flatten", "ravel"):
                    start = expression.span(function).end - len(name)
                    text = "Flatten()" if name == "Flatten" else "flatten(1)"
                    edit = Edit(Span(whole.span.source, start, whole.span.end), text)
                    yield Candidate("keep the batch", (edit,), shown=line_after(edit))
                elif name in ("view", "reshape") and call.args:
                    at = expression.span(call.args[0]).start
                    edit = Edit(Span(whole.span.source, at, at), "N, ")
                    yield Candidate("keep the batch", (edit,), shown=line_after(edit))


def swapped_dimensions(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Swap the batch of an operand with a dimension that has the size that is wanted."""
    size = context.refusal.wanted
    for node, tensor in reversed(given_tensors(context)):
        for place, part in enumerate(tensor.shape):
            if part == size and N in tensor.shape[1:] and tensor.shape[0] != N:
                swap = f".transpose({tensor.shape.index(N)}, {place})"
                yield in_step(context, "swap the dimensions", with_method(context, node, swap))
