"""The table of a model: one row per step, fitted to the width, and the totals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.rendering.amounts import amount, input_forms, value_forms
from nnshape.rendering.columns import GAP, Cell, Column, Fit, fitted, laid_out, left_out
from nnshape.rendering.rows import Row, rows_of
from nnshape.rendering.styled import Line, cut_end
from nnshape.rendering.summary import head_lines, total_lines
from nnshape.rendering.visible import visible
from nnshape.shapes.tensor import Unknown
from nnshape.tracing import Trace

if TYPE_CHECKING:
    from nnshape.rendering.formats import View
    from nnshape.rendering.inspection import Inspection

# What gives way as the table narrows: the count of each folded step goes first, then long inputs and outputs are
# shortened, then the MACs go, then layers and types are shortened, then the inputs go (they are mostly the output
# above), then the types.
_FITS = (
    Fit(("Layer", "Type of each", "Input", "Output", "Params", "MACs")),
    Fit(("Layer", "Type", "Input", "Output", "Params", "MACs")),
    Fit(("Layer", "Type", "Input", "Output", "Params", "MACs"), ("Input", "Output")),
    Fit(("Layer", "Type", "Input", "Output", "Params"), ("Layer", "Input", "Type", "Output")),
    Fit(("Layer", "Type", "Output", "Params"), ("Layer", "Type", "Output")),
    Fit(("Layer", "Type", "Output", "Params"), ("Output", "Type", "Layer"), 0.6),
    Fit(("Layer", "Output", "Params"), ("Layer", "Output"), 0.1),
)
#: The columns of the steps as they are written: they show from the first number on, up to the second.
_MIN_TEXT, _MAX_TEXT = 24, 120
_MARKS = {"error": "✗", "warning": "!", None: " "}


def render(answer: Inspection, view: View) -> list[Line]:
    """The table, the problems and the proof."""
    lines = table_lines(answer.trace, view.width, depth=answer.depth, fold=answer.fold)
    if answer.problems:
        from nnshape.rendering.problems import problems_lines

        lines += [(), *problems_lines(answer.problems, view.width)]
    return [*lines, (), [(answer.proof, "")]] if answer.proof else lines


def table_lines(
    trace: Trace, width: int, *, room: int | None = None, depth: int | None = None, fold: bool = True
) -> list[Line]:
    """The whole answer but for problems and proof: inputs, table, totals.

    The table itself may take `room` columns where that is more than `width`.
    """
    rows = rows_of(trace, depth=depth, fold=fold)
    lines = head_lines(trace, width)
    if rows:
        marked = any(row.fault for row in rows)
        room = (width if room is None else room) - (2 if marked else 0)
        every = _columns(rows)
        columns, widths = fitted(every, _FITS, room)
        missing = left_out(every, columns)
        left = min(_MAX_TEXT, room - sum(widths) - GAP * len(widths))
        if left >= _MIN_TEXT:
            columns.append(_text_column(rows, left))
            widths.append(min(left, columns[-1].natural()))
        table = laid_out(columns, widths)
        if marked:
            faults = [None, None, *(row.fault for row in rows)]
            table = [((_MARKS[fault] + " ", fault or ""), *line) for fault, line in zip(faults, table, strict=True)]
        lines += [(), *table, *([missing] if missing else [])]
    lines += [(), *total_lines(trace, width)]
    return lines


def _columns(rows: list[Row]) -> list[Column]:
    layer, type_, each = Column("Layer"), Column("Type", least=12), Column("Type", name="Type of each")
    input_, output = Column("Input", least=16), Column("Output", least=16)
    parameters, macs = Column("Params", right=True), Column("MACs", right=True)
    for row in rows:
        call = row.call
        layer.cells.append(Cell(row.names, row.fault or "", row.guide))
        star = "*" if call.measured and not call.children else ""
        style = "type" if call.module is not None else "dim"
        type_.cells.append(Cell((row.type + star,), style))
        each.cells.append(Cell((row.type + star + _each(row),), style))
        input_.cells.append(Cell(input_forms(call.inputs), "dim"))
        output.cells.append(Cell(value_forms(call.output), "error" if isinstance(call.output, Unknown) else ""))
        parameters.cells.append(_parameter_cell(row))
        macs.cells.append(_mac_cell(row))
    layer.least = min(40, layer.natural(brief=True))
    return [layer, type_, each, input_, output, parameters, macs]


def _each(row: Row) -> str:
    if row.count == 1 or row.parameters == 0 or row.least_parameters:
        return ""
    first = row.call.parameters
    return f", {amount(first)} each" if not row.tied and first * row.count == row.parameters else ""


def _parameter_cell(row: Row) -> Cell:
    call = row.call
    if row.parameters == 0:
        if call.reused and call.module is not None and any(module.parameters for module in call.module.walk()):
            return Cell(("(reused)",), "dim")
        if row.tied:
            return Cell(("(tied)",), "dim")
        return Cell(("?",), "error") if row.least_parameters else Cell(("-",), "dim")
    return Cell((amount(row.parameters, row.least_parameters),), "dim" if call.children else "")


def _mac_cell(row: Row) -> Cell:
    if row.macs == 0:
        return Cell(("?" if row.least_macs else "-",), "dim")
    return Cell((amount(row.macs, row.least_macs),), "dim" if row.call.children else "")


def _text_column(rows: list[Row], width: int) -> Column:
    """The texts of the steps."""
    return Column("Step", [Cell((cut_end(visible(row.call.text), width),), "dim") for row in rows])
