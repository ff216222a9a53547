"""Conditions on symbolic sizes that a rule needs and cannot prove: they become the model's requirements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

from nnshape.records import dataclass
from nnshape.shapes.dims import Dim, Size, at_least, by_sign, divisible, equal, substitute, symbol

Relation = Literal["==", ">=", "%"]


@dataclass(frozen=True, slots=True)
class Constraint:
    """`left == right`, `left >= right`, or `left % right == 0`: needed, and not proved for all sizes."""

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
        """Say whether it holds at these sizes; None where a symbol is left over."""
        left, right = substitute(self.left, values), substitute(self.right, values)
        return _DECIDE[self.relation](left, right)


_DECIDE = {"==": equal, ">=": at_least, "%": divisible}
_collector: ContextVar[list[Constraint] | None] = ContextVar("constraints", default=None)


_MIRRORED = {"==": "==", ">=": "<="}


def _sides(difference: Size) -> tuple[Size, Size]:
    """Split a difference into what counts for it and what counts against it: `H - 5` into `H` and `5`."""
    constant, gain, loss = by_sign(difference)
    return (constant, loss) if isinstance(gain, int) else (gain, loss - constant)


def _operand(size: Size) -> str:
    text = str(size)
    return text if text.isidentifier() or text.isdigit() else f"({text})"


@contextmanager
def collecting() -> Iterator[list[Constraint]]:
    """Collect what the rules run inside assume of symbolic sizes."""
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
            found.append(Constraint(left, relation, right))
        return True
    return verdict


def assume_equal(left: Size, right: Size) -> bool:
    """Say False where the sizes differ; what cannot be proved is assumed, and becomes a constraint."""
    if type(left) is int and type(right) is int:
        return left == right
    return _assume(left, "==", right)


def assume_at_least(left: Size, right: Size) -> bool:
    """Say False where `left < right`; what cannot be proved is assumed, and becomes a constraint."""
    if type(left) is int and type(right) is int:
        return left >= right
    return _assume(left, ">=", right)


def assume_divisible(left: Size, right: Size) -> bool:
    """Say False where `right` does not divide `left`; what cannot be proved is assumed."""
    if type(left) is int and type(right) is int:
        return right != 0 and left % right == 0
    return _assume(left, "%", right)


class _Numbers:
    """The next number of each kind of fresh symbol, and the names that none may have."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.next: dict[str, int] = {}
        self.taken = set(taken)


_numbers: ContextVar[_Numbers] = ContextVar("numbers")
_outside = _Numbers()  # of rules that are applied outside of any trace


@contextmanager
def numbering(taken: Iterable[str] = ()) -> Iterator[set[str]]:
    """Number the fresh symbols of one trace from 0, so that they do not depend on what was traced before.

    No fresh symbol gets one of the names in `taken`; the set that this yields takes more of them.
    """
    numbers = _Numbers(taken)
    token = _numbers.set(numbers)
    try:
        yield numbers.taken
    finally:
        _numbers.reset(token)


def fresh_symbol(kind: str, most: Size) -> Dim:
    """A size that depends on the values of a tensor, such as `nonzero0`: at most `most`, which is recorded."""
    numbers = _numbers.get(_outside)
    number = numbers.next.get(kind, 0)
    while f"{kind}{number}" in numbers.taken:
        number += 1
    numbers.next[kind] = number + 1
    fresh = symbol(f"{kind}{number}")
    _assume(most, ">=", fresh)
    return fresh
