"""An outcome as plain data, for the cache, and back."""

from __future__ import annotations

from typing import Any

from nnshape.checking.outcome import Finding, Outcome
from nnshape.problems import Label, Problem
from nnshape.problems.kinds import kind_names
from nnshape.spec import Source, Span


def record_of(outcome: Outcome) -> dict[str, Any]:
    """Lists, numbers and words; the text of the file itself is left out, as whoever reads it back has it."""
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

    findings = []
    for finding in outcome.findings:
        problem = finding.problem
        findings.append([
            problem.kind, problem.message, None if problem.span is None else span_record(problem.span),
            problem.label, labels(problem.related), labels(problem.frames), list(problem.help), list(problem.notes),
            problem.severity, problem.place, list(finding.variants), finding.varying,
        ])  # fmt: skip
    return {
        "variants": list(outcome.variants),
        "traced": outcome.traced,
        "proved": outcome.proved,
        "findings": findings,
        "sources": texts,
    }


def outcome_of(record: dict[str, Any], source: Source) -> Outcome:
    """The outcome of a record; raises ValueError, KeyError, TypeError or IndexError where it is none."""
    sources = [source, *(Source(str(name), str(text)) for name, text in record["sources"])]

    def span_of(item: list[int]) -> Span:
        number, start, end = item
        if not 0 <= start <= end <= len(sources[number].text):
            raise ValueError("a span lies outside its text")
        return Span(sources[number], start, end)

    def labels(items: list[Any]) -> tuple[Label, ...]:
        return tuple([Label(span_of(span), str(text)) for span, text in items])

    findings = []
    for kind, message, span, label, related, frames, help, notes, severity, place, variants, varying in record[
        "findings"
    ]:
        if kind not in kind_names() or severity not in ("error", "warning"):
            raise ValueError("no problem is of this kind")
        problem = Problem(
            kind, message, None if span is None else span_of(span), label, labels(related), labels(frames),
            tuple(help), tuple(notes), severity, place,
        )  # fmt: skip
        findings.append(Finding(problem, tuple(variants), bool(varying)))
    return Outcome(
        source.name, source, tuple(record["variants"]), tuple(findings), bool(record["traced"]), bool(record["proved"])
    )
