"""Labels source ranges: the fault, and the steps that determine its size."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from nnshape.explain.origins import Chain, Link, chain_of
from nnshape.problems import Label
from nnshape.shapes.dims import Dim, readable
from nnshape.shapes.function import Function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, product, sizes_text, tensors_in
from nnshape.spec import Span
from nnshape.tracing.contexts import FaultContext
from nnshape.tracing.model import Call, Module, Operation

#: Maximum number of labels besides the fault.
_MAX = 4


def primary_label(refusal: Refusal, tensor: Tensor | None, tensors: Sequence[Tensor]) -> str:
    """The label of the fault: the actual and the expected size."""
    if refusal.arrived is not None and refusal.wanted is not None:
        return f"{refusal.arrived} arrive{'s' if refusal.arrived == 1 else ''}, {refusal.wanted} wanted"
    if refusal.division is not None and all(type(size) is int for size in refusal.division):
        whole, part = refusal.division
        return f"{whole} // {part} leaves {whole % part} over"
    if refusal.problem == "wrong-dtype" and tensor is not None:
        return f"{tensor.dtype} arrives"
    if refusal.problem == "index-error" and tensor is not None and tensor.span is not None:
        return f"indices reach {tensor.span[1]}"
    if refusal.problem in ("wrong-rank", "size-mismatch", "empty-output", "fixed-batch", "restricted-batch"):
        if tensor is not None:
            return f"{_whole(tensor)} arrives"
        if len(tensors) == 2:
            return f"{_whole(tensors[0])} and {_whole(tensors[1])}"
    return ""


def _whole(tensor: Tensor) -> str:
    """Return a shape per sample, or with its batch if it has only two dimensions: `3x32x32`, `[N, 784]`."""
    text = f"[{', '.join(map(readable, tensor.shape))}]"
    if len(tensor.shape) == 2:
        return text if tensor.dtype == "float32" else tensor.dtype + text
    return str(tensor)


def labels_of(chain: Chain, call: Call, place: Span) -> list[Label]:
    """Return labels for the steps that determine the sizes at `place`, back to the step that sets them."""
    shown: dict[Any, Label] = {}
    ended = False
    for link in chain.links:
        if link.changed and (link.call is not call or (link.before is not None and call.span != place)):
            # Other iterations of a loop, and other calls of a block, share a line.
            ahead = f"{link.call.path}: " if link.call.span == call.span and link.call is not call else ""
            shown.setdefault(link.call.span, Label(link.call.span, ahead + link_text(link)))
        if link.origin:
            ended = True
            break
    labels = list(shown.values())
    if not ended and chain.input is not None:
        labels.append(_input_label(chain.input_span, chain.input))
    # Keep the nearest steps and the origin.
    return labels if len(labels) <= _MAX else [*labels[: _MAX - 1], labels[-1]]


def _input_label(span: Any, tensor: Tensor) -> Label:
    full = f"[{', '.join(map(str, tensor.shape))}]"
    if tensor.dtype != "float32":
        full = tensor.dtype + full
    return Label(span, "the input" if span.text.strip() in (str(tensor), full) else f"the input: {_whole(tensor)}")


def operand_labels(context: FaultContext, tensors: Iterable[Tensor]) -> list[Label]:
    """Labels for the origins of several tensors, with their shapes."""
    labels: dict[Any, Label] = {}
    scope = context.scope
    for tensor in tensors:
        chain = chain_of(tensor)
        name, part = scope.name_of(tensor), _output_of(tensor)
        fact = f"{name} is {tensor}" if name else f"{part}: {tensor}" if part else str(tensor)
        link = next((link for link in chain.links if link.changed and link.call is not context.call), None)
        if link is not None:
            text = link_text(link) if str(link.after) == str(tensor) else fact
            span = link.call.span
            is_elsewhere = not link.call.path.startswith(scope.prefix)
            if is_elsewhere and (span in labels or span == context.call.span):
                # The same line in another call of this block: label the call.
                span, text = scope.module.span, fact
            labels.setdefault(span, Label(span, text))
        elif part and isinstance(tensor.producer, Operation) and tensor.producer.call is not context.call:
            span = tensor.producer.call.span
            labels.setdefault(span, Label(span, fact))
        elif chain.input is not None:
            span = chain.input_span
            labels.setdefault(span, Label(span, fact))
    return list(labels.values())[:_MAX]


def _output_of(tensor: Tensor) -> str:
    """The name of a tensor among several outputs of a layer: `attn_output`; empty for the one called output."""
    target = tensor.producer.target if isinstance(tensor.producer, Operation) else None
    layer = target.layer if isinstance(target, Module) else None
    names = re.findall(r"\w+", layer.returns) if layer is not None else []
    name = names[tensor.index] if tensor.index < len(names) else ""
    return "" if name == "output" else name


def link_text(link: Link) -> str:
    """A step's effect on the sizes: `3x3 kernel: 6x14x14 -> 16x12x12`, `16 * 6 * 6 = 576`."""
    part = _output_of(link.after)
    return f"{part}: {_effect(link)}" if part else _effect(link)


