"""A trace as JSON: a versioned contract, which only gains fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nnshape.proofs.modes import modes_of
from nnshape.rendering.problems import help_of, problem_lines
from nnshape.rendering.rows import tied_by_path, tied_in
from nnshape.rendering.styled import painted
from nnshape.rendering.visible import guarded, in_json, visible
from nnshape.shapes.dims import Size
from nnshape.shapes.tensor import Tensor
from nnshape.tracing import Call, ParameterRow, Trace, per_sample
from nnshape.tracing.requirements import needs_of

if TYPE_CHECKING:
    from nnshape.problems import Edit, Fix, Label, Problem
    from nnshape.proofs.verification import Verification
    from nnshape.rendering.formats import View
    from nnshape.rendering.inspection import Inspection
    from nnshape.spec import Span
    from nnshape.tracing import Totals

VERSION = 1
#: The width of a problem's text.
_COLUMNS = 100


def render(answer: Inspection, view: View) -> str:
    """The whole answer of `nnshape inspect`."""
    return trace_json(answer.trace, answer.verification, depth=answer.depth)


def trace_json(trace: Trace, verification: Verification | None, *, depth: int | None = None) -> str:
    """A trace with every call in the order of execution, never folded; `depth` limits the levels."""
    tied = tied_by_path(trace)
    problems = (*trace.problems, *(() if verification is None else verification.disagreements))
    rows = [row_json(call, tied) for call in trace.calls if depth is None or call.depth < depth]
    return text_of({
        "version": VERSION,
        "name": trace.spec.name,
        "variant": trace.variant,
        "inputs": [{"name": name, **tensor_json(tensor)} for name, tensor in trace.inputs.items()],
        "sizes": {name: size_json(size) for name, size in trace.sizes.items()},
        "rows": rows,
        "output": value_json(trace.output),
        "totals": totals_json(trace),
        "constraints": [need.text for need in needs_of(trace.requirements)],
        "problems": [problem_json(problem) for problem in problems],
        "modes": list(modes_of(trace)),
        "verification": None if verification is None else verification_json(verification),
    })  # fmt: skip


def text_of(value: dict[str, Any]) -> str:
    """The text of a JSON document, with one line per top-level value and per row."""
    lines = []
    for key, item in value.items():
        if isinstance(item, list) and item:
            items = ",\n".join(f"    {_compact(entry)}" for entry in item)
            lines.append(f"  {_compact(key)}: [\n{items}\n  ]")
        else:
            lines.append(f"  {_compact(key)}: {_compact(item)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def document(value: Any) -> str:
    """A JSON document with one line per item."""
    return guarded(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2) + "\n", in_json)


def _compact(value: Any) -> str:
    return visible(json.dumps(value, ensure_ascii=False, allow_nan=False), in_json)


def row_json(call: Call, tied: dict[str, Size]) -> dict[str, Any]:
    """One call; `parameters` counts its own parameters, without tied ones."""
    row: dict[str, Any] = {
        "path": call.path,
        "type": call.type,
        "text": call.text,
        "depth": call.depth,
        "inputs": [tensor_json(tensor) for tensor in call.inputs],
        "output": value_json(call.output),
        "parameters": count_json(call.parameters - tied_in(call, tied), call.partial_parameters),
        "macs": count_json(per_sample(call.macs), call.partial_macs),
        "span": span_json(call.span),
    }
    for name in ("reused", "measured"):
        if getattr(call, name):
            row[name] = True
    partial = _partial(call)
    return {**row, "partial": partial} if partial else row


def tensor_json(tensor: Tensor) -> dict[str, Any]:
    """A tensor's dtype and shape."""
    return {"dtype": str(tensor.dtype), "shape": [size_json(size) for size in tensor.shape]}


