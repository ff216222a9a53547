"""The problems found while reading a file, up to a maximum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.spec import limits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nnshape.problems import Problem


class TooManyProblems(Exception):
    """A file has more problems than `limits.PROBLEMS`."""


class Findings:
    """Problems, in the order of discovery."""

    __slots__ = ("problems",)

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self.problems: list[Problem] = []
        self.extend(problems)

    def add(self, problem: Problem) -> None:
        """Add a problem. Raises TooManyProblems beyond the limit."""
        if len(self.problems) >= limits.PROBLEMS:
            raise TooManyProblems
        self.problems.append(problem)

    def extend(self, problems: Iterable[Problem]) -> None:
        """Add several problems."""
        for problem in problems:
            self.add(problem)
