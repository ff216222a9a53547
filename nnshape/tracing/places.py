"""Where a step stands in a model, and where the tensors that it takes come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nnshape.shapes.tensor import Tensor, tensors_in
from nnshape.tracing.model import Call, Operation, Run, Trace


@dataclass(frozen=True, slots=True)
class Place:
    """A call in the tree: itself, and each call that led to it with the operation that did, outermost first."""

    call: Call
    frames: tuple[tuple[Call, Operation], ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a tensor comes from: a step, or an input of the model; `through` names the inputs that it passed."""

    step: Call | None
    input: str
    through: tuple[str, ...]


def places(trace: Trace) -> Iterator[Place]:
    """Every call of a trace with its place, in the order of execution."""
    stack: list[Place] = [Place(trace.root, ())]
    while stack:
        place = stack.pop()
        if place.frames:
            yield place
        inner = [
            Place(child, (*place.frames, (place.call, operation)))
            for operation in place.call.operations
            if operation.run is not None
            for child in operation.run.calls
        ]
        stack.extend(reversed(inner))


def found_steps(trace: Trace, name: str) -> list[Place]:
    """The calls that a path means: of that very path, else those whose path ends in it."""
    every = list(places(trace))
    exact = [place for place in every if place.call.path == name]
    return exact or [place for place in every if place.call.path.endswith("." + name)]


def origin(place: Place, tensor: Tensor) -> Origin | None:
    """Where a tensor that a call takes comes from; None where it was made inside an expression."""
    through: list[str] = []
    frames = list(place.frames)
    while frames:
        caller, operation = frames.pop()
        run = operation.run
        assert run is not None
        for call in run.calls:
            if any(made is tensor for made in tensors_in(call.output)):
                return Origin(call, "", tuple(through))
        name = next((name for name, value in run.inputs.items() if _holds(value, tensor)), None)
        if name is None:
            continue  # a name of an enclosing body
        if not frames:
            return Origin(None, name, tuple(through))
        through.append(f"{name} of {caller.path}" if len(run.inputs) > 1 else caller.path)
        outside = _given(operation, run, name, tensor)
        if outside is None:
            return None
        tensor = outside
    return None


def _holds(value: Any, tensor: Tensor) -> bool:
    return any(held is tensor for held in tensors_in(value))


def _given(operation: Operation, run: Run, name: str, tensor: Tensor) -> Tensor | None:
    """The tensor outside a body that an input of the body stands for."""
    position = list(run.inputs).index(name)
    if name in operation.keywords:
        given: Any = operation.keywords[name]
    elif position < len(operation.arguments):
        given = operation.arguments[position]
    else:
        return None
    pairs = zip(tensors_in(run.inputs[name]), tensors_in(given), strict=False)
    return next((outside for inside, outside in pairs if inside is tensor), None)
