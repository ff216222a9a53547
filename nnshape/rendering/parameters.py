"""The parameters of a model as a table, JSON, Markdown and CSV: names, shapes, counts, shares, values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nnshape.records import dataclass
from nnshape.rendering import csv, markdown, trace_json
from nnshape.rendering.amounts import amount, byte_text
from nnshape.rendering.columns import Cell, Column, Fit, fitted, laid_out, left_out
from nnshape.rendering.styled import Line, cut_middle
from nnshape.rendering.summary import title, total_lines, totals
from nnshape.rendering.tensor_values import Values, finite, value_lines
from nnshape.rendering.visible import visible
from nnshape.shapes.dims import Size
from nnshape.shapes.dtypes import ITEM_BYTES
from nnshape.shapes.tensor import sizes_text
from nnshape.tracing import ParameterRow, Trace

if TYPE_CHECKING:
    from nnshape.problems import Problem
    from nnshape.rendering.formats import View

_TIED_FITS = (
    Fit(("Name", "Shape", "Dtype", "Count", "Share", "Trainable", "Tied to")),
    Fit(("Name", "Shape", "Dtype", "Count", "Share", "Trainable", "Tied to"), ("Tied to", "Name")),
)
_FITS = (
    Fit(("Name", "Shape", "Dtype", "Count", "Share", "Trainable")),
    Fit(("Name", "Shape", "Dtype", "Count", "Share", "Trainable"), ("Name",)),
    Fit(("Name", "Shape", "Count", "Share", "Trainable"), ("Name",)),
    Fit(("Name", "Shape", "Count"), ("Name", "Shape"), 0.5),
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Some rows of a trace's parameters: those of the layer that was asked for, or all of them.

    `device` and `torch` say where the model was built and with which torch, empty where it was not; then the
    rows are those of the real modules, and `disagreements` tells where these differ from the trace.
    """

    trace: Trace
    rows: Sequence[ParameterRow]
    layer: str | None = None
    values: Mapping[str, Values] | None = None
    device: str = ""
    torch: str = ""
    disagreements: tuple[Problem, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems of the model, and where torch disagrees."""
        return (*self.trace.problems, *self.disagreements)

    @property
    def ordered(self) -> list[ParameterRow]:
        """The parameters, then the buffers."""
        return sorted(self.rows, key=lambda row: row.buffer)


def parameter_lines(selection: Selection, width: int, *, room: int | None = None) -> list[Line]:
    """The table of parameters, followed by their values if requested."""
    rows = selection.ordered
    lines: list[Line] = [[(cut_middle(visible(title(selection.trace)), width), "head")]]
    if rows:
        fits = (*_TIED_FITS, *_FITS) if any(row.tied_to for row in rows) else _FITS
        every = _columns(rows, selection.trace.totals.parameters)
        columns, widths = fitted(every, fits, width if room is None else room)
        missing = left_out([column for column in every if (column.name or column.title) in fits[0].names], columns)
        lines += [(), *laid_out(columns, widths), *([missing] if missing else [])]
    if selection.values is not None:
        for row in rows:
            if row.name in selection.values:
                lines += [(), *value_lines(row.name, shape_of(row), selection.values[row.name])]
    if selection.layer is None:
        return [*lines, (), *total_lines(selection.trace, width)]
    return [*lines, (), [(layer_text(selection), "")]]


def built_line(selection: Selection) -> Line:
    """The device of the built model, and whether its parameters agree with the file; empty if it was not built."""
    if not selection.device:
        return ()
    return [(_built_text(selection), "error" if selection.disagreements else "good")]


def _built_text(selection: Selection) -> str:
    text = f"built on {selection.device} with torch {selection.torch}: "
    if selection.disagreements:
        return text + "the real modules hold other tensors than the file says"
    return text + "the rows are those of the real modules"


def layer_text(selection: Selection) -> str:
    """The parameter count of one layer, and its share of the model."""
    total: Size = 0
    size: Size = 0
    for row in selection.rows:
        if not row.buffer and row.tied_to is None:
            total = total + row.count
            size = size + row.count * ITEM_BYTES[row.tensor.dtype]
    whole = selection.trace.totals
    if not selection.rows:
        return f"{selection.layer} has no parameters"
    part = share(total, whole.parameters)
    of = f"{amount(whole.parameters, whole.partial_parameters)} parameters" + (f" ({part})" if part != "-" else "")
    return f"{selection.layer} has {amount(total)} of {of}, {byte_text(size)}"


def _columns(rows: Sequence[ParameterRow], total: Size) -> list[Column]:
    name, shape, dtype = Column("Name", least=16), Column("Shape", least=12), Column("Dtype")
    count, part = Column("Count", right=True), Column("Share", right=True)
    trainable, tied = Column("Trainable"), Column("Tied to", least=12)
    for row in rows:
        style = "dim" if row.buffer or row.tied_to is not None else ""
        name.cells.append(Cell((row.name,), style))
        shape.cells.append(Cell((shape_of(row),), style))
        dtype.cells.append(Cell((str(row.tensor.dtype),), "dim"))
        count.cells.append(Cell((amount(row.count),), style))
        part.cells.append(Cell((share_of(row, total),), style))
        trainable.cells.append(Cell((role(row),), "" if role(row) == "yes" else "type"))
        tied.cells.append(Cell((row.tied_to or "",), "dim"))
    return [name, shape, dtype, count, part, trainable, tied]


def shape_of(row: ParameterRow) -> str:
    """The shape of a parameter; it has no batch."""
    return sizes_text(row.tensor.shape) or "scalar"


def role(row: ParameterRow) -> str:
    """Whether training changes it: `yes`, `frozen`, `buffer`."""
    return "buffer" if row.buffer else "yes" if row.trainable else "frozen"


def share_of(row: ParameterRow, total: Size) -> str:
    """A parameter's share of the model; a buffer and a tied one have none."""
    return "-" if row.buffer or row.tied_to is not None else share(row.count, total)


def share(count: Size, total: Size) -> str:
    """A count's share of a total in percent."""
    if not isinstance(count, int) or not isinstance(total, int) or total == 0:
        return "-"
    percent = 100 * count / total
    return "<0.1%" if 0 < percent < 0.05 else f"{percent:.1f}%"


def render_json(selection: Selection, view: View) -> str:
    """The parameters as JSON; with `values`, the statistics of each and, up to a size, its numbers."""
    items = []
    for row in selection.ordered:
        item = trace_json.parameter_json(row)
        if selection.values is not None and row.name in selection.values:
            values = selection.values[row.name]
            item |= {"statistics": finite(dict(values.statistics)), "values": finite(values.numbers)}
        items.append(item)
    trace = selection.trace
    return trace_json.text_of({
        "version": trace_json.VERSION,
        "name": trace.spec.name,
        "variant": trace.variant,
        "layer": selection.layer,
        "parameters": items,
        "totals": trace_json.totals_json(trace),
        "problems": [trace_json.problem_json(problem) for problem in selection.problems],
        "built": {"device": selection.device, "torch": selection.torch} if selection.device else None,
    })  # fmt: skip


def render_markdown(selection: Selection, view: View) -> str:
    """The parameters as a Markdown table and the totals of the model."""
    total = selection.trace.totals.parameters
    titles = ["Name", "Shape", "Dtype", "Count", "Share", "Trainable", "Tied to"]
    statistics = _statistics(selection)
    rows = []
    for index, row in enumerate(selection.ordered):
        fields = (markdown.code(row.name), shape_of(row), str(row.tensor.dtype), amount(row.count))
        tied = markdown.code(row.tied_to) if row.tied_to else ""
        numbers = [_number(number) for number in statistics[index].values()] if statistics else []
        rows.append((*fields, share_of(row, total), role(row), tied, *numbers))
    titles += list(statistics[0]) if statistics else []
    right = (3, 4, *range(7, len(titles)))
    lines = [f"## {markdown.escaped(title(selection.trace))}", "", *markdown.table(titles, rows, right), ""]
    if selection.layer is None:
        lines += markdown.total_list(totals(selection.trace))
    else:
        lines.append(markdown.escaped(layer_text(selection)))
    if selection.device:
        lines += ["", markdown.escaped(_built_text(selection))]
    return "\n".join([*lines, ""])


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else ""


def render_csv(selection: Selection, view: View) -> str:
    """The parameters as CSV, with the statistics of their values if requested."""
    return csv.parameters_csv(selection.ordered, _statistics(selection))


def _statistics(selection: Selection) -> list[dict[str, Any]]:
    """The mean, std, min and max of each row's values, or an empty entry; an empty list without values."""
    if selection.values is None:
        return []
    empty: dict[str, Any] = dict.fromkeys(("mean", "std", "min", "max"), "")
    return [
        {**empty, **(selection.values[row.name].statistics if row.name in selection.values else {})}
        for row in selection.ordered
    ]
