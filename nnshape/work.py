"""Limits the work that an untrusted file can cause, at the same point on every machine.

A unit is about a microsecond. Code that may take long spends units first: for terms of symbolic sizes, items of
tuples, characters of strings, applications of rules. Outside a `bounded` block, work is not limited.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from typing import Final

#: The work of applying a rule.
RULE: Final = 20
#: The work of one parameter of a module, including its row.
PARAMETER: Final = 6
#: The most names to compare all misspelt names of one file with. torch has a thousand names.
SUGGESTIONS: Final = 40_000


class OutOfWork(Exception):
    """A budget is spent. Rules must not catch it: it ends the trace, or the search for fixes."""


class Budget:
    """A budget of work: `given` units in all, `left` of them not spent."""

    __slots__ = ("given", "left", "suggestions")

    def __init__(self, work: float) -> None:
        self.given = self.left = work
        self.suggestions = SUGGESTIONS

    @property
    def spent(self) -> int:
        """The units spent so far."""
        return int(self.given - self.left)

    def grant(self, amount: int) -> None:
        """Add units to the budget."""
        self.given += amount
        self.left += amount


_UNBOUNDED = Budget(inf)
_UNBOUNDED.suggestions = sys.maxsize
_budget: ContextVar[Budget] = ContextVar("budget", default=_UNBOUNDED)


@contextmanager
def bounded(budget: Budget) -> Iterator[Budget]:
    """Spend from this budget within a `with` statement."""
    token = _budget.set(budget)
    try:
        yield budget
    finally:
        _budget.reset(token)


def budget() -> Budget:
    """Return the current budget."""
    return _budget.get()


def spend(amount: int) -> None:
    """Spend units of the current budget. Raises OutOfWork if fewer are left."""
    current = _budget.get()
    current.left -= amount
    if current.left < 0:
        raise OutOfWork
