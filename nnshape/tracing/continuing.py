"""What the trace goes on with after a fault, so that one fault gives one message.

A layer that keeps the size keeps the size that arrives. For a wrong rank, the trace goes on as if the first fix were
made. Everything else gives what its arguments declare, or UNKNOWN.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isqrt
from typing import TYPE_CHECKING, Any

from nnshape.shapes.dims import TooLarge
from nnshape.shapes.function import Function
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.layers import find_layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import UNKNOWN, Tensor, tensors_in
from nnshape.tracing.model import BodyInput, Declared, Operation

if TYPE_CHECKING:
    from nnshape.tracing.faults import Fault
    from nnshape.tracing.scope import Frame

_FAMILY = re.compile(r"(.*)([123])d")
#: The families of layers, and of functions, that keep the size, by their files.
_KEEPING = frozenset({"activation", "dropout", "instance", "normalization", "softmax"})
_CHANGING = frozenset({"GLU", "glu"})
_FAILURES = (Refusal, TooLarge, TypeError, AttributeError, IndexError, ValueError)
#: Maximum number of operations to go back to a fault.
_MAX_STEPS = 200
#: Binary operations: a residual connection goes on with the operand of more dimensions.
_BINARY = frozenset({"add", "sub", "mul", "div", "add_", "sub_", "mul_", "div_", "maximum", "minimum"})


def after_layer(layer: Layer, refusal: Refusal, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
    """Return the output of a layer that refused its input, or UNKNOWN."""
    tensor = next(iter(tensors_in((arguments, dict(keywords)))), None)
    if tensor is None:
        return UNKNOWN
    if keeps(type(layer)):
        return tensor.like(dtype=layer.parameter_dtype if refusal.problem == "wrong-dtype" else None)
    try:
        for fitting, input in _first_fix(layer, refusal, tensor):
            return fitting.apply((input,), {})
        wanted = layer.expected_inputs(*arguments, **keywords)
        return UNKNOWN if wanted is None else layer.apply(tuple(wanted), {})
    except _FAILURES:
        return UNKNOWN


def after_function(function: Function, refusal: Refusal, arguments: tuple[Any, ...]) -> Any:
    """Return the output of a function that refused its arguments, or UNKNOWN."""
    tensors = [value for value in arguments if isinstance(value, Tensor)]
    if refusal.problem not in ("size-mismatch", "fixed-batch", "wrong-rank") or not tensors:
        return UNKNOWN
    if function.name in _BINARY or (len(tensors) == 1 and keeps(function.rule) and function.name not in _CHANGING):
        # Of a shortcut and the branch that is added to it, the branch has the size that was meant.
        return max(tensors, key=lambda tensor: (len(tensor.shape), not isinstance(tensor.producer, BodyInput))).like()
    return UNKNOWN


def report_refusal(frame: Frame, refusal: Refusal, wrong: Fault, tensors: Sequence[Tensor]) -> None:
    """Report the fault of a refusal, unless it follows from an earlier one.

    It does if a tensor comes from a fault, and the same size is expected as there. So does the same operation in a
    later call of a block, since it has no text of its own that could be wrong.
    """
    span = wrong.problem.span
    follows = (refusal.arrived, refusal.wanted) in frame.tracer.refused_sizes or (
        len(tensors) == 2
        and any(problem.kind == refusal.problem and problem.span == span for problem in frame.tracer.problems)
    )
    if not (follows and any(map(_comes_from_fault, tensors))):
        frame.tracer.report(wrong.problem)


def keep_sizes(frame: Frame, refusal: Refusal, tensors: Sequence[Tensor]) -> None:
    """Remember the two sizes of a fault: what follows may have been written for either."""
    known = frame.tracer.refused_sizes
    known.add((refusal.arrived, refusal.wanted))
    if len(tensors) == 2:
        for one, other in zip(tensors[0].shape[::-1], tensors[1].shape[::-1], strict=False):
            if one != other:
                known.update(((one, other), (other, one)))


def _comes_from_fault(tensor: Tensor | None) -> bool:
    for _ in range(_MAX_STEPS):
        producer = None if tensor is None else tensor.producer
        if isinstance(producer, Declared):
            return True
        if isinstance(producer, BodyInput):
            tensor = None if tensor is None else producer.outside(tensor)
        elif isinstance(producer, Operation) and producer.run is not None:
            tensor = next(iter(tensors_in(producer.run.output)), None)
        elif isinstance(producer, Operation):
            tensor = next(iter(tensors_in((producer.arguments, producer.keywords))), None)
        else:
            return False
    return False


def keeps(rule: Any) -> bool:
    """Say whether a class of layers, or the rule of a function, keeps the size of its input."""
    return rule.__module__.rpartition(".")[2] in _KEEPING and rule.__name__ not in _CHANGING


def _first_fix(layer: Layer, refusal: Refusal, tensor: Tensor) -> list[tuple[Layer, Tensor]]:
    """Return the layer and the input that the first fix would give, in a list; empty if there is no such fix."""
    fields, shape = vars(layer), tensor.shape
    if type(layer).__name__ == "Linear" and refusal.problem == "size-mismatch" and len(shape) > 3:
        return [(layer, tensor.like((shape[0], layer.in_features)))]  # type: ignore[attr-defined]
    match = _FAMILY.fullmatch(type(layer).__name__)
    if match is None or refusal.problem != "wrong-rank":
        return []
    dimensions, channels = int(match[2]), fields.get("in_channels")
    if len(shape) == 2 and dimensions == 2 and type(channels) is int and type(shape[1]) is int and channels:
        side = isqrt(shape[1] // channels)
        # The output of a step is flat by a flatten in the wrong place, and an input by itself.
        if side * side * channels == shape[1] and isinstance(tensor.producer, BodyInput):
            return [(layer, tensor.like((shape[0], channels, side, side)))]
    other = find_layer(f"{match[1]}{len(shape) - 2}d")
    if other is None or len(shape) - 2 == dimensions:
        return []
    return [(other(**{name: value for name, value in fields.items() if name in other.signature().by_name}), tensor)]
