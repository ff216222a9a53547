"""Finds a step in a model, and the origins of its inputs."""

from __future__ import annotations

from collections.abc import Iterator

from nnshape.records import dataclass
from nnshape.shapes.tensor import Tensor, tensors_in
from nnshape.tracing.model import BodyInput, Call, Declared, Operation, Trace


@dataclass(frozen=True, slots=True)
class Place:
    """A call with its enclosing calls and their operations, outermost first."""

    call: Call
    frames: tuple[tuple[Call, Operation], ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a tensor: a step or a model input; `through` names the block inputs it passed."""

    step: Call | None
    input: str
    through: tuple[str, ...]


def places(trace: Trace) -> Iterator[Place]:
    """Iterate over the calls of a trace with their places, in the order of execution."""
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
    """Return the calls with this path, or else those whose path ends in it."""
    every = list(places(trace))
    exact = [place for place in every if place.call.path == name]
    return exact or [place for place in every if place.call.path.endswith("." + name)]


def are_alike(one: Call, other: Call) -> bool:
    """Whether two calls apply equal layers to equal shapes, so that one explanation serves both."""
    return _traits(one) == _traits(other)


def _traits(call: Call) -> tuple[object, ...]:
    layer = call.module.layer if call.module is not None else None
    shapes = [(tensor.shape, tensor.dtype) for tensor in tensors_in((call.inputs, call.output))]
    return call.type, call.text, repr(layer), shapes, call.parameters, call.macs, call.reused


def origin(tensor: Tensor) -> Origin | None:
    """Return the origin of a tensor, or None if it has no producer."""
    through: list[str] = []
    while isinstance(tensor.producer, BodyInput):
        entry = tensor.producer
        outside = entry.outside(tensor)
        if outside is None or entry.call is None:
            return Origin(None, entry.name, tuple(through))
        through.append(entry.call.path if entry.is_single else f"{entry.name} of {entry.call.path}")
        tensor = outside
    if isinstance(tensor.producer, (Operation, Declared)):
        return Origin(tensor.producer.call, "", tuple(through))
    return None
