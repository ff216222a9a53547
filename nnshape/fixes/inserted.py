"""Fixes that insert, move or remove a step: flatten, permute, transpose, projection."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isqrt

from nnshape.explain.origins import chain_of
from nnshape.explain.refusals import chain_of_fault
from nnshape.fixes.editing import Edit, edited
from nnshape.fixes.fix import Candidate, argument_of, construction, whole_number
from nnshape.fixes.own import is_loss, is_map
from nnshape.records import dataclass
from nnshape.shapes.dims import Size
from nnshape.shapes.tensor import N, Tensor, product, tensors_in
from nnshape.spec import Span, nodes
from nnshape.tracing import Module, Trace
from nnshape.tracing.contexts import FaultContext
from nnshape.tracing.model import Call
from nnshape.tracing.samples.sequences import BatchFirst
from nnshape.tracing.scope import ItemsBody
from nnshape.work import spend

_STEP_LINE = re.compile(r"[ \t]*([^\s:#'\"]+|'[^']*'|\"[^\"]*\")[ \t]*:[ \t]+")

_NAMES = re.compile(r"^[ \t]*(\w+)[ \t]*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Change:
    """A reshaping step: its name, its text, the equivalent method, and the reason."""

    name: str
    step: str
    method: str
    description: str
    because: str = ""


def missing_step(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Insert a step that brings the input to the expected shape."""
    tensor = context.refusal.tensor or _single(context)
    if tensor is None or context.module is None or context.module.layer is None:
        return
    for change in _changes(context, tensor):
        candidate = _applied(trace, context, tensor, change)
        if candidate is not None:
            yield candidate


def _single(context: FaultContext) -> Tensor | None:
    tensors = set(tensors_in((context.arguments, dict(context.keywords))))
    return tensors.pop() if len(tensors) == 1 else None


