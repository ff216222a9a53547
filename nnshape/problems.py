"""What can be wrong with a model, and where: `Problem`, and the table of its kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
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
    `place` names the file. `related` holds the other places that explain the fault, `frames` the
    calls that led to it, outermost first.
    """

    kind: str
    message: str
    span: Span | None = None
    label: str = ""
    related: tuple[Label, ...] = ()
    frames: tuple[Label, ...] = ()
    help: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    severity: Severity = "error"
    place: str = ""


class SpecError(Exception):
    """A text that is no model at all: it cannot be read, or its YAML does not parse."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


#: Every kind of problem, and what it means in one sentence.
KINDS: dict[str, str] = {
    "size-mismatch": "A layer or operation wants another size than the one that arrives.",
    "wrong-rank": "A layer or operation wants another number of dimensions than arrives.",
    "empty-output": "A kernel does not fit its input, or an output would have no elements.",
    "not-divisible": "A size must be a multiple of another and is not.",
    "invalid-argument": "An argument's value is one that torch refuses.",
    "unknown-layer": "A name that is no layer, function, block or step.",
    "unknown-argument": "A layer, function or block has no argument of that name.",
    "missing-argument": "A required argument was not given.",
    "unknown-key": "A key that a spec does not have.",
    "missing-key": "A key that a spec needs is not there, or holds nothing.",
    "invalid-name": "A name that a step, a block or a size cannot have.",
    "unknown-name": "A name that nothing in the file defines.",
    "unknown-value": "A size that must be a number has no value: give it one in dims.",
    "wrong-type": "A value is of another type than the place wants.",
    "wrong-dtype": "A tensor's dtype is one that the operation refuses.",
    "index-error": "An index lies outside what it indexes.",
    "syntax": "The text is not YAML, or an expression is not in the language of a spec.",
    "duplicate-key": "A name is written twice in one mapping.",
    "ambiguous-name": "Two names of the file could be taken for one another.",
    "unexpected-shape": "A `-> shape` or `expect` does not hold.",
    "over-budget": "An `expect` on parameters or MACs does not hold.",
    "torch-disagrees": "The real modules give another answer than the table.",
    "import-refused": "A Python class is named that the person running nnshape has not allowed.",
    "include-refused": "An included file lies outside the tree, is missing, or includes itself.",
    "unreadable": "The file cannot be read.",
    "unwritable": "The file cannot be written.",
    "too-large": "The file, an expression or the model is beyond a limit.",
    "swallows-batch": "A reshape mixes the batch with other dimensions.",
    "fails-in-training": "A layer that works in evaluation fails in training, at a size that the input may have.",
    "silent-broadcast": "A loss compares two different shapes, and stretches both to a larger one.",
    "unavailable-device": "The device is not there.",
    "unproved": "A part of the model could not be run on the device, so the table stands there without proof.",
    "unused-ignore": "A `# nnshape: ignore` comment that leaves out nothing.",
}
