"""`Fix`: an edit that was tried, and how a message shows it."""

from __future__ import annotations

from collections.abc import Sequence

from nnshape.fixes.editing import Edit
from nnshape.problems import Problem
from nnshape.records import dataclass


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits of the spec with which the model traces without a problem, and without a new one.

    `description` says what they do, `shown` is the step as it then reads, and `because` the sum that
    comes out. A `safe` one only takes an argument of the failing layer from what arrives.
    """

    problem: Problem
    description: str
    edits: tuple[Edit, ...]
    shown: str = ""
    because: str = ""
    safe: bool = False


def help_lines(fixes: Sequence[Fix]) -> tuple[str, ...]:
    """A line for each fix, as the help of its problem, what they show under one another."""
    descriptions = [("or " if number else "") + fix.description + ":" for number, fix in enumerate(fixes)]
    width = max(map(len, descriptions), default=0)
    shown = max((len(fix.shown) for fix in fixes if fix.because), default=0)
    lines = []
    for description, fix in zip(descriptions, fixes, strict=True):
        line = f"{description:<{width}}   {fix.shown}"
        lines.append(f"{line:<{width + 3 + shown}}      {fix.because}" if fix.because else line)
    return tuple(lines)
