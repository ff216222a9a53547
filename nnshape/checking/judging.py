"""Checks one spec: traces every variant, proves it on a device, and merges the findings."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import nnshape
from nnshape.checking.outcome import Finding, Needed, Outcome
from nnshape.problems import Problem, SpecError
from nnshape.proofs.modes import MODES
from nnshape.records import dataclass
from nnshape.shapes.dims import symbols_of
from nnshape.spec import Source, Span, Spec
from nnshape.spec.files import folder_of_file
from nnshape.spec.included import included
from nnshape.spec.limits import PROBLEMS
from nnshape.spec.reader import read_spec
from nnshape.tracing import Requirement, Trace
from nnshape.tracing.requirements import needs_of

_NO_TORCH = "the device none skips the proof, which needs torch"


@dataclass(frozen=True, slots=True)
class Task:
    """A text to check, with the device of the proof and the allowed imports.

    `root` is the folder that its includes must be in, or None if it cannot include files.
    """

    source: Source
    root: str | None
    device: str
    allow_import: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """An outcome and its dependencies other than the text.

    `includes` holds the included files, or None if not all of them are known. `refused` holds problems of
    the command rather than the file, such as a device that is not available.
    """

    outcome: Outcome
    includes: tuple[Source, ...] | None = None
    refused: tuple[Problem, ...] = ()


class _Refused(Exception):
    """The command is wrong, not the file."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__()
        self.problems = problems


def judge(task: Task) -> Judgement:
    """Check a text. An internal error becomes part of the outcome, so that the other files are still checked."""
    source = task.source
    try:
        return _judged(task)
    except _Refused as refused:
        return Judgement(Outcome(source.name, source), refused=refused.problems)
    except (Exception, SystemExit) as error:  # an allowed class may call sys.exit()
        if os.environ.get("NNSHAPE_TRACEBACK"):
            raise
        crash = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return Judgement(Outcome(source.name, source, crash=crash))


def _judged(task: Task) -> Judgement:
    source = task.source
    try:
        spec = read_spec(source, None if task.root is None else folder_of_file(source.name, task.root))
    except SpecError as error:
        return Judgement(Outcome(source.name, source, findings=tuple(map(Finding, error.problems))))
    runs: dict[str | None, Sequence[Problem]] = {}
    needed: dict[tuple[str, Span], list[str | None]] = {}
    proved = task.device != "none"
    seen: set[tuple[object, ...]] = set()
    fixing = _Fixing()
    for variant in (None, *spec.variants):
        if len(seen) > PROBLEMS:
            message = f"more than {PROBLEMS:,} problems in the variants: {variant} and later ones are not checked"
            runs[variant] = (Problem("too-large", message, _first_line(spec.body.span)),)
            break
        runs[variant], requirements, ran = _run(spec, variant, task, fixing)
        for need in requirements:
            needed.setdefault(need, []).append(variant)
        proved = proved and ran
        seen.update((*_place(problem), problem.message) for problem in runs[variant])
    traced = len(runs) == 1 + len(spec.variants)
    variants = tuple(name for name in runs if name is not None)
    outcome = Outcome(source.name, source, variants, merged(runs), _needs(needed, len(runs)), traced, proved and traced)
    # The behavior of an imported class does not depend on the text alone.
    return Judgement(outcome, None if task.allow_import and spec.imports else included(spec))


def _needs(needed: Mapping[tuple[str, Span], list[str | None]], runs: int) -> tuple[Needed, ...]:
    """The conditions in the order of their first occurrence, each with the runs that need it."""
    return tuple(
        [Needed(text, span, () if len(names) == runs else tuple(names)) for (text, span), names in needed.items()]
    )


class _Fixing:
    """The search for fixes, shared by all variants of a file and imported only if a model has problems."""

    def __init__(self) -> None:
        self._search: Any = None

    def explained(self, trace: Trace) -> tuple[Problem, ...]:
        """Return the problems of a trace with their fixes."""
        from nnshape.fixes import Search, explained

        self._search = self._search or Search()
        return explained(trace, self._search)


