"""Chooses values for the symbols of a model that meet its requirements, distinct if possible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from nnshape.shapes.constraints import Constraint
from nnshape.shapes.dims import Dim, TooLarge, substitute, symbols_of

#: Common sizes: small ones first, then multiples of powers of two.
_OFTEN = (3, 5, 7, 4, 6, 9, 11, 13, 8, 12, 10, 16, 24, 20, 28, 32, 48, 40, 64, 96, 128, 160, 192, 224, 256, 320, 512)
_MAX = 1025
#: The most candidates and constraints to check.
_CHECKS = 50_000
BATCH = 2


def choose(symbols: Sequence[str], constraints: Sequence[Constraint]) -> dict[str, int] | None:
    """Return values for the symbols that meet all constraints, distinct if possible; None if the search finds none.

    The batch `N` is 2 unless a constraint needs another value. Constraints on other symbols are ignored; the run
    checks them.
    """
    known = set(symbols)
    wanted = [constraint for constraint in constraints if _symbols(constraint) <= known]
    spoken_of: Counter[str] = Counter(name for constraint in wanted for name in _symbols(constraint))
    # The symbols with the most constraints are chosen first. Symbols without constraints can have any value.
    order = sorted(spoken_of, key=lambda name: (name != "N", -spoken_of[name], symbols.index(name)))
    search = _Search(order, wanted)
    values = search.run(distinct=True)
    values = search.run(distinct=False) if values is None else values
    if values is None:
        return None
    if "N" in symbols:
        values.setdefault("N", BATCH)
    taken = set(values.values())
    unused = (number for number in (*_OFTEN, *range(1, _MAX)) if number not in taken)
    for name in symbols:
        if name not in values:
            values[name] = next(unused, _OFTEN[0])
            taken.add(values[name])
    return values


def _symbols(constraint: Constraint) -> frozenset[str]:
    sizes = (constraint.left, constraint.right)
    return frozenset().union(*(symbols_of(size) for size in sizes if isinstance(size, Dim)))


class _Search:
    """Backtracks over candidates; a constraint is checked as soon as all its symbols have a value."""

    def __init__(self, order: Sequence[str], constraints: Sequence[Constraint]) -> None:
        self._order = order
        self._judged: list[list[Constraint]] = [[] for _ in order]
        places_of = {name: place for place, name in enumerate(order)}
        for constraint in constraints:
            places = [places_of[name] for name in _symbols(constraint)]
            if places:
                self._judged[max(places)].append(constraint)
        self._numbers = _numbers_near(constraints)
        self._left = _CHECKS

    def run(self, distinct: bool) -> dict[str, int] | None:
        self._left = _CHECKS
        values: dict[str, int] = {}
        waiting: list[Iterator[int]] = []
        while len(values) < len(self._order):
            place = len(values)
            if len(waiting) == place:
                waiting.append(self._candidates(place, values))
            if not self._next(place, waiting[place], values, distinct):
                # No candidate is left: backtrack to the next candidate of the previous symbol.
                waiting.pop()
                if self._left <= 0 or not waiting:
                    return None
                del values[self._order[place - 1]]
        return values

    def _next(self, place: int, candidates: Iterator[int], values: dict[str, int], distinct: bool) -> bool:
        """Set a symbol to its next candidate that meets the constraints; return False if there is none."""
        name = self._order[place]
        taken = set(values.values()) if distinct else ()
        for candidate in candidates:
            self._left -= 1
            if self._left <= 0:
                break
            if candidate not in taken:
                values[name] = candidate
                if self._holds(place, values):
                    return True
                del values[name]
        return False

    def _holds(self, place: int, values: dict[str, int]) -> bool:
        judged = self._judged[place]
        for index, constraint in enumerate(judged):
            self._left -= 1
            try:
                held = constraint.holds(values)
            except (ValueError, TooLarge, ZeroDivisionError):
                held = False
            if held is not True:
                # A constraint that failed is likely to fail for the next candidate.
                judged.insert(0, judged.pop(index))
                return False
        return True

    def _candidates(self, place: int, values: dict[str, int]) -> Iterator[int]:
        name = self._order[place]
        yield from self._solutions(place, values)
        first: tuple[int, ...] = (BATCH, 1, *_OFTEN) if name == "N" else (*_OFTEN, *self._numbers)
        seen = set(first)
        yield from dict.fromkeys(first)
        yield from (number for number in range(1, _MAX) if number not in seen)

    def _solutions(self, place: int, values: dict[str, int]) -> Iterator[int]:
        """Solve the equations that are linear in this symbol, with the other symbols set."""
        name = self._order[place]
        for constraint in self._judged[place]:
            if constraint.relation != "==":
                continue
            try:
                rest = substitute(constraint.left - constraint.right, {k: v for k, v in values.items() if k != name})
                one, two = (substitute(rest, {name: value}) for value in (1, 2))
            except (ValueError, TooLarge, ZeroDivisionError):
                continue
            if isinstance(one, int) and isinstance(two, int) and one != two:
                root, remainder = divmod(one, one - two)
                if not remainder and root >= 0:
                    yield root + 1


def _numbers_near(constraints: Sequence[Constraint]) -> list[int]:
    """Return the numbers in the constraints and their successors, which are often valid sizes."""
    found: set[int] = set()
    for constraint in constraints:
        for size in (constraint.left, constraint.right):
            if isinstance(size, int):
                found.add(abs(size))
            elif isinstance(size, Dim):
                found.update(abs(coefficient) for _, coefficient in size.terms())
    return sorted(n for number in found for n in {number, number + 1} if 0 < n < 1 << 20)
