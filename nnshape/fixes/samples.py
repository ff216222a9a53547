"""Fixes of mixed or scrambled samples and a lost batch: transpose, `batch_first=True`, another dimension."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nnshape.fixes.editing import Edit
from nnshape.fixes.fix import Candidate, argument_of, construction, with_argument
from nnshape.fixes.operands import as_operand
from nnshape.shapes.regrouping import Swap
from nnshape.spec import Span, nodes
from nnshape.tracing import Module, Trace
from nnshape.tracing.contexts import FaultContext
from nnshape.tracing.samples.along import Along
from nnshape.tracing.samples.lost_batch import Indexed, LastState, Squeezed
from nnshape.tracing.samples.sequences import BatchFirst
from nnshape.tracing.samples.slices import Sliced

_KINDS = frozenset({"loses-batch", "mixes-samples", "scrambled"})
_REPEAT = re.compile(r"\b(?:repeat|tile)\((\()?\s*([\w.]+)\s*,\s*1\s*,\s*1\s*(?(1)\))\)")


def samples_apart(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Fix a step that mixes samples, scrambles a sample, or loses the batch."""
    if context.refusal.problem not in _KINDS:
        return
    wanted, node = context.refusal.wanted, context.node
    if isinstance(wanted, Swap) and isinstance(node, nodes.Call):
        yield from _swapped(context, node, wanted)
    elif isinstance(wanted, BatchFirst) and context.module is not None and wanted.value is not None:
        yield from set_batch_first(context, context.module, wanted.value)
    elif isinstance(wanted, LastState):
        yield from set_batch_first(context, wanted.module, True)
    elif isinstance(wanted, Squeezed) and isinstance(node, nodes.Call):
        dims = wanted.dims[0] if len(wanted.dims) == 1 else f"({', '.join(map(str, wanted.dims))})"
        text = "flatten(1)" if wanted.flat else f"squeeze({dims})"
        yield _in_step(context, "keep the batch", _called(context, node, text))
    elif isinstance(wanted, Indexed) and isinstance(node, nodes.Subscript):
        yield from _indexed(context, node.index, wanted.place)
    elif isinstance(wanted, Along) and isinstance(node, nodes.Call):
        yield from _along(context, node, wanted)
    elif isinstance(wanted, Sliced) and isinstance(node, nodes.Subscript):
        yield from _sliced(context, node, wanted)
    elif wanted is None:
        yield from _heads_together(context)


def _in_step(context: FaultContext, description: str, *edits: Edit) -> Candidate:
    return Candidate(description, edits, context.call.span, context.call.name)


def _swapped(context: FaultContext, node: nodes.Call, swap: Swap) -> Iterator[Candidate]:
    """Swap dimensions instead of the view or reshape, which keeps the order of the values."""
    if context.module is not None:
        return
    sizes = _sizes(context, node)
    text = swap_text(swap.order)
    if swap.split:
        if len(sizes) != len(swap.split):
            return
        text = f"reshape({', '.join(sizes[place] for place in swap.split)}).{text}"
    elif not swap.alone:
        if not sizes:
            return
        text += f".reshape({', '.join(sizes)})"
    yield _in_step(context, "swap the dimensions", _called(context, node, text))


def swap_text(order: tuple[int, ...]) -> str:
    """Return the method call that puts dimensions in an order: `transpose` for two, else `permute`."""
    places = [place for place, source in enumerate(order) if place != source]
    if len(places) == 2:
        return f"transpose({places[0]}, {places[1]})"
    return f"permute({', '.join(map(str, order))})"


def _is_function(context: FaultContext, node: nodes.Call) -> bool:
    """Return whether a call has its first tensor among the arguments, unlike a method or a call on `_`."""
    return len(node.args) + len(node.keywords) == len(context.arguments) + len(context.keywords)


def _called(context: FaultContext, node: nodes.Call, text: str) -> Edit:
    """Return the edit that replaces a function or method call by a method call on the same tensor."""
    expression = context.expression
    start = expression.span(node).start
    if _is_function(context, node):
        text = f"{as_operand(node.args[0], expression.span(node.args[0]).text)}.{text}" if node.args else text
    elif isinstance(node.function, nodes.Attribute):
        start = expression.span((node.function.name_start, node.function.end)).start
    return Edit(Span(expression.origin.source, start, expression.span(node).end), text)


def _sizes(context: FaultContext, node: nodes.Call) -> list[str]:
    """Return the text of each size of a view or reshape."""
    items: tuple[nodes.Node, ...] = node.args[1:] if _is_function(context, node) else node.args
    if len(items) == 1 and isinstance(items[0], (nodes.Tuple, nodes.List)):
        items = items[0].items
    return [context.expression.span(item).text for item in items]


