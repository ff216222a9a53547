"""What can be wrong with a model, and where: `Problem`. What each kind means is in `nnshape.problems.kinds`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from nnshape.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnshape.problems.kinds import KindName
    from nnshape.spec.source import Span

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Label:
    """A place in the text, and what is to be said of it."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a model: its kind, what is wrong in one line, and where.

    `span` is None only where there is no text to point at (a file that cannot be read); then
    `place` names the file. `argument` is the parameter of the caller that is wrong, such as
    `variant`; `place` is then the caller's own name for it, where it has one. `related` holds the
    other places that explain the fault, `frames` the calls that led to it, outermost first.
    """

    kind: KindName
    message: str
    span: Span | None = None
    label: str = ""
    related: tuple[Label, ...] = ()
    frames: tuple[Label, ...] = ()
    help: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    severity: Severity = "error"
    place: str = ""
    argument: str = ""
    #: Writes `str(problem)`. Rendering does, which this package cannot import: `nnshape.api` puts it here.
    text: ClassVar[Callable[[Problem], str]] = repr

    def __str__(self) -> str:
        return type(self).text(self)


class SpecError(Exception):
    """A text that is no model at all: it cannot be read, or its YAML does not parse."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))

    def of_argument(self, argument: str) -> SpecError:
        """The same, as the fault of a caller's argument and not of a file."""
        return SpecError(*[replace(problem, argument=argument) for problem in self.problems])
