"""A trace as CSV: one line per call, without totals, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from nnshape.rendering.amounts import full_value, plain_shape
from nnshape.rendering.rows import tied_by_path, tied_in
from nnshape.rendering.trace_json import count_json
from nnshape.rendering.visible import visible
from nnshape.tracing import ParameterRow, Trace, per_sample

if TYPE_CHECKING:
    from nnshape.rendering.formats import View
    from nnshape.rendering.inspection import Inspection

_CALL_TITLES = ("path", "type", "text", "depth", "inputs", "output", "parameters", "macs", "file", "line", "column")
# A spreadsheet reads a formula at the start of a cell, and after a semicolon, which separates cells in some locales
# (https://owasp.org/www-community/attacks/CSV_Injection).
_FORMULA = re.compile(r"""(^|[;\n])([\s"']*)(?=[=+\-@\uff0b\uff0d\uff1d\uff20])""")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_PARAMETER_TITLES = ("name", "shape", "dtype", "count", "trainable", "buffer", "tied_to")


def render(answer: Inspection, view: View) -> str:
    """The rows of a model, without its problems."""
    return trace_csv(answer.trace, depth=answer.depth)


def trace_csv(trace: Trace, *, depth: int | None = None) -> str:
    """Every call in the order of execution, never folded; `depth` limits the levels."""
    tied = tied_by_path(trace)
    rows = (
        (
            call.path,
            call.type,
            call.text,
            call.depth,
            "; ".join(map(full_value, call.inputs)),
            full_value(call.output),
            count_json(call.parameters - tied_in(call, tied), call.partial_parameters),
            count_json(per_sample(call.macs), call.partial_macs),
            call.span.source.name,
            call.span.line,
            call.span.column,
        )
        for call in trace.calls
        if depth is None or call.depth < depth
    )
    return written(_CALL_TITLES, rows)


def parameters_csv(rows: Iterable[ParameterRow], more: Sequence[dict[str, Any]] = ()) -> str:
    """Every parameter and buffer; `more` adds columns, by name, to each."""
    titles = [*_PARAMETER_TITLES, *(more[0] if more else ())]
    lines = []
    for index, row in enumerate(rows):
        shape, trainable = plain_shape(row.tensor), row.trainable and not row.buffer
        known = (row.name, shape, row.tensor.dtype, row.count, trainable, row.buffer, row.tied_to or "")
        lines.append((*known, *(more[index].values() if more else ())))
    return written(titles, lines)


def written(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A header and rows, quoted by RFC 4180; a `'` in front keeps a spreadsheet from running a cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(titles)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if not isinstance(value, str) or not value:
        return value
    text = "\n".join([visible(line) for line in value.split("\n")])
    return text if _NUMBER.fullmatch(text) else _FORMULA.sub(r"\1'\2", text)
