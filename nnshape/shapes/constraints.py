"""Conditions on symbolic sizes that a rule needs but cannot prove: the requirements of the model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

from nnshape.records import dataclass
from nnshape.shapes.dims import (
    Size,
    at_least,
    by_sign,
    divisible,
    divisor_in,
    equal,
    substitute,
    symbol,
    without_common_factor,
)

Relation = Literal["==", ">=", "%"]


@dataclass(frozen=True, slots=True)
class Constraint:
    """`left == right`, `left >= right`, or `left % right == 0`: required, and not proved for all sizes."""

    left: Size
    relation: Relation
    right: Size

    def __str__(self) -> str:
        if self.relation == "%":
            return f"{_operand(self.left)} % {_operand(self.right)} == 0"
        left, right = _sides(self.left - self.right)
        if isinstance(left, int):
            return f"{right} {_MIRRORED[self.relation]} {left}"
        return f"{left} {self.relation} {right}"

    def holds(self, values: Mapping[str, Size]) -> bool | None:
        """Whether it holds at these sizes; None if a symbol has no value."""
        left, right = substitute(self.left, values), substitute(self.right, values)
        return _DECIDE[self.relation](left, right)


_DECIDE = {"==": equal, ">=": at_least, "%": divisible}
_collector: ContextVar[list[Constraint] | None] = ContextVar("constraints", default=None)


_MIRRORED = {"==": "==", ">=": "<="}


def _sides(difference: Size) -> tuple[Size, Size]:
    """The positive and the negative part of a difference: `H` and `5` for `H - 5`."""
    constant, gain, loss = by_sign(difference)
    return (constant, loss) if isinstance(gain, int) else (gain, loss - constant)


def _operand(size: Size) -> str:
    text = str(size)
    return text if text.isidentifier() or text.isdigit() else f"({text})"


@contextmanager
def collecting() -> Iterator[list[Constraint]]:
    """Collect the assumptions about symbolic sizes that rules make inside."""
    found: list[Constraint] = []
    token = _collector.set(found)
    try:
        yield found
    finally:
        _collector.reset(token)


def _assume(left: Size, relation: Relation, right: Size) -> bool:
    verdict = _DECIDE[relation](left, right)
    if verdict is None:
        found = _collector.get()
        if found is not None:
            found.append(_equality(left, right) if relation == "==" else Constraint(left, relation, right))
        return True
    return verdict


def _equality(left: Size, right: Size) -> Constraint:
    """`left == right` without common factors; `C % 2 == 0` for `C == 2*(C//2)`."""
    left, right = without_common_factor(left, right)
    constant, gain, loss = by_sign(left - right)
    for whole, parts in ((gain + constant, loss), (loss - constant, gain)):
        divisor = divisor_in(parts, whole)
        if divisor is not None:
            return Constraint(whole, "%", divisor)
    return Constraint(left, "==", right)


def assume_equal(left: Size, right: Size) -> bool:
    """False if the sizes differ. An unproved equality is assumed, and becomes a constraint."""
    if type(left) is int and type(right) is int:
        return left == right
    return _assume(left, "==", right)


def assume_at_least(left: Size, right: Size) -> bool:
    """False if `left < right`. An unproved comparison is assumed, and becomes a constraint."""
    if type(left) is int and type(right) is int:
        return left >= right
    return _assume(left, ">=", right)


def assume_divisible(left: Size, right: Size) -> bool:
    """False if `right` does not divide `left`. An unproved division is assumed, and becomes a constraint."""
    if type(left) is int and type(right) is int:
        return right != 0 and left % right == 0
    return _assume(left, "%", right)


class _Numbers:
    """The next number of each kind of fresh symbol, and the names that are taken."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.next: dict[str, int] = {}
        self.taken = set(taken)


_numbers: ContextVar[_Numbers] = ContextVar("numbers")
_outside = _Numbers()  # for rules applied outside a trace


@contextmanager
def numbering(taken: Iterable[str] = ()) -> Iterator[set[str]]:
    """Number the fresh symbols of one trace from 0, so that they do not depend on earlier traces.

    Names in `taken` are skipped; add more to the set that this yields.
    """
    numbers = _Numbers(taken)
    token = _numbers.set(numbers)
    try:
        yield numbers.taken
    finally:
        _numbers.reset(token)


def fresh_symbol(kind: str, most: Size) -> Size:
    """A size that depends on the values of a tensor, such as `nonzero0`; its maximum `most` is recorded."""
    if type(most) is int and most == 0:
        return 0
    numbers = _numbers.get(_outside)
    number = numbers.next.get(kind, 0)
    while f"{kind}{number}" in numbers.taken:
        number += 1
    numbers.next[kind] = number + 1
    fresh = symbol(f"{kind}{number}")
    _assume(most, ">=", fresh)
    return fresh
