"""`Dim`, an exact symbolic integer in canonical form, and its arithmetic."""

from __future__ import annotations

from keyword import iskeyword
from math import gcd
from typing import TYPE_CHECKING, NoReturn, TypeAlias, Union

from nnshape.shapes.dims.atoms import Quotient
from nnshape.shapes.dims.range import at_least_cheaply, range_of_terms
from nnshape.shapes.dims.terms import (
    MAX_FACTORS,
    Range,
    Terms,
    TooLarge,
    add_into,
    checked,
    common_factor,
    divided,
    leading,
    multiply,
    terms_of,
    without,
)
from nnshape.shapes.dims.text import write
from nnshape.work import spend

if TYPE_CHECKING:
    from collections.abc import ItemsView

    from nnshape.shapes.dims.terms import Monomial

Size: TypeAlias = Union[int, "Dim"]

RESERVED = frozenset({"ceil", "max", "min"})  # words in the text of a size that cannot name a symbol
MAX_STEPS = 256  # of one long division of polynomials


class Dim:
    """A size that depends on symbols: a polynomial over symbols, floor-divisions, minima and maxima."""

    __slots__ = ("_bounds", "_hash", "_range", "_rounded_up", "_terms", "_text")
    _terms: Terms
    _hash: int
    _text: str
    _range: Range
    _bounds: Range
    #: The size as people read it: see `nnshape.shapes.dims.ceilings`.
    _rounded_up: Size

    def __init__(self, terms: Terms) -> None:
        object.__setattr__(self, "_terms", terms)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a symbolic size never changes")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a symbolic size never changes")

    def __reduce__(self) -> tuple[type[Dim], tuple[Terms]]:
        return Dim, (self._terms,)

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            value = hash(frozenset(self._terms.items()))
            object.__setattr__(self, "_hash", value)
            return value

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Dim) and self._terms == other._terms)

    def __str__(self) -> str:
        try:
            return self._text
        except AttributeError:
            spend(4 * len(self._terms))
            text = write(self._terms)
            object.__setattr__(self, "_text", text)
            return text

    def __repr__(self) -> str:
        return f"Dim({self})"

    def terms(self) -> ItemsView[Monomial, int]:
        """The terms that add up to the size, as pairs (factors, coefficient); the constant has no factors.

        A factor is the name of a symbol, a `Quotient` or an `Extremum`.
        """
        return self._terms.items()

    def __add__(self, other: Size) -> Size:
        if other == 0:
            return self
        terms = self._terms.copy()
        if isinstance(other, int):
            value = terms.get((), 0) + other
            if value:
                terms[()] = value
            else:
                terms.pop((), None)
            return Dim(checked(terms))
        if isinstance(other, Dim):
            add_into(terms, other._terms)
            return size_from(terms)
        return NotImplemented

    __radd__ = __add__

    def __neg__(self) -> Dim:
        return Dim({monomial: -coefficient for monomial, coefficient in self._terms.items()})

    def __sub__(self, other: Size) -> Size:
        if isinstance(other, int):
            return self + -other
        if isinstance(other, Dim):
            terms = self._terms.copy()
            add_into(terms, other._terms, -1)
            return size_from(terms)
        return NotImplemented

    def __rsub__(self, other: int) -> Size:
        return -self + other

    def __mul__(self, other: Size) -> Size:
        if isinstance(other, int):
            if other == 1:
                return self
            if other == 0:
                return 0
            return Dim(checked({monomial: value * other for monomial, value in self._terms.items()}))
        if isinstance(other, Dim):
            return size_from(multiply(self._terms, other._terms))
        return NotImplemented

    __rmul__ = __mul__

    def __pow__(self, exponent: int) -> Size:
        if not isinstance(exponent, int):
            return NotImplemented
        if exponent < 0:
            raise ValueError(f"({self})**{exponent} is no whole number")
        if exponent > MAX_FACTORS:
            raise TooLarge(f"a power over {MAX_FACTORS} of a symbolic size is too large")
        power: Size = 1
        for _ in range(exponent):
            power = self * power
        return power

    def __floordiv__(self, other: Size) -> Size:
        return floor_divide(self, other) if isinstance(other, (int, Dim)) else NotImplemented

    def __rfloordiv__(self, other: int) -> Size:
        return floor_divide(other, self) if isinstance(other, int) else NotImplemented

    def __mod__(self, other: Size) -> Size:
        return self - other * floor_divide(self, other) if isinstance(other, (int, Dim)) else NotImplemented

    def __rmod__(self, other: int) -> Size:
        return other - self * floor_divide(other, self) if isinstance(other, int) else NotImplemented

    def _undecided(self, *_: object) -> NoReturn:
        raise TypeError(
            f"{self} is symbolic: ask equal(), at_least() or divisible(), or give its symbols values with substitute()"
        )

    __bool__ = __int__ = __index__ = __float__ = _undecided
    __lt__ = __le__ = __gt__ = __ge__ = _undecided


