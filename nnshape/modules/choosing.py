"""Chooses values for the symbols of a model that meet its requirements, distinct if possible."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from nnshape.shapes.constraints import Constraint
from nnshape.shapes.dims import Dim, TooLarge, substitute, symbols_of

#: Common sizes: small ones first, then multiples of powers of two.
_OFTEN = (3, 5, 7, 4, 6, 9, 11, 13, 8, 12, 10, 16, 24, 20, 28, 32, 48, 40, 64, 96, 128, 160, 192, 224, 256, 320, 512)
_MAX = 1025
_BATCHES = range(2, 1 << 20)
#: The most candidates and constraints to check.
_CHECKS = 50_000
#: The same for the search that avoids some numbers, which may have to give up.
_CHECKS_AVOIDING = 5_000
BATCH = 2


def choose(
    symbols: Sequence[str],
    constraints: Sequence[Constraint],
    avoided: frozenset[int] = frozenset(),
    before: Mapping[str, int] | None = None,
) -> dict[str, int] | None:
    """Return values for the symbols that meet all constraints, distinct if possible; None if the search finds none.

    The values are not among `avoided` if possible, and of the other parity than those of `before`. The batch `N` is
    the smallest of 2 and more that fits. Constraints on other symbols are ignored; the run checks them.
    """
    known = set(symbols)
    wanted = [constraint for constraint in constraints if _symbols(constraint) <= known]
    spoken_of: Counter[str] = Counter(name for constraint in wanted for name in _symbols(constraint))
    # The symbols with the most constraints are chosen first. Symbols without constraints can have any value.
    order = sorted(spoken_of, key=lambda name: (name != "N", -spoken_of[name], symbols.index(name)))
    search = _Search(order, wanted, avoided, before or {})
    values = search.run(distinct=True, avoiding=True) if avoided else None
    values = search.run(distinct=True) if values is None else values
    values = search.run(distinct=False) if values is None else values
    if values is None:
        return None
    taken = set(values.values()) | avoided
    if "N" in symbols and "N" not in values:
        values["N"] = next(number for number in search.in_order("N", _BATCHES) if number not in taken)
        taken.add(values["N"])
    rest = [number for number in dict.fromkeys((*_OFTEN, *range(1, _MAX))) if number not in taken]
    any_parity, even, odd = iter(rest), (n for n in rest if n % 2 == 0), (n for n in rest if n % 2)
    for name in symbols:
        if name not in values:
            unused = any_parity if before is None else odd if before[name] % 2 == 0 else even
            values[name] = next(unused, _OFTEN[0])
    return values


def _symbols(constraint: Constraint) -> frozenset[str]:
    sizes = (constraint.left, constraint.right)
    return frozenset().union(*(symbols_of(size) for size in sizes if isinstance(size, Dim)))


class _Search:
    """Backtracks over candidates; a constraint is checked as soon as all its symbols have a value."""

    def __init__(
        self,
        order: Sequence[str],
        constraints: Sequence[Constraint],
        avoided: frozenset[int],
        before: Mapping[str, int],
    ) -> None:
        self._order, self._avoided, self._before = order, avoided, before
        self._judged: list[list[Constraint]] = [[] for _ in order]
        places_of = {name: place for place, name in enumerate(order)}
        for constraint in constraints:
            places = [places_of[name] for name in _symbols(constraint)]
            if places:
                self._judged[max(places)].append(constraint)
        self._numbers = _numbers_near(constraints)
        self._left = _CHECKS

    def in_order(self, name: str, numbers: Iterable[int]) -> Iterator[int]:
        """Yield numbers for a symbol in the order to try them: those of the other parity than before first."""
        before = self._before.get(name)
        if before is None:
            yield from numbers
        else:
            for rest in (1, 0):
                yield from (number for number in itertools.islice(numbers, _MAX) if (number - before) % 2 == rest)

    def run(self, distinct: bool, avoiding: bool = False) -> dict[str, int] | None:
        """Return values of all symbols, or None. Avoids the numbers only where no equation decides."""
        self._left = _CHECKS_AVOIDING if avoiding else _CHECKS
        self._avoiding = self._avoided if avoiding else frozenset[int]()
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
        if self._avoiding and name == "N":
            first = tuple(range(BATCH, 16))
        numbers = dict.fromkeys((*first, *range(1, _MAX)))
        yield from (number for number in self.in_order(name, numbers) if number not in self._avoiding)

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
