"""The minimum, maximum and roots of a polynomial of one symbol, over the whole numbers from 1."""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING

from nnshape.shapes.dims.atoms import Extremum, Quotient
from nnshape.work import spend

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnshape.shapes.dims.terms import Range, Terms

MAX_STEPS = 32


def integer_range(terms: Terms) -> Range:
    """The exact smallest and largest value of a polynomial of one symbol; (None, None) if not found."""
    split = _values_then_slope(terms)
    if split is None:
        return None, None
    values, tail = split
    values = [*values, tail[0]]
    rising, falling = any(c > 0 for c in tail[1:]), any(c < 0 for c in tail[1:])
    return None if falling else min(values), None if rising else max(values)


def never_zero(terms: Terms) -> bool:
    """Whether a polynomial of one symbol is proved to have no roots."""
    split = _values_then_slope(terms)
    if split is None:
        return False
    values, tail = split
    if 0 in values:
        return False
    if tail[0] > 0 or not any(tail[1:]):
        tail = [-c for c in tail]
    if tail[0] == 0 or all(c <= 0 for c in tail[1:]):
        return tail[0] != 0
    high = 1
    while _value(tail, high) < 0:
        high *= 2
    low = high // 2
    while low < high:  # the polynomial rises strictly from here on
        middle = (low + high) // 2
        if _value(tail, middle) < 0:
            low = middle + 1
        else:
            high = middle
    return _value(tail, low) != 0


def where(terms: Terms, relation: str) -> list[tuple[int, int | None]] | None:
    """The intervals of k >= 1 at which a polynomial of one symbol k is 0 (`==`) or at least 0 (`>=`).

    None where they were not found.
    """
    split = _values_then_slope(terms)
    if split is None:
        return None
    values, tail = split
    found: list[tuple[int, int | None]] = [
        (k, k) for k, value in enumerate(values, 1) if (value == 0 if relation == "==" else value >= 0)
    ]
    start = len(values) + 1
    if not any(tail[1:]):
        return [*found, (start, None)] if tail[0] == 0 or (relation == ">=" and tail[0] > 0) else found
    rises = any(c > 0 for c in tail[1:])
    # The tail rises or falls strictly from `start` on. How many of its values are below 0, or at least 0?
    before = _first(tail, lambda value: value >= 0) if rises else _first(tail, lambda value: value < 0)
    if relation == ">=":
        if rises:
            found.append((start + before, None))
        elif before:
            found.append((start, start + before - 1))
    else:
        zero = before if rises else before - 1
        if zero >= 0 and _value(tail, zero) == 0:
            found.append((start + zero, start + zero))
    return found


def _first(coefficients: list[int], holds: Callable[[int], bool]) -> int:
    """The first j >= 0 at which a condition holds that a polynomial meets from some j on."""
    if holds(_value(coefficients, 0)):
        return 0
    low, high = 0, 1
    while not holds(_value(coefficients, high)):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(_value(coefficients, middle)) else (middle, high)
    return high


def _values_then_slope(terms: Terms) -> tuple[list[int], list[int]] | None:
    """The values at 1, 2, …, and a polynomial for the rest, which is monotonic."""
    names = {atom for monomial in terms for atom in monomial}
    if len(names) != 1 or isinstance(next(iter(names)), (Quotient, Extremum)):
        return None
    degree = max(map(len, terms))
    coefficients = [0] * (degree + 1)
    for monomial, coefficient in terms.items():
        coefficients[len(monomial)] = coefficient
    coefficients = _moved(coefficients)
    values: list[int] = []
    for _ in range(MAX_STEPS):
        if all(c >= 0 for c in coefficients[1:]) or all(c <= 0 for c in coefficients[1:]):
            return values, coefficients
        values.append(coefficients[0])
        coefficients = _moved(coefficients)
    return None


def _moved(coefficients: list[int]) -> list[int]:
    """The coefficients of p(k + 1)."""
    size = len(coefficients)
    spend(1 + size * size // 8)
    return [sum(comb(j, i) * coefficients[j] for j in range(i, size)) for i in range(size)]


def _value(coefficients: list[int], at: int) -> int:
    value = 0
    for coefficient in reversed(coefficients):
        value = value * at + coefficient
    return value
