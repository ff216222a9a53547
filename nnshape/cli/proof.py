"""The second half of a command's answer: the real modules, held against the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.problems import Problem, SpecError
from nnshape.tracing import Trace

if TYPE_CHECKING:
    from nnshape.modules import Verification
    from nnshape.rendering.styled import Line

_NO_TORCH = "--device none skips the proof and needs no torch"


def proved(trace: Trace, device: str) -> Verification | None:
    """Prove a trace on the real modules; None if the proof is skipped. Raises SpecError."""
    if device == "none" or trace.errors:
        return None
    try:
        from nnshape import modules
    except ImportError as error:
        message = f"torch cannot be imported: {error}"
        raise SpecError(Problem("unavailable-device", message, argument="device", help=(_NO_TORCH,))) from None
    return modules.verify(trace, device)


def checked_device(device: str) -> None:
    """Raise SpecError for an invalid device name, without importing torch."""
    kind, colon, number = device.partition(":")
    if not kind.isidentifier() or (colon and not number.isdigit()):
        message = f"{device or 'an empty name'} is not a device"
        help = ("meta, cpu, cuda, cuda:1, mps; or none, which skips the proof",)
        raise SpecError(Problem("unavailable-device", message, argument="device", help=help))


def proof_lines(trace: Trace, device: str, verification: Verification | None) -> list[Line]:
    """The last line of an answer: what was proved, or why nothing was."""
    if verification is not None:
        complete = "warning" if verification.unproved else "good"
        return [[(verification.sentence, "error" if verification.disagreements else complete)]]
    if device != "none" and trace.errors:
        from nnshape.rendering.problems import problem_count

        return [[(f"not built: the model has {problem_count(trace.errors)}", "dim")]]
    return []
