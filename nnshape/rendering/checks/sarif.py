"""A SARIF 2.1.0 log: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.problems.kinds import KINDS, kind_names
from nnshape.problems.pages import kind_of
from nnshape.rendering.checks.locations import Fingerprints, end_of, file_of, path_from, uri_of, utf16_column
from nnshape.rendering.checks.texts import whole_text
from nnshape.rendering.trace_json import document
from nnshape.rendering.visible import visible

if TYPE_CHECKING:
    from nnshape.checking import Finding, Outcome, Report
    from nnshape.problems.kinds import KindName
    from nnshape.rendering.formats import View
    from nnshape.spec import Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOME = "https://github.com/nnshape/nnshape"
_ROOT = "%SRCROOT%"


def render(report: Report, view: View) -> str:
    """One run with a rule for every kind of problem; paths are from the root of the repository."""
    from nnshape import __version__

    root, fingerprints = view.root, Fingerprints()
    driver = {
        "name": "nnshape",
        "version": __version__,
        "informationUri": HOME,
        "rules": [_rule(name) for name in kind_names()],
    }
    invocation: dict[str, Any] = {"executionSuccessful": not report.crashes}
    if report.crashes:
        invocation["toolExecutionNotifications"] = [
            {
                "level": "error",
                "message": _message(visible(outcome.crash)),
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


def _message(text: str) -> dict[str, str]:
    """A plain text message (section 3.11) that shows the text, whatever stands in it.

    Braces are doubled, as they enclose placeholders (3.11.5). A link is `[text](destination)` (3.11.6), without a
    blank between the two parts, and a backslash escapes only within its text: so a blank ends what would be a link.
    """
    return {"text": text.replace("{", "{{").replace("}", "}}").replace("](", "] (")}


def _rule(name: KindName) -> dict[str, Any]:
    """A kind of problem with its whole document as the help that a viewer shows."""
    kind = kind_of(name)
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "shortDescription": {"text": kind.sentence},
        "fullDescription": {"text": " ".join(kind.paragraphs)},
        "help": {"text": "\n\n".join(kind.paragraphs), "markdown": kind.page.partition("\n")[2].lstrip()},
        "defaultConfiguration": {"level": kind.severity},
        "properties": {"fix": KINDS[name].fix},
    }


def _result(outcome: Outcome, finding: Finding, root: str, fingerprints: Fingerprints) -> dict[str, Any]:
    problem = finding.problem
    path = path_from(root, file_of(outcome, finding))
    result: dict[str, Any] = {
        "ruleId": problem.kind,
        "ruleIndex": kind_names().index(problem.kind),
        "level": problem.severity,
        "message": _message(whole_text(finding)),
        "locations": [_file(path) if problem.span is None else _location(problem.span, root)],
        "partialFingerprints": {"nnshape/v1": fingerprints.of(path, finding)},
    }
    related = [*problem.related, *problem.frames]
    if related:
        result["relatedLocations"] = [
            {"id": number, **_location(label.span, root), "message": _message(visible(label.text) or "here")}
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
