"""`Problem`, a located fault of a model, and `SpecError`. The kinds of problem are in `nnshape.problems.kinds`."""

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
    """A place in the text, and a few words on it."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A range of a source, and the text to write in its place; an empty range is an insertion."""

    span: Span
    replacement: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits of one file that remove a problem: nnshape has made them, and traced the model again.

    `description` says in a few words what they do, `shown` is the step as it then reads, and `because`
    the sum that comes out. A `safe` fix changes no meaning: it only takes an argument of the failing
    layer from what arrives.
    """

    problem: Problem
    description: str
    edits: tuple[Edit, ...]
    shown: str = ""
    because: str = ""
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """An error or warning: its kind, a message of one line, and its place. `str(problem)` puts them in one line.

    `span` is None if there is no text to point at (an unreadable file); then `place` names the file. If an
    argument of the caller is wrong, `argument` names it, such as `variant`, and `place` is the caller's own
    name for it, if any. `related` holds other places that explain the problem, `frames` the calls that led
    to it, outermost first. `help` holds remedies, `notes` further lines such as torch's own message.
    `instead` holds texts that may have been meant in place of the span, or edits of other places that belong together.
    `fixes` are those that remove the problem, and what the search for fixes finds.
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
    instead: tuple[str | tuple[Edit, ...], ...] = ()
    fixes: tuple[Fix, ...] = ()
    #: Renders `str(problem)`. `nnshape.api` sets it, since this package cannot import rendering.
    text: ClassVar[Callable[[Problem], str]] = repr

    def __str__(self) -> str:
        return type(self).text(self)


class SpecError(Exception):
    """There is no model to trace: the file cannot be read or parsed, or an argument does not fit it.

    `problems` holds the reasons, located; `str(error)` is one line for each.
    """

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))

    def of_argument(self, argument: str) -> SpecError:
        """The same error, attributed to an argument of the caller instead of a file."""
        return SpecError(*[replace(problem, argument=argument) for problem in self.problems])