def symbol(name: str) -> Dim:
    """A symbolic size of at least 1. Raises ValueError for a name that cannot be parsed back."""
    if not name.isidentifier() or iskeyword(name) or name in RESERVED:
        raise ValueError(f"{name!r} cannot be the name of a size")
    made = Dim({(name,): 1})
    # Known from the start: N is one object in all traces, and none of them may find it cheaper than another.
    object.__setattr__(made, "_range", (1, None))
    return made


def size_from(terms: Terms) -> Size:
    """A polynomial as a size: an int if it is constant, otherwise a Dim."""
    checked(terms)
    if len(terms) < 2:
        if not terms:
            return 0
        if () in terms:
            return terms[()]
    return Dim(terms)


def by_sign(size: Size) -> tuple[int, Size, Size]:
    """Split a size into its constant, the sum of its positive terms, and the negated sum of its negative terms."""
    terms = terms_of(size)
    adding = {monomial: by for monomial, by in terms.items() if monomial and by > 0}
    taking = {monomial: -by for monomial, by in terms.items() if monomial and by < 0}
    return terms.get((), 0), size_from(adding), size_from(taking)


def without_common_factor(left: Size, right: Size) -> tuple[Size, Size]:
    """Two sizes divided by the largest number and product of symbols that divides both; it is never 0."""
    above, below = terms_of(left), terms_of(right)
    number, shared = common_factor(above, *common_factor(below))
    symbols = tuple(atom for atom in shared if atom.__class__ is str)
    if number in (0, 1) and not symbols:
        return left, right
    return size_from(divided(above, number or 1, symbols)), size_from(divided(below, number or 1, symbols))


def divisor_in(size: Size, whole: Size) -> Size | None:
    """The divisor d where a size is `d*(whole//d)`; None if it has another form."""
    terms = terms_of(size)
    if len(terms) != 1:
        return None
    ((monomial, number),) = terms.items()
    for place, atom in enumerate(monomial):
        if isinstance(atom, Quotient) and atom.numerator == whole:
            rest = size_from({monomial[:place] + monomial[place + 1 :]: number})
            return rest if rest == atom.denominator else None
    return None


def floor_divide(above: Size, below: Size) -> Size:
    """The quotient rounded down. Raises ZeroDivisionError."""
    if isinstance(below, int):
        if isinstance(above, int):
            return above // below
        if below == 0:
            raise ZeroDivisionError(f"{above} divided by zero")
        return _divide_by_number(above, below) if below > 0 else _divide_by_number(-above, -below)
    return _divide_by_dim(terms_of(above), below._terms)


