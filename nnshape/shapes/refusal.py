"""`Refusal`: what a rule raises where torch would refuse; it knows what is wrong, never where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnshape.problems.kinds import KindName
    from nnshape.shapes.tensor import Tensor


class Refusal(Exception):
    """A layer, function or argument that torch would refuse.

    `problem` is a kind of `nnshape.problems.kinds`. In `message`, `{layer}` stands for the name of
    the step, which only the trace knows. `argument` names the argument at fault, so that the trace
    can point at it: an argument of the constructor or of the call. `note` is torch's own sentence,
    `help` what to do.

    Where a size is wrong, `arrived` and `wanted` say which and `tensor` whose; `dims` are the
    dimensions of it that matter, all but the batch where none are given. `names` lets a message call
    a tensor by the name that the file gives it (and `{from}` the step that made it): a word of the
    message in braces, the tensor that it stands for, and what to say where the file gives it none.
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

    def __str__(self) -> str:
        message = self.message.replace("{from}", "")
        for word, (_, otherwise) in self.names.items():
            message = message.replace(f"{{{word}}}", otherwise)
        return message
