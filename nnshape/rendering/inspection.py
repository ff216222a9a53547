"""The answer of `nnshape inspect`, for formats written as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.records import dataclass

if TYPE_CHECKING:
    from nnshape.problems import Problem
    from nnshape.proofs.verification import Verification
    from nnshape.tracing import Trace


@dataclass(frozen=True, slots=True)
class Inspection:
    """A trace with its proof, how many levels of it to show, and whether equal rows are folded.

    `proof` is what was proved, in a sentence; empty where there is nothing to say.
    """

    trace: Trace
    verification: Verification | None = None
    proof: str = ""
    depth: int | None = None
    fold: bool = True

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems of the model, and the disagreements with torch."""
        disagreements = () if self.verification is None else self.verification.disagreements
        return (*self.trace.problems, *disagreements)
