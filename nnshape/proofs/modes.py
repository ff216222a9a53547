"""The two modes of a torch module, and those in which a table holds."""

from __future__ import annotations

from nnshape.tracing import Trace

EVALUATION = "evaluation"
TRAINING = "training"
MODES = (EVALUATION, TRAINING)


def modes_of(trace: Trace) -> tuple[str, ...]:
    """Return the modes in which the table of a trace holds at every batch size; none if the model is wrong."""
    if trace.errors:
        return ()
    fails = any(problem.kind == "fails-in-training" for problem in trace.problems)
    return (EVALUATION,) if fails else MODES
