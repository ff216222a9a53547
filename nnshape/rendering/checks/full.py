"""Every problem with the source lines that show it, for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.rendering.problems import problem_lines

if TYPE_CHECKING:
    from nnshape.checking import Report
    from nnshape.rendering.formats import View
    from nnshape.rendering.styled import Line


def render(report: Report, view: View) -> list[Line]:
    """The problems in the order of the files and lines, and the sum of them."""
    lines: list[Line] = []
    for _, finding in report.findings:
        lines += [*problem_lines(finding.with_note(), view.width), ()]
    return [*lines, summary_line(report)]


def summary_line(report: Report) -> Line:
    """The sum of it, in the colour of the worst."""
    style = "error" if report.errors or report.crashes else "warning" if report.warnings else "good"
    return [(report.summary, style)]
