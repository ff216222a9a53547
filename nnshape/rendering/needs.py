"""Renders the conditions that a model puts on its sizes, each with the steps that need it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.rendering import trace_json
from nnshape.rendering.layer_report import paragraph
from nnshape.rendering.problems import place_of
from nnshape.rendering.styled import padded
from nnshape.rendering.summary import input_texts, title
from nnshape.rendering.visible import visible
from nnshape.tracing.requirements import needs_of

if TYPE_CHECKING:
    from nnshape.rendering.styled import Line
    from nnshape.tracing import Trace


def needs_lines(trace: Trace, width: int) -> list[Line]:
    """The requirements of a trace as text: the condition, then its steps with the constraint that each has."""
    lines: list[Line] = [[(title(trace), "head")]]
    for name, shape in input_texts(trace):
        lines += paragraph("input", f"{name}: {shape}", width)
    found = needs_of(trace.requirements)
    if not found:
        lines += [(), [("it needs nothing of its sizes", "")]]
    for need in found:
        lines += [(), [("needs ", "dim"), (need.text, "head")]]
        which = list(dict.fromkeys(need.requirements))
        path, text = max(len(each.path) for each in which), max(len(str(each)) for each in which)
        for each in which:
            place = place_of(each.span)
            lines.append([
                (f"  {padded(each.path, path)}  {padded(visible(str(each)), text)}", ""),
                (f"  {place}" if path + text + len(place) + 6 <= width else "", "dim"),
            ])  # fmt: skip
    return lines


def needs_json(trace: Trace) -> str:
    """The requirements of a trace as JSON."""
    return trace_json.text_of({
        "version": trace_json.VERSION,
        "kind": "needs",
        "name": trace.spec.name,
        "variant": trace.variant,
        "inputs": [{"name": name, **trace_json.tensor_json(tensor)} for name, tensor in trace.inputs.items()],
        "needs": [
            {
                "text": need.text,
                "steps": [
                    {"path": each.path, "constraint": str(each), "span": trace_json.span_json(each.span)}
                    for each in dict.fromkeys(need.requirements)
                ],
            }
            for need in needs_of(trace.requirements)
        ],
        "problems": [trace_json.problem_json(problem) for problem in trace.problems],
    })  # fmt: skip
