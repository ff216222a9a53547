"""Sizes written more shortly by what is known of their symbols: `2*(H//2)` is `H` where H is even."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.shapes.dims.algebra import Dim, Size, floor_divide, single
from nnshape.shapes.dims.atoms import Extremum
from nnshape.shapes.dims.compare import at_least, minimum
from nnshape.shapes.dims.replace import atoms_of, extremum, replace, symbols_of
from nnshape.shapes.dims.terms import TooLarge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnshape.shapes.dims.solutions import Solutions


def simplified(size: Size, known: Mapping[str, Solutions]) -> Size:
    """The same size for the known values of its symbols, in a shorter form where there is one."""
    if isinstance(size, int):
        return size
    steps = {
        name: found
        for name in sorted(symbols_of(size))
        if name in known and (found := known[name].progression) is not None and found != (1, 1)
    }
    if not steps:
        return size
    try:
        written = _written(counted(size, known), steps)
    except (TooLarge, ZeroDivisionError):
        return size
    return size if written is None or len(str(written)) >= len(str(size)) else written


def counted(size: Size, known: Mapping[str, Solutions]) -> Size:
    """The size with each symbol standing for the number of its known value in order: H = 16*k for multiples of 16.

    Values that are not known to be evenly spaced are numbered through in steps of one. May raise TooLarge or
    ZeroDivisionError.
    """
    moved: dict[str, Size] = {}
    for name in symbols_of(size):
        found = known[name].progression if name in known else None
        if found is not None:
            start, step = found
            moved[name] = single(name) * step + (start - step)
    return replace(size, moved)


def limited(size: Size, known: Mapping[str, Solutions]) -> Size:
    """The size as `counted` gives it, with each number up to that of the largest known value: min(k, 50).

    May raise TooLarge or ZeroDivisionError.
    """
    moved: dict[str, Size] = {}
    for name in symbols_of(size):
        found = known[name].progression if name in known else None
        if found is not None:
            start, step = found
            last = known[name].largest
            number: Size = single(name)
            if last is not None:
                number = minimum(number, (last - start) // step + 1)
            moved[name] = number * step + (start - step)
    return replace(size, moved)


def settled(size: Size, known: Mapping[str, Solutions]) -> Size:
    """The size without the arguments of min and max that the known values never select."""
    while not isinstance(size, int):
        shorter: dict[str, Size] = {}
        for atom in sorted(atoms_of(size)):
            if isinstance(atom, Extremum):
                left = _deciding(atom, known)
                if len(left) < len(atom.arguments):
                    shorter[atom] = extremum(atom.kind, left)
        if not shorter:
            return size
        try:
            size = replace(size, shorter)
        except (TooLarge, ZeroDivisionError):
            return size
    return size


def _deciding(atom: Extremum, known: Mapping[str, Solutions]) -> list[Size]:
    """The arguments of a min or max without those that another one beats for all known values."""
    left = list(atom.arguments)
    for loser in atom.arguments:
        for winner in left:
            if winner is not loser and _is_at_least(
                *((loser, winner) if atom.kind == "min" else (winner, loser)), known
            ):
                left.remove(loser)
                break
    return left


def _is_at_least(a: Size, b: Size, known: Mapping[str, Solutions]) -> bool:
    try:
        return at_least(limited(a - b, known), 0) is True
    except (TooLarge, ZeroDivisionError):
        return False


def _written(size: Size, steps: Mapping[str, tuple[int, int]]) -> Size | None:
    """A size in the numbers k of its symbols' values, in the symbols again; None where that is no whole polynomial."""
    for name, (start, step) in steps.items():
        if isinstance(size, int):
            return size
        rewritten = _in_symbol(size, name, start, step)
        if rewritten is None:
            return None
        size = rewritten
    return size


def _in_symbol(size: Dim, name: str, start: int, step: int) -> Size | None:
    powers = {monomial: monomial.count(name) for monomial, _ in size.terms()}
    if any(name in symbols_of(single(atom)) for monomial in powers for atom in monomial if atom != name):
        return None
    for divisor in range(1, step + 1):  # k = (H//divisor - …) * divisor / step
        if step % divisor:
            continue
        if any(times * divisor ** powers[monomial] % step ** powers[monomial] for monomial, times in size.terms()):
            continue
        offset = (start - step) // divisor
        count = floor_divide(single(name), divisor) - offset
        total: Size = 0
        for monomial, times in size.terms():
            power = powers[monomial]
            rest: Size = times * divisor**power // step**power
            for atom in monomial:
                rest = rest * (count if atom == name else single(atom))
            total = total + rest
        return total
    return None
