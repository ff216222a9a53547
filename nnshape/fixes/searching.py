"""Searches for fixes: collects candidates for a problem, nearest first, and keeps those that verify."""

from __future__ import annotations

import os
import re
from dataclasses import replace

from nnshape.fixes import operands, own
from nnshape.fixes.editing import Edit, edited, first_line_after, unmoved
from nnshape.fixes.fitting import fitted, new_errors
from nnshape.fixes.fix import Candidate
from nnshape.fixes.fixers import FIXERS
from nnshape.fixes.nearest_sizes import nearest_sizes
from nnshape.fixes.trying import Trials
from nnshape.fixes.unknown_names import size_of_unknown_name
from nnshape.problems import Fix, Problem
from nnshape.problems.kinds import KINDS
from nnshape.shapes.constraints import numbering
from nnshape.shapes.dims import symbols_of
from nnshape.spec import Span
from nnshape.spec.limits import FIXING, FIXING_A_CALL
from nnshape.tracing import Trace
from nnshape.tracing.contexts import FaultContext, key_of
from nnshape.tracing.internal import described_error
from nnshape.work import Budget, OutOfWork, bounded

#: Maximum fixes per problem, problems searched, and attempts per problem.
_OFFERED = 3
_PROBLEMS = 20
_TRIES = 24

# The indicator of a block scalar, which is not part of the step.
_SCALAR = re.compile(r"^[|>][-+0-9]*\s+")
#: Maximum number of layers below that one fix may change too.
_FOLLOWERS = 2

_ENDED = "the search for fixes ended here: it reached the work limit of one file"


class Search:
    """Searches for fixes in one file: its traces share a budget, and each problem is searched once.

    `ended` is the problem at which the budget was spent. `failed` maps the `id` of a problem to the internal error
    that ended its search.
    """

    def __init__(self) -> None:
        self.budget = Budget(FIXING)
        self.ended: Problem | None = None
        self.failed: dict[int, str] = {}
        #: The nearest sizes that work, as a help line, by the `id` of a problem.
        self.sizes: dict[int, str] = {}
        self._searched: set[tuple[object, ...]] = set()

    def fixes(self, trace: Trace, *, safe_only: bool = False) -> tuple[Fix, ...]:
        """Return verified fixes of a trace's problems, except problems that were searched in an earlier trace."""
        trace = trace.free or trace  # a fix is judged at every batch
        if not trace.problems or self.ended is not None:
            return ()
        self.budget.grant(sum(FIXING_A_CALL for _ in trace.calls))
        trials = Trials(trace)
        found: list[Fix] = []
        sizes = (size for constraint in trace.constraints for size in (constraint.left, constraint.right))
        with bounded(self.budget), numbering(name for size in sizes for name in symbols_of(size)):
            for problem in trace.problems[:_PROBLEMS]:
                context = trace.contexts.get(key_of(problem))
                key = (problem.span.source.name if problem.span else "", *key_of(problem))
                possible = (
                    problem.instead
                    or problem.kind == "unknown-name"
                    or (context is not None and KINDS[problem.kind].fix != "never")
                )
                if not possible or (key in self._searched and not safe_only):
                    continue
                self._searched.add(key)
                own: list[Fix] = []
                try:
                    _search(trials, problem, context, safe_only, own)
                    if not self.sizes and not safe_only and (nearest := nearest_sizes(trace, problem)) is not None:
                        self.sizes[id(problem)] = nearest
                except OutOfWork:
                    self.ended = problem
                except Exception as error:
                    if os.environ.get("NNSHAPE_TRACEBACK"):
                        raise
                    self.failed[id(problem)] = described_error(error)
                found += [fix for fix in own if fix.safe or not safe_only]
                if self.ended is not None:
                    break
        return tuple(found)


def fixes(trace: Trace, *, safe_only: bool = False) -> tuple[Fix, ...]:
    """Find verified fixes: with each, the model traces without the problem and without a new one.

    Returns at most three per problem, nearest first. With `safe_only`, returns only those that set an argument of the
    failing layer to a size of its input. The work is bounded, so a large model gets fewer attempts.
    """
    return Search().fixes(trace, safe_only=safe_only)


def explained(trace: Trace, search: Search | None = None) -> tuple[Problem, ...]:
    """Return the problems of a trace with their verified fixes.

    Pass the same `search` for every trace of a file, so that no problem is searched twice.
    """
    search = search or Search()
    had_ended = search.ended is not None
    by_problem: dict[int, list[Fix]] = {}
    for fix in search.fixes(trace):
        by_problem.setdefault(id(fix.problem), []).append(fix)

    def with_fixes(problem: Problem) -> Problem:
        found, notes = by_problem.get(id(problem), ()), problem.notes
        if problem is search.ended and not had_ended:
            notes = (*notes, _ENDED)
        if id(problem) in search.failed:
            notes = (*notes, f"the search for fixes failed, which is a bug of nnshape: {search.failed[id(problem)]}")
        help = () if found else problem.help
        if id(problem) in search.sizes:
            help = (*help, search.sizes[id(problem)])
        return replace(problem, fixes=tuple(found), help=help, notes=notes)

    touched = {*by_problem, *search.failed, *search.sizes, id(search.ended)}
    return tuple(with_fixes(problem) if id(problem) in touched else problem for problem in trace.problems)


