"""Atoms, the factors in the terms of a size: symbols, quotients and extrema.

An atom *is* its canonical text: a symbol is a plain string; a quotient or an extremum is a string that
also holds its parts. So atoms hash, compare and sort at the speed of strings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from nnshape.shapes.dims.terms import MAX_WRITTEN, TooLarge
from nnshape.shapes.dims.text import write_argument, write_denominator, write_numerator
from nnshape.work import spend

if TYPE_CHECKING:
    from nnshape.shapes.dims.algebra import Size
    from nnshape.shapes.dims.terms import Monomial, Range

DEEPEST = 64


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
        """The atom of two sizes. Raises TooLarge if its text or nesting is over a limit."""
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
        """The atom of sizes in any order. Raises TooLarge if its text or nesting is over a limit."""
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
    """The sizes in an atom; a symbol has none."""
    if isinstance(atom, Quotient):
        return atom.numerator, atom.denominator
    return atom.arguments if isinstance(atom, Extremum) else ()


def degree_of(size: Size) -> int:
    """The degree of a size: 2 for `H*W` and for `(H*W)//2`."""
    if isinstance(size, int):
        return 0
    return max(map(monomial_degree, size._terms))


def monomial_degree(monomial: Monomial) -> int:
    """The sum of the degrees of a monomial's atoms."""
    return sum(getattr(atom, "degree", 1) for atom in monomial)


def _checked_depth(parts: tuple[Size, ...]) -> int:
    atoms = (atom for part in parts if not isinstance(part, int) for monomial in part._terms for atom in monomial)
    depth = 1 + max((getattr(atom, "depth", 0) for atom in atoms), default=0)
    if depth > DEEPEST:
        raise TooLarge(f"a size nested over {DEEPEST} deep is too large")
    length = sum(_length(part) for part in parts)
    if length > MAX_WRITTEN:
        raise TooLarge(f"a size of over {MAX_WRITTEN} characters is too large")
    return depth


def _length(size: Size) -> int:
    """A lower bound of the length of a size's text, without writing it."""
    if isinstance(size, int):
        return 1
    return sum(len(atom) for monomial in size._terms for atom in set(monomial))


def _checked_text(text: str) -> str:
    spend(5 + len(text) // 32)
    if len(text) > MAX_WRITTEN:
        raise TooLarge(f"a size of over {MAX_WRITTEN} characters is too large")
    return text