def _indexed(context: FaultContext, index: nodes.Node, place: int) -> Iterator[Candidate]:
    """Index the steps instead of the samples: `[:, -1]` for `[-1]` if the batch is first, else the reverse."""
    span = context.expression.span(index)
    if place == 0:
        yield _in_step(context, "keep the batch", Edit(Span(span.source, span.start, span.start), ":, "))
    elif isinstance(index, nodes.Tuple) and len(index.items) == 2:
        number = context.expression.span(index.items[1]).text
        yield _in_step(context, "keep the batch", Edit(span, number))


def set_batch_first(context: FaultContext, module: Module, value: bool) -> Iterator[Candidate]:
    """Set `batch_first` of a layer, or of the layer that it stacks."""
    expression, node = module.place
    layer = module.layer
    if expression is None or layer is None or not isinstance(node, nodes.Call):
        return
    call = construction(node)
    stacked = getattr(layer, "layer", None)
    if stacked is not None and call is not None:
        inner = argument_of(call, layer.signature(), layer.part)  # type: ignore[attr-defined]
        call, layer = (construction(inner), stacked) if inner is not None else (None, layer)
    if call is None:
        return
    edit = with_argument(expression, call, layer.signature(), "batch_first", value)
    # In a step written as a mapping, an argument is a key.
    in_mapping = Edit(edit.span, edit.replacement.replace(f"={value}", f": {str(value).lower()}"))
    description = "set batch_first" if value else "unset batch_first"
    here = context.call.span
    for each in dict.fromkeys((edit, in_mapping)):
        if each.span.source is here.source and here.start <= each.span.start and each.span.end <= here.end:
            yield _in_step(context, description, each)
        else:
            yield Candidate(description, (each,), shown=_line_after(each))


def _line_after(edit: Edit) -> str:
    span = edit.span
    line = span.source.line(span.line)
    start = span.column - 1
    return (line[:start] + edit.replacement + line[start + span.end - span.start :]).split(" #")[0].strip()


def _along(context: FaultContext, node: nodes.Call, along: Along) -> Iterator[Candidate]:
    """Change the dimension of an operation that runs along the batch."""
    expression, signature = context.expression, context.signature
    if signature is None:
        return
    if context.module is not None:
        place, made = context.module.place
        call = construction(made)
        if place is not None and call is not None:
            edit = with_argument(place, call, signature, along.argument, along.meant)
            yield _in_step(context, "run within each sample", edit)
        return
    names = [parameter.name for parameter in signature.positional]
    place_of_dim = names.index(along.argument) - (len(context.arguments) - len(node.args))
    given = next((keyword.value for keyword in node.keywords if keyword.name == along.argument), None)
    if given is None and 0 <= place_of_dim < len(node.args):
        given = node.args[place_of_dim]
    if given is not None:
        yield _in_step(context, "run within each sample", Edit(expression.span(given), str(along.meant)))
    else:
        edit = with_argument(expression, node, signature, along.argument, along.meant)
        yield _in_step(context, "run within each sample", edit)


def _sliced(context: FaultContext, node: nodes.Subscript, sliced: Sliced) -> Iterator[Candidate]:
    """Slice a table by the steps of a sequence, so that all samples share the rows."""
    expression = context.expression
    number = _dimension_read(node.index)
    if number is None:
        return
    edits = [Edit(expression.span(number), str(sliced.meant))]
    if sliced.turned:
        end = expression.span(node).end
        edits.append(Edit(Span(expression.origin.source, end, end), ".transpose(0, 1)"))
    yield _in_step(context, "select a row per step", *edits)


def _dimension_read(index: nodes.Node) -> nodes.Constant | None:
    """Return the node of the dimension in the end of a slice, as in `x.size(0)` or `x.shape[0]`; or None."""
    parts = index.items if isinstance(index, nodes.Tuple) else (index,)
    for part in parts:
        upper = part.upper if isinstance(part, nodes.Slice) else None
        if isinstance(upper, nodes.Call) and len(upper.args) == 1:
            number: nodes.Node | None = upper.args[0]
        else:
            number = upper.index if isinstance(upper, nodes.Subscript) else None
        if isinstance(number, nodes.Constant):
            return number
    return None


def _heads_together(context: FaultContext) -> Iterator[Candidate]:
    """Repeat each mask so that the heads of a sample are next to each other."""
    span = context.call.span
    for match in _REPEAT.finditer(span.text):
        edit = Edit(Span(span.source, span.start + match.start(), span.start + match.end()), "")
        text = f"repeat_interleave({match[2]}, 0)"
        yield _in_step(context, "keep the heads of a sample together", Edit(edit.span, text))
