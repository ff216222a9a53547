"""The text of a size: as people write it, and valid Python of the same value."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

from nnshape.shapes.dims.terms import common_factor, divided

if TYPE_CHECKING:
    from nnshape.shapes.dims.algebra import Size
    from nnshape.shapes.dims.terms import Monomial, Terms

MAX_FACTORED = 64  # terms; a longer sum is not factored


def write(terms: Terms) -> str:
    """A polynomial as a product if it factors, otherwise as a sum."""
    if 1 < len(terms) <= MAX_FACTORED and max(map(len, terms)) > 1:
        product = _write_product(terms)
        if product is not None:
            return product
    return _write_extremum(terms) or _write_sum(terms)


def write_numerator(size: Size) -> str:
    """A size as the left operand of `//`."""
    text = str(size)
    return text if is_plain(size) else f"({text})"


def write_denominator(size: Size) -> str:
    """A size as the right operand of `//`."""
    text = str(size)
    return text if is_plain(size) and "**" not in text else f"({text})"


def write_argument(size: Size) -> str:
    """A size as an argument, between commas."""
    return str(size)


def is_plain(size: Size) -> bool:
    """Whether a size is a number, a symbol, a power of one, or a min or max."""
    if isinstance(size, int):
        return size >= 0
    if len(size._terms) > 1:
        return _write_extremum(size._terms) is not None
    ((monomial, coefficient),) = size._terms.items()
    return coefficient == 1 and len(set(monomial)) == 1 and not _is_quotient(monomial[0])


def _is_quotient(atom: str) -> bool:
    return hasattr(atom, "numerator")


def _write_extremum(terms: Terms) -> str | None:
    """`max(T - 3, 0)` rather than `max(T, 3) - 3`; None for anything else."""
    shift = terms.get((), 0)
    atom = next((monomial[0] for monomial in terms if len(monomial) == 1), None)
    parts: tuple[Size, ...] = getattr(atom, "arguments", ())
    if len(terms) != 2 or not atom or terms[(atom,)] != 1 or -shift not in parts or not shift:
        return None
    return f"{atom[:3]}({', '.join(write_argument(part + shift) for part in parts)})"


def _write_sum(terms: Terms) -> str:
    """`108*(H - 2)*(W - 2) + 800` rather than `108*H*W - 216*H - 216*W + 1232`."""
    products, terms = _completed_products(terms)
    ordered = sorted(terms, key=_reading_order)
    first = None if products else next((monomial for monomial in ordered if terms[monomial] > 0), None)
    if first is not None:  # -T + 5 -> 5 - T
        ordered.remove(first)
        ordered.insert(0, first)
    pieces = [" + ".join(products)] if products else [_write_term(ordered[0], terms[ordered[0]])]
    for monomial in ordered if products else ordered[1:]:
        coefficient = terms[monomial]
        pieces += " + " if coefficient > 0 else " - ", _write_term(monomial, abs(coefficient))
    return "".join(pieces)


def _completed_products(terms: Terms) -> tuple[list[str], Terms]:
    """The products `a*(x + p)*(y + q)` that stand in for `a*x*y` and its sums of x and of y, and the terms left."""
    if not 3 <= len(terms) <= MAX_FACTORED:
        return [], terms
    left = dict(terms)
    products = []
    for monomial in sorted(terms, key=_reading_order):
        times = left.get(monomial, 0)
        if times < 1 or len(monomial) != 2 or monomial[0] == monomial[1]:
            continue
        x, y = monomial
        by_x, by_y = left.get((x,), 0), left.get((y,), 0)
        if not by_x or not by_y or by_x % times or by_y % times:
            continue
        if any(atom in other for other in left if len(other) > 1 and other != monomial for atom in monomial):
            continue
        p, q = by_y // times, by_x // times
        rest = left.get((), 0) - times * p * q
        for gone in (monomial, (x,), (y,), ()):
            left.pop(gone, None)
        if rest:
            left[()] = rest
        factors = [f"({_write_sum({(atom,): 1, (): plus})})" for atom, plus in ((x, p), (y, q))]
        products.append("*".join(factors if times == 1 else [str(times), *factors]))
    return products, left


def _reading_order(monomial: Monomial) -> tuple[int, list[str]]:
    degree = sum(getattr(atom, "degree", 1) for atom in monomial)
    return -degree, [atom.lstrip("(") for atom in monomial]


def _write_term(monomial: Monomial, coefficient: int) -> str:
    if not monomial:
        return str(coefficient)
    if coefficient == 1:
        return monomial[0] + "" if len(monomial) == 1 else _write_monomial(monomial)
    if coefficient == -1:
        return f"-{_write_monomial(monomial)}"
    return f"{coefficient}*{_write_monomial(monomial)}"


def _write_monomial(monomial: Monomial) -> str:
    factors = []
    for atom in sorted(set(monomial), key=lambda atom: atom.lstrip("(")):
        power = monomial.count(atom)
        factor = f"({atom})" if _is_quotient(atom) else atom
        factors.append(f"{factor}**{power}" if power > 1 else factor)
    return "*".join(factors)


def _write_product(terms: Terms) -> str | None:
    """`16*(H//2 - 2)*(W//2 - 2)` rather than its four terms; None if it does not factor."""
    number, shared = common_factor(terms)
    rest = divided(terms, number, shared)
    sums: list[Terms] = []
    for atom in sorted({atom for monomial in rest for atom in monomial}):
        found = _linear_factor(rest, atom)
        if found is not None:
            factor, rest = found
            sums.append(factor)
    if len(rest) > 1:
        sums.append(rest)
    else:
        number *= rest[()]
    if len(shared) + len(sums) < 2:
        return None
    if number < 0:
        for factor in sums:
            if factor.get((), 0) < 0:  # -(T - 5) -> 5 - T
                factor.update({monomial: -coefficient for monomial, coefficient in factor.items()})
                number = -number
                break
    pieces = [_write_monomial(shared)] if shared else []
    pieces += [f"({_write_sum(factor)})" for factor in sums]
    sign = "" if number == 1 else "-" if number == -1 else f"{number}*"
    return sign + "*".join(pieces)


def _linear_factor(terms: Terms, atom: str) -> tuple[Terms, Terms] | None:
    """A factor `a*x + b` and the cofactor, for an atom x that occurs nowhere else; None if there is none."""
    inside: Terms = {}
    outside: Terms = {}
    for monomial, coefficient in terms.items():
        if atom not in monomial:
            outside[monomial] = coefficient
        elif monomial.count(atom) > 1:
            return None
        else:
            inside[tuple(other for other in monomial if other != atom)] = coefficient
    if inside.keys() != outside.keys():
        return None
    some = next(iter(inside))
    a, b = inside[some], outside[some]
    if any(inside[monomial] * b != outside[monomial] * a for monomial in inside):
        return None
    scale = gcd(a, b) if a > 0 else -gcd(a, b)
    a, b = a // scale, b // scale
    return {(atom,): a, (): b}, {monomial: coefficient // a for monomial, coefficient in inside.items()}