def _effect(link: Link) -> str:
    before, after = link.before, link.after
    if link.operation is None:
        return f"{after}, as declared"
    if before is None or str(before) == str(after):
        return str(after)
    target = link.operation.target
    name = target.name if isinstance(target, Function) else target.type if isinstance(target, Module) else ""
    if name.lower() == "flatten" and len(before.shape) > len(after.shape):
        joined = _joined(before, after)
        if joined is not None:
            return joined
    values: dict[str, Any] = {} if not isinstance(target, Module) or target.layer is None else vars(target.layer)
    kernel = values.get("kernel_size")
    ahead = ""
    if kernel is not None and name.startswith(("Conv", "LazyConv")):
        dimensions = len(after.shape) - 2
        sizes = kernel if isinstance(kernel, (tuple, list)) else (kernel,) * max(dimensions, 1)
        ahead = f"{sizes_text(sizes)} kernel"
        stride = values.get("stride")
        if stride not in (1, None) and isinstance(stride, int):
            ahead += f", stride {stride}"
        ahead += ": "
    return f"{ahead}{before} -> {after}"


def _joined(before: Tensor, after: Tensor) -> str | None:
    """The product of merged dimensions: `16 * 6 * 6 = 576`."""
    count = len(before.shape) - len(after.shape) + 1
    for start in range(len(after.shape)):
        joined = before.shape[start : start + count]
        same = before.shape[:start] == after.shape[:start] and before.shape[start + count :] == after.shape[start + 1 :]
        if same and product(joined) == after.shape[start]:
            if any(isinstance(size, Dim) for size in joined) or len(joined) > 4:
                return None
            return f"{' * '.join(map(str, joined))} = {after.shape[start]}"
    return None


def step_name(call: Call) -> str:
    """The name of a step in messages; a numbered step includes the nearest parent that has a name: `h.3`, `h.3.0`."""
    if not call.name.isdigit():
        return call.name
    parts = call.path.split(".")
    named = next((index for index in reversed(range(len(parts))) if not parts[index].isdigit()), 0)
    return ".".join(parts[named:])


def from_step(chain: Chain | None) -> str:
    """The step that set the size, as ` from conv2`; empty if none did."""
    link = next((link for link in chain.links if link.origin), None) if chain is not None else None
    return "" if link is None else f" from {step_name(link.call)}"


def shrinking(refusal: Refusal, chain: Chain | None) -> tuple[str, ...]:
    """The shrinking sizes of a map: `16x16 -> 8x8 -> 4x4 -> 2x2 -> 1x1`."""
    if refusal.problem != "empty-output" or chain is None:
        return ()
    shapes: list[str] = []
    for link in chain.links:
        if link.changed:
            shapes.append(_sizes(link.after, link.dims))
        if link.origin:
            break
    else:
        if chain.input is not None:
            dims = chain.links[-1].dims if chain.links else frozenset()
            tensor = chain.input
            if max(dims, default=0) < len(tensor.shape):
                shapes.append(_sizes(tensor, dims))
    if len(shapes) < 3:
        return ()
    shapes.reverse()
    if len(shapes) > 8:
        shapes = [*shapes[:3], "...", *shapes[-4:]]
    return (f"the map becomes smaller: {' -> '.join(shapes)}",)


def _sizes(tensor: Tensor, dims: frozenset[int]) -> str:
    return sizes_text(tensor.shape[dim] for dim in sorted(dims))


def tuple_message(refusal: Refusal, module: Module | None, arguments: tuple[Any, ...], message: str) -> tuple[str, str]:
    """Return the message and torch's sentence if a tuple is used as one tensor; else the given message and none."""
    given = next((value for value in arguments if isinstance(value, tuple)), None)
    if refusal.problem != "wrong-type" or given is None or module is None or module.layer is None:
        return message, ""
    producer = next((tensor.producer for tensor in tensors_in(given)), None)
    call = producer.call if isinstance(producer, Operation) else None
    if call is None or call.module is None or call.module.layer is None or not call.module.layer.returns:
        return message, ""
    note = "linear(): argument 'input' (position 1) must be Tensor, not tuple" if module.type == "Linear" else ""
    return f"{call.name} returns {call.module.layer.returns}; {module.type} takes one tensor", note
