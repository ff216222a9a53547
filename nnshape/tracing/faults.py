"""Turns a rule's `Refusal` and the trace's own findings into located problems."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nnshape.problems import Label, Problem
from nnshape.spec import Span

if TYPE_CHECKING:
    from nnshape.problems.kinds import KindName


class Fault(Exception):
    """A located problem that ends the step it was found in."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Abort(Exception):
    """A limit was met: the trace ends here, with this problem as its last."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Unknowable(Exception):
    """The value depends on one that is unknown after a fault: the step's value is unknown too."""


def fault(
    kind: KindName,
    message: str,
    span: Span,
    *,
    label: str = "",
    help: Iterable[str] = (),
    related: Iterable[Label] = (),
    notes: Iterable[str] = (),
) -> Fault:
    """A fault at a place, ready to raise."""
    return Fault(Problem(kind, message, span, label, tuple(related), (), tuple(help), tuple(notes)))
