"""Finds the size for a gap, by tracing the model with a stand-in for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from nnshape.fixes.editing import Edit, moved
from nnshape.fixes.fix import STAND_IN, Candidate, Gap
from nnshape.fixes.trying import Trials
from nnshape.problems import Problem
from nnshape.shapes.dims import Size
from nnshape.shapes.tensor import tensors_in
from nnshape.tracing import Trace
from nnshape.tracing.contexts import FaultContext, key_of

#: No size of a model is as large; the stand-in is far larger.
_FAR = 100_000


def fitted(trials: Trials, problem: Problem, candidate: Candidate) -> Candidate | None:
    """Return the candidate with a size in its gap; None if no size fits, or if any would."""
    gap = candidate.gap
    assert gap is not None
    if gap.alternatives:
        working = (each for each in gap.alternatives if trials.helps(problem, _written(candidate, each).edits))
        first, second = next(working, None), next(working, None)
        return None if first is None or second is not None else _written(candidate, first)
    after = trials.traced(candidate.edits)
    if after is None:
        return None
    (edit,) = candidate.edits
    reads = "auto" in edit.replacement
    sizes = _read(after, candidate, gap) if reads else dict.fromkeys(_wanted(trials, after, candidate))
    if gap.unlike is not None and gap.unlike in sizes:
        return None
    for size in sizes:
        for text in _texts(gap, size):
            if trials.helps(problem, _written(candidate, text).edits):
                return _written(candidate, text)
    is_fix = reads and (sizes or gap.unlike is None) and trials.helps(problem, candidate.edits)
    return candidate if is_fix else None


def _written(candidate: Candidate, text: str) -> Candidate:
    (edit,) = candidate.edits
    stand_in = "auto" if "auto" in edit.replacement else str(STAND_IN)
    shown = candidate.shown.replace(stand_in, text)
    return replace(candidate, edits=(Edit(edit.span, edit.replacement.replace(stand_in, text)),), shown=shown, gap=None)


def _texts(gap: Gap, size: int) -> Iterator[str]:
    """The ways to write a size: as the only name that has it, or as a number."""
    names = [name for name, value in gap.names.items() if value == size]
    if len(names) == 1:
        yield names[0]
    if gap.literal:
        yield str(size)


def new_errors(trials: Trials, after: Trace, edits: tuple[Edit, ...]) -> list[Problem]:
    """The errors that edits add."""
    before = Counter(place_of(error, edits) for error in trials.trace.errors)
    return [error for error in after.errors if not before[place_of(error, ())]]


def place_of(error: Problem, edits: tuple[Edit, ...]) -> tuple[str, int]:
    """The kind of an error, and where it begins after the edits."""
    return (error.kind, -1 if error.span is None else moved(error.span.start, edits))


def _read(after: Trace, candidate: Candidate, gap: Gap) -> list[int]:
    """The size that a layer read off its input, as the only item; empty if several layers read different ones."""
    (edit,) = candidate.edits
    start, end = edit.span.start, edit.span.start + len(edit.replacement)
    found: set[Size] = set()
    assert after.root.module is not None
    for module in after.root.module.walk():
        span = module.span if module.layer is not None else None
        if span is not None and span.source is after.spec.source and span.start < end and start < span.end:
            found.add(vars(module.layer).get(gap.argument, ""))
    return [size for size in found if type(size) is int] if len(found) == 1 else []


def _wanted(trials: Trials, after: Trace, candidate: Candidate) -> Iterator[int]:
    """The sizes to write for the stand-in, by the refusals of the layers that it arrives at."""
    for error in new_errors(trials, after, candidate.edits):
        context = after.contexts.get(key_of(error))
        if context is not None:
            yield from _wanted_there(context)


def _wanted_there(context: FaultContext) -> Iterator[int]:
    refusal = context.refusal
    tensors = list(tensors_in((context.arguments, dict(context.keywords))))
    pairs = [(refusal.arrived, refusal.wanted)]
    if len(tensors) == 2:
        pairs += zip(*(tensor.shape[::-1] for tensor in tensors), strict=False)
    for pair in pairs:
        for size, other in (pair, pair[::-1]):
            if type(size) is int and type(other) is int and other < _FAR:
                yield from _solved(size, other)


def _solved(size: int, wanted: int) -> Iterator[int]:
    """The value for which a size is the wanted one: the size is a multiple or a part of the stand-in, plus a rest."""
    for parts in (1, 2, 3, 4, 8):
        factor = round(size * parts / STAND_IN)
        rest = size * parts - factor * STAND_IN
        if factor and abs(rest) <= _FAR:
            value, left = divmod(wanted * parts - rest, factor)
            if not left and 0 < value < _FAR:
                yield value
            return
