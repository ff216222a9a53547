"""A trace as Markdown: a table and totals, for a README or a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from nnshape.rendering.amounts import amount, input_forms, value_forms
from nnshape.rendering.rows import Row, rows_of
from nnshape.rendering.styled import painted
from nnshape.rendering.summary import Total, input_texts, mode_text, needs, size_text, title, totals
from nnshape.rendering.visible import visible
from nnshape.tracing import Trace

if TYPE_CHECKING:
    from nnshape.problems import Problem
    from nnshape.rendering.formats import View
    from nnshape.rendering.inspection import Inspection

# Characters with a meaning in GitHub's Markdown: syntax, HTML, formulas, entities, links to people and issues.
_SIGNS = re.compile(r"[\\`*_|<>\[\]&~$#@]")
_PLAIN_CODE = re.compile(r"[^`|\\\s]+( [^`|\\\s]+)*")
_SPACES = "&nbsp;" * 4


def render(answer: Inspection, view: View) -> str:
    """The table, the problems and the proof."""
    parts = [trace_markdown(answer.trace, depth=answer.depth, fold=answer.fold)]
    if answer.problems:
        parts.append(problems_markdown(answer.problems))
    if answer.proof:
        parts.append(escaped(answer.proof) + "\n")
    return "\n".join(parts)


def trace_markdown(trace: Trace, *, depth: int | None = None, fold: bool = True) -> str:
    """The inputs, the table and the totals of a trace."""
    lines = [f"## {escaped(title(trace))}", ""]
    lines += [f"- input {code(name)}: {code(shape)}" for name, shape in input_texts(trace)]
    if trace.sizes:
        lines.append(f"- traced at {escaped(size_text(trace))}")
    lines += [f"- needs {code(text)}" for text in needs(trace)]
    if not trace.errors:
        lines.append(f"- holds in {mode_text(trace)}")
    rows = rows_of(trace, depth=depth, fold=fold)
    if rows:
        titles = ("Layer", "Type", "Input", "Output", "Params", "MACs")
        lines += ["", *table(titles, map(_cells, rows), right=(4, 5))]
    return "\n".join([*lines, "", *total_list(totals(trace)), ""])


def table(titles: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int]) -> list[str]:
    """The lines of a table, some columns aligned to the right."""
    rule = ["--:" if index in right else "---" for index in range(len(titles))]
    return [f"| {' | '.join(row)} |" for row in (titles, rule, *rows)]


def _cells(row: Row) -> tuple[str, ...]:
    call = row.call
    mark = {"error": "❌ ", "warning": "⚠ ", None: ""}[row.fault]
    parameters = amount(row.parameters, row.least_parameters) if row.parameters != 0 else no_parameters(row)
    macs = amount(row.macs, row.least_macs) if row.macs != 0 else "?" if row.least_macs else ""
    return (
        f"{_SPACES * call.depth}{mark}{code(row.names[0])}",
        escaped(row.type) + ("\\*" if call.measured and not call.children else ""),
        escaped(input_forms(call.inputs)[0]),
        escaped(value_forms(call.output)[0]),
        parameters,
        macs,
    )


def no_parameters(row: Row) -> str:
    """The cell of a row that counts no parameters."""
    if row.tied:
        return "(tied)"
    if row.call.reused and row.call.module is not None and any(m.parameters for m in row.call.module.walk()):
        return "(reused)"
    return "?" if row.least_parameters else ""


def total_list(sums: Iterable[Total]) -> list[str]:
    """The totals as a list."""
    return [f"- {total.name}: **{total.text}** {escaped(total.remark)}".rstrip() for total in sums]


def problems_markdown(problems: Iterable[Problem]) -> str:
    """Problems as a fenced block, as in a terminal."""
    from nnshape.rendering.problems import problems_lines

    text = painted(problems_lines(problems, 120), color=False)
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)  # longer than any inside
    return f"{fence}text\n{text}{fence}\n"


def escaped(text: str) -> str:
    """A text on one line, escaped for Markdown."""
    return _SIGNS.sub(r"\\\g<0>", visible(text))


def code(text: str) -> str:
    """A text as code, also inside a table, where a code span cannot contain a backslash and a pipe."""
    text = visible(text)
    if _PLAIN_CODE.fullmatch(text):
        return f"`{text}`"
    return f"<code>{''.join([sign if sign.isalnum() else f'&#{ord(sign)};' for sign in text])}</code>"
