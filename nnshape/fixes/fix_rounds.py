"""Applies the safe fixes of a spec, in rounds, until none is left."""

from __future__ import annotations

from nnshape.fixes.editing import Edit, edited, overlap
from nnshape.fixes.searching import Search
from nnshape.fixes.trying import retraced
from nnshape.problems import Fix, Problem
from nnshape.records import dataclass
from nnshape.tracing import Trace
from nnshape.work import Budget

#: Maximum number of rounds: a fix may reveal another problem below it.
_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class FixedText:
    """The text of a spec after its fixes, the fixes applied, and the trace of that text."""

    text: str
    fixes: tuple[Fix, ...]
    trace: Trace


def apply_fixes(trace: Trace, search: Search | None = None) -> FixedText:
    """Apply the safe fixes of a trace's spec in memory. Problems without a safe fix remain.

    Pass the same `search` for every variant of a file, so that they share one work budget.
    """
    made: list[Fix] = []
    search = search or Search()
    text = trace.spec.source.text
    for _ in range(_ROUNDS):
        chosen = _chosen(search.fixes(trace, safe_only=True))
        if not chosen:
            break
        after = edited(text, [edit for fix in chosen for edit in fix.edits])
        again = retraced(trace, after)
        if again is None or len(again.errors) >= len(trace.errors):
            # Combined they cause new problems; the first was verified alone.
            chosen = chosen[:1]
            after = edited(text, chosen[0].edits)
            again = retraced(trace, after)
            if again is None:
                break
        if not _holds_for_variants(trace, again, search.budget):
            break
        made += chosen
        text, trace = after, again
    return FixedText(text, tuple(made), trace)


def _chosen(found: tuple[Fix, ...]) -> list[Fix]:
    """The first fix of each problem, without overlapping edits."""
    chosen: list[Fix] = []
    edits: list[Edit] = []
    seen: set[Problem] = set()
    for fix in found:
        if fix.problem not in seen and not overlap([*edits, *fix.edits]):
            seen.add(fix.problem)
            chosen.append(fix)
            edits += fix.edits
    return chosen


def _holds_for_variants(before: Trace, after: Trace, budget: Budget) -> bool:
    """Return whether the file has no more errors than before, without and with each of its variants.

    False if the budget is spent before all of them are traced.
    """
    from nnshape.tracing import trace_spec

    for variant in (None, *before.spec.variants):
        if variant != before.variant:
            options = [{**trace.options, "variant": variant} for trace in (before, after)]
            one, two = trace_spec(before.spec, **options[0]), trace_spec(after.spec, **options[1])
            budget.left -= one.work + two.work
            if budget.left < 0 or len(two.errors) > len(one.errors):
                return False
    return True
