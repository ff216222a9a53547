"""Chooses numbers for the symbols of a model, so that its requirements hold and its sizes differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nnshape.shapes.constraints import Constraint
from nnshape.shapes.dims import Dim, TooLarge, substitute, symbols_of

#: Sizes that models often want: small ones first, then multiples of powers of two, then any.
_OFTEN = (3, 5, 7, 4, 6, 9, 11, 13, 8, 12, 10, 16, 24, 20, 28, 32, 48, 40, 64, 96, 128, 160, 192, 224, 256, 320, 512)
_MOST = 1025
_CHECKS = 20_000
BATCH = 2


def choose(symbols: Sequence[str], constraints: Sequence[Constraint]) -> dict[str, int] | None:
    """Values for the symbols at which all constraints hold, distinct where that can be; None if none was found.

    The batch `N` is 2. A constraint on other symbols than these is left to the run.
    """
    wanted = [constraint for constraint in constraints if _symbols(constraint) <= set(symbols)]
    # The symbols that most constraints speak of are decided first.
    order = sorted(symbols, key=lambda name: (name != "N", -sum(name in _symbols(c) for c in wanted)))
    search = _Search(order, wanted)
    return search.run(distinct=True) or search.run(distinct=False)


def _symbols(constraint: Constraint) -> frozenset[str]:
    sizes = (constraint.left, constraint.right)
    return frozenset().union(*(symbols_of(size) for size in sizes if isinstance(size, Dim)))


class _Search:
    """Backtracking over small candidates; a constraint is judged as soon as all its symbols have a value."""

    def __init__(self, order: Sequence[str], constraints: Sequence[Constraint]) -> None:
        self._order = order
        self._judged: list[list[Constraint]] = [[] for _ in order]
        for constraint in constraints:
            places = [order.index(name) for name in _symbols(constraint)]
            if places:
                self._judged[max(places)].append(constraint)
        self._numbers = _numbers_near(constraints)
        self._left = _CHECKS

    def run(self, distinct: bool) -> dict[str, int] | None:
        self._left = _CHECKS
        values: dict[str, int] = {}
        return values if self._fill(0, values, distinct) else None

    def _fill(self, place: int, values: dict[str, int], distinct: bool) -> bool:
        if place == len(self._order):
            return True
        name = self._order[place]
        for candidate in self._candidates(place, values):
            if distinct and candidate in values.values():
                continue
            values[name] = candidate
            if self._holds(place, values) and self._fill(place + 1, values, distinct):
                return True
            if self._left <= 0:
                break
        values.pop(name, None)
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
                # What refused one candidate is likely to refuse the next.
                judged.insert(0, judged.pop(index))
                return False
        return True

    def _candidates(self, place: int, values: dict[str, int]) -> Iterator[int]:
        name = self._order[place]
        yield from self._solutions(place, values)
        first: tuple[int, ...] = (BATCH, 1, *_OFTEN) if name == "N" else (*_OFTEN, *self._numbers)
        seen = set(first)
        yield from dict.fromkeys(first)
        yield from (number for number in range(1, _MOST) if number not in seen)

    def _solutions(self, place: int, values: dict[str, int]) -> Iterator[int]:
        """The values that an equation leaves for the last of its symbols, where it is linear in it."""
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
    """The numbers that stand in the constraints, which are often the very sizes that fit."""
    found: set[int] = set()
    for constraint in constraints:
        for size in (constraint.left, constraint.right):
            if isinstance(size, int):
                found.add(abs(size))
            elif isinstance(size, Dim):
                found.update(abs(coefficient) for coefficient in size._terms.values())
    return sorted(n for number in found for n in {number, number + 1} if 0 < n < 1 << 20)
