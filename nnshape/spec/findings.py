"""The problems found while a file is read on, up to the number at which reading stops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.spec import limits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nnshape.problems import Problem


class TooManyProblems(Exception):
    """A file has more problems than anyone would read."""


class Findings:
    """Problems in the order in which they were found."""

    __slots__ = ("problems",)

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self.problems: list[Problem] = []
        self.extend(problems)

    def add(self, problem: Problem) -> None:
        """Note a problem; raises TooManyProblems beyond the limit."""
        if len(self.problems) >= limits.PROBLEMS:
            raise TooManyProblems
        self.problems.append(problem)

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note several problems."""
        for problem in problems:
            self.add(problem)
