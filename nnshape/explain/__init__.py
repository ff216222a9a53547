"""Explains a trace: messages of problems, origins of sizes, and formulas of steps."""

from nnshape.problems import Label, Problem
from nnshape.shapes.tensor import Tensor
from nnshape.spec import Span
from nnshape.tracing.contexts import Explainer, FaultContext
from nnshape.tracing.model import Call

__all__ = ["EXPLAINER"]

# Imported with the first fault, since a model without faults needs no explanations.


def _problem(context: FaultContext) -> Problem:
    from nnshape.explain.refusals import problem_of

    return problem_of(context)


def _way_to(tensor: Tensor, call: Call, span: Span) -> tuple[Label, ...]:
    from nnshape.explain.labels import labels_of
    from nnshape.explain.origins import chain_of

    return tuple(labels_of(chain_of(tensor), call, span))


EXPLAINER = Explainer(_problem, _way_to)
