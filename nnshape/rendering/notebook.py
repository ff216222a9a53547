"""A trace as HTML, for the output of a notebook's cell."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from nnshape.rendering.amounts import amount, input_forms, value_forms
from nnshape.rendering.markdown import no_parameters
from nnshape.rendering.problems import problems_lines
from nnshape.rendering.rows import Row, rows_of
from nnshape.rendering.styled import painted
from nnshape.rendering.summary import input_texts, mode_text, needs, title, totals
from nnshape.rendering.visible import visible

if TYPE_CHECKING:
    from nnshape.tracing import Trace

_TITLES = ("Layer", "Type", "Input", "Output", "Params", "MACs")
#: The first column of numbers.
_NUMBERS = 4
_PROBLEM_COLUMNS = 100


def trace_html(trace: Trace) -> str:
    """The inputs, the table (with repeated equal rows folded), the totals and the problems."""
    inputs = [f"input {name}: {shape}" for name, shape in input_texts(trace)]
    parts = [f"<p><b>{_safe(title(trace))}</b><br>{'<br>'.join(map(_safe, inputs))}</p>"]
    rows = rows_of(trace)
    if rows:
        parts.append(_table(_TITLES, [_cells(row) for row in rows]))
    parts += [f"<p>needs {_safe(text)}</p>" for text in needs(trace)]
    if not trace.errors:
        parts.append(f"<p>holds in {_safe(mode_text(trace))}</p>")
    parts.append(_table((), [(total.name, total.text, total.remark) for total in totals(trace)]))
    if trace.problems:
        text = painted(problems_lines(trace.problems, _PROBLEM_COLUMNS), color=False)
        parts.append(f"<pre>{escape(text)}</pre>")
    return "\n".join(parts) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    indent = "\u00a0" * 4 * row.call.depth
    mark = {"error": "✗ ", "warning": "! ", None: ""}[row.fault]
    parameters = amount(row.parameters, row.least_parameters) if row.parameters != 0 else no_parameters(row)
    macs = amount(row.macs, row.least_macs) if row.macs != 0 else "?" if row.least_macs else ""
    return (
        f"{indent}{mark}{row.names[0]}",
        row.type + ("*" if row.call.measured and not row.call.children else ""),
        input_forms(row.call.inputs)[0],
        value_forms(row.call.output)[0],
        parameters,
        macs,
    )


def _table(titles: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{text}</th>" for text in titles)
    lines = [f"<tr>{''.join(map(_cell, range(len(row)), row))}</tr>" for row in rows]
    return "\n".join(["<table>", *([f"<tr>{head}</tr>"] if head else []), *lines, "</table>"])


def _cell(column: int, text: str) -> str:
    align = "right" if column >= _NUMBERS else "left"
    return f'<td style="text-align: {align}">{_safe(text)}</td>'


def _safe(text: str) -> str:
    return escape(visible(text))
