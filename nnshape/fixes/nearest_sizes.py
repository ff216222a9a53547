"""Finds the nearest sizes at which a model works, if the current sizes are at fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.problems import SpecError
from nnshape.tracing.tracer import trace_spec
from nnshape.work import budget

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnshape.problems import Problem
    from nnshape.problems.kinds import KindName
    from nnshape.shapes.dims import Size
    from nnshape.tracing import Trace

_KINDS: frozenset[KindName] = frozenset({"empty-output", "index-error", "not-divisible", "size-mismatch"})


def nearest_sizes(trace: Trace, problem: Problem) -> str | None:
    """Return a help line such as `sizes that work: H = 240 or 256`, or None if other sizes do not help.

    Traces the model with its sizes as symbols, and again at the nearest sizes to verify them.
    """
    if problem.kind not in _KINDS or not any(type(size) is int for size in trace.sizes.values()):
        return None
    if budget().left < 3 * trace.work:
        return None
    overrides = {
        name: value for name, value in (trace.options.get("overrides") or {}).items() if name not in trace.sizes
    }
    symbolic = _traced(trace, {"overrides": overrides, "symbolic": True})
    if symbolic is None:
        return None
    from nnshape.tracing.requirements import known_sizes

    offered: dict[str, list[int]] = {}
    for name, found in known_sizes(symbolic.requirements).items():
        size = trace.sizes.get(name)
        if type(size) is int and size not in found:
            near = (found.at_most(size), found.at_least(size))
            offered[name] = [value for value in near if value is not None]
    if not offered:
        return None
    nearest = {name: min(values, key=_distance_to(trace.sizes[name])) for name, values in offered.items()}
    sizes = {name: size for name, size in trace.sizes.items() if type(size) is int}
    if _traced(trace, {"overrides": {**overrides, **sizes, **nearest}}) is None:
        return None
    return f"sizes that work: {', '.join(f'{name} = {_either_of(values)}' for name, values in offered.items())}"


def _distance_to(size: Size) -> Callable[[int], int]:
    assert isinstance(size, int)
    return lambda value: abs(value - size)


def _either_of(values: list[int]) -> str:
    return " or ".join(map(str, values))


def _traced(trace: Trace, options: dict[str, object]) -> Trace | None:
    """Trace the spec with other options, and spend the work. Returns None if the trace has errors."""
    try:
        after = trace_spec(trace.spec, **{**trace.options, **options})
    except SpecError:
        return None
    budget().left -= after.work
    return None if after.errors else after
