"""Intervals of sizes, by interval arithmetic alone; every symbol is at least 1."""

from __future__ import annotations

from itertools import groupby
from math import comb, prod
from typing import TYPE_CHECKING

from nnshape.shapes.dims.atoms import Extremum, Quotient
from nnshape.work import spend

if TYPE_CHECKING:
    from nnshape.shapes.dims.algebra import Size
    from nnshape.shapes.dims.terms import Range, Terms

MAX_EXPANDED = 2048  # terms of a polynomial with every atom written relative to one end


def range_of(size: Size) -> Range:
    """An interval that holds every value of a size."""
    if isinstance(size, int):
        return size, size
    try:
        return size._range
    except AttributeError:
        found = range_of_terms(size._terms)
        object.__setattr__(size, "_range", found)
        return found


def at_least_cheaply(size: Size, number: int) -> bool:
    """Whether the interval of a size proves that it is at least a number."""
    low = range_of(size)[0]
    return low is not None and low >= number


def surely_negative(size: Size) -> bool:
    """Whether the interval of a size proves that it is negative."""
    high = range_of(size)[1]
    return high is not None and high < 0


def range_of_terms(terms: Terms) -> Range:
    """An interval that holds every value of a polynomial."""
    spend(1 + len(terms))
    low: int | None = 0
    high: int | None = 0
    signs = set()
    linear = True
    for monomial, coefficient in terms.items():
        end: Range = (coefficient, coefficient)
        if monomial:
            signs.add(coefficient > 0)
            linear = linear and len(monomial) == 1
            for atom in monomial:
                end = _times(atom_range(atom), end)
        low = None if low is None or end[0] is None else low + end[0]
        high = None if high is None or end[1] is None else high + end[1]
    if linear and len(signs) < 2:
        return low, high
    return intersect((low, high), _range_from_ends(terms))


def intersect(one: Range, other: Range) -> Range:
    """The intersection of two intervals."""
    low = other[0] if one[0] is None else one[0] if other[0] is None else max(one[0], other[0])
    high = other[1] if one[1] is None else one[1] if other[1] is None else min(one[1], other[1])
    return low, high


def unite(one: Range, other: Range) -> Range:
    """The smallest interval that holds two others."""
    return lower_of(one[0], other[0]), higher_of(one[1], other[1])


def lower_of(one: int | None, other: int | None) -> int | None:
    """The smaller of two lower ends, where None is minus infinity."""
    return None if one is None or other is None else min(one, other)


def higher_of(one: int | None, other: int | None) -> int | None:
    """The larger of two upper ends, where None is infinity."""
    return None if one is None or other is None else max(one, other)


def atom_range(atom: str) -> Range:
    """An interval that holds every value of an atom."""
    if atom.__class__ is str:
        return 1, None
    assert isinstance(atom, (Quotient, Extremum))
    try:
        return atom._range
    except AttributeError:
        if isinstance(atom, Quotient):
            atom._range = _quotient_range(range_of(atom.numerator), range_of(atom.denominator))
        else:
            atom._range = extremum_range(atom.kind, [range_of(part) for part in atom.arguments])
        return atom._range


def extremum_range(kind: str, ranges: list[Range]) -> Range:
    """The interval of the min or max of several sizes."""
    lows = [low for low, _ in ranges if low is not None]
    highs = [high for _, high in ranges if high is not None]
    if kind == "min":
        return min(lows) if len(lows) == len(ranges) else None, min(highs, default=None)
    return max(lows, default=None), max(highs) if len(highs) == len(ranges) else None


def _quotient_range(above: Range, below: Range) -> Range:
    low, high = above
    least, most = below
    if least is None or least < 1:
        if low is None or high is None:
            return None, None
        widest = max(abs(low), abs(high))  # |x // d| <= |x| for every d but 0
        return -widest, widest
    if low is not None:
        if low < 0:
            low //= least
        else:
            low = 0 if most is None else low // most
    if high is not None:
        if high >= 0:
            high //= least
        else:
            high = -1 if most is None else high // most
    return low, high


def _times(one: Range, other: Range) -> Range:
    (a, b), (c, d) = one, other
    if c is not None and c == d:  # by a number
        if c == 0:
            return 0, 0
        low, high = None if a is None else a * c, None if b is None else b * c
        return (low, high) if c > 0 else (high, low)
    if one == (0, 0):
        return one
    if a is not None and c is not None and a >= 0 and c >= 0:
        return a * c, None if b is None or d is None else b * d
    if a is not None and d is not None and a >= 0 and d <= 0:
        return None if b is None or c is None else b * c, a * d
    if a is None or b is None or c is None or d is None:
        return None, None
    corners = (a * c, a * d, b * c, b * d)
    return min(corners), max(corners)


def _range_from_ends(terms: Terms) -> Range:
    """The interval with every atom written as its lower end plus a rest, or its upper end minus a rest.

    So `H*W - H`, with H = 1 + h and W = 1 + w, is `w + h*w`: never below 0.
    """
    starts: dict[str, tuple[int, int, int | None]] = {}  # end, direction, length
    for atom in {atom for monomial in terms for atom in monomial}:
        low, high = atom_range(atom)
        if low is not None:
            starts[atom] = low, 1, None if high is None else high - low
        elif high is not None:
            starts[atom] = high, -1, None
        else:
            return None, None
    powers = {m: [(atom, len(list(same))) for atom, same in groupby(m)] for m in terms}
    expanded_terms = sum(prod(power + 1 for _, power in found) for found in powers.values())
    if expanded_terms > MAX_EXPANDED:
        return None, None
    spend(2 * expanded_terms)
    moved: dict[tuple[tuple[str, int], ...], int] = {}
    for monomial, found in powers.items():
        expanded: dict[tuple[tuple[str, int], ...], int] = {(): terms[monomial]}
        for atom, power in found:
            start, way, _ = starts[atom]
            binomial = [(k, comb(power, k) * start ** (power - k) * way**k) for k in range(power + 1)]
            expanded = {
                (*key, (atom, k)) if k else key: value * by
                for key, value in expanded.items()
                for k, by in binomial
                if by
            }
        for key, value in expanded.items():
            moved[key] = moved.get(key, 0) + value
    low = high = moved.pop((), 0)
    ends: list[int | None] = [low, high]
    for key, value in moved.items():
        side = 0 if value < 0 else 1
        farthest: int | None = 1
        for atom, power in key:
            reach = starts[atom][2]
            farthest = None if farthest is None or reach is None else farthest * reach**power
        end = ends[side]
        if value and end is not None:
            ends[side] = None if farthest is None else end + value * farthest
    return ends[0], ends[1]