def value_json(value: Any) -> Any:
    """A tensor, or a list or object of tensors; null if unknown."""
    if isinstance(value, Tensor):
        return tensor_json(value)
    if isinstance(value, dict):
        return {str(name): value_json(item) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [value_json(item) for item in value]
    return None


def size_json(size: Size) -> int | str:
    """A number; a symbolic size as its text."""
    return size if isinstance(size, int) else str(size)


def count_json(count: Size, is_partial: bool) -> int | str | None:
    """A count; None where no part of it is known, where the table shows `?`."""
    return None if is_partial and count == 0 else size_json(count)


def totals_json(trace: Trace) -> dict[str, Any]:
    """The sums, in exact numbers; `partial` names those that are lower bounds."""
    sums = trace.totals
    totals: dict[str, Any] = {
        name: size_json(getattr(sums, name))
        for name in ("parameters", "trainable", "buffers", "macs", "parameter_bytes", "buffer_bytes")
    }
    return {**totals, "partial": _partial(sums)}


def _partial(counts: Call | Totals) -> list[str]:
    """The counts that are lower bounds, since a part of them is unknown."""
    known = {"parameters": counts.partial_parameters, "macs": counts.partial_macs}
    return [name for name, partial in known.items() if partial]


def span_json(span: Span) -> dict[str, Any]:
    """A range, its lines and columns counted from 1 and in characters."""
    return {
        "file": span.source.name,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def problem_json(problem: Problem) -> dict[str, Any]:
    """A problem with all its fields."""
    return {
        "kind": problem.kind,
        "severity": problem.severity,
        "message": problem.message,
        "span": None if problem.span is None else span_json(problem.span),
        "place": problem.place,
        "argument": problem.argument or None,
        "label": problem.label,
        "related": [_label_json(label) for label in problem.related],
        "frames": [_label_json(label) for label in problem.frames],
        "help": list(help_of(problem)),
        "notes": list(problem.notes),
        "fixes": [fix_json(fix) for fix in problem.fixes],
        "rendered": painted(problem_lines(problem, _COLUMNS), False),
    }


def fix_json(fix: Fix) -> dict[str, Any]:
    """A fix and its edits; an editor may make them in any order, as they do not overlap."""
    return {
        "description": fix.description,
        "shown": fix.shown,
        "because": fix.because,
        "safe": fix.safe,
        "edits": [_edit_json(edit) for edit in fix.edits],
    }


def _edit_json(edit: Edit) -> dict[str, Any]:
    """The range to replace, by offsets in characters from the start of the file, and the new text."""
    span = edit.span
    return {"start": span.start, "end": span.end, "text": edit.replacement, **span_json(span)}


def _label_json(label: Label) -> dict[str, Any]:
    return {"text": label.text, "span": span_json(label.span)}


def verification_json(verification: Verification) -> dict[str, Any]:
    """The result of the proof."""
    return {
        "device": verification.device,
        "torch": verification.torch,
        "calls": verification.calls,
        "parameters": verification.parameters,
        "agree": verification.agree,
        "unproved": list(verification.unproved),
        "sizes": dict(verification.sizes),
        "sentence": verification.sentence,
        "second_sizes": dict(verification.second_sizes),
        "modes": list(verification.modes),
        "remarks": list(verification.remarks),
        "strides": verification.strides,
        "date": verification.date if verification.from_cache else None,
        "from_cache": verification.from_cache,
    }


def parameter_json(row: ParameterRow) -> dict[str, Any]:
    """One parameter or buffer."""
    return {
        "name": row.name,
        **tensor_json(row.tensor),
        "count": size_json(row.count),
        "trainable": row.trainable and not row.buffer,
        "buffer": row.buffer,
        "tied_to": row.tied_to,
        "span": span_json(row.span),
    }


def failure_json(problems: tuple[Problem, ...]) -> str:
    """The document of a file without a model: only its problems."""
    return text_of({
        "version": VERSION, "name": None, "variant": None, "inputs": [], "sizes": {}, "rows": [], "output": None,
        "totals": None, "constraints": [], "problems": [problem_json(problem) for problem in problems],
        "modes": [], "verification": None,
    })  # fmt: skip
