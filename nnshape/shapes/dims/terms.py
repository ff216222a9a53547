"""Polynomials as mappings from monomials to integer coefficients, and the atoms they are made of.

An atom *is* its own canonical text: a symbol is a plain string, a quotient or an extremum a string that
also holds its parts.  So atoms hash, compare and sort at the speed of strings.
"""

from __future__ import annotations

from itertools import chain
from math import gcd
from typing import TYPE_CHECKING, TypeAlias, final

from nnshape.shapes.dims.text import write_argument, write_denominator, write_numerator
from nnshape.work import spend

if TYPE_CHECKING:
    from nnshape.shapes.dims.algebra import Size

Monomial: TypeAlias = tuple[str, ...]  # sorted, an atom repeated once per power; () is the constant
Terms: TypeAlias = dict[Monomial, int]  # no zero coefficients
Range: TypeAlias = tuple[int | None, int | None]  # both ends included, None where there is no bound

MOST_TERMS = 512
MOST_FACTORS = 64
MOST_WORK = 1 << 14  # products of two terms in one multiplication
#: What one product of two terms costs, in units of work.
_PRODUCT = 2
MOST_WRITTEN = 4096  # characters in one atom
MOST_TOGETHER = 1 << 14  # characters of the atoms in one polynomial
DEEPEST = 64
COEFFICIENT_LIMIT = 1 << 63


class TooLarge(ValueError):
    """A symbolic size has outgrown what a size of a real model could be."""


@final
class Quotient(str):
    """The atom `numerator // denominator`, rounded down."""

    __slots__ = ("_range", "degree", "denominator", "depth", "numerator")
    numerator: Size
    denominator: Size
    depth: int
    degree: int
    _range: Range

    def __new__(cls, numerator: Size, denominator: Size) -> Quotient:
        """The atom of two sizes; TooLarge when its text or nesting is over a limit."""
        depth = _checked_depth((numerator, denominator))
        text = f"{write_numerator(numerator)}//{write_denominator(denominator)}"
        atom = super().__new__(cls, _checked_text(text))
        atom.numerator, atom.denominator, atom.depth = numerator, denominator, depth
        atom.degree = max(1, degree_of(numerator) - degree_of(denominator))
        return atom

    def __reduce__(self) -> tuple[type[Quotient], tuple[Size, Size]]:
        return Quotient, (self.numerator, self.denominator)


@final
class Extremum(str):
    """The atom `min(…)` or `max(…)` of two or more sizes."""

    __slots__ = ("_range", "arguments", "degree", "depth", "kind")
    kind: str
    arguments: tuple[Size, ...]
    depth: int
    degree: int
    _range: Range

    def __new__(cls, kind: str, arguments: tuple[Size, ...]) -> Extremum:
        """The atom of sizes in any order; TooLarge when its text or nesting is over a limit."""
        depth = _checked_depth(arguments)
        ordered = tuple(sorted(arguments, key=lambda size: (isinstance(size, int), str(size))))
        text = f"{kind}({', '.join(write_argument(size) for size in ordered)})"
        atom = super().__new__(cls, _checked_text(text))
        atom.kind, atom.arguments, atom.depth = kind, ordered, depth
        atom.degree = max(1, *map(degree_of, ordered))
        return atom

    def __reduce__(self) -> tuple[type[Extremum], tuple[str, tuple[Size, ...]]]:
        return Extremum, (self.kind, self.arguments)


def parts_of(atom: str) -> tuple[Size, ...]:
    """The sizes that an atom is made of; a symbol has none."""
    if isinstance(atom, Quotient):
        return atom.numerator, atom.denominator
    return atom.arguments if isinstance(atom, Extremum) else ()


def degree_of(size: Size) -> int:
    """How fast a size grows: 2 for `H*W` and for `(H*W)//2`."""
    if isinstance(size, int):
        return 0
    return max(map(monomial_degree, size._terms))


def monomial_degree(monomial: Monomial) -> int:
    """The degrees of a monomial's atoms together."""
    return sum(getattr(atom, "degree", 1) for atom in monomial)


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
    """The product of two polynomials; TooLarge before the work gets out of hand."""
    if len(left) * len(right) > MOST_WORK:
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
        if len(product) > 2 * MOST_TERMS:
            raise TooLarge(f"a size of over {MOST_TERMS} terms is too large")
    return product


def checked(terms: Terms) -> Terms:
    """The same polynomial, or TooLarge when it is over a limit."""
    spend(1 + len(terms) // 2)
    factors = 0
    for monomial, coefficient in terms.items():
        if not -COEFFICIENT_LIMIT < coefficient < COEFFICIENT_LIMIT:
            raise TooLarge("a symbolic size needs a number of 2**63 or more")
        if len(monomial) > MOST_FACTORS:
            raise TooLarge(f"a product of over {MOST_FACTORS} symbolic sizes is too large")
        factors += len(monomial)
    if len(terms) > MOST_TERMS:
        raise TooLarge(f"a size of over {MOST_TERMS} terms is too large")
    if factors > MOST_TOGETHER // MOST_WRITTEN and sum(map(len, chain.from_iterable(terms))) > MOST_TOGETHER:
        raise TooLarge(f"a size of over {MOST_TOGETHER} characters is too large")
    return terms


def without(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    """The monomial divided by another, or None where that is not exact."""
    rest = list(monomial)
    for atom in divisor:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest)


def common_factor(terms: Terms, number: int = 0, shared: Monomial | None = None) -> tuple[int, Monomial]:
    """The largest number and monomial that divide every term, starting from those of another polynomial."""
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
    """The polynomial with a common factor taken out of every term."""
    spend(len(terms))
    if not monomial:
        return {key: coefficient // number for key, coefficient in terms.items()}
    return {without(key, monomial) or (): coefficient // number for key, coefficient in terms.items()}


def leading(terms: Terms) -> Monomial:
    """The monomial that decides the sign and the order of a division."""
    spend(len(terms) // 2)
    return max(terms, key=lambda monomial: (len(monomial), monomial))


def _checked_depth(parts: tuple[Size, ...]) -> int:
    atoms = (atom for part in parts if not isinstance(part, int) for monomial in part._terms for atom in monomial)
    depth = 1 + max((getattr(atom, "depth", 0) for atom in atoms), default=0)
    if depth > DEEPEST:
        raise TooLarge(f"a size nested over {DEEPEST} deep is too large")
    length = sum(_length(part) for part in parts)
    if length > MOST_WRITTEN:
        raise TooLarge(f"a size of over {MOST_WRITTEN} characters is too large")
    return depth


def _length(size: Size) -> int:
    """A lower bound of a size's text, found without writing it."""
    if isinstance(size, int):
        return 1
    return sum(len(atom) for monomial in size._terms for atom in set(monomial))


def _checked_text(text: str) -> str:
    spend(5 + len(text) // 32)
    if len(text) > MOST_WRITTEN:
        raise TooLarge(f"a size of over {MOST_WRITTEN} characters is too large")
    return text
