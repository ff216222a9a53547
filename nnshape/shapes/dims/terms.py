"""Polynomials as mappings from monomials to integer coefficients."""

from __future__ import annotations

from itertools import chain
from math import gcd
from typing import TYPE_CHECKING, TypeAlias

from nnshape.work import spend

if TYPE_CHECKING:
    from nnshape.shapes.dims.algebra import Size

Monomial: TypeAlias = tuple[str, ...]  # sorted, an atom repeated once per power; () is the constant
Terms: TypeAlias = dict[Monomial, int]  # no zero coefficients
Range: TypeAlias = tuple[int | None, int | None]  # both ends included, None if there is no bound

MAX_TERMS = 512
MAX_FACTORS = 64
MAX_WORK = 1 << 14  # products of two terms in one multiplication
#: The cost of one product of two terms, in units of work.
_PRODUCT = 2
MAX_WRITTEN = 4096  # characters in one atom
MAX_TOGETHER = 1 << 14  # characters of the atoms in one polynomial
COEFFICIENT_LIMIT = 1 << 63


class TooLarge(ValueError):
    """A symbolic size is larger than in any real model."""


def terms_of(size: Size) -> Terms:
    """A size as a polynomial."""
    if isinstance(size, int):
        return {(): size} if size else {}
    return size._terms


def add_into(total: Terms, terms: Terms, factor: int = 1) -> None:
    """Add a multiple of one polynomial to another in place."""
    for monomial, coefficient in terms.items():
        value = total.get(monomial, 0) + factor * coefficient
        if value:
            total[monomial] = value
        else:
            total.pop(monomial, None)


def multiply(left: Terms, right: Terms) -> Terms:
    """The product of two polynomials. Raises TooLarge if it takes too much work."""
    if len(left) * len(right) > MAX_WORK:
        raise TooLarge(f"a product of {len(left)} by {len(right)} terms is too large")
    spend(len(left) * len(right) * _PRODUCT)
    product: Terms = {}
    for one, by in left.items():
        for other, times in right.items():
            monomial = tuple(sorted(one + other)) if one and other else one or other
            value = product.get(monomial, 0) + by * times
            if value:
                product[monomial] = value
            else:
                product.pop(monomial, None)
        if len(product) > 2 * MAX_TERMS:
            raise TooLarge(f"a size of over {MAX_TERMS} terms is too large")
    return product


def checked(terms: Terms) -> Terms:
    """The same polynomial. Raises TooLarge if it is over a limit."""
    spend(1 + len(terms) // 2)
    factors = 0
    for monomial, coefficient in terms.items():
        if not -COEFFICIENT_LIMIT < coefficient < COEFFICIENT_LIMIT:
            raise TooLarge("a symbolic size needs a number of 2**63 or more")
        if len(monomial) > MAX_FACTORS:
            raise TooLarge(f"a product of over {MAX_FACTORS} symbolic sizes is too large")
        factors += len(monomial)
    if len(terms) > MAX_TERMS:
        raise TooLarge(f"a size of over {MAX_TERMS} terms is too large")
    if factors > MAX_TOGETHER // MAX_WRITTEN and sum(map(len, chain.from_iterable(terms))) > MAX_TOGETHER:
        raise TooLarge(f"a size of over {MAX_TOGETHER} characters is too large")
    return terms


def without(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    """The monomial divided by another, or None if that is not exact."""
    rest = list(monomial)
    for atom in divisor:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest)


def common_factor(terms: Terms, number: int = 0, shared: Monomial | None = None) -> tuple[int, Monomial]:
    """The largest number and monomial that divide every term, and also divide `number` and `shared`."""
    spend(len(terms))
    for monomial, coefficient in terms.items():
        number = gcd(number, coefficient)
        if shared is None:
            shared = monomial
        elif shared:
            left = list(monomial)
            kept = []
            for atom in shared:
                if atom in left:
                    left.remove(atom)
                    kept.append(atom)
            shared = tuple(kept)
    return number, shared or ()


def divided(terms: Terms, number: int, monomial: Monomial) -> Terms:
    """The polynomial divided by a common factor."""
    spend(len(terms))
    if not monomial:
        return {key: coefficient // number for key, coefficient in terms.items()}
    return {without(key, monomial) or (): coefficient // number for key, coefficient in terms.items()}


def leading(terms: Terms) -> Monomial:
    """The monomial that decides the sign and the order of a division."""
    spend(len(terms) // 2)
    return max(terms, key=lambda monomial: (len(monomial), monomial))
