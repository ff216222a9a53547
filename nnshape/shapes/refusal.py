"""`Refusal`: raised by a rule if torch would raise. It knows the fault, never the place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnshape.problems.kinds import KindName
    from nnshape.shapes.dims import Size
    from nnshape.shapes.tensor import Tensor


class Refusal(Exception):
    """A layer, function or argument that torch would refuse.

    `problem` is a kind of `nnshape.problems.kinds`. In `message`, `{layer}` stands for the name of
    the step, which only the trace knows. `argument` is the argument at fault, of the constructor or of
    the call, so that the trace can point at it. `note` is torch's message, `help` the remedy.

    For a wrong size, `arrived` and `wanted` are the two sizes, `tensor` is the tensor, and `dims` its
    dimensions at fault (by default, all but the batch). `names` lets a message refer to tensors by their
    names in the file (and by `{from}` to the step that made one). Each entry is a word in braces in the
    message, its tensor, and the text to use if the file has no name for it. For a size that does not divide,
    `division` holds it and the divisor.
    """

    def __init__(
        self,
        problem: KindName,
        message: str,
        argument: str | None = None,
        *,
        note: str = "",
        help: str = "",
        arrived: Any = None,
        wanted: Any = None,
        tensor: Tensor | None = None,
        dims: tuple[int, ...] = (),
        names: Mapping[str, tuple[Tensor, str]] | None = None,
        division: tuple[Size, Size] | None = None,
    ) -> None:
        super().__init__(problem, message, argument, note, help)
        self.problem = problem
        self.message = message
        self.argument = argument
        self.note = note
        self.help = help
        self.arrived = arrived
        self.wanted = wanted
        self.tensor = tensor
        self.dims = dims
        self.names = names or {}
        self.division = division
        #: For too many positional arguments of a block, the most that there may be.
        self.most: int | None = None

    def __str__(self) -> str:
        message = self.message.replace("{from}", "")
        for word, (_, otherwise) in self.names.items():
            message = message.replace(f"{{{word}}}", otherwise)
        return message


@contextmanager
def in_other_words(drop: bool = True) -> Iterator[None]:
    """Drop torch's message from the refusals of a rule that is borrowed, where torch refuses in other words."""
    try:
        yield
    except Refusal as refusal:
        if drop:
            refusal.note = ""
        raise
