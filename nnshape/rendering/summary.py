"""Renders a model's inputs and sizes above the table, and its totals below."""

from __future__ import annotations

from textwrap import wrap

from nnshape.proofs.modes import TRAINING, modes_of
from nnshape.records import dataclass
from nnshape.rendering.amounts import amount, byte_text, full_shape
from nnshape.rendering.rows import tied_parameters
from nnshape.rendering.styled import Line, cut_middle, padded
from nnshape.rendering.visible import visible
from nnshape.shapes.dims import Size
from nnshape.shapes.tensor import N
from nnshape.tracing import Trace

#: A remark that has less room than this beside its number gets its own lines.
_MIN_REMARK = 24


@dataclass(frozen=True, slots=True)
class Total:
    """A sum with its name and a remark."""

    name: str
    text: str
    remark: str = ""


def title(trace: Trace) -> str:
    """The model's name, with the variant that was traced."""
    return f"{trace.spec.name} ({trace.variant})" if trace.variant else trace.spec.name


def input_texts(trace: Trace) -> list[tuple[str, str]]:
    """Each input's name, and its dtype and shape."""
    return [(name, full_shape(tensor)) for name, tensor in trace.inputs.items()]


def size_text(trace: Trace) -> str:
    """The sizes that the model was traced at: `H = 224, W = 224`."""
    return ", ".join(f"{name} = {value}" for name, value in trace.sizes.items())


def mode_text(trace: Trace) -> str:
    """The modes in which the table holds: `evaluation and training`."""
    modes = " and ".join(modes_of(trace))
    return modes if TRAINING in modes else f"{modes}, and in training but for the warnings"


def needs(trace: Trace) -> list[str]:
    """The conditions on the model's sizes, with the step where only one needs it."""
    if not trace.requirements:
        return []
    from nnshape.tracing.requirements import needs_of

    return [
        need.text + (f" for {need.steps[0]}" if len(need.steps) == 1 else "") for need in needs_of(trace.requirements)
    ]


def totals(trace: Trace) -> list[Total]:
    """The totals of the model, in order."""
    sums = trace.totals
    partial, least = sums.partial_parameters, sums.partial_macs
    lines = [
        Total("parameters", amount(sums.parameters, partial)),
        Total("trainable", amount(sums.trainable, partial)),
    ]
    if sums.frozen != 0:
        lines.append(Total("frozen", amount(sums.frozen)))
    tied = tied_parameters(trace)
    if tied:
        saved: Size = sum(tied.values(), 0)
        lines.append(Total("tied", amount(saved), f"{_pairs(trace)}, counted once"))
    lines.append(Total("buffers", amount(sums.buffers, partial)))
    whole = isinstance(sums.macs, int)
    flops = f"{amount(sums.macs * 2, least)} FLOPs at 2 per MAC" if whole else "2 FLOPs each"
    lines.append(Total("MACs", amount(sums.macs, least), _macs_remark(trace, flops)))
    size = f"{'>= ' if partial else ''}{byte_text(sums.parameter_bytes)}"
    extra = f"and {byte_text(sums.buffer_bytes)} of buffers" if sums.buffer_bytes != 0 else ""
    lines.append(Total("size", size, extra))
    return lines


def _macs_remark(trace: Trace, flops: str) -> str:
    if trace.free is not None:
        return f"for N = {trace.sizes['N']} ({flops})"
    batched = any(tensor.shape[:1] == (N,) for tensor in trace.inputs.values())
    return f"per sample ({flops})" if batched else flops


def _pairs(trace: Trace) -> str:
    """The tied parameters, the first two by name."""
    pairs = [f"{row.name} is {row.tied_to}" for row in trace.parameters if row.tied_to is not None]
    more = f" and {len(pairs) - 2} more" if len(pairs) > 2 else ""
    return ", ".join(pairs[:2]) + more


def head_lines(trace: Trace, width: int) -> list[Line]:
    """The lines above the table: name, inputs, and the sizes with their requirements."""
    lines: list[Line] = [[(cut_middle(visible(title(trace)), max(width, _MIN_REMARK)), "head")]]
    inputs = input_texts(trace)
    longest = max((len(name) for name, _ in inputs), default=0)
    for name, shape in inputs:
        lines.append([("input ", "dim"), (f"{padded(name + ':', longest + 1)} {shape}", "")])
    if trace.sizes:
        lines += _remark("traced at", size_text(trace), width)
    for text in needs(trace):
        lines += _remark("needs", text, width)
    if not trace.errors:
        lines += _remark("holds in", mode_text(trace), width)
    return lines


def _remark(word: str, text: str, width: int) -> list[Line]:
    pieces = _wrapped(text, width - len(word) - 1)
    first: Line = [(word + " ", "dim"), (pieces[0], "")]
    return [first, *([(" " * (len(word) + 1) + piece, "")] for piece in pieces[1:])]


def _wrapped(text: str, width: int) -> list[str]:
    """The text wrapped to this width, which counts as at least twenty."""
    return wrap(text, max(20, width), break_on_hyphens=False) or [""]


def total_lines(trace: Trace, width: int) -> list[Line]:
    """The totals under one another, the numbers right-aligned; a formula takes the lines that it needs."""
    lines: list[Line] = []
    sums = totals(trace)
    names = max(len(total.name) for total in sums) + 2
    numbers = max((len(total.text) for total in sums if not _is_formula(total.text)), default=0)
    beside = width - names - numbers - 2 >= _MIN_REMARK
    for total in sums:
        name = (padded(total.name, names), "dim")
        if _is_formula(total.text):
            first, *others = _wrapped(total.text, width - names)
            lines.append([name, (first, "")])
            lines += [[(" " * names + piece, "")] for piece in others]
        else:
            style = "head" if total.name == "parameters" else ""
            lines.append([name, (padded(total.text, numbers, right=True), style)])
        if not total.remark:
            continue
        own_lines = not beside or _is_formula(total.text)
        indent = names if own_lines else names + numbers + 2
        pieces = [(piece, "dim") for piece in _wrapped(total.remark, width - indent)]
        if not own_lines:
            lines[-1] = [*lines[-1], ("  ", ""), pieces.pop(0)]
        lines += [[(" " * indent, ""), piece] for piece in pieces]
    if any(call.measured and not call.children for call in trace.calls):
        lines.append([("* inferred by running torch, since there is no rule", "dim")])
    return lines


def _is_formula(text: str) -> bool:
    """Whether a sum is a formula of symbolic sizes."""
    return "*" in text or " + " in text or " - " in text
