"""Solves conditions on one symbol exactly, where floor-divisions by numbers, minima and maxima stand in polynomials."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Literal

from nnshape.shapes.dims.algebra import Dim, Size, floor_divide, single
from nnshape.shapes.dims.atoms import Extremum
from nnshape.shapes.dims.compare import collect_periods, is_multiple
from nnshape.shapes.dims.replace import atoms_of, replace
from nnshape.shapes.dims.roots import where
from nnshape.shapes.dims.solutions import ALL, MAX_PERIOD, NONE, Interval, Solutions, of_classes
from nnshape.shapes.dims.terms import TooLarge, terms_of

if TYPE_CHECKING:
    from collections.abc import Iterable

Relation = Literal["==", ">=", "%"]

#: How deep minima and maxima are tried in one another.
_MAX_BRANCHES = 4


def solve(left: Size, relation: Relation, right: Size, name: str) -> Solutions | None:
    """The values of the only symbol at which `left == right`, `left >= right` or `left % right == 0` holds.

    None where no exact set was found.
    """
    try:
        if relation != "%":
            return _solved(left - right, relation, 1, name, 0)
        if isinstance(right, int):
            if not right:
                return NONE
            if isinstance(left, Dim):  # a smaller modulus has a shorter period
                common = gcd(right, *(coefficient for _, coefficient in left.terms()))
                left, right = floor_divide(left, common), right // common
            return _solved(left, "%", right, name, 0)
        return _solved(left - right * floor_divide(left, right), "==", 1, name, 0)
    except (TooLarge, ZeroDivisionError):
        return None


def _solved(size: Size, relation: Relation, modulus: int, name: str, depth: int) -> Solutions | None:
    if isinstance(size, int):
        return ALL if _holds(size, relation, modulus) else NONE
    atom = next((atom for atom in sorted(atoms_of(size)) if isinstance(atom, Extremum)), None)
    if atom is not None:
        return _branched(size, relation, modulus, name, depth, atom)
    periods: dict[str, int] = {}
    collect_periods(size, abs(modulus), periods, set())
    period = periods.get(name, 1)
    if len(periods) != 1 or period > MAX_PERIOD:
        return None
    symbol = single(name)
    classes: list[Iterable[Interval]] = []
    for residue in range(period):
        first = residue or period
        case = replace(size, {name: symbol * period + (first - period)}) if period > 1 else size
        if isinstance(case, int):
            found: list[Interval] | None = [(1, None)] if _holds(case, relation, modulus) else []
        elif relation == "%":
            multiple = is_multiple(case, abs(modulus))
            found = None if multiple is None else [(1, None)] if multiple else []
        else:
            found = where(terms_of(case), relation)
        if found is None:
            return None
        classes.append(
            [((low - 1) * period + first, None if high is None else (high - 1) * period + first) for low, high in found]
        )
    return of_classes(period, lambda r: classes[r])


def _branched(size: Size, relation: Relation, modulus: int, name: str, depth: int, atom: Extremum) -> Solutions | None:
    """Try each argument of a minimum or maximum in its place, where it is the smallest or largest one."""
    if depth >= _MAX_BRANCHES:
        return None
    whole = NONE
    for part in atom.arguments:
        region: Solutions | None = ALL
        for other in atom.arguments:
            if other is part:
                continue
            difference = other - part if atom.kind == "min" else part - other
            wins = _solved(difference, ">=", 1, name, depth + 1)
            region = None if region is None or wins is None else region & wins
        branch = _solved(replace(size, {atom: part}), relation, modulus, name, depth + 1)
        if region is None or branch is None:
            return None
        whole |= region & branch
    return whole


def _holds(size: int, relation: Relation, modulus: int) -> bool:
    if relation == "%":
        return size % modulus == 0
    return size == 0 if relation == "==" else size >= 0
