"""The result of a proof, as data and in one sentence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from datetime import datetime, timezone

from nnshape.problems import Problem
from nnshape.proofs.modes import EVALUATION
from nnshape.records import dataclass


@dataclass(frozen=True)
class Verification:
    """The result of a proof.

    `calls` is the number of rows of the table, and `parameters` the number of elements of the built model's
    parameters, tied ones counted once. `agree` is True if something was proved and nothing disagrees.
    `disagreements` are problems of the kind `torch-disagrees`. `unproved` names the calls that were not run.
    `sizes` are the values in the run of symbols that have none in the model.
    """

    device: str
    torch: str
    calls: int
    parameters: int
    agree: bool
    disagreements: tuple[Problem, ...] = ()
    unproved: tuple[str, ...] = ()
    sizes: dict[str, int] = field(default_factory=dict)
    #: The paths of the calls, and the names of the parameters and buffers, that disagree.
    wrong_calls: tuple[str, ...] = ()
    wrong_parameters: tuple[str, ...] = ()
    #: Why nothing was proved, or empty.
    reason: str = ""
    #: For each unproved call beyond a budget, the reason. Other unproved calls could not run on the device.
    reasons: dict[str, str] = field(default_factory=dict)
    #: Whether a change of one sample moved no other; None if no warning says so, or if the run could not tell.
    samples_apart: bool | None = None
    #: The values of the symbols in the second run; empty where there was none.
    second_sizes: dict[str, int] = field(default_factory=dict)
    #: The modes in which the model ran.
    modes: tuple[str, ...] = (EVALUATION,)
    #: What else was not run, and why.
    remarks: tuple[str, ...] = ()
    #: The number of calls whose strides were compared; None on a device whose strides nnshape does not follow.
    strides: int | None = None
    #: When the proof was made, as an ISO 8601 date and time with its offset.
    date: str = field(default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds"))
    #: The proof was made by an earlier run, of the same spec.
    from_cache: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether everything agrees, and nothing was left out."""
        return self.agree and not (self.unproved or self.disagreements or self.reason or self.remarks)

    def kept(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """The problems of the trace without the warnings that the run refuted: that samples mix."""
        refuted = "mixes-samples" if self.samples_apart else None
        return tuple(problem for problem in problems if problem.kind != refuted)

    @property
    def sentence(self) -> str:
        """The result in one line."""
        if self.reason:
            return f"not proved on {self.device} with torch {self.torch}: {self.reason}"
        agreed = self.calls - len(self.wrong_calls) - len(self.unproved)
        parameters = f"{self.parameters:,} parameter{'' if self.parameters == 1 else 's'}"
        text = f"built on {self.device} with torch {self.torch}"
        if self.from_cache:
            when = datetime.fromisoformat(self.date).astimezone(timezone.utc)
            text = f"proved on {self.device} with torch {self.torch} on {when:%Y-%m-%d at %H:%M} UTC, unchanged since"
        text += f": {agreed} of {self.calls} shapes"
        text += " agree" if self.wrong_parameters else f" and {parameters} agree"
        text += f" in {' and '.join(self.modes)} mode"
        if self.wrong_calls:
            text += f", {len(self.wrong_calls)} {_do_not(self.wrong_calls)}: {_listed(self.wrong_calls)}"
        if self.wrong_parameters:
            count = len(self.wrong_parameters)
            text += f"; {count} parameter{'' if count == 1 else 's'} {_do_not(self.wrong_parameters)}"
            text += f": {_listed(self.wrong_parameters)}"
        if self.strides is None:
            text += f"; {self.device} proves no strides"
        could_not = tuple(path for path in self.unproved if path not in self.reasons)
        if could_not:
            text += f"; {len(could_not)} could not run there: {_listed(could_not)}"
        if self.reasons:
            why = next(iter(self.reasons.values()))
            text += f"; {len(self.reasons):,} not proved, since {why}: {_listed(tuple(self.reasons))}"
        return text + "".join(f"; {remark}" for remark in self.remarks)


def _do_not(names: tuple[str, ...]) -> str:
    return "does not" if len(names) == 1 else "do not"


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - 3
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:3])} and {more} more"
