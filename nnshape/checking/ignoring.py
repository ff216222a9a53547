"""Suppresses problems by comments and settings, and reports unused comments."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from nnshape.checking.comments import Ignore, ignores
from nnshape.checking.outcome import Finding, Outcome
from nnshape.checking.project_settings import Settings
from nnshape.problems import Problem
from nnshape.problems.kinds import kind_names
from nnshape.problems.nearest import nearest
from nnshape.spec import Source
from nnshape.spec.limits import PROBLEMS

#: Kinds that only a proof reports: without a proof, a comment for them is not reported as unused.
_PROOF_KINDS = ("torch-disagrees", "unproved")
_UNUSED: Final = "unused-ignore"


def filtered(
    outcomes: Sequence[Outcome], settings: Settings
) -> tuple[tuple[Outcome, ...], tuple[tuple[str, int], ...]]:
    """Return the outcomes without suppressed and repeated findings, in text order, and counts of ignored problems.

    The counts are by the file that suppresses them: the settings file, or the spec with the comment.
    """
    comments = _Comments(settings.comments)
    own = {key for outcome in outcomes for finding in outcome.findings if (key := _own_place(outcome, finding))}
    reported: set[tuple[object, ...]] = set()
    kept = []
    for outcome in outcomes:
        findings = []
        for finding in outcome.findings:
            key = _place(finding)
            # A problem in an included file is reported with that file if it is checked too, else once.
            if _own_place(outcome, finding) is None and key is not None:
                if key in own or key in reported:
                    continue
                reported.add(key)
            if not comments.suppresses(finding):
                findings.append(finding)
        kept.append((outcome, findings))
    by_settings = _BySettings(settings)
    result = []
    for outcome, findings in kept:
        unused = [Finding(problem) for problem in comments.unused(outcome)]
        left = [finding for finding in (*findings, *unused) if not by_settings.suppresses(outcome, finding)]
        result.append(replace(outcome, findings=tuple(_in_order(outcome, left))))
    counts = Counter(comments.counts)
    if by_settings.count:
        counts[settings.file] += by_settings.count
    return tuple(result), tuple(sorted(counts.items()))


class _BySettings:
    """Suppresses findings by the settings, and counts them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._kinds: dict[str, frozenset[str]] = {}
        self.count = 0

    def suppresses(self, outcome: Outcome, finding: Finding) -> bool:
        """Return whether the settings suppress a finding, and count it if so."""
        if not self._settings.ignore and not self._settings.per_file_ignores:
            return False
        file = _file_of(outcome, finding)
        kinds = self._kinds.get(file)
        if kinds is None:
            kinds = self._kinds[file] = self._settings.ignored_in(file)
        if finding.problem.kind not in kinds:
            return False
        self.count += 1
        return True


def _file_of(outcome: Outcome, finding: Finding) -> str:
    span = finding.problem.span
    return outcome.name if span is None else span.source.name


def _place(finding: Finding) -> tuple[object, ...] | None:
    problem = finding.problem
    if problem.span is None:
        return None
    name = os.path.abspath(problem.span.source.name)
    return (name, problem.kind, problem.message, problem.span.start, problem.span.end)


def _own_place(outcome: Outcome, finding: Finding) -> tuple[object, ...] | None:
    """Return the place of a finding in the checked file, or None if it is in an included file."""
    span = finding.problem.span
    return _place(finding) if span is not None and span.source is outcome.source else None


def _in_order(outcome: Outcome, findings: list[Finding]) -> list[Finding]:
    """Return the findings in text order, with those of an included file at its use."""

    def offset(finding: Finding) -> int:
        problem = finding.problem
        spans = (problem.span, *(frame.span for frame in problem.frames))
        return next((span.start for span in spans if span is not None and span.source is outcome.source), 0)

    return sorted(findings, key=offset)


class _Comments:
    """Suppresses findings by the comments of their files, and tracks the comments that are used."""

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self.counts: Counter[str] = Counter()
        self._by_file: dict[str, tuple[Ignore, ...]] = {}
        self._used: set[tuple[str, int, str]] = set()

    def _of(self, source: Source) -> tuple[str, tuple[Ignore, ...]]:
        name = os.path.abspath(source.name)
        found = self._by_file.get(name)
        if found is None:
            found = self._by_file[name] = ignores(source)
        return name, found

    def suppresses(self, finding: Finding) -> bool:
        """Return whether a comment on its line suppresses a finding, and mark the comment as used if so."""
        problem = finding.problem
        if not self._wanted or problem.span is None or problem.kind == "internal-error":
            return False
        name, found = self._of(problem.span.source)
        if not found:
            return False
        line = problem.span.line
        covering = [ignore for ignore in found if ignore.covers(problem.kind, line)]
        self._used.update((name, ignore.span.start, problem.kind) for ignore in covering)
        if covering:
            self.counts[problem.span.source.name] += 1
        return bool(covering)

    def unused(self, outcome: Outcome) -> list[Problem]:
        """Return a warning for each unused comment or kind of a file that was traced."""
        if not self._wanted or outcome.source is None or not outcome.traced:
            return []
        name, found = self._of(outcome.source)
        problems: list[Problem] = []
        used = {at for file, at, _ in self._used if file == name}
        for ignore in found:
            if len(problems) >= PROBLEMS:
                break
            if ignore.kinds is None:
                if ignore.span.start not in used and outcome.proved:
                    problems.append(_warning("this comment suppresses nothing", ignore))
                continue
            names = [kind for kind, _ in ignore.kinds]
            if _UNUSED in names:
                continue
            if not names:
                problems.append(_warning("the brackets are empty, so this comment suppresses nothing", ignore))
            for kind, span in ignore.kinds:
                if kind not in kind_names():
                    help = nearest(kind, kind_names())
                    message = f"there is no kind of problem called {kind}"
                    help = nearest(kind, kind_names())
                    problems.append(Problem(_UNUSED, message, span, help=help, severity="warning"))
                elif (name, ignore.span.start, kind) not in self._used and (outcome.proved or kind not in _PROOF_KINDS):
                    message = f"this comment suppresses no {kind}"
                    help = ("remove the comment" if len(names) == 1 else f"remove {kind} from the comment",)
                    problems.append(Problem(_UNUSED, message, span, help=help, severity="warning"))
        return problems


def _warning(message: str, ignore: Ignore) -> Problem:
    return Problem(_UNUSED, message, ignore.span, help=("remove the comment",), severity="warning")
