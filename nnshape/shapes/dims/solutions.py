"""Exact sets of sizes: the whole numbers from 1 at which conditions on one symbol hold."""

from __future__ import annotations

from itertools import pairwise
from math import gcd, lcm
from typing import TYPE_CHECKING, TypeAlias

from nnshape.records import dataclass
from nnshape.shapes.dims.terms import TooLarge
from nnshape.work import spend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Interval: TypeAlias = tuple[int, int | None]  # both ends included; None for no end

MAX_PERIOD = 4096
MAX_INTERVALS = 256  # in one class
#: Members and gaps that a description lists one by one.
_LISTED = 4
#: Members that are looked at one by one to find how they are spaced.
_ENUMERATED = 4096


@dataclass(frozen=True, slots=True)
class Solutions:
    """A set of whole numbers from 1: `classes[r]` holds its members n with `n % period == r`, as sorted intervals.

    Each interval begins and ends at a member. Equal sets may have different periods.
    """

    period: int
    classes: tuple[tuple[Interval, ...], ...]

    def __contains__(self, number: int) -> bool:
        return any(
            low <= number and (high is None or number <= high) for low, high in self.classes[number % self.period]
        )

    def __and__(self, other: Solutions) -> Solutions:
        return self._joined(other, _common)

    def __or__(self, other: Solutions) -> Solutions:
        return self._joined(other, _either)

    def _joined(
        self,
        other: Solutions,
        join: Callable[[tuple[Interval, ...], tuple[Interval, ...]], Iterable[Interval]],
    ) -> Solutions:
        period = lcm(self.period, other.period)
        if period > MAX_PERIOD:
            raise TooLarge(f"a condition of a period over {MAX_PERIOD} is too large")
        spend(period)
        return of_classes(period, lambda r: join(self.classes[r % self.period], other.classes[r % other.period]))

    @property
    def is_empty(self) -> bool:
        """Whether no number is in the set."""
        return not any(self.classes)

    @property
    def is_all(self) -> bool:
        """Whether every number from 1 is in the set."""
        return all(len(found) == 1 and found[0] == (r or self.period, None) for r, found in enumerate(self.classes))

    @property
    def smallest(self) -> int:
        """The smallest member of a set that is not empty."""
        return min(found[0][0] for found in self.classes if found)

    @property
    def largest(self) -> int | None:
        """The largest member of a set that is not empty; None for a set without an end."""
        ends = [high for _, high in _intervals(self)]
        return None if None in ends else max(end for end in ends if end is not None)

    def at_most(self, number: int) -> int | None:
        """The largest member up to a number."""
        below = (
            min(number - (number - r) % self.period, number if high is None else high)
            for r, found in enumerate(self.classes)
            for low, high in found
            if low <= number
        )
        return max((value for value in below if value in self), default=None)

    def at_least(self, number: int) -> int | None:
        """The smallest member from a number on."""
        above = (
            max(number + (r - number) % self.period, low) for r, found in enumerate(self.classes) for low, _ in found
        )
        return min((value for value in above if value in self), default=None)

    def members(self, most: int) -> list[int] | None:
        """All members in order; None for more of them than `most`."""
        count = 0
        for low, high in _intervals(self):
            if high is None:
                return None
            count += (high - low) // self.period + 1
            if count > most:
                return None
        return sorted(number for low, high in _intervals(self) for number in range(low, (high or low) + 1, self.period))

    @property
    def progression(self) -> tuple[int, int] | None:
        """`(start, step)` of the shortest arithmetic progression without an end that holds the set; None if empty."""
        if self.is_empty:
            return None
        start, step = self.smallest, 0
        for low, high in _intervals(self):
            step = gcd(step, low - start)
            if high is None or high > low:
                step = gcd(step, self.period)
        return start, step or 1


ALL = Solutions(1, (((1, None),),))
NONE = Solutions(1, ((),))


def of_classes(period: int, intervals_of: Callable[[int], Iterable[Interval]]) -> Solutions:
    """The set of the numbers n that lie in one of the intervals of `n % period`; with the shortest period."""
    classes = tuple(tuple(_aligned(intervals_of(r), period, r)) for r in range(period))
    return _reduced(Solutions(period, classes))


def _intervals(solutions: Solutions) -> Iterator[Interval]:
    for found in solutions.classes:
        yield from found


def _aligned(intervals: Iterable[Interval], period: int, r: int) -> Iterator[Interval]:
    """The intervals cut to the numbers n >= 1 with `n % period == r`, joined where they meet."""
    before: Interval | None = None
    for count, (low, high) in enumerate(sorted(intervals, key=lambda interval: interval[0])):
        if count > MAX_INTERVALS:
            raise TooLarge(f"a condition of over {MAX_INTERVALS} ranges is too large")
        first = max(low, 1)
        first += (r - first) % period
        last = None if high is None else high - (high - r) % period
        if last is not None and last < first:
            continue
        if before is None:
            before = first, last
        elif before[1] is None or first <= before[1] + period:
            before = before[0], None if before[1] is None or last is None else max(before[1], last)
        else:
            yield before
            before = first, last
    if before is not None:
        yield before


def _common(one: tuple[Interval, ...], other: tuple[Interval, ...]) -> Iterator[Interval]:
    for low, high in one:
        for start, end in other:
            last = end if high is None else high if end is None else min(high, end)
            yield max(low, start), last


