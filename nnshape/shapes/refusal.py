"""`Refusal`: what a rule raises where torch would refuse; it knows what is wrong, never where."""

from __future__ import annotations


class Refusal(Exception):
    """A layer, function or argument that torch would refuse.

    `problem` is a kind of `nnshape.problems.KINDS`. In `message`, `{layer}` stands for the name of
    the step, which only the trace knows. `argument` names the argument at fault, so that the trace
    can point at it: an argument of the constructor or of the call. `note` is torch's own sentence,
    `help` what to do.
    """

    def __init__(self, problem: str, message: str, argument: str | None = None, *, note: str = "", help: str = "") -> None:
        super().__init__(problem, message, argument, note, help)
        self.problem = problem
        self.message = message
        self.argument = argument
        self.note = note
        self.help = help

    def __str__(self) -> str:
        return self.message
