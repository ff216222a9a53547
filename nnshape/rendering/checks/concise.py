"""One line per problem, in the format of compilers: for editors, `grep` and logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.rendering.checks.full import need_lines, summary_line
from nnshape.rendering.checks.locations import file_of
from nnshape.rendering.checks.texts import message_of

if TYPE_CHECKING:
    from nnshape.checking import Finding, Outcome, Report
    from nnshape.rendering.formats import View
    from nnshape.rendering.styled import Line


def render(report: Report, view: View) -> list[Line]:
    """`lenet.yaml:11:15: error[size-mismatch]: fc1 wants 400 features, but 576 arrive`, and the summary."""
    lines = [_line(outcome, finding) for outcome, finding in report.findings]
    return [*lines, *need_lines(report), summary_line(report)]


def _line(outcome: Outcome, finding: Finding) -> Line:
    problem = finding.problem
    place = file_of(outcome, finding)
    if problem.span is not None:
        place += f":{problem.span.line}:{problem.span.column}"
    kind = f"{problem.severity}[{problem.kind}]"
    return [(f"{place}: ", "head"), (kind, problem.severity), (f": {message_of(finding)}", "")]
