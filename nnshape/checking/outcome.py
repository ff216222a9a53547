"""The results of a check: the findings of each file, and the report of all files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Literal

from nnshape.problems import Problem
from nnshape.records import dataclass
from nnshape.spec import Source, Span


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem and the variants that it occurs in; None among them stands for the file without a variant.

    `variants` is empty if it occurs in all of them. `varying` is True if its numbers differ between variants;
    `problem` then has those of the first.
    """

    problem: Problem
    variants: tuple[str | None, ...] = ()
    varying: bool = False

    @property
    def note(self) -> str:
        """The variants that it occurs in, as a note; empty if it occurs in all of them."""
        if self.varying:
            first, *others = self.variants
            return f"the numbers are those {_named((first,))}; they differ {_named(tuple(others))}"
        return self.note_of(self.variants)

    @staticmethod
    def note_of(variants: tuple[str | None, ...]) -> str:
        """Return a note that names these variants; empty for all of them."""
        return f"only {_named(variants)}" if variants else ""

    def with_note(self) -> Problem:
        """Return the problem with its variants among the notes."""
        return replace(self.problem, notes=(*self.problem.notes, self.note)) if self.note else self.problem


@dataclass(frozen=True, slots=True)
class Needed:
    """A condition on symbolic sizes that a step needs, such as `H >= 5`, and the runs that need it.

    `variants` is empty where all of them do.
    """

    text: str
    span: Span
    variants: tuple[str | None, ...] = ()

    @property
    def message(self) -> str:
        """What is needed, in one line, with the variants that need it."""
        return f"needs {self.text}" + (f" ({Finding.note_of(self.variants)})" if self.variants else "")


def _named(variants: tuple[str | None, ...]) -> str:
    names = [name for name in variants if name is not None]
    texts = ["without a variant"] if None in variants else []
    if names:
        listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
        texts.append(f"in the variant{'' if len(names) == 1 else 's'} {listed}")
    return " and ".join(texts)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of checking one file.

    `source` is None if the file could not be read. `needs` are its conditions on symbolic sizes. `traced` is True if
    every variant was traced, and `proved` if every variant was proved. `crash` is the internal error that ended the
    check, or empty.
    """

    name: str
    source: Source | None
    variants: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    needs: tuple[Needed, ...] = ()
    traced: bool = False
    proved: bool = False
    crash: str = ""

    @property
    def errors(self) -> int:
        """Number of errors."""
        return sum(finding.problem.severity == "error" for finding in self.findings)

    @property
    def warnings(self) -> int:
        """Number of warnings."""
        return len(self.findings) - self.errors


@dataclass(frozen=True, slots=True)
class Skipped:
    """A skipped file or folder.

    `why` is the kind of reason: not a spec, hidden (or a folder of installed packages), a link that is not followed,
    or excluded. `by` is the settings file or option that excludes it, or empty.
    """

    path: str
    why: Literal["not-a-spec", "hidden", "link", "excluded"]
    reason: str
    folder: bool = False
    by: str = ""

    @property
    def line(self) -> str:
        """One line for --verbose."""
        return f"skipped {self.path}{'/' if self.folder else ''}: {self.reason}"


@dataclass(frozen=True)
class Report:
    """The results of all files, in order, with the skipped files and counts of ignored problems.

    `ignored` holds counts of ignored problems by the file that suppresses them: the settings file, or the spec with
    the comment. `settings` is the settings file if it is in another folder than the current one. With `strict`,
    warnings make the check fail.
    """

    outcomes: tuple[Outcome, ...]
    skipped: tuple[Skipped, ...] = ()
    ignored: tuple[tuple[str, int], ...] = ()
    settings: str = ""
    strict: bool = False

    @property
    def findings(self) -> Iterator[tuple[Outcome, Finding]]:
        """Iterate over the findings with the outcomes of their files."""
        return ((outcome, finding) for outcome in self.outcomes for finding in outcome.findings)

    @property
    def needs(self) -> Iterator[tuple[Outcome, Needed]]:
        """Every condition on symbolic sizes, with its file."""
        return ((outcome, need) for outcome in self.outcomes for need in outcome.needs)

    @cached_property
    def errors(self) -> int:
        """Number of errors."""
        return sum(outcome.errors for outcome in self.outcomes)

    @cached_property
    def warnings(self) -> int:
        """Number of warnings."""
        return sum(outcome.warnings for outcome in self.outcomes)

    @property
    def fails(self) -> bool:
        """Whether a problem makes the check fail."""
        return bool(self.errors or (self.strict and self.warnings))

    @property
    def crashes(self) -> tuple[Outcome, ...]:
        """The files that could not be checked because of an internal error."""
        return tuple(outcome for outcome in self.outcomes if outcome.crash)

    @cached_property
    def passed_over(self) -> int:
        """Number of files that are not specs."""
        return sum(item.why == "not-a-spec" for item in self.skipped)

    @property
    def excluded(self) -> tuple[tuple[str, int, int], ...]:
        """Number of excluded files and folders, by the settings file or option that excludes them."""
        files, folders = (
            Counter(item.by for item in self.skipped if item.why == "excluded" and item.folder is folder)
            for folder in (False, True)
        )
        return tuple((by, files[by], folders[by]) for by in dict.fromkeys((*files, *folders)))

    @property
    def summary(self) -> str:
        """The report in one line."""
        variants = sum(len(outcome.variants) for outcome in self.outcomes)
        checked = _counted(len(self.outcomes) - len(self.crashes), "spec")
        parts = [f"{checked}, {_counted(variants, 'variant')} checked" if variants else f"{checked} checked"]
        amounts = [_counted(self.errors, "problem")] if self.errors else []
        amounts += [_counted(self.warnings, "warning")] if self.warnings else []
        files = sum(bool(outcome.findings) for outcome in self.outcomes)
        if amounts or not self.crashes:
            parts.append(f"{' and '.join(amounts)} in {_counted(files, 'file')}" if amounts else "no problems")
        if self.strict and self.warnings and not self.errors:
            parts[-1] += ", and warnings count as errors"
        if self.crashes:
            parts.append(f"{_counted(len(self.crashes), 'file')} could not be checked")
        return "; ".join((*parts, *self._omissions()))

    def _omissions(self) -> list[str]:
        parts = []
        if self.passed_over:
            is_no = "is not a spec" if self.passed_over == 1 else "are not specs"
            parts.append(f"{_counted(self.passed_over, 'file')} {is_no}")
        if links := sum(item.why == "link" for item in self.skipped):
            parts.append(f"{_counted(links, 'link')} not followed")
        for by, files, folders in self.excluded:
            amounts = [_counted(files, "file")] if files else []
            amounts += [_counted(folders, "folder")] if folders else []
            parts.append(f"{' and '.join(amounts)} excluded by {by}")
        if self.ignored:
            parts.append(_ignored(self.ignored))
        if self.settings:
            parts.append(f"settings from {self.settings}")
        return parts


def _ignored(ignored: tuple[tuple[str, int], ...]) -> str:
    first, *rest = sorted(ignored, key=lambda item: (-item[1], item[0]))
    shown = [f"{_counted(first[1], 'problem')} ignored by {first[0]}", *(f"{n:,} by {name}" for name, n in rest[:2])]
    others = rest[2:]
    if others:
        shown.append(f"{sum(number for _, number in others):,} by {_counted(len(others), 'other file')}")
    return ", ".join(shown)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
