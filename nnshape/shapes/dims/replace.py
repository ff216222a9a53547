"""The min and max of sizes, and the replacement of symbols and other atoms in a size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.shapes.dims.algebra import Dim, Size, floor_divide, single, size_from
from nnshape.shapes.dims.atoms import Extremum, Quotient, parts_of
from nnshape.shapes.dims.range import at_least_cheaply
from nnshape.shapes.dims.terms import (
    Terms,
    TooLarge,
    add_into,
    leading,
    terms_of,
)
from nnshape.work import spend

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MAX_ARGUMENTS = 16


def extremum(kind: str, sizes: Iterable[Size]) -> Size:
    """The `min` or `max` of sizes, without dominated arguments."""
    flat: list[Size] = []
    for size in sizes:
        flat += _flattened(kind, size)
    numbers = [size for size in flat if isinstance(size, int)]
    dims = list(dict.fromkeys(size for size in flat if not isinstance(size, int)))
    best = [min(numbers) if kind == "min" else max(numbers)] if numbers else []
    if len(dims) > MAX_ARGUMENTS:
        raise TooLarge(f"a {kind} of over {MAX_ARGUMENTS} symbolic sizes is too large")
    kept = _undominated(kind, [*dims, *best])
    if len(kept) == 1:
        return kept[0]
    shift = _shift([size for size in kept if not isinstance(size, int)], best)
    # min(x + c, y + c) -> min(x, y) + c
    return single(Extremum(kind, tuple(size - shift for size in kept))) + shift


def _flattened(kind: str, size: Size) -> Iterable[Size]:
    """The arguments of a size that is an extremum of this kind, plus perhaps a number."""
    if not isinstance(size, int) and len(size._terms) <= 2:
        constant = size._terms.get((), 0)
        for monomial, coefficient in size._terms.items():
            atom = monomial[0] if len(monomial) == 1 else None
            if not isinstance(atom, Extremum) or atom.kind != kind or coefficient != 1:
                continue
            if len(size._terms) == 1 + bool(constant):  # min(min(x, y) + c, z) -> min(x + c, y + c, z)
                return [part + constant for part in atom.arguments]
    return [size]


def _undominated(kind: str, sizes: list[Size]) -> list[Size]:
    spend(len(sizes) ** 2)
    kept: list[Size] = []
    for size in sizes:
        if any(_beats(kind, other, size) for other in kept):
            continue
        kept = [other for other in kept if not _beats(kind, size, other)]
        kept.append(size)
    return kept


def _beats(kind: str, winner: Size, loser: Size) -> bool:
    """Whether the winner is always the min or the max of the two."""
    return at_least_cheaply(loser - winner if kind == "min" else winner - loser, 0)


def _shift(dims: list[Dim], number: list[int]) -> int:
    """The constant to factor out, so that sums that differ by a number only share one atom."""
    growing = [dim for dim in dims if dim._terms[leading(dim._terms)] > 0]
    if growing or not number:
        return min(dim._terms.get((), 0) for dim in growing or dims)
    return number[0]


def substitute(a: Size, values: Mapping[str, Size]) -> Size:
    """The size with symbols replaced by sizes. Raises ValueError for a number below 1."""
    if isinstance(a, int):
        return a
    # A model can have thousands of symbols, and a size few of them.
    used = {name: values[name] for name in symbols_of(a) if name in values}
    for name, value in used.items():
        if isinstance(value, int) and value < 1:
            raise ValueError(f"{name} is a size of at least 1, not {value}")
    return replace(a, used)


def replace(a: Size, values: Mapping[str, Size]) -> Size:
    """The size with symbols or other atoms replaced by sizes."""
    return a if isinstance(a, int) else _replace(a, dict(values))


def _replace(a: Dim, known: dict[str, Size]) -> Size:
    total: Terms = {}
    spend(2 * len(a._terms))
    for monomial, coefficient in a._terms.items():
        product: Size = coefficient
        kept: list[str] = []
        for atom in monomial:
            value = known.get(atom)
            if value is None:
                value = known[atom] = _replaced_atom(atom, known)
            if value.__class__ is Dim and value._terms == {(atom,): 1}:
                kept.append(atom)
            else:
                product = product * value
        if kept:
            product = product * Dim({tuple(kept): 1})
        add_into(total, terms_of(product))
    return size_from(total)


def _replaced_atom(atom: str, known: dict[str, Size]) -> Size:
    parts = [part if isinstance(part, int) else _replace(part, known) for part in parts_of(atom)]
    if isinstance(atom, Quotient):
        return floor_divide(parts[0], parts[1])
    if isinstance(atom, Extremum):
        return extremum(atom.kind, parts)
    return single(atom)


def sampled(a: Dim) -> Iterator[int]:
    """Values of a size with its symbols all 1, all 2, and all large, without undefined ones."""
    names = symbols_of(a)
    for value in (1, 2, 720_721):
        try:
            found = replace(a, dict.fromkeys(names, value))
        except (TooLarge, ZeroDivisionError):
            continue
        if isinstance(found, int):
            yield found


def symbols_of(a: Size) -> frozenset[str]:
    """The names of the symbols in a size."""
    return frozenset(atom for atom in atoms_of(a) if not parts_of(atom))


def atoms_of(*sizes: Size) -> set[str]:
    """The atoms in sizes, nested ones included."""
    found: set[str] = set()
    waiting = list(sizes)
    while waiting:
        for monomial in terms_of(waiting.pop()):
            for atom in monomial:
                if atom not in found:
                    found.add(atom)
                    waiting += parts_of(atom)
    return found
