"""The report as versioned JSON: every file, also those without problems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.rendering.trace_json import problem_json, span_json, text_of

if TYPE_CHECKING:
    from nnshape.checking import Finding, Needed, Outcome, Report, Skipped
    from nnshape.rendering.formats import View

VERSION = 1


def render(report: Report, view: View) -> str:
    """`files` in the order of the check, and `totals`; a problem's `variants` is null if it is in all of them.
    `constraints` are the conditions on symbolic sizes, `requirements` the same with their places.

    `left_out` names each file, folder and link that was not checked, and counts the ignored problems by the file
    that asked for it. `settings` is the settings file, if it is in another folder than the current one.
    """
    return text_of({
        "version": VERSION,
        "files": [_file(outcome) for outcome in report.outcomes],
        "totals": {
            "specs": len(report.outcomes),
            "variants": sum(len(outcome.variants) for outcome in report.outcomes),
            "errors": report.errors,
            "warnings": report.warnings,
            "unchecked": len(report.crashes),
            "passed_over": report.passed_over,
            "ignored": sum(number for _, number in report.ignored),
        },
        "left_out": {
            "skipped": [_skipped(item) for item in report.skipped],
            "ignored": [{"by": name, "problems": number} for name, number in report.ignored],
        },
        "settings": report.settings or None,
        "strict": report.strict,
    })  # fmt: skip


def _skipped(item: Skipped) -> dict[str, Any]:
    return {
        "path": item.path,
        "folder": item.folder,
        "why": item.why,
        "reason": item.reason,
        "by": item.by or None,
    }


def _file(outcome: Outcome) -> dict[str, Any]:
    return {
        "file": outcome.name,
        "variants": list(outcome.variants),
        "traced": outcome.traced,
        "proved": outcome.proved,
        "internal_error": outcome.crash or None,
        "constraints": list(dict.fromkeys(need.text for need in outcome.needs)),
        "requirements": [_requirement(need) for need in outcome.needs],
        "problems": [_problem(finding) for finding in outcome.findings],
    }


def _requirement(need: Needed) -> dict[str, Any]:
    return {"text": need.text, "span": span_json(need.span), "variants": list(need.variants) or None}


def _problem(finding: Finding) -> dict[str, Any]:
    return {**problem_json(finding.with_note()), "variants": list(finding.variants) or None}
