"""Verifies edits by reading and tracing the edited text, within a budget."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence

from nnshape.fixes.editing import Edit, edited, moved, overlap
from nnshape.problems import Problem, SpecError
from nnshape.shapes.dims import symbols_of
from nnshape.spec import Span, Spec, source_of_text
from nnshape.spec.files import folder_of_file
from nnshape.spec.limits import READING
from nnshape.spec.reader import read_spec
from nnshape.tracing import Trace, trace_spec
from nnshape.work import OutOfWork, budget

Key = tuple[str, str, int]

#: Warnings that a fix must not add: an error traded for one of these is traded for silence.
_OF_SAMPLES = frozenset(
    {"loses-batch", "mixes-samples", "restricted-batch", "scrambled", "silent-broadcast", "swallows-batch"}
)


class Trials:
    """Verifies edits of one trace's spec within a shared budget."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._reading = READING * len(trace.spec.source.text)
        self._tried: dict[tuple[tuple[int, int, str], ...], Trace | None] = {}

    @property
    def exhausted(self) -> bool:
        """Whether the budget is too small for another attempt, which takes about as much work as the first trace."""
        return budget().left < self._reading + self.trace.work

    def helps(self, problem: Problem, edits: Sequence[Edit]) -> bool:
        """Whether the edited model traces without this problem and without a new one."""
        after = self.traced(edits)
        return after is not None and improves(self.trace, after, problem, edits)

    def fixes_a_size(self, edits: Sequence[Edit]) -> bool:
        """Whether edits add the condition that a symbol is a number: the shapes then match by accident."""
        after = self.traced(edits)
        return after is not None and bool(_numbers(after) - _numbers(self.trace))

    def traced(self, edits: Sequence[Edit]) -> Trace | None:
        """Return the trace of the edited spec; None if it is not valid. Raises OutOfWork if the budget is too small."""
        source = self.trace.spec.source
        if not edits or overlap(edits) or any(edit.span.source is not source for edit in edits):
            return None
        key = tuple((edit.span.start, edit.span.end, edit.replacement) for edit in edits)
        if key not in self._tried:
            if self.exhausted:
                raise OutOfWork
            after = self._tried[key] = retraced(self.trace, edited(source.text, edits))
            # The result of an attempt is valid, even if it overdraws the budget.
            budget().left -= self._reading + (self.trace.work if after is None else after.work)
        return self._tried[key]


def retraced(trace: Trace, text: str) -> Trace | None:
    """Trace another text with this trace's options; None if it is not a valid spec."""
    try:
        spec = reread(trace.spec, text)
        return None if spec is None else trace_spec(spec, **trace.options)
    except SpecError:
        return None


def reread(spec: Spec, text: str) -> Spec | None:
    """Parse another text as this spec's file; None if it is not a valid spec."""
    name = spec.source.name
    try:
        if spec.reread is not None:
            return spec.reread(text)
        source = source_of_text(text, name)
        return read_spec(source, folder_of_file(name) if spec.includes and os.path.isfile(name) else None)
    except SpecError:
        return None


def improves(before: Trace, after: Trace, problem: Problem, edits: Sequence[Edit]) -> bool:
    """Return whether edits remove a problem and add no error, no warning about samples, and no condition on N."""
    old = Counter(_keys(before.errors, before, edits))
    new = Counter(_keys(after.errors, after, ()))
    (gone,) = _keys((problem,), before, edits)
    if problem.severity == "error" and new[gone] >= old[gone]:
        return False
    if new - old:
        return False
    old_warnings, new_warnings = _mixing(before, edits), _mixing(after, ())
    if problem.severity == "warning" and new_warnings[gone] >= old_warnings[gone]:
        return False
    return not new_warnings - old_warnings and not _on_batch(after) - _on_batch(before)


def _numbers(trace: Trace) -> set[str]:
    """The conditions of a trace that a symbol is a number."""
    equal = (needed for needed in trace.constraints if needed.relation == "==")
    return {str(needed) for needed in equal if isinstance(needed.left, int) or isinstance(needed.right, int)}


def _on_batch(trace: Trace) -> set[str]:
    """The conditions of a trace on its batch."""
    needed = (needed for needed in trace.constraints if "N" in symbols_of(needed.left) | symbols_of(needed.right))
    return set(map(str, needed))


def _keys(problems: Sequence[Problem], trace: Trace, edits: Sequence[Edit]) -> Iterator[Key]:
    for problem in problems:
        span: Span | None = problem.span
        if span is None:
            yield (problem.kind, problem.place, -1)
        elif span.source is trace.spec.source:
            yield (problem.kind, "", moved(span.start, edits))
        else:
            yield (problem.kind, span.source.name, span.start)


def _mixing(trace: Trace, edits: Sequence[Edit]) -> Counter[Key]:
    wrong = [problem for problem in trace.problems if problem.severity == "warning" and problem.kind in _OF_SAMPLES]
    return Counter(_keys(wrong, trace, edits))
