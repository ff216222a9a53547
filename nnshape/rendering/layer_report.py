"""One layer or function, as text and as JSON: shapes, derivation, parameters, MACs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from nnshape.calculator.one_step import step_of
from nnshape.explain.formulas import derivation_of_call
from nnshape.records import dataclass
from nnshape.rendering import trace_json
from nnshape.rendering.amounts import amount, byte_text, full_shape, value_forms
from nnshape.rendering.styled import Line, cells, cut_middle, padded
from nnshape.rendering.tensor_values import Values, finite, value_lines
from nnshape.rendering.visible import visible
from nnshape.shapes.dims import Dim, Size, divisible
from nnshape.shapes.tensor import N, Tensor, product, shape_text, sizes_text
from nnshape.tracing import Call, ParameterRow, Trace, per_sample

if TYPE_CHECKING:
    from nnshape.proofs.verification import Verification

_AUTO = re.compile(r"\bauto\b")
_MIN_WRAP = 20
#: The maximum number of parameters to list.
_MAX_ROWS = 32
#: The width of the column of words such as `output`.
_COLUMN = 8


@dataclass(frozen=True, slots=True)
class Sample:
    """Runs of the real layer: its symbols, and the values of each input, and of each output by mode, by name."""

    seed: int
    sizes: Mapping[str, int]
    inputs: Mapping[str, Values] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Values]] = field(default_factory=dict)


def layer_lines(trace: Trace, width: int) -> list[Line]:
    """The answer for a model of one step, without problems, values and proof."""
    call = step_of(trace)
    lines = [*paragraph("", call.text, width, "head"), *call_lines(trace, call, width)]
    rows = sorted(trace.parameters, key=lambda row: row.buffer)
    return [*lines, (), *count_lines(call, rows, width, f"{call.path}.")]


# ---- shapes ----


def call_lines(trace: Trace, call: Call, width: int, inputs: Mapping[str, Tensor] | None = None) -> list[Line]:
    """A step's inputs and outputs, its requirements, and the derivation of its sizes."""
    inputs = trace.inputs if inputs is None else inputs
    alone = len(inputs) == 1 and next(iter(inputs)) in ("x", "input")
    tensors = [("input", "" if alone else name, tensor) for name, tensor in inputs.items()]
    tensors += [("output", name, tensor) for name, tensor in named_tensors(call.output)]
    lines = _tensor_lines(tensors, width)
    if not any(word == "output" for word, _, _ in tensors):
        lines.append([("output  ", "dim"), (value_forms(call.output)[0], "")])
    layer = call.module.layer if call.module is not None else None
    if layer is not None and _AUTO.search(call.text):
        lines += paragraph("auto", repr(layer), width)
    lines += _several("needs", needs_of_step(trace, call), width)
    lines += _several("sizes", derivation_of_call(call), width)
    if call.measured and not call.children:
        lines += paragraph("note", "inferred by running torch, since there is no rule", width)
    return lines


