"""A SARIF 2.1.0 log: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.problems.kinds import KINDS, kind_names
from nnshape.problems.pages import kind_of
from nnshape.rendering.checks.locations import Fingerprints, end_of, file_of, path_from, uri_of, utf16_column
from nnshape.rendering.checks.texts import whole_text
from nnshape.rendering.problems import problem_lines
from nnshape.rendering.styled import painted
from nnshape.rendering.trace_json import document
from nnshape.rendering.visible import visible

if TYPE_CHECKING:
    from nnshape.checking import Finding, Outcome, Report
    from nnshape.problems import Fix
    from nnshape.problems.kinds import KindName
    from nnshape.rendering.formats import View
    from nnshape.spec import Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOME = "https://github.com/nnshape/nnshape"
_ROOT = "%SRCROOT%"
_COLUMNS = 100


def render(report: Report, view: View) -> str:
    """One run, with a rule for every kind of problem; paths are relative to the root of the repository."""
    from nnshape import __version__

    root, fingerprints = view.root, Fingerprints()
    driver = {
        "name": "nnshape",
        "version": __version__,
        "informationUri": HOME,
        "rules": [_rule(name) for name in kind_names()],
    }
    invocation: dict[str, Any] = {"executionSuccessful": not report.crashes}
    # A requirement is no alert, so it is a notification and not a result.
    notifications = [
        *(_notification("error", outcome.crash, _file(path_from(root, outcome.name))) for outcome in report.crashes),
        *(_notification("note", need.message, _location(need.span, root)) for _, need in report.needs),
    ]
    if notifications:
        invocation["toolExecutionNotifications"] = notifications
    run = {
        "tool": {"driver": driver},
        "columnKind": "utf16CodeUnits",
        "invocations": [invocation],
        "results": [_result(outcome, finding, root, fingerprints) for outcome, finding in report.findings],
    }
    return document({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _message(text: str) -> dict[str, str]:
    """A plain text message (section 3.11) that shows any text as it is.

    Braces are doubled, as they enclose placeholders (3.11.5). A link is `[text](destination)` (3.11.6), without a
    blank between the two parts, and a backslash escapes only within its text: so a blank ends what would be a link.
    """
    return {"text": text.replace("{", "{{").replace("}", "}}").replace("](", "] (")}


def _notification(level: str, text: str, location: dict[str, Any]) -> dict[str, Any]:
    return {"level": level, "message": _message(visible(text)), "locations": [location]}


def _rule(name: KindName) -> dict[str, Any]:
    """A kind of problem, with its page as help."""
    kind = kind_of(name)
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "helpUri": f"{HOME}/blob/main/nnshape/problems/{name}.md",
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
        "properties": {"rendered": painted(problem_lines(finding.with_note(), _COLUMNS), False)},
    }
    if problem.fixes:
        result["fixes"] = [_fix(fix, root) for fix in problem.fixes]
    related = [*problem.related, *problem.frames]
    if related:
        result["relatedLocations"] = [
            {"id": number, **_location(label.span, root), "message": _message(visible(label.text) or "here")}
            for number, label in enumerate(related)
        ]
    return result


def _fix(fix: Fix, root: str) -> dict[str, Any]:
    """A fix (section 3.55); a viewer offers its description, and makes the replacements."""
    text = f"{fix.description}: {fix.shown}" if fix.shown else fix.description
    replacements = [
        {
            "deletedRegion": _region(edit.span, edit.span.end),
            "insertedContent": {"text": edit.replacement},
        }
        for edit in fix.edits
    ]
    artifact = _file(path_from(root, fix.edits[0].span.source.name))["physicalLocation"]["artifactLocation"]
    return {
        "description": _message(visible(text)),
        "artifactChanges": [{"artifactLocation": artifact, "replacements": replacements}],
    }


def _file(path: str) -> dict[str, Any]:
    artifact = {"uri": uri_of(path)}
    if not artifact["uri"].startswith("file:"):
        artifact["uriBaseId"] = _ROOT
    return {"physicalLocation": {"artifactLocation": artifact}}


def _location(span: Span, root: str) -> dict[str, Any]:
    location = _file(path_from(root, span.source.name))
    location["physicalLocation"]["region"] = _region(span, end_of(span))
    return location


def _region(span: Span, end: int) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": utf16_column(span.source, span.start),
        "endLine": span.source.position(end)[0],
        "endColumn": utf16_column(span.source, end),
    }