def _search(trials: Trials, problem: Problem, context: FaultContext | None, safe_only: bool, found: list[Fix]) -> None:
    """Add the fixes of one problem. Raises OutOfWork if the budget is exhausted."""
    for meant in problem.instead:
        candidate = _meant(problem, meant)
        if trials.helps(problem, candidate.edits):
            found.append(_fix(problem, candidate))
    trace = trials.trace
    for candidate in size_of_unknown_name(trace, problem) if not (found or safe_only) else ():
        whole = fitted(trials, problem, candidate)
        if whole is not None:
            found.append(_fix(problem, whole))
    structural, other_order = bool(found), False
    tries = 0
    for fixer in FIXERS if context is not None else ():
        offered = 0
        if (fixer.kinds and problem.kind not in fixer.kinds) or (other_order and fixer.propose is own.match_input):
            continue
        if fixer.last_resort and found:
            continue
        assert context is not None
        for candidate in fixer.propose(trace, context):
            if len(found) >= _OFFERED or offered >= fixer.most or tries >= _TRIES:
                break
            if any(fix.edits == candidate.edits for fix in found):  # another fixer has proposed the same
                continue
            tries += 1
            if candidate.gap is not None:
                whole = fitted(trials, problem, candidate)
                if whole is None or any(fix.edits == whole.edits for fix in found):
                    continue
                candidate = whole
            elif not trials.helps(problem, candidate.edits):
                longer = _followed(trials, problem, candidate) if fixer.followed else None
                if longer is None:
                    continue
                candidate = longer
            if fixer.exact and trials.fixes_a_size(candidate.edits):
                continue
            offered += 1
            structural = structural or fixer.structural
            other_order = other_order or fixer.propose is operands.one_of_several
            other_order = other_order or candidate.shown.startswith("permute")
            fix = _fix(problem, candidate)
            found.append(replace(fix, safe=fix.safe and not structural))
        if safe_only and fixer.propose is own.match_input:
            break


def _meant(problem: Problem, meant: str | tuple[Edit, ...]) -> Candidate:
    """The edit that writes a text in place of a problem's span, or edits elsewhere."""
    assert problem.span is not None
    if isinstance(meant, str):
        edit = Edit(problem.span, meant)
        return Candidate(f"did you mean {meant}?", (edit,), shown=own.line_after(edit))
    text = next((edit.replacement for edit in meant if edit.replacement), "")
    description = "move it here" if text.endswith("\n") else "write it so" if text else "leave it out"
    return Candidate(description, meant, shown=first_line_after(meant))


def _followed(trials: Trials, problem: Problem, candidate: Candidate) -> Candidate | None:
    """Return the candidate with further edits of the layers that its new size reaches; None if there are too many."""
    whole = candidate
    for _ in range(_FOLLOWERS):
        after = trials.traced(whole.edits)
        if after is None:
            return None
        new = new_errors(trials, after, whole.edits)
        context = after.contexts.get(key_of(new[0])) if len(new) == 1 else None
        edit = None if context is None else _taken_back(after, context, trials.trace, whole)
        if edit is None or context is None:
            return None
        text = f"{context.call.name}: " + " ".join(
            edited(context.call.span.source.text[: context.call.span.end], [edit[1]])[context.call.span.start :].split()
        )
        shown = whole.shown or _fix(problem, whole).shown
        whole = replace(whole, edits=(*whole.edits, edit[0]), shown=f"{shown}, {text}", step=None, safe=False)
        if trials.helps(problem, whole.edits):
            return whole
    return None


def _taken_back(after: Trace, context: FaultContext, before: Trace, whole: Candidate) -> tuple[Edit, Edit] | None:
    """Return the edit of a later layer, in the original and in the edited text; None if no safe edit is found."""
    for candidate in own.match_input(after, context):
        (edit,) = candidate.edits
        start, end = unmoved(edit.span.start, whole.edits), unmoved(edit.span.end, whole.edits)
        if candidate.step is not None and start is not None and end is not None and candidate.safe:
            return Edit(Span(before.spec.source, start, end), edit.replacement), edit
    return None


def _fix(problem: Problem, candidate: Candidate) -> Fix:
    shown = candidate.shown
    step = candidate.step
    if step is not None and not shown:
        inside = [edit for edit in candidate.edits if step.start <= edit.span.start and edit.span.end <= step.end]
        text = edited(step.source.text[: step.end], inside)[step.start :]
        text = _SCALAR.sub("", " ".join(text.split()))
        shown = f"{candidate.name}: {text}" if candidate.name and not candidate.name.isdigit() else text
    return Fix(problem, candidate.description, candidate.edits, shown, candidate.because, candidate.safe)