def _changes(context: FaultContext, tensor: Tensor) -> Iterator[_Change]:
    shape, wanted = tensor.shape, context.refusal.wanted
    layer = context.module.layer if context.module is not None else None
    rank = len(shape)
    own = vars(layer) if layer is not None else {}
    if context.refusal.problem == "size-mismatch" and type(wanted) is int:
        if rank > 2 and product(shape[1:]) == wanted:
            because = f"{' * '.join(map(str, shape[1:]))} = {wanted}"
            yield _Change("flatten", "Flatten()", "flatten(1)", "flatten the map first", because)
        maps = "kernel_size" in own or "num_features" in own
        chain = chain_of_fault(context)
        direct = chain is not None and not any(link.changed for link in chain.links)
        if maps and rank in (3, 4, 5) and shape[-1] == wanted != shape[-2] and shape[0] == N and direct:
            order = ", ".join(map(str, (0, rank - 1, *range(1, rank - 1))))
            yield _Change("permute", f"permute({order})", f"permute({order})", "move the channels to the front")
        elif not maps and not is_map(context):
            for dim in range(1, rank - 1):
                if shape[dim] == wanted:
                    step = f"transpose({dim}, {rank - 1})"
                    yield _Change("transpose", step, step, "swap the two dimensions first")
    if isinstance(wanted, BatchFirst) and wanted.value is None and "input_size" in own:
        step = f"unsqueeze({1 if own['batch_first'] else 0})"
        yield _Change("steps", step, step, "add a dimension for the steps")
    channels = own.get("in_channels")
    if context.refusal.problem == "wrong-rank" and type(channels) is int and shape and shape[0] == N:
        dimensions = {"1": 1, "2": 2, "3": 3}.get(type(layer).__name__[-2:-1], 0)
        if rank == dimensions + 1 and channels == 1:
            yield _Change("channel", "unsqueeze(1)", "unsqueeze(1)", "add a channel dimension")
        if rank == 2 and dimensions == 2 and type(shape[1]) is int and shape[1] % channels == 0:
            side = isqrt(shape[1] // channels)
            if side * side * channels == shape[1] and side > 1:
                step = f"view(N, {channels}, {side}, {side})"
                yield _Change("map", step, step, "reshape it to a map first")


def _applied(trace: Trace, context: FaultContext, tensor: Tensor, change: _Change) -> Candidate | None:
    """Insert the change before the failing call, as a step, an item or a method call."""
    call = context.call
    module = context.module
    if module is not None and module.place[1] is not context.node and isinstance(context.node, nodes.Call):
        # The call names its input.
        for item in context.node.args:
            if isinstance(item, nodes.Name) and _is_value(context, item.id, tensor):
                span = context.expression.span(item)
                edit = Edit(Span(span.source, span.end, span.end), f".{change.method}")
                return Candidate(change.description, (edit,), call.span, call.name, because=change.because)
        return None
    if isinstance(context.scope.module.body, ItemsBody):
        span = context.expression.span(context.node)
        text = change.step if change.step[0].isupper() else None
        if text is None:
            return None
        edit = Edit(Span(span.source, span.start, span.start), f"{text}, ")
        return Candidate(change.description, (edit,), shown=f"{text}, {span.text}", because=change.because)
    name = free_name(trace, context, change.name)
    line = line_before(call, f"{name}: {change.step}")
    if line is None:
        return None
    return Candidate(
        change.description, (line,), shown=f"{name}: {change.step}, above {call.name}", because=change.because
    )


def _is_value(context: FaultContext, name: str, tensor: Tensor) -> bool:
    value = tensor if name == "_" else context.scope.value_of(name)
    return isinstance(value, Tensor) and value == tensor


def free_name(trace: Trace, context: FaultContext, name: str) -> str:
    """The name, numbered if the file already uses it."""
    spec, scope = trace.spec, context.scope
    taken = {*spec.hparams, *trace.sizes, *spec.dims, *spec.blocks, *spec.includes, *spec.imports, *scope.names}
    taken |= {known for known, _ in scope.values()} | {call.name for call in scope.run.calls}
    text = context.call.span.source.text
    spend(len(text) // 16)
    taken.update(_NAMES.findall(text))
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}{number}"
    return free


def line_before(call: Call, text: str) -> Edit | None:
    """The edit that inserts a line above a step; None if the step does not begin its line."""
    span = call.span
    source = span.source
    line = source.line(span.line)
    match = _STEP_LINE.match(line)
    start = source.line_start(span.line)
    ahead = line[: span.start - start]
    if ahead.lstrip(" ").startswith("- "):
        # Items of a list have no names.
        text = "- " + text.partition(": ")[2]
        if ahead.lstrip(" ") != "- ":
            return None
    elif match is None or match.end() < span.start - start or ahead.lstrip(" \t").startswith("- "):
        return None
    indent = line[: len(line) - len(line.lstrip(" "))]
    end = "\r\n" if source.text[start + len(line) :].startswith("\r\n") else "\n"
    return Edit(Span(source, start, start), f"{indent}{text}{end}")


def whole_lines(call: Call) -> Span | None:
    """The whole lines of a step, with line ends; None if they contain other text."""
    if line_before(call, "a: b") is None:
        return None
    source, span = call.span.source, call.span
    start = source.line_start(span.line)
    rest = source.text[span.end :]
    match = re.match(r"[ \t]*(#[^\r\n]*)?(\r\n|\n|\r|\Z)", rest)
    return None if match is None else Span(source, start, span.end + match.end())


def without_step(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Remove the failing pool, or move a flatten below the layers that expect a map."""
    module = context.module
    if module is None or module.layer is None:
        return
    name = type(module.layer).__name__
    if context.refusal.problem == "empty-output" and "Pool" in name:
        lines = whole_lines(context.call)
        if lines is not None:
            yield Candidate("remove it", (Edit(lines, ""),), shown=f"without {context.call.name}")
    chain = chain_of_fault(context)
    if context.refusal.problem != "wrong-rank" or chain is None or not chain.links:
        return
    flatten = chain.links[0]
    target = flatten.operation.target if flatten.operation is not None else None
    kind = target.type if isinstance(target, Module) else getattr(target, "name", "")
    lines = whole_lines(flatten.call)
    if kind.lower() != "flatten" or lines is None:
        return
    calls = context.scope.run.calls
    for call in calls[calls.index(context.call) + 1 :] if context.call in calls else []:
        if call.type == "Linear":
            edit = line_before(call, f"{flatten.call.name}: {flatten.call.text}")
            if edit is not None:
                shown = f"{flatten.call.name}: {flatten.call.text}, above {call.name}"
                yield Candidate("move the flatten below", (Edit(lines, ""), edit), shown=shown)
            return
    yield Candidate("remove the flatten", (Edit(lines, ""),), shown=f"without {flatten.call.name}")


def above_flatten(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Move the failing normalization above the flatten, with the channels of the map."""
    module, call = context.module, construction(context.node)
    if context.refusal.problem != "wrong-rank" or module is None or module.layer is None or call is None:
        return
    lines = whole_lines(context.call)
    node = argument_of(call, module.layer.signature(), "num_features")
    if lines is None or whole_number(node) is None or node is None:
        return
    calls = context.scope.run.calls
    for above in reversed(calls[: calls.index(context.call)] if context.call in calls else calls):
        before, after = next(iter(above.inputs), None), above.output
        if before is None or not isinstance(after, Tensor) or len(after.shape) >= len(before.shape):
            continue
        span, channels = context.call.span, Edit(context.expression.span(node), str(before.shape[1]))
        text = f"{context.call.name}: {edited(span.source.text[: span.end], (channels,))[span.start :]}"
        line = line_before(above, text)
        if line is not None:
            shown = f"{text}, above {above.name}"
            yield Candidate(f"move it above {above.name}", (line, Edit(lines, "")), shown=shown)
        return


def projection(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Project one operand to the width of the other, with a 1x1 convolution or a Linear."""
    tensors = list(tensors_in(context.arguments))
    if context.module is not None or len(tensors) != 2 or context.refusal.problem != "size-mismatch":
        return
    if is_loss(context):
        return
    one, two = tensors
    if len(one.shape) != len(two.shape):
        return
    # Project the earlier operand, the shortcut.
    scope = context.scope
    order = [*scope.run.inputs, *(call.name for call in scope.steps_before)]
    both = [(scope.name_of(one), one, two), (scope.name_of(two), two, one)]
    for name, tensor, other in sorted(both, key=lambda item: order.index(item[0]) if item[0] in order else len(order)):
        node = _named_node(context.node, name)
        layer = _projecting(context, tensor, other)
        if node is None or layer is None:
            continue
        step = free_name(trace, context, "proj")
        line = line_before(context.call, f"{step}: {layer}({name})")
        if line is not None:
            edits = (line, Edit(context.expression.span(node), step))
            yield Candidate(f"project {name}", edits, shown=f"{step}: {layer}({name}), and use {step} instead")


def _projecting(context: FaultContext, tensor: Tensor, other: Tensor) -> str | None:
    one, two = tensor.shape, other.shape
    if not all(type(size) is int for size in (*one[1:], *two[1:])):
        return None
    differ = [place for place in range(len(one)) if one[place] != two[place]]
    if len(one) == 4 and differ == [1]:
        return f"Conv2d({_read(context, one[1])}, {_width_of(context, other, two[1])}, 1)"
    if len(one) == 4 and differ in ([1, 2, 3], [2, 3]):
        strides = {-(-one[place] // two[place]) for place in (2, 3)}
        if len(strides) == 1 and all(one[place] > two[place] for place in (2, 3)):
            return f"Conv2d({_read(context, one[1])}, {_width_of(context, other, two[1])}, 1, {strides.pop()})"
    if len(one) in (2, 3) and differ == [len(one) - 1]:
        return f"Linear({_read(context, one[-1])}, {_width_of(context, other, two[-1])})"
    return None


def _read(context: FaultContext, size: Size) -> str:
    """Return the input width: a number, or `auto` in a block, whose other calls may have other widths."""
    return str(size) if context.scope.is_model else "auto"


def _width_of(context: FaultContext, tensor: Tensor, size: Size) -> str:
    """Return a width as the name of the hyperparameter that sets it, if there is one, else as a number."""
    chain = chain_of(tensor)
    for link in chain.links:
        operation = link.operation
        target = operation.target if operation is not None else None
        if not isinstance(target, Module) or target.layer is None:
            continue
        call = construction(target.place[1])
        if call is None:
            continue
        for name in ("out_channels", "out_features"):
            written = argument_of(call, target.layer.signature(), name)
            if not isinstance(written, nodes.Name) or vars(target.layer).get(name) != size:
                continue
            # In a block below, the name may stand for something else.
            if link.call in context.scope.run.calls or context.scope.names.get(written.id) == size:
                return written.id
    return str(size)


def _named_node(node: nodes.Node, name: str) -> nodes.Name | None:
    """Return the node of an operand that is a plain name, or None."""
    if isinstance(node, nodes.Binary):
        parts: tuple[nodes.Node, ...] = (node.left, node.right)
    elif isinstance(node, nodes.Call):
        parts = node.args
        if isinstance(node.function, nodes.Attribute):
            parts = (node.function.value, *parts)
    else:
        return None
    return next((part for part in parts if isinstance(part, nodes.Name) and part.id == name and name), None)
