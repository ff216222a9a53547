"""Converts outcomes to and from JSON, for the cache."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Literal

from nnshape.checking.outcome import Finding, Needed, Outcome
from nnshape.problems import Edit, Fix, Label, Problem
from nnshape.problems.kinds import kind_names
from nnshape.spec import Source, Span, source_of_text

#: nnshape writes none of these, and some control a terminal.
_CONTROLS = re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x9f]")


def record_of(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as JSON data, without the text of the checked file."""
    sources: dict[int, int] = {id(outcome.source): 0}
    texts: list[list[str]] = []

    def span_record(span: Span) -> list[int]:
        number = sources.get(id(span.source))
        if number is None:
            texts.append([span.source.name, span.source.text])
            number = sources[id(span.source)] = len(texts)
        return [number, span.start, span.end]

    def labels(items: tuple[Label, ...]) -> list[Any]:
        return [[span_record(item.span), item.text] for item in items]

    def fix_record(fix: Fix) -> list[Any]:
        edits = [[span_record(edit.span), edit.replacement] for edit in fix.edits]
        return [fix.description, edits, fix.shown, fix.because, fix.safe]

    findings = []
    for finding in outcome.findings:
        problem = finding.problem
        findings.append([
            problem.kind, problem.message, None if problem.span is None else span_record(problem.span),
            problem.label, labels(problem.related), labels(problem.frames), list(problem.help), list(problem.notes),
            problem.severity, problem.place, problem.argument, [fix_record(fix) for fix in problem.fixes],
            list(finding.variants), finding.varying,
        ])  # fmt: skip
    return {
        "variants": list(outcome.variants),
        "traced": outcome.traced,
        "proved": outcome.proved,
        "findings": findings,
        "needs": [[need.text, span_record(need.span), list(need.variants)] for need in outcome.needs],
        "sources": texts,
    }


def outcome_of(record: dict[str, Any], source: Source) -> Outcome:
    """Return the outcome of the file `source` from its record.

    Raises ValueError, KeyError, TypeError, IndexError or SpecError if the record is not one of `record_of`.
    """
    sources = [source, *(source_of_text(_text(text), _line(name)) for name, text in record["sources"])]

    def span_of(item: list[Any]) -> Span:
        number, start, end = map(_number, item)
        if not 0 <= number < len(sources) or not 0 <= start <= end <= len(sources[number].text):
            raise ValueError("span out of range")
        return Span(sources[number], start, end)

    def labels(items: list[Any]) -> tuple[Label, ...]:
        return tuple([Label(span_of(span), _line(text)) for span, text in items])

    def fix_of(problem: Problem, item: list[Any]) -> Fix:
        description, edits, shown, because, safe = item
        made = tuple([Edit(span_of(span), _text(text)) for span, text in edits])
        return Fix(problem, _line(description), made, _line(shown), _line(because), _truth(safe))

    def runs_of(names: list[Any]) -> tuple[str | None, ...]:
        return tuple([None if name is None else _line(name) for name in names])

    findings = []
    for item in record["findings"]:
        (
            kind, message, span, label, related, frames, help, notes, severity, place, argument, fixes, variants,
            varying,
        ) = item  # fmt: skip
        if kind not in kind_names():
            raise ValueError("unknown kind")
        problem = Problem(
            kind, _line(message), None if span is None else span_of(span), _line(label), labels(related),
            labels(frames), _lines(help), _lines(notes), _severity(severity), _line(place), _line(argument),
        )  # fmt: skip
        problem = replace(problem, fixes=tuple([fix_of(problem, fix) for fix in fixes]))
        findings.append(Finding(problem, runs_of(variants), _truth(varying)))
    needs = tuple([Needed(_line(text), span_of(span), runs_of(names)) for text, span, names in record["needs"]])
    traced, proved = _truth(record["traced"]), _truth(record["proved"])
    return Outcome(source.name, source, _lines(record["variants"]), tuple(findings), needs, traced, proved)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def _line(value: Any) -> str:
    """Return a string that is safe to display. Raises ValueError for control characters."""
    if _CONTROLS.search(_text(value)):
        raise ValueError("control character")
    return str(value)


def _lines(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return tuple(map(_line, value))


def _number(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("not an integer")
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("not a boolean")
    return value


def _severity(value: Any) -> Literal["error", "warning"]:
    if value not in ("error", "warning"):
        raise ValueError("unknown severity")
    return "error" if value == "error" else "warning"
