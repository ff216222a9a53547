"""A SARIF 2.1.0 log: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.problems.kinds import kind_names
from nnshape.problems.pages import kind_of
from nnshape.rendering.checks.places import Fingerprints, end_of, file_of, path_from, uri_of, utf16_column
from nnshape.rendering.checks.texts import whole_text
from nnshape.rendering.json import document
from nnshape.rendering.visible import visible

if TYPE_CHECKING:
    from nnshape.checking import Finding, Outcome, Report
    from nnshape.rendering.formats import View
    from nnshape.spec import Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"


def render(report: Report, view: View) -> str:
    """One run with a rule for every kind of problem; paths are from the root of the repository."""
    from nnshape import __version__

    root, fingerprints = view.root, Fingerprints()
    driver = {"name": "nnshape", "version": __version__, "rules": [_rule(name) for name in kind_names()]}
    invocation: dict[str, Any] = {"executionSuccessful": not report.crashes}
    if report.crashes:
        invocation["toolExecutionNotifications"] = [
            {
                "level": "error",
                "message": {"text": visible(outcome.crash)},
                "locations": [_file(path_from(root, outcome.name))],
            }
            for outcome in report.crashes
        ]
    run = {
        "tool": {"driver": driver},
        "columnKind": "utf16CodeUnits",
        "invocations": [invocation],
        "results": [_result(outcome, finding, root, fingerprints) for outcome, finding in report.findings],
    }
    return document({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(name: str) -> dict[str, Any]:
    """A kind of problem with its whole document as the help that a viewer shows."""
    kind = kind_of(name)
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "shortDescription": {"text": kind.sentence},
        "fullDescription": {"text": " ".join(kind.paragraphs)},
        "help": {"text": "\n\n".join(kind.paragraphs), "markdown": kind.page.partition("\n")[2].lstrip()},
        "defaultConfiguration": {"level": kind.severity},
    }


def _result(outcome: Outcome, finding: Finding, root: str, fingerprints: Fingerprints) -> dict[str, Any]:
    problem = finding.problem
    path = path_from(root, file_of(outcome, finding))
    result: dict[str, Any] = {
        "ruleId": problem.kind,
        "ruleIndex": kind_names().index(problem.kind),
        "level": problem.severity,
        "message": {"text": whole_text(finding)},
        "locations": [_file(path) if problem.span is None else _location(problem.span, root)],
        "partialFingerprints": {"nnshape/v1": fingerprints.of(path, finding)},
    }
    related = [*problem.related, *problem.frames]
    if related:
        result["relatedLocations"] = [
            {"id": number, **_location(label.span, root), "message": {"text": label.text or "here"}}
            for number, label in enumerate(related)
        ]
    return result


def _file(path: str) -> dict[str, Any]:
    artifact = {"uri": uri_of(path)}
    if not artifact["uri"].startswith("file:"):
        artifact["uriBaseId"] = _ROOT
    return {"physicalLocation": {"artifactLocation": artifact}}


def _location(span: Span, root: str) -> dict[str, Any]:
    location = _file(path_from(root, span.source.name))
    end = end_of(span)
    line, _ = span.source.position(end)
    location["physicalLocation"]["region"] = {
        "startLine": span.line,
        "startColumn": utf16_column(span.source, span.start),
        "endLine": line,
        "endColumn": utf16_column(span.source, end),
    }
    return location
