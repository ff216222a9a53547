"""Solves the requirements of a model for each symbol, and joins them into readable conditions."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from nnshape.problems import Label, Problem
from nnshape.records import dataclass
from nnshape.shapes.constraints import Constraint
from nnshape.shapes.dims import Size, TooLarge, substitute, symbol, symbols_of, without_common_factor
from nnshape.shapes.dims.simplifying import counted, limited, settled, simplified
from nnshape.shapes.dims.solutions import ALL, Solutions, described
from nnshape.shapes.dims.solving import solve
from nnshape.work import Budget, OutOfWork, bounded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nnshape.tracing.model import Requirement

#: The work limit for the requirements of one model; beyond it, they are listed unsolved.
_WORK = 4_000_000


@dataclass(frozen=True, slots=True)
class Need:
    """A condition on the sizes of a model as text, and the requirements that it combines."""

    text: str
    requirements: tuple[Requirement, ...]

    @property
    def steps(self) -> tuple[str, ...]:
        """The paths of the steps that need it, each once."""
        return tuple(dict.fromkeys(requirement.path for requirement in self.requirements))


@dataclass(frozen=True, slots=True)
class SolvedRequirements:
    """Requirements solved for their symbols.

    `equal` maps a symbol to another that it must equal. `sets` holds the possible values of each other symbol, and `of`
    the requirements that they come from. `others` could not be solved, or relate several symbols.
    """

    equal: Mapping[str, str]
    sets: Mapping[str, Solutions]
    of: Mapping[str, tuple[Requirement, ...]]
    others: tuple[Requirement, ...]
    #: Requirements that no values meet together, or empty.
    contradicting: tuple[Requirement, ...] = ()


def needs_of(requirements: Sequence[Requirement]) -> tuple[Need, ...]:
    """Return the requirements joined and simplified, without implied ones; symbols share equal conditions."""
    if not requirements:
        return ()
    solved = _solved(tuple(requirements))
    if solved is not None:
        try:
            with bounded(Budget(_WORK)):
                return tuple(_needs(solved, requirements))
        except OutOfWork:
            pass
    return tuple(_as_they_are(requirements))


def known_sizes(requirements: Sequence[Requirement]) -> dict[str, Solutions]:
    """Return the possible values of each symbol with solved requirements."""
    solved = _solved(tuple(requirements)) if requirements else None
    if solved is None:
        return {}
    known = dict(solved.sets)
    known.update({name: known[other] for name, other in solved.equal.items() if other in known})
    return {name: found for name, found in known.items() if not found.is_empty}


def contradiction(requirements: Sequence[Requirement]) -> Problem | None:
    """Return the problem if no sizes meet all requirements, or None."""
    solved = _solved(tuple(requirements))
    found = () if solved is None else solved.contradicting
    if not found:
        return None
    last = found[-1]
    names = " and ".join(sorted({name for each in found for name in _symbols(each.constraint)}))
    if len(found) == 1:
        return Problem("size-mismatch", f"{last.path} needs {last}, which holds for no {names}", last.span)
    first = found[0]
    message = f"no {names} meets both: {first.path} needs {first}, but {last.path} needs {last}"
    related = (Label(first.span, f"needs {first}"),)
    return Problem("size-mismatch", message, last.span, f"needs {last}", related=related)


@lru_cache(maxsize=8)
def _solved(requirements: tuple[Requirement, ...]) -> SolvedRequirements | None:
    """Solve the requirements of a model once, for its check, its needs and its sizes; None if it takes too long."""
    try:
        with bounded(Budget(_WORK)):
            return solve_requirements(requirements)
    except OutOfWork:
        return None


def solve_requirements(requirements: Sequence[Requirement]) -> SolvedRequirements:
    """Solve the requirements for each symbol. Raises OutOfWork."""
    equal = _equalities(requirements)
    renamed = {name: symbol(other) for name, other in equal.items()}
    sets: dict[str, Solutions] = {}
    of: dict[str, list[Requirement]] = {}
    others: list[Requirement] = []
    solutions: dict[Constraint, Solutions | None] = {}
    for requirement in requirements:
        constraint = _with(requirement.constraint, renamed)
        names = _symbols(constraint)
        if not names:
            if constraint.holds({}) is False:
                return SolvedRequirements(equal, sets, {}, (), (requirement,))
            continue
        name = min(names)
        if len(names) > 1:
            others.append(requirement)
            continue
        if constraint not in solutions:
            solutions[constraint] = solve(constraint.left, constraint.relation, constraint.right, name)
        found = solutions[constraint]
        try:
            joined = None if found is None else sets.get(name, ALL) & found
        except TooLarge:
            joined = None
        if found is None or joined is None:
            others.append(requirement)
            continue
        of.setdefault(name, []).append(requirement)
        sets[name] = joined
        if joined.is_empty:
            against = _opponent(of[name], solutions, renamed, found)
            return SolvedRequirements(equal, sets, {}, (), (against, requirement) if against else (requirement,))
    kept = []
    for requirement in others:
        holds = _decided(_with(requirement.constraint, renamed), sets)
        if holds is False:
            against = next(
                (of[name][-1] for name in sorted(_symbols(_with(requirement.constraint, renamed))) if name in of), None
            )
            return SolvedRequirements(equal, sets, {}, (), (against, requirement) if against else (requirement,))
        if holds is None:
            kept.append(requirement)
    return SolvedRequirements(
        equal, sets, {name: tuple(_deciding(found, sets[name], solutions, renamed)) for name, found in of.items()},
        tuple(kept),
    )  # fmt: skip


def _equalities(requirements: Iterable[Requirement]) -> dict[str, str]:
    """Return the symbols that must equal another, each mapped to the first symbol of its group."""
    leads: dict[str, str] = {}

    def lead(name: str) -> str:
        while name in leads:
            name = leads[name]
        return name

    for requirement in requirements:
        pair = _pair(requirement.constraint)
        if pair is not None and lead(pair[0]) != lead(pair[1]):
            first, second = sorted(map(lead, pair))
            leads[second] = first
    return {name: lead(name) for name in leads}


def _pair(constraint: Constraint) -> tuple[str, str] | None:
    """Return the two symbols that a constraint requires to be equal, or None."""
    if constraint.relation != "==":
        return None
    names = sorted(_symbols(constraint))
    if len(names) == 2 and {constraint.left, constraint.right} == set(map(symbol, names)):
        return names[0], names[1]
    return None


def _opponent(
    earlier: Sequence[Requirement],
    solutions: Mapping[Constraint, Solutions | None],
    renamed: Mapping[str, Size],
    found: Solutions,
) -> Requirement | None:
    """Return the first earlier requirement that contradicts `found` alone, or else the previous one."""
    for requirement in earlier[:-1]:
        other = solutions[_with(requirement.constraint, renamed)]
        if other is not None and (other & found).is_empty:
            return requirement
    return earlier[-2] if len(earlier) > 1 else None


def _deciding(
    requirements: Sequence[Requirement],
    whole: Solutions,
    solutions: Mapping[Constraint, Solutions | None],
    renamed: Mapping[str, Size],
) -> Iterator[Requirement]:
    """Yield the requirements that determine the values of a symbol, without those that others imply."""
    different = {_with(requirement.constraint, renamed): requirement for requirement in requirements}
    kept = list(different)
    for constraint in list(different):
        rest = ALL
        for other in kept:
            found = solutions[other]
            if other != constraint and found is not None:
                rest &= found
        if rest == whole:
            kept.remove(constraint)
    for requirement in requirements:
        if _with(requirement.constraint, renamed) in kept:
            yield requirement


def _decided(constraint: Constraint, sets: Mapping[str, Solutions]) -> bool | None:
    """Return whether a constraint holds for all, or for no values of its symbols; None if neither is proved."""
    left, right = settled(constraint.left, sets), settled(constraint.right, sets)
    for known in (counted, limited):
        try:
            holds = Constraint(known(left, sets), constraint.relation, known(right, sets)).holds({})
        except (TooLarge, ZeroDivisionError):
            continue
        if holds is not None:
            return holds
    return None


def _needs(solved: SolvedRequirements, requirements: Sequence[Requirement]) -> Iterator[Need]:
    if solved.contradicting:
        yield from _as_they_are(requirements)
        return
    for name, other in solved.equal.items():
        which = tuple(each for each in requirements if _pair(each.constraint) and name in _symbols(each.constraint))
        yield Need(f"{other} == {name}", which)
    by_text: dict[str, list[str]] = {}
    for name, found in solved.sets.items():
        text = described(found)
        if text:
            by_text.setdefault(text, []).append(name)
        elif text is None:
            yield from _as_they_are(solved.of[name])
    for text, alike in by_text.items():
        which = tuple(requirement for name in alike for requirement in solved.of[name])
        yield Need(text.replace("{}", ", ".join(alike)), which)
    renamed = {name: symbol(other) for name, other in solved.equal.items()}
    strongest: dict[Constraint, list[Requirement]] = {}
    for requirement in solved.others:
        constraint = _with(requirement.constraint, renamed)
        left, right = (
            simplified(settled(side, solved.sets), solved.sets) for side in (constraint.left, constraint.right)
        )
        if constraint.relation != "%":
            left, right = without_common_factor(left, right)
        strongest.setdefault(Constraint(left, constraint.relation, right), []).append(requirement)
    for constraint, together in strongest.items():
        if not any(_implies(other, constraint) for other in strongest):
            yield Need(_shortest_text(constraint), tuple(together))


def _shortest_text(constraint: Constraint) -> str:
    """Return the text of a constraint: with its sides as compared or with terms moved, whichever is shorter."""
    written = str(constraint)
    if constraint.relation == "%":
        return written
    return min(f"{constraint.left} {constraint.relation} {constraint.right}", written, key=len)


def _as_they_are(requirements: Iterable[Requirement]) -> Iterator[Need]:
    """Yield each condition unsolved, once."""
    texts: dict[str, list[Requirement]] = {}
    for requirement in requirements:
        texts.setdefault(str(requirement), []).append(requirement)
    for text, which in texts.items():
        yield Need(text, tuple(which))


def _implies(strong: Constraint, weak: Constraint) -> bool:
    """Return whether a condition is strictly stronger than another of the same form."""
    if not strong.relation == weak.relation == ">=":
        return False
    room = strong.left - strong.right - (weak.left - weak.right)
    return isinstance(room, int) and room < 0


def _symbols(constraint: Constraint) -> frozenset[str]:
    return symbols_of(constraint.left) | symbols_of(constraint.right)


def _with(constraint: Constraint, values: Mapping[str, Size]) -> Constraint:
    if not values:
        return constraint
    return Constraint(substitute(constraint.left, values), constraint.relation, substitute(constraint.right, values))
