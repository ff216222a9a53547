"""Proofs about sizes for all values of their symbols; each answer is True, False or None (not proved)."""

from __future__ import annotations

from itertools import product
from math import gcd, lcm
from typing import TYPE_CHECKING

from nnshape.shapes.dims.algebra import Dim, Size, floor_divide, single
from nnshape.shapes.dims.atoms import Extremum, Quotient, parts_of
from nnshape.shapes.dims.range import (
    at_least_cheaply,
    extremum_range,
    intersect,
    range_of,
    unite,
)
from nnshape.shapes.dims.replace import atoms_of, extremum, replace, sampled
from nnshape.shapes.dims.roots import integer_range, never_zero
from nnshape.shapes.dims.terms import (
    Range,
    Terms,
    TooLarge,
    terms_of,
)
from nnshape.work import spend

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_CASES = 256
MAX_WORK = 1 << 13  # factors handled in the cases of one proof


def minimum(*sizes: Size) -> Size:
    """The smallest of one or more sizes."""
    return _extremum("min", sizes)


def maximum(*sizes: Size) -> Size:
    """The largest of one or more sizes."""
    return _extremum("max", sizes)


def ceil_div(a: Size, b: Size) -> Size:
    """The quotient rounded up. Raises ZeroDivisionError."""
    if isinstance(a, int) and isinstance(b, int):
        return -(-a // b)
    if at_least_cheaply(b, 1):
        return floor_divide(a + b - 1, b)
    return -floor_divide(-a, b)


def equal(a: Size, b: Size) -> bool | None:
    """Whether two sizes are equal: True for all symbols, False for none, None if neither is proved."""
    if isinstance(a, int) and isinstance(b, int):
        return a == b
    difference = _difference(a, b)
    if difference is None:
        return None
    if isinstance(difference, int):
        return difference == 0
    if _never_zero(difference):
        return False
    if len({value == 0 for value in sampled(difference)}) == 2:
        return None
    verdict = _verdict(_is_zero(case) for case in _cases(difference, 1, [MAX_WORK]))
    if verdict is None and _has_extremum(difference):
        low, high = bounds(difference)
        if low == high == 0:
            return True
        if (low is not None and low > 0) or (high is not None and high < 0):
            return False
    return verdict


def at_least(a: Size, b: Size) -> bool | None:
    """Whether a >= b: True for all symbols, False for none, None if neither is proved."""
    if isinstance(a, int) and isinstance(b, int):
        return a >= b
    difference = _difference(a, b)
    if difference is None:
        return None
    low, high = range_of(difference)
    if not _decides(low, high):
        if not isinstance(difference, int) and len({value >= 0 for value in sampled(difference)}) == 2:
            return None
        low, high = bounds(difference)
    if low is not None and low >= 0:
        return True
    return False if high is not None and high < 0 else None


def divisible(a: Size, b: Size) -> bool | None:
    """Whether b divides a: True for all symbols, False for none, None if neither is proved.

    Raises ZeroDivisionError if b is 0.
    """
    if isinstance(b, int):
        if b == 0:
            raise ZeroDivisionError(f"{a} divided by zero")
        if isinstance(a, int):
            return a % b == 0
        verdict = is_multiple(a, abs(b))
        if verdict is None:
            verdict = _verdict(is_multiple(case, abs(b)) for case in _cases(a, abs(b), [MAX_WORK]))
        return verdict
    try:
        rest = a - b * floor_divide(a, b)
    except TooLarge:
        return None
    verdict = equal(rest, 0)
    if verdict is None and at_least(a, 1) and at_least(b - 1, a):
        return False
    return verdict


def bounds(a: Size) -> Range:
    """The smallest and the largest value over all symbols >= 1, as far as proved; None if there is no bound."""
    if isinstance(a, int):
        return a, a
    try:
        return a._bounds
    except AttributeError:
        found = range_of(a)
        if not _is_linear(a._terms):
            found = intersect(found, _branched_bounds(a, [MAX_WORK]))
        object.__setattr__(a, "_bounds", found)
        return found


def _extremum(kind: str, sizes: tuple[Size, ...]) -> Size:
    numbers = [size for size in sizes if isinstance(size, int)]
    if len(numbers) == len(sizes):
        return min(numbers) if kind == "min" else max(numbers)
    if len(sizes) == 2:
        difference = _difference(*sizes)
        low, high = (None, None) if difference is None else bounds(difference)
        if low is not None and low >= 0:  # max(x, y) -> x for x >= y
            return sizes[0] if kind == "max" else sizes[1]
        if high is not None and high <= 0:
            return sizes[1] if kind == "max" else sizes[0]
    return extremum(kind, sizes)


def _is_linear(terms: Terms) -> bool:
    """Whether a size is a sum of symbols alone, so that its interval is exact."""
    return all(len(monomial) < 2 for monomial in terms) and not any(parts_of(m[0]) for m in terms if m)


def _difference(a: Size, b: Size) -> Size | None:
    try:
        return a - b
    except TooLarge:
        return None


def _decides(low: int | None, high: int | None) -> bool:
    return (low is not None and low >= 0) or (high is not None and high < 0)


def _verdict(answers: Iterator[bool | None]) -> bool | None:
    """The answer that all cases share, or None."""
    common: bool | None = None
    try:
        for answer in answers:
            if answer is None or (common is not None and answer is not common):
                return None
            common = answer
    except TooLarge:
        return None
    return common


def _is_zero(size: Size) -> bool | None:
    if isinstance(size, int):
        return size == 0
    return False if _never_zero(size) else None


def _never_zero(dim: Dim) -> bool:
    """Whether a size is proved to be nonzero for all values of its symbols."""
    low, high = range_of(dim)
    if (low is not None and low > 0) or (high is not None and high < 0):
        return True
    common = 0
    for monomial, coefficient in dim._terms.items():
        if monomial:
            common = gcd(common, coefficient)
    return dim._terms.get((), 0) % common != 0 or never_zero(dim._terms)


def is_multiple(size: Size, divisor: int) -> bool | None:
    """Whether a number divides a size for all values of its atoms: True always, False never, None where neither."""
    terms = terms_of(size)
    common = divisor
    for monomial, coefficient in terms.items():
        if monomial:
            common = gcd(common, coefficient)
    if terms.get((), 0) % common:
        return False
    return True if common == divisor else None


def _branched_bounds(dim: Dim, work: list[int]) -> Range:
    """The bounds over the cases: each argument of a min or max in its place, then each residue of the symbols."""
    atom = next((a for m in dim._terms for a in m if isinstance(a, Extremum)), None)
    effort = len(atom.arguments) * collect_periods(dim, 1, {}, set()) if atom is not None else 0
    if atom is not None and effort <= work[0]:
        work[0] -= effort
        try:
            branches = [replace(dim, {atom: part}) for part in atom.arguments]
        except (TooLarge, ZeroDivisionError):
            return range_of(dim)
        found = [(b, b) if isinstance(b, int) else _branched_bounds(b, work) for b in branches]
        sign = _linear_sign(dim._terms, atom)
        if sign:  # x - min(y, z) -> max(x - y, x - z)
            return extremum_range(atom.kind if sign > 0 else {"min": "max", "max": "min"}[atom.kind], found)
        whole = found[0]
        for other in found[1:]:
            whole = unite(whole, other)
        return whole
    whole_range: Range | None = None
    try:
        for case in _cases(dim, 1, work):
            one = (case, case) if isinstance(case, int) else intersect(range_of(case), integer_range(case._terms))
            whole_range = one if whole_range is None else unite(whole_range, one)
            if whole_range == (None, None):
                break
    except TooLarge:
        return range_of(dim)
    return whole_range or range_of(dim)


def _linear_sign(terms: Terms, atom: Extremum) -> int:
    """The sign of the term that is the atom alone, if no other term holds it; otherwise 0."""
    alone = terms.get((atom,), 0)
    others = {other for monomial in terms if monomial != (atom,) for other in monomial}
    if not alone or atom in atoms_of(*map(single, others)):
        return 0
    return 1 if alone > 0 else -1


def _cases(dim: Dim, modulus: int, work: list[int]) -> Iterator[Size]:
    """The size for each residue of its symbols, which makes floor-divisions by numbers exact.

    With `H = L*k + r` for each r in 1..L, where L is a multiple of every divisor of H, `H//d` is a
    polynomial in k. In each case, H stands for k + 1, since a symbol is at least 1.
    """
    periods: dict[str, int] = {}
    effort = collect_periods(dim, 1, periods, set())
    if modulus > 1:
        periods = {name: lcm(period, modulus) for name, period in periods.items()}
    split: list[tuple[str, int]] = []
    cases = 1
    for name, period in sorted(periods.items(), key=lambda item: (item[1], item[0])):
        if period > 1 and cases * period <= MAX_CASES and cases * period * effort <= work[0]:
            split.append((name, period))
            cases *= period
    if not split:
        yield dim
        return
    work[0] -= cases * effort
    symbols = [single(name) for name, _ in split]
    for residues in product(*(range(1, period + 1) for _, period in split)):
        moved: dict[str, Size] = {
            name: one * period + (residue - period)
            for (name, period), one, residue in zip(split, symbols, residues, strict=True)
        }
        try:
            yield replace(dim, moved)
        except ZeroDivisionError:  # the size has no value there
            continue


def collect_periods(size: Size, period: int, periods: dict[str, int], seen: set[tuple[str, int]]) -> int:
    """Record for each symbol the period that makes its floor-divisions exact; returns the work of one case."""
    effort = 0
    spend(1 + len(terms_of(size)))
    for monomial in terms_of(size):
        effort += 1 + len(monomial) ** 2
        for atom in set(monomial):
            if (atom, period) in seen:
                continue
            seen.add((atom, period))
            effort += 8 if parts_of(atom) else 0
            if isinstance(atom, Quotient) and isinstance(atom.denominator, int):
                effort += collect_periods(atom.numerator, period * atom.denominator, periods, seen)
            elif parts_of(atom):
                for part in parts_of(atom):
                    effort += collect_periods(part, period, periods, seen)
            else:
                periods[atom] = lcm(periods.get(atom, 1), period)
    return effort


def _has_extremum(size: Size) -> bool:
    return any(isinstance(atom, Extremum) for monomial in terms_of(size) for atom in monomial)
