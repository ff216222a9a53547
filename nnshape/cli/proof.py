"""The proof: the real modules, compared with the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.problems import Problem, SpecError
from nnshape.tracing import Trace

if TYPE_CHECKING:
    from nnshape.proofs.proof_cache import ProofCache
    from nnshape.proofs.verification import Verification
    from nnshape.rendering.styled import Line

_NO_TORCH = "--device none skips the proof and needs no torch"


def proved(trace: Trace, device: str, cache: ProofCache | None = None) -> Verification | None:
    """Prove a trace on the real modules, or find its proof in the cache. Raises SpecError.

    None if the proof is skipped.
    """
    if device == "none" or trace.errors:
        return None
    known = None if cache is None else cache.find(trace, device)
    if known is not None:
        return known
    verification: Verification = real_modules().verify(trace, device)
    if cache is not None:
        cache.keep(trace, device, verification)
    return verification


def real_modules() -> Any:
    """The part of nnshape that imports torch; raises SpecError where torch cannot be imported."""
    try:
        from nnshape import modules
    except ImportError as error:
        message = f"torch cannot be imported: {error}"
        raise SpecError(Problem("unavailable-device", message, argument="device", help=(_NO_TORCH,))) from None
    return modules


def proof_lines(trace: Trace, device: str, verification: Verification | None) -> list[Line]:
    """The last line of the output: the result of the proof, or the reason why there is none."""
    if verification is not None:
        complete = "warning" if verification.unproved else "good"
        return [[(verification.sentence, "error" if verification.disagreements else complete)]]
    if device != "none" and trace.errors:
        from nnshape.rendering.problems import problem_count

        return [[(f"not built: the model has {problem_count(trace.errors)}", "dim")]]
    return []