def _divide_by_number(above: Dim, below: int) -> Size:
    if below == 1:  # x//1 -> x
        return above
    terms = above._terms
    constant = terms.get((), 0)
    common = below
    for monomial, coefficient in terms.items():
        if monomial:
            common = gcd(common, coefficient)
    below //= common  # (g*p + r)//(g*d) -> (p + r//g)//d
    constant //= common
    whole: Terms = {}
    rest: Terms = {}
    for monomial, coefficient in terms.items():
        if monomial:  # (q*d*x + y)//d -> q*x + y//d
            quotient, remainder = divmod(coefficient // common, below)
            if quotient:
                whole[monomial] = quotient
            if remainder:
                rest[monomial] = remainder
    if not rest:
        add_into(whole, {(): constant // below})
        return size_from(whole)
    raised = -(-constant // below)  # (x + 1)//2 -> (x - 1)//2 + 1
    add_into(whole, {(): raised})
    constant -= raised * below
    if constant:
        rest[()] = constant
    low, high = range_of_terms(rest)
    if low is not None and high is not None and low // below == high // below:
        add_into(whole, {(): low // below})
    else:
        merged = _merged(rest, below)
        add_into(whole, terms_of(single(Quotient(Dim(rest), below)) if merged is None else merged))
    return size_from(whole)


def _merged(terms: Terms, below: Size) -> Size | None:
    """A nested quotient as one quotient, for a positive divisor; None if there is no nested quotient."""
    constant = terms.get((), 0)
    if len(terms) != 1 + bool(constant):
        return None
    atom = next((monomial[0] for monomial in terms if len(monomial) == 1), None)
    if not isinstance(atom, Quotient) or terms[(atom,)] != 1:
        return None
    # (x//a + c)//b -> (x + a*c)//(a*b)
    return floor_divide(atom.numerator + atom.denominator * constant, atom.denominator * below)


def _divide_by_dim(above: Terms, below: Terms) -> Size:
    if not above:  # 0//x -> 0
        return 0
    number, shared = common_factor(above, *common_factor(below))
    if below[leading(below)] < 0:  # x//-y -> -x//y
        number = -number
    if number != 1 or shared:  # (m*x)//(m*y) -> x//y
        above, below = divided(above, number, shared), divided(below, number, shared)
        if len(below) == 1 and () in below:
            return floor_divide(size_from(above), below[()])
    whole, rest = _long_division(above, below)
    if whole:  # (q*y + r)//y -> q + r//y
        add_into(whole, terms_of(_divide_by_dim(rest, below)))
        return size_from(whole)
    divisor, numerator = Dim(below), size_from(above)
    if at_least_cheaply(divisor, 1):
        merged = _merged(above, divisor)
        if merged is not None:
            return merged
        if at_least_cheaply(numerator, 0) and at_least_cheaply(divisor - numerator, 1):  # x//y -> 0 for 0 <= x < y
            return 0
        if at_least_cheaply(-1 - numerator, 0) and at_least_cheaply(divisor + numerator, 0):  # -y <= x < 0: x//y -> -1
            return -1
    return single(Quotient(numerator, divisor))


def _long_division(above: Terms, below: Terms) -> tuple[Terms, Terms]:
    """The quotient and remainder of two polynomials; no quotient if a sum leaves a remainder other than 0."""
    spend(3 * len(above))
    lead = leading(below)
    by = below[lead]
    whole: Terms = {}
    rest = above.copy()
    waiting = sorted(above, key=lambda monomial: (len(monomial), monomial))
    for _ in range(MAX_STEPS):
        if not waiting:
            break
        monomial = waiting.pop()
        factor = without(monomial, lead)
        times = rest.get(monomial, 0) // by
        if factor is None or not times:
            continue
        whole[factor] = times
        for other, coefficient in below.items():
            product = tuple(sorted(factor + other))
            if product not in rest and len(below) > 1:
                waiting.append(product)
            add_into(rest, {product: -times * coefficient})
        spend(2 * len(below) + len(waiting) // 2)
        if len(below) > 1:
            waiting = sorted(set(waiting), key=lambda monomial: (len(monomial), monomial))
    if len(below) > 1 and any(rest):
        return {}, above
    return whole, rest


def single(atom: str) -> Dim:
    """An atom as a size."""
    return Dim({(atom,): 1})
