"""The exceptions of tracing: each carries a located problem or marks an unknown value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nnshape.problems import Label, Problem
from nnshape.spec import Span

if TYPE_CHECKING:
    from nnshape.problems import Edit
    from nnshape.problems.kinds import KindName
    from nnshape.shapes.refusal import Refusal


class Fault(Exception):
    """A located problem that ends its step. `refusal` knows the sizes, if the shape of a block's input is wrong."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.refusal: Refusal | None = None


class Abort(Exception):
    """A limit is exceeded: the trace ends, and this is its last problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Unknowable(Exception):
    """The value of a step depends on an unknown value, such as that of a step with a fault, so it is unknown too."""


def fault(
    kind: KindName,
    message: str,
    span: Span,
    *,
    label: str = "",
    help: Iterable[str] = (),
    related: Iterable[Label] = (),
    notes: Iterable[str] = (),
    instead: Iterable[str | tuple[Edit, ...]] = (),
) -> Fault:
    """Return a `Fault` with a new problem at `span`, ready to raise; `instead` are texts or edits to try."""
    return Fault(
        Problem(kind, message, span, label, tuple(related), (), tuple(help), tuple(notes), instead=tuple(instead))
    )
