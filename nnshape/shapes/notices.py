"""Notices: torch accepts this, but it is likely a mistake. The trace shows them as warnings."""

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

    `note` is torch's message when it fails.
    """

    problem: KindName
    message: str
    note: str = ""


_collector: ContextVar[list[Notice] | None] = ContextVar("notices", default=None)


@contextmanager
def noticing() -> Iterator[list[Notice]]:
    """Collect the notices of the rules that run inside."""
    found: list[Notice] = []
    token = _collector.set(found)
    try:
        yield found
    finally:
        _collector.reset(token)


def notice(problem: KindName, message: str, note: str = "") -> None:
    """Report a likely mistake that torch accepts."""
    found = _collector.get()
    if found is not None:
        found.append(Notice(problem, message, note))
