"""What torch accepts and a person would not have meant: a rule says it, the trace shows it as a warning."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from nnshape.records import dataclass

if TYPE_CHECKING:
    from nnshape.problems.kinds import KindName


@dataclass(frozen=True, slots=True)
class Notice:
    """A kind of `nnshape.problems.kinds`, and the message; `{layer}` stands for the name of the step.

    `note` is what torch says once it goes wrong.
    """

    problem: KindName
    message: str
    note: str = ""


_collector: ContextVar[list[Notice] | None] = ContextVar("notices", default=None)


@contextmanager
def noticing() -> Iterator[list[Notice]]:
    """Collect what the rules run inside have to say."""
    found: list[Notice] = []
    token = _collector.set(found)
    try:
        yield found
    finally:
        _collector.reset(token)


def notice(problem: KindName, message: str, note: str = "") -> None:
    """Say that torch accepts this, and what is likely wrong with it."""
    found = _collector.get()
    if found is not None:
        found.append(Notice(problem, message, note))
