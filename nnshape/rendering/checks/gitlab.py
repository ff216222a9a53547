"""A Code Quality report for GitLab: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.rendering.checks.locations import Fingerprints, digest, file_of, path_from
from nnshape.rendering.checks.texts import message_of
from nnshape.rendering.trace_json import document
from nnshape.rendering.visible import visible

if TYPE_CHECKING:
    from nnshape.checking import Finding, Needed, Outcome, Report
    from nnshape.rendering.formats import View


def render(report: Report, view: View) -> str:
    """A list of issues; paths are relative to the root of the repository."""
    fingerprints = Fingerprints()
    issues = [_issue(outcome, finding, view.root, fingerprints) for outcome, finding in report.findings]
    issues += [_requirement(need, view.root) for _, need in report.needs]
    return document(issues)


def _requirement(need: Needed, root: str) -> dict[str, Any]:
    path = path_from(root, need.span.source.name)
    key = f"{path}\0{need.message}\0{need.span.text}\0{need.span.start}"
    return {
        "description": visible(need.message),
        "check_name": "needs",
        "fingerprint": digest(key),
        "severity": "info",
        "location": {"path": path, "lines": {"begin": need.span.line, "end": need.span.end_line}},
    }


def _issue(outcome: Outcome, finding: Finding, root: str, fingerprints: Fingerprints) -> dict[str, Any]:
    problem = finding.problem
    path = path_from(root, file_of(outcome, finding))
    first, last = (problem.span.line, problem.span.end_line) if problem.span is not None else (1, 1)
    return {
        "description": message_of(finding),
        "check_name": problem.kind,
        "fingerprint": fingerprints.of(path, finding),
        "severity": "major" if problem.severity == "error" else "minor",
        "location": {"path": path, "lines": {"begin": first, "end": last}},
    }
