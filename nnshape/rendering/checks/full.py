"""Every problem with its source lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.rendering.problems import place_of, problem_lines
from nnshape.rendering.visible import visible

if TYPE_CHECKING:
    from nnshape.checking import Report
    from nnshape.rendering.formats import View
    from nnshape.rendering.styled import Line


def render(report: Report, view: View) -> list[Line]:
    """The problems in the order of files and lines, and the summary."""
    lines: list[Line] = []
    for _, finding in report.findings:
        lines += [*problem_lines(finding.with_note(), view.width), ()]
    return [*lines, *need_lines(report), summary_line(report)]


def need_lines(report: Report) -> list[Line]:
    """The requirements on the symbolic sizes of each model, one per line."""
    return [
        [(f"{place_of(need.span)}: ", "head"), ("note", "dim"), (f": {visible(need.message)}", "")]
        for _, need in report.needs
    ]


def summary_line(report: Report) -> Line:
    """The summary, in the colour of the worst problem."""
    style = "error" if report.errors or report.crashes else "warning" if report.warnings else "good"
    return [(report.summary, style)]
