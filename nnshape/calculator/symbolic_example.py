"""Traces the example of a layer or function, with numbers and with symbols."""

from __future__ import annotations

from nnshape.calculator.one_step import one_step
from nnshape.explain import EXPLAINER
from nnshape.problems import SpecError
from nnshape.shapes.dims import Dim
from nnshape.shapes.function import Function
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.tensor import N, Tensor
from nnshape.tracing.model import Trace
from nnshape.tracing.tracer import trace_spec

#: Letters for the dimensions after the batch, by the number of dimensions.
_LETTERS: dict[int, str] = {1: "F", 2: "CL", 3: "CHW", 4: "CDHW"}


def example_of(rule: Function | type[Layer]) -> Trace:
    """Return the trace of a rule's example."""
    step, *shapes = rule.example
    return trace_spec(one_step(step, shapes), explainer=EXPLAINER)


def symbolic_example(rule: Function | type[Layer]) -> Trace | None:
    """Return the trace of the example with a symbol for each free size, or None if no size is free."""
    step, *shapes = rule.example
    named = [text.partition("=")[0] + "=" if "=" in text else "" for text in shapes]
    inputs = list(example_of(rule).inputs.values())
    sizes = [[str(size) for size in tensor.shape] for tensor in inputs]
    found: Trace | None = None
    for index, tensor in enumerate(inputs):
        for dim, size in enumerate(tensor.shape):
            if isinstance(size, Dim) or not sizes[index][dim].isdigit():
                continue
            letter = _letter(tensor, dim)
            # If the same dimension of other inputs has the same size, they probably share it.
            alike = [(i, dim) for i, other in enumerate(sizes) if dim < len(other) and other[dim] == str(size)]
            for places in (alike, [(index, dim)]):
                tried = [list(each) for each in sizes]
                for i, place in places:
                    tried[i][place] = letter
                texts = [
                    f"{name}{each.dtype}[{', '.join(written)}]"
                    for name, each, written in zip(named, inputs, tried, strict=True)
                ]
                trace = _traced(step, texts)
                if trace is not None:
                    sizes, found = tried, trace
                    break
    return found


def _letter(tensor: Tensor, dim: int) -> str:
    behind = len(tensor.shape) - (tensor.shape[:1] == (N,))
    if behind == len(tensor.shape) and any(isinstance(size, Dim) for size in tensor.shape):
        return "F" if dim == len(tensor.shape) - 1 else f"D{dim}"
    letters = _LETTERS.get(behind, "ABCDEFGHIJ")
    place = dim - (len(tensor.shape) - behind)
    return letters[place] if place < len(letters) else f"D{place}"


def _traced(step: str, shapes: list[str]) -> Trace | None:
    """Return the trace at these shapes, or None if it has problems or fixes a size."""
    try:
        trace = trace_spec(one_step(step, shapes), explainer=EXPLAINER)
    except SpecError:
        return None
    fixed = any(constraint.relation == "==" for constraint in trace.constraints)
    return None if trace.problems or fixed else trace