def _run(
    spec: Spec, variant: str | None, task: Task, fixing: _Fixing
) -> tuple[Sequence[Problem], Sequence[tuple[str, Span]], bool]:
    """Return the problems of one variant, its requirements with their places, and whether it was proved."""
    try:
        trace = nnshape.trace(spec, variant=variant, allow_import=task.allow_import)
    except SpecError as error:
        return error.problems, (), False
    own = [requirement for requirement in trace.requirements if _is_of(trace, requirement)]
    needs = [(need.text, need.requirements[0].span) for need in needs_of(own)]
    problems = fixing.explained(trace) if trace.problems else ()
    if trace.errors or task.device == "none":
        return problems, needs, False
    return _proof(trace, task.device, problems), needs, True


def _is_of(trace: Trace, requirement: Requirement) -> bool:
    """Whether a requirement is on the sizes of the inputs alone, and not on a number that only a run tells."""
    own = {name for tensor in trace.inputs.values() for size in tensor.shape for name in symbols_of(size)}
    return symbols_of(requirement.constraint.left) | symbols_of(requirement.constraint.right) <= own


def _proof(trace: Trace, device: str, told: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Prove a trace: return its problems, the disagreements, and a warning for each line that is not proved."""
    modules = _modules()
    try:
        verification = modules.verify(trace, device, MODES)
    except SpecError as error:
        if any(problem.argument == "device" for problem in error.problems):
            raise _Refused(error.problems) from None
        return (*told, *error.problems)
    problems: tuple[Problem, ...] = (*verification.kept(told), *verification.disagreements)
    if verification.reason:
        message = f"the model is not proved: {verification.reason}"
        return (*problems, Problem("unproved", message, _first_line(trace.root.span), severity="warning"))
    if not verification.unproved:
        return problems
    unproved = set(verification.unproved)
    by_span: dict[Span, list[str]] = {}
    for call in trace.calls:
        if call.path in unproved:
            by_span.setdefault(call.span, []).append(call.path)
    for span, (first, *others) in by_span.items():
        more = f" (and {len(others)} more such calls)" if others else ""
        message = f"{first}{more} is not proved: it cannot run on {verification.device}"
        if first in verification.reasons:
            message = f"{first}{more} is not proved: {verification.reasons[first]}"
        problems = (*problems, Problem("unproved", message, span, severity="warning"))
    return problems


def _first_line(span: Span) -> Span:
    end = span.start + len(span.text.split("\n", 1)[0])
    return Span(span.source, span.start, end)


def _modules() -> Any:
    """Import `nnshape.modules`, and with it torch."""
    try:
        from nnshape import modules
    except Exception as error:  # with too little memory, torch raises OSError, MemoryError and others
        message = f"torch cannot be imported: {error}"
        problem = Problem("unavailable-device", message, argument="device", help=(_NO_TORCH,))
        raise _Refused((problem,)) from None
    return modules


def merged(runs: dict[str | None, Sequence[Problem]]) -> tuple[Finding, ...]:
    """The problems of all runs without duplicates, in the order of their first occurrence.

    Problems with the same message at the same place are one. So are problems of the same kind at the same place in
    different runs, whose messages differ in numbers.
    """
    groups: dict[tuple[object, ...], tuple[Problem, list[str | None]]] = {}
    for variant, problems in runs.items():
        for problem in problems:
            _, names = groups.setdefault((*_place(problem), problem.message), (problem, []))
            if variant not in names:
                names.append(variant)
    joined: dict[tuple[object, ...], list[tuple[Problem, list[str | None], bool]]] = {}
    order: list[list[tuple[Problem, list[str | None], bool]]] = []
    for problem, names in groups.values():
        entries = joined.setdefault(_place(problem), [])
        for index, (first, taken, _) in enumerate(entries):
            if not set(taken) & set(names):
                entries[index] = (first, [*taken, *names], True)
                break
        else:
            if not entries:
                order.append(entries)
            entries.append((problem, names, False))
    findings = []
    for entries in order:
        for problem, names, varying in entries:
            everywhere = len(names) == len(runs) and not varying
            findings.append(Finding(problem, () if everywhere else tuple(names), varying))
    return tuple(findings)


def _place(problem: Problem) -> tuple[object, ...]:
    span = problem.span
    where = (problem.place,) if span is None else (span.source.name, span.start, span.end)
    return (problem.kind, problem.severity, *where)
