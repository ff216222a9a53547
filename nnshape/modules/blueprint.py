"""The graph of a body, with the node of each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any

from torch.fx import Graph, Node

from nnshape.records import dataclass
from nnshape.shapes.tensor import tensors_in
from nnshape.tracing.model import Call, Module, Operation, Run, StoredTensor


@dataclass(eq=False)
class Blueprint:
    """The graph of a body, and what of it belongs to which step.

    `captures` are the values of enclosing bodies that it uses, by the name of the extra argument.
    `owners` gives each node the number of its call, `results` the call and the operation whose
    result it is; `outputs` holds each call's value as nodes. `plain` says that
    `torch.nn.Sequential` does the same.
    """

    graph: Graph = field(default_factory=Graph)
    arguments: dict[str, str] = field(default_factory=dict)
    captures: dict[str, Any] = field(default_factory=dict)
    owners: dict[Node, int] = field(default_factory=dict)
    results: dict[Node, tuple[int, int]] = field(default_factory=dict)
    outputs: list[Any] = field(default_factory=list)
    plain: bool = False


def attribute_path(attribute: StoredTensor) -> str:
    """The name of a parameter or buffer in the state dict."""
    return ".".join(filter(None, (attribute.module.path, attribute.name)))


def carried_out(call: Call) -> list[Operation]:
    """The operations of a step's forward pass: not those that only give a Parameter or Buffer its first value."""
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
    """Whether every item is a module of its own, applied to just the running value."""
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
