"""Reviewdog's diagnostics: https://github.com/reviewdog/reviewdog/tree/master/proto/rdf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.rendering.checks.locations import end_of, file_of, path_from, utf8_column
from nnshape.rendering.checks.texts import whole_text
from nnshape.rendering.trace_json import document

if TYPE_CHECKING:
    from nnshape.checking import Finding, Outcome, Report
    from nnshape.rendering.formats import View
    from nnshape.spec import Source


def render(report: Report, view: View) -> str:
    """One result with every problem; columns count bytes of UTF-8, as reviewdog does."""
    diagnostics = [_diagnostic(outcome, finding, view.root) for outcome, finding in report.findings]
    severity = {"severity": "ERROR" if report.errors else "WARNING"} if diagnostics else {}
    result = {"source": {"name": "nnshape"}, **severity, "diagnostics": diagnostics}
    return document(result)


def _diagnostic(outcome: Outcome, finding: Finding, root: str) -> dict[str, Any]:
    problem = finding.problem
    location: dict[str, Any] = {"path": path_from(root, file_of(outcome, finding))}
    span = problem.span
    if span is not None:
        location["range"] = {
            "start": _position(span.source, span.start),
            "end": _position(span.source, end_of(span)),
        }
    return {
        "message": whole_text(finding),
        "location": location,
        "severity": problem.severity.upper(),
        "code": {"value": problem.kind},
    }


def _position(source: Source, offset: int) -> dict[str, int]:
    return {"line": source.position(offset)[0], "column": utf8_column(source, offset)}
