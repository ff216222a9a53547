"""The fx graph of a body, and the mapping between its nodes and the steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any

from torch.fx import Graph, Node

from nnshape.records import dataclass
from nnshape.shapes.tensor import tensors_in
from nnshape.tracing.model import Call, Module, Operation, Run, StoredTensor

#: The index of a call in a run, and then of an operation in that call. For a step inside a body that the graph holds
#: in its own place, the place of the operation that runs the body comes before.
Place = tuple[int, ...]


@dataclass(eq=False)
class Blueprint:
    """The fx graph of a body, and the mapping between its nodes and the steps.

    `arguments` maps the name of each input to its placeholder. `captures` holds the values of enclosing
    bodies that the graph uses, by the name of the extra placeholder. `owners` maps a node to the place of
    its call, and `results` to the place of the operation that it is the result of. `outputs` holds the
    place of each call and its value as nodes. `plain` is True if `torch.nn.Sequential` computes the same.
    """

    graph: Graph = field(default_factory=Graph)
    arguments: dict[str, str] = field(default_factory=dict)
    captures: dict[str, Any] = field(default_factory=dict)
    owners: dict[Node, Place] = field(default_factory=dict)
    results: dict[Node, Place] = field(default_factory=dict)
    outputs: list[tuple[Place, Any]] = field(default_factory=list)
    plain: bool = False


def call_at(run: Run, place: Place | None) -> Call | None:
    """Return the call at a place; None if a later run of a shared body has none there."""
    if place is None:
        return None
    *way, index = place
    inner: Run | None = run
    if way:
        operation = operation_at(run, tuple(way))
        inner = None if operation is None else operation.run
    return inner.calls[index] if inner is not None and index < len(inner.calls) else None


def operation_at(run: Run, place: Place | None) -> Operation | None:
    """Return the operation at a place; None if a later run of a shared body has none there."""
    call = None if place is None else call_at(run, place[:-1])
    if call is None or place is None:
        return None
    operations = carried_out(call)
    return operations[place[-1]] if place[-1] < len(operations) else None


def attribute_path(attribute: StoredTensor) -> str:
    """Return the name of a parameter or buffer in the state dict."""
    return ".".join(filter(None, (attribute.module.path, attribute.name)))


def carried_out(call: Call) -> list[Operation]:
    """Return the operations of a step in the forward pass, without those that initialize a Parameter or Buffer."""
    wanted = {
        operation.arguments[0]
        for operation in call.operations
        if isinstance(operation.target, StoredTensor) and operation.arguments
    }
    if not wanted:
        return call.operations
    initial: set[Operation] = set()
    for operation in reversed(call.operations):
        if isinstance(operation.target, StoredTensor):
            continue
        if any(tensor in wanted for tensor in tensors_in(operation.result)):
            initial.add(operation)
            wanted.update(tensors_in((operation.arguments, dict(operation.keywords))))
    return [operation for operation in call.operations if operation not in initial]


def is_plain_sequential(module: Module, run: Run, made: Blueprint, blueprint_of: Callable[[Module], Blueprint]) -> bool:
    """Return whether each item is a child module, applied to the running value alone."""
    if module.type != "Sequential" or made.captures or list(module.children) != [call.name for call in run.calls]:
        return False
    running = next(iter(run.inputs.values()))
    for call in run.calls:
        if len(call.operations) != 1:
            return False
        operation = call.operations[0]
        if operation.target is not module.children[call.name] or operation.keywords:
            return False
        if len(operation.arguments) != 1 or operation.arguments[0] != running or call.output != operation.result:
            return False
        if operation.run is not None and blueprint_of(operation.target).captures:
            return False
        running = operation.result
    return bool(run.output == running)
