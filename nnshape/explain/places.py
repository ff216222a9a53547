"""Where a step stands in a model, and where the tensors that it takes come from."""

from __future__ import annotations

from collections.abc import Iterator

from nnshape.records import dataclass
from nnshape.shapes.tensor import Tensor
from nnshape.tracing.model import BodyInput, Call, Declared, Operation, Trace


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


def origin(tensor: Tensor) -> Origin | None:
    """Where a tensor that a call takes comes from; None where nothing produced it."""
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
