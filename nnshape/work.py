"""Counts work, so that a file nobody vouches for ends at the same point on every machine.

A unit is about a microsecond. What may take long spends units before it begins: terms of symbolic sizes,
items of tuples, characters of texts, applications of rules. Outside a `bounded` block nothing is counted.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from typing import Final

#: One application of a rule.
RULE: Final = 20
#: One parameter of a module, from its name to its row.
PARAMETER: Final = 6
#: The words that one file's misspelt names are compared with in all: torch has a thousand names.
SUGGESTIONS: Final = 40_000


class OutOfWork(Exception):
    """A budget is spent. No rule and no search may catch it: it ends the trace, or the search for fixes."""


class Budget:
    """Work that may still be done; `given` is all that there was, so that the difference has been spent."""

    __slots__ = ("given", "left", "suggestions")

    def __init__(self, work: float) -> None:
        self.given = self.left = work
        self.suggestions = SUGGESTIONS

    @property
    def spent(self) -> int:
        """The units that were spent."""
        return int(self.given - self.left)

    def grant(self, amount: int) -> None:
        """Add to what may be spent."""
        self.given += amount
        self.left += amount


_UNBOUNDED = Budget(inf)
_UNBOUNDED.suggestions = sys.maxsize
_budget: ContextVar[Budget] = ContextVar("budget", default=_UNBOUNDED)


@contextmanager
def bounded(budget: Budget) -> Iterator[Budget]:
    """Let everything inside spend from this budget alone."""
    token = _budget.set(budget)
    try:
        yield budget
    finally:
        _budget.reset(token)


def budget() -> Budget:
    """The budget that is being spent from."""
    return _budget.get()


def spend(amount: int) -> None:
    """Spend units of the budget; raises OutOfWork where it has fewer left."""
    current = _budget.get()
    current.left -= amount
    if current.left < 0:
        raise OutOfWork