def named_tensors(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors of a value, each with its access path: empty for the value itself, `[1][0]`, `.values`."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from named_tensors(item, f"{name}[{key!r}]")
    elif isinstance(value, (tuple, list)):
        fields = getattr(value, "_fields", None)
        for index, item in enumerate(value):
            yield from named_tensors(item, f"{name}.{fields[index]}" if fields else f"{name}[{index}]")


def needs_of_step(trace: Trace, call: Call) -> list[str]:
    """The requirements of one step, each once."""
    return list(dict.fromkeys(str(needed) for needed in trace.requirements if needed.path == call.path))


def _tensor_lines(tensors: Sequence[tuple[str, str, Tensor]], width: int) -> list[Line]:
    """One line a tensor: its part and name, its shape as a person says it, and as torch has it."""
    room = max((cells(name) for _, name, _ in tensors), default=0)
    start = _COLUMN + (room + 2 if room else 0)
    shapes = [_short(tensor) for _, _, tensor in tensors]
    full = [full_shape(t) if t.shape[:1] == (N,) else str(t.dtype) for _, _, t in tensors]
    widest = max(map(cells, shapes), default=0)
    if start + widest + 2 + max(map(cells, full), default=0) > width:
        full = ["" if tensor.dtype == "float32" else str(tensor.dtype) for _, _, tensor in tensors]
    widest = min(widest, max(_MIN_WRAP, width - start - 2 - max(map(cells, full), default=0)))
    lines: list[Line] = []
    before = ""
    for (word, name, _), shape, whole in zip(tensors, shapes, full, strict=True):
        head = padded(word if word != before else "", _COLUMN) + (padded(name, room) + "  " if room else "")
        lines.append([(head, "dim"), (padded(cut_middle(shape, widest), widest), ""), ("  " + whole, "dim")])
        before = word
    return lines


def _short(tensor: Tensor) -> str:
    return shape_text(tensor.shape) if tensor.shape else "a single number"


def _several(word: str, texts: Sequence[str], width: int) -> list[Line]:
    lines: list[Line] = []
    for index, text in enumerate(texts):
        lines += paragraph(word if index == 0 else " ", text, width)
    return lines


def paragraph(word: str, text: str, width: int, style: str = "") -> list[Line]:
    """A wrapped text with a hanging indent, after a word in a column of its own; no indent without a word."""
    indent = " " * _COLUMN if word else ""
    text, room = visible(text.replace("\n", " ")), max(_MIN_WRAP, width - len(indent))
    first, *others = wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
    return [[(padded(word, len(indent)), "dim"), (first, style)], *([(indent + line, style)] for line in others)]


# ---- counts ----


def count_lines(call: Call, rows: Sequence[ParameterRow], width: int, prefix: str) -> list[Line]:
    """Every parameter and buffer of a step by name and shape, their sum, and the multiply-accumulates."""
    names = [row.name.removeprefix(prefix) for row in rows]
    shapes = [sizes_text(row.tensor.shape) or "scalar" for row in rows]
    counts = [amount(row.count) for row in rows]
    total, macs = amount(call.parameters, call.partial_parameters), per_sample(call.macs)
    all_macs = amount(macs, call.partial_macs)
    first = max(map(cells, [*names, "parameters", "MACs"]))
    second = max(map(cells, shapes), default=0)
    third = max(max((cells(str(row.tensor.dtype)) for row in rows), default=0), 0)
    last = max(map(cells, [*counts, total, all_macs]))
    lines: list[Line] = []
    shown = len(rows) if len(rows) <= _MAX_ROWS else _MAX_ROWS - 8
    for row, name, shape, count in zip(rows[:shown], names, shapes, counts, strict=False):
        role = "  buffer" if row.buffer else ""
        middle = f"{padded(shape, second)}  {padded(str(row.tensor.dtype), third)}"
        style = "dim" if row.buffer else ""
        lines.append([(f"{padded(name, first)}  {middle}  {padded(count, last, True)}{role}", style)])
    if shown < len(rows):
        lines.append([(f"… and {len(rows) - shown} more, which the JSON lists", "dim")])
    gap = " " * (second + third + 6 if rows else 2)
    size = _bytes(call, rows)
    lines.append([(padded("parameters", first), "dim"), (gap + padded(total, last, True), "head"), (size, "dim")])
    start: Line = [(padded("MACs", first), "dim"), (gap + padded(all_macs, last, True), "")]
    remark, indent = _mac_remark(call, macs), first + len(gap) + last + 2
    if indent + cells(remark) <= width:
        return [*lines, [*start, (f"  {remark}", "dim")]]
    return [*lines, start, *([("  " + line, "dim")] for line in wrap(remark, width - 2, break_long_words=False))]


def _bytes(call: Call, rows: Sequence[ParameterRow]) -> str:
    from nnshape.shapes.dtypes import ITEM_BYTES

    size: Size = 0
    for row in rows:
        if not row.buffer:
            size = size + row.count * ITEM_BYTES[row.tensor.dtype]
    return f"  ({byte_text(size)})" if size != 0 and not call.partial_parameters else ""


def _mac_remark(call: Call, macs: Size) -> str:
    if macs == 0:
        return ""
    remark = ["per sample"] if any(tensor.shape[:1] == (N,) for tensor in call.inputs) else []
    if isinstance(macs, int):
        remark.append(f"{amount(macs * 2)} FLOPs at 2 per MAC")
    outputs = [tensor for _, tensor in named_tensors(call.output)]
    if len(outputs) == 1 and not call.children:
        values = per_sample(product(outputs[0].shape))
        if values != 0 and divisible(macs, values) and isinstance(each := macs // values, int) and each > 1:
            remark.append(f"{amount(each)} for each of {amount(values)} values")
    return ", ".join(remark)


# ---- values ----


def sample_lines(sample: Sample) -> list[Line]:
    """The values of the real layer's inputs and outputs, a corner of each tensor; each output in its modes."""
    sizes = "".join(f", {name} = {size}" for name, size in sample.sizes.items())
    modes = "in training and in evaluation alike" if len(sample.outputs) == 1 else "in each mode"
    lines: list[Line] = [[(f"values at seed {sample.seed}{sizes}, {modes}", "dim")]]
    for name, each in sample.inputs.items():
        lines += value_lines(name if len(sample.inputs) > 1 else "input", _shape_of(each), each)
    for mode, outputs in sample.outputs.items():
        for name, each in outputs.items():
            title = f"output{name}" if len(sample.outputs) == 1 else f"output{name} in {mode}"
            lines += value_lines(title, _shape_of(each), each)
    return lines


def _shape_of(values: Values) -> str:
    return sizes_text(values.shape) or "a single number"


# ---- JSON ----


def layer_json(trace: Trace, verification: Verification | None, sample: Sample | None) -> str:
    """The answer as JSON, with the fields of a trace's JSON."""
    call = step_of(trace)
    prefix = f"{call.path}."
    document: dict[str, Any] = {
        "version": trace_json.VERSION,
        "name": trace.spec.name,
        "text": call.text,
        "type": call.type,
        "inputs": [{"name": name, **trace_json.tensor_json(tensor)} for name, tensor in trace.inputs.items()],
        "output": trace_json.size_json(call.output)
        if isinstance(call.output, (int, Dim))
        else trace_json.value_json(call.output),
        "parameters": [
            {**trace_json.parameter_json(row), "name": row.name.removeprefix(prefix)}
            for row in sorted(trace.parameters, key=lambda row: row.buffer)
        ],
        "totals": trace_json.totals_json(trace),
        "derivation": [] if trace.errors else list(derivation_of_call(call)),
        "constraints": list(dict.fromkeys(map(str, trace.constraints))),
        "measured": call.measured,
        "problems": [trace_json.problem_json(problem) for problem in trace.problems],
        "verification": None if verification is None else trace_json.verification_json(verification),
    }
    if sample is not None:
        runs = {
            mode: {name: _values_json(values) for name, values in outputs.items()}
            for mode, outputs in sample.outputs.items()
        }
        document["values"] = {
            "seed": sample.seed,
            "sizes": dict(sample.sizes),
            "inputs": {name: _values_json(values) for name, values in sample.inputs.items()},
            "outputs": runs.pop("training"),
            "other_runs": runs,
        }
    return trace_json.text_of(document)


def _values_json(values: Values) -> dict[str, Any]:
    statistics, numbers = finite(dict(values.statistics)), finite(values.numbers)
    return {"shape": list(values.shape), "statistics": statistics, "values": numbers}
