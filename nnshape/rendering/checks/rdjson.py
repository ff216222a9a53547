"""Reviewdog's diagnostics: https://github.com/reviewdog/reviewdog/tree/master/proto/rdf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.rendering.checks.locations import end_of, file_of, path_from, utf8_column
from nnshape.rendering.checks.texts import whole_text
from nnshape.rendering.problems import problem_lines
from nnshape.rendering.styled import painted
from nnshape.rendering.trace_json import document
from nnshape.rendering.visible import visible

if TYPE_CHECKING:
    from nnshape.checking import Finding, Needed, Outcome, Report
    from nnshape.problems import Fix
    from nnshape.rendering.formats import View
    from nnshape.spec import Source

_COLUMNS = 100


def render(report: Report, view: View) -> str:
    """One result with every problem; columns count bytes of UTF-8, as reviewdog does."""
    diagnostics = [_diagnostic(outcome, finding, view.root) for outcome, finding in report.findings]
    diagnostics += [_requirement(need, view.root) for _, need in report.needs]
    severity = {"severity": _worst(report)} if diagnostics else {}
    result = {"source": {"name": "nnshape"}, **severity, "diagnostics": diagnostics}
    return document(result)


def _diagnostic(outcome: Outcome, finding: Finding, root: str) -> dict[str, Any]:
    problem = finding.problem
    location: dict[str, Any] = {"path": path_from(root, file_of(outcome, finding))}
    span = problem.span
    if span is not None:
        location["range"] = _range(span.source, span.start, end_of(span))
    # reviewdog makes suggestions only in the file of the diagnostic.
    suggestions = [_suggestion(fix) for fix in problem.fixes if span and fix.edits[0].span.source is span.source]
    return {
        "message": whole_text(finding),
        "location": location,
        "severity": problem.severity.upper(),
        "code": {"value": problem.kind},
        **({"suggestions": suggestions} if suggestions else {}),
        "original_output": painted(problem_lines(finding.with_note(), _COLUMNS), False),
    }


def _requirement(need: Needed, root: str) -> dict[str, Any]:
    span = need.span
    place = _range(span.source, span.start, end_of(span))
    return {
        "message": visible(need.message),
        "location": {"path": path_from(root, span.source.name), "range": place},
        "severity": "INFO",
        "code": {"value": "needs"},
    }


def _worst(report: Report) -> str:
    return "ERROR" if report.errors else "WARNING" if report.warnings else "INFO"


def _suggestion(fix: Fix) -> dict[str, Any]:
    """A fix as one range and its new text, since a suggestion of reviewdog has one."""
    source = fix.edits[0].span.source
    start, end = min(edit.span.start for edit in fix.edits), max(edit.span.end for edit in fix.edits)
    text, at = "", start
    for edit in sorted(fix.edits, key=lambda edit: edit.span.start):
        text += source.text[at : edit.span.start] + edit.replacement
        at = edit.span.end
    return {"range": _range(source, start, end), "text": text + source.text[at:end]}


def _range(source: Source, start: int, end: int) -> dict[str, Any]:
    return {"start": _position(source, start), "end": _position(source, end)}


def _position(source: Source, offset: int) -> dict[str, int]:
    return {"line": source.position(offset)[0], "column": utf8_column(source, offset)}