def _either(one: tuple[Interval, ...], other: tuple[Interval, ...]) -> Iterator[Interval]:
    yield from one
    yield from other


def _reduced(solutions: Solutions) -> Solutions:
    """The same set with the shortest period that the ends of its intervals show."""
    period, classes = solutions.period, solutions.classes
    for shorter in range(1, period // 2 + 1):
        if period % shorter:
            continue
        joined = []
        for r in range(shorter):
            together = _merged([classes[other] for other in range(r, period, shorter)], period - shorter)
            if together is None:
                break
            joined.append(together)
        else:
            return Solutions(shorter, tuple(joined))
    return solutions


def _merged(group: list[tuple[Interval, ...]], width: int) -> tuple[Interval, ...] | None:
    """Classes as one class of a shorter period: their intervals must begin, and end, one after another."""
    if len({len(found) for found in group}) != 1:
        return None
    merged: list[Interval] = []
    for intervals in zip(*group, strict=True):
        lows = [low for low, _ in intervals]
        highs = [high for _, high in intervals if high is not None]
        if max(lows) - min(lows) != width or len(highs) not in (0, len(intervals)):
            return None
        if highs and max(highs) - min(highs) != width:
            return None
        merged.append((min(lows), max(highs) if highs else None))
    return tuple(merged)


def described(solutions: Solutions) -> str | None:
    """A set as a condition on the name `{}`, such as `{} >= 5` or `{}: multiples of 16`.

    Empty where every number is in the set, None where there is no short text.
    """
    if solutions.is_all:
        return ""
    listed = solutions.members(_LISTED)
    if listed is not None:
        if not listed:
            return None
        return f"{{}} == {listed[0]}" if len(listed) == 1 else f"{{}}: {_either_of(listed)}"
    progression = _finite_progression(solutions)
    if progression is not None:
        return _regular(progression)
    text = _regular(solutions)
    return _with_exceptions(solutions) if text is None else text


def _either_of(numbers: list[int]) -> str:
    *most, last = map(str, numbers)
    return f"{', '.join(most)} or {last}" if most else last


def _finite_progression(solutions: Solutions) -> Solutions | None:
    """A finite set as one interval of one class, where its members are evenly spaced."""
    members = solutions.members(_ENUMERATED)
    if not members or len(members) < 2:
        return None
    step = members[1] - members[0]
    if any(after - before != step for before, after in pairwise(members)):
        return None
    return of_classes(step, lambda r: [(members[0], members[-1])] if r == members[0] % step else [])


def _regular(solutions: Solutions) -> str | None:
    """A set whose classes are each one interval, between the same two ends."""
    period = solutions.period
    residues = [r for r, found in enumerate(solutions.classes) if found]
    if any(len(solutions.classes[r]) != 1 for r in residues):
        return None
    ends = [solutions.classes[r][0] for r in residues]
    low = min(start for start, _ in ends)
    highs = [end for _, end in ends if end is not None]
    if max(start for start, _ in ends) - low >= period or len(highs) not in (0, len(ends)):
        return None
    high = max(highs, default=None)
    if high is not None and high - min(highs) >= period:
        return None
    if period == 1:
        if high is None:
            return f"{{}} >= {low}"
        return f"{{}} <= {high}" if low == 1 else f"{low} <= {{}} <= {high}"
    limits = f", at most {high}" if high is not None else ""
    if residues == [0]:
        name = "even" if period == 2 else f"multiples of {period}"
        return f"{{}}: {name}" + (f", at least {low}" if low > period else "") + limits
    least = f", at least {low}" if low > min(r or period for r in residues) else ""
    if period == 2:
        return "{}: odd" + least + limits
    others = [r for r in range(period) if not solutions.classes[r]]
    if others == [0]:
        return f"{{}}: no multiples of {period}" + least + limits
    if len(residues) <= _LISTED:
        if residues[0] == 0:
            return f"{{}}: multiples of {period}, or {_either_of(residues[1:])} more" + least + limits
        return f"{{}}: {_either_of(residues)} more than multiples of {period}" + least + limits
    if len(others) <= _LISTED:
        return f"{{}} % {period}: not {_either_of(others)}" + least + limits
    return None


def _with_exceptions(solutions: Solutions) -> str | None:
    """A set that is regular from some number on, with a few members below it, or a few gaps."""
    starts = [found[-1][0] for found in solutions.classes if found and found[-1][1] is None]
    if not starts:
        return None
    start = max(1, max(starts) - solutions.period + 1)
    endless = [[interval for interval in found if interval[1] is None] for found in solutions.classes]
    rest = of_classes(solutions.period, lambda r: _common(tuple(endless[r]), ((start, None),)))
    others = [[interval for interval in found if interval[1] is not None] for found in solutions.classes]
    first = of_classes(solutions.period, lambda r: [*others[r], *_common(tuple(endless[r]), ((1, start - 1),))])
    few = first.members(_LISTED)
    text = _regular(rest)
    if text is None or few is None:
        return None
    if not few:
        return text
    gaps = [number for number in range(few[0], rest.smallest) if number not in solutions]
    if solutions.period == 1 and len(gaps) <= _LISTED:
        least = f"{{}} >= {few[0]}, " if few[0] > 1 else "{}: "
        return f"{least}not {_either_of(gaps)}"
    condition = text.removeprefix("{}").removeprefix(":").strip()
    return f"{{}}: {', '.join(map(str, few))}, or {condition}"
