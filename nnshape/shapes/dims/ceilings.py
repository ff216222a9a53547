"""The text of a size for people: `ceil(H/2)` for `(H - 1)//2 + 1`, where it is shorter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.shapes.dims.algebra import Dim, single
from nnshape.shapes.dims.atoms import Quotient
from nnshape.shapes.dims.terms import TooLarge
from nnshape.shapes.dims.text import is_plain, write_denominator, write_numerator

if TYPE_CHECKING:
    from nnshape.shapes.dims.algebra import Size

#: Sizes with more terms, or more quotients, are written as they are.
_MAX_TERMS, _MAX_QUOTIENTS = 16, 4


def readable(size: Size) -> str:
    """A size as people read it. An expression of a spec with this text has the same value."""
    return str(_rounded_up(size))


def shape_part(size: Size) -> str:
    """A size as part of a shape: `(H//2 - 2)` in `16 x (H//2 - 2) x W`, and `ceil(H/2)`."""
    rounded = _rounded_up(size)
    text = str(rounded)
    return text if isinstance(rounded, int) or is_plain(rounded) else f"({text})"


def _rounded_up(size: Size) -> Size:
    """The size with quotients that are rounded up, as symbols of their text, where it is shorter so."""
    if isinstance(size, int) or len(size._terms) < 2:
        return size
    try:
        return size._rounded_up
    except AttributeError:
        pass
    shortest: Size = size
    if len(size._terms) <= _MAX_TERMS:
        quotients = {atom for monomial, _ in size.terms() for atom in monomial if isinstance(atom, Quotient)}
        for quotient in sorted(quotients)[:_MAX_QUOTIENTS]:
            if isinstance(shortest, int):
                break
            try:
                written = _with(shortest, quotient)
            except TooLarge:
                continue
            if len(str(written)) < len(str(shortest)):
                shortest = written
    object.__setattr__(size, "_rounded_up", shortest)
    return shortest


def _with(size: Dim, quotient: Quotient) -> Size:
    """The size with a//b as ceil((a + 1)/b) - 1, which it equals for whole numbers."""
    above, below = write_numerator(quotient.numerator + 1), write_denominator(quotient.denominator)
    ceiling = single(f"ceil({above}/{below})") - 1
    total: Size = 0
    for monomial, times in size.terms():
        product: Size = times
        for atom in monomial:
            product = product * (ceiling if atom is quotient or atom == quotient else single(atom))
        total = total + product
    return total
