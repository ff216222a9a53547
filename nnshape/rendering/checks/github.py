"""Workflow commands of GitHub Actions: each problem becomes an annotation of the changed lines.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.rendering.checks.locations import file_of, path_from
from nnshape.rendering.checks.texts import whole_text
from nnshape.rendering.visible import in_percent, visible

if TYPE_CHECKING:
    from nnshape.checking import Finding, Outcome, Report
    from nnshape.rendering.formats import View
    from nnshape.spec import Span


def render(report: Report, view: View) -> str:
    """A command a problem, and a notice a requirement; nothing where there is none.

    Paths are from the root of the repository.
    """
    problems = [_problem_command(outcome, finding, view.root) for outcome, finding in report.findings]
    needs = [
        _command("notice", "needs", path_from(view.root, need.span.source.name), need.span, need.message)
        for _, need in report.needs
    ]
    return "".join([*problems, *needs])


def _problem_command(outcome: Outcome, finding: Finding, root: str) -> str:
    problem = finding.problem
    path = path_from(root, file_of(outcome, finding))
    return _command(problem.severity, problem.kind, path, problem.span, whole_text(finding))


def _command(level: str, kind: str, path: str, span: Span | None, text: str) -> str:
    properties = {"title": f"nnshape: {kind}", "file": path}
    if span is not None:
        properties |= {"line": str(span.line), "endLine": str(span.end_line)}
        if span.line == span.end_line:  # columns of different lines are refused
            properties |= {"col": str(span.column), "endColumn": str(span.end_column)}
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {written}::{_data(text)}\n"


def _data(text: str) -> str:
    """Escapes data; % comes first, since the other escapes begin with it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return visible(text.replace("%", "%25").replace(":", "%3A").replace(",", "%2C"), in_percent)
