"""The fx graph of a body, and the mapping between its nodes and the steps."""

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
    """The fx graph of a body, and the mapping between its nodes and the steps.

    `arguments` maps the name of each input to its placeholder. `captures` holds the values of enclosing
    bodies that the graph uses, by the name of the extra placeholder. `owners` maps a node to the index of
    its call, and `results` to the indices of the call and operation that it is the result of. `outputs`
    holds the value of each call as nodes. `plain` is True if `torch.nn.Sequential` computes the same.
    """

    graph: Graph = field(default_factory=Graph)
    arguments: dict[str, str] = field(default_factory=dict)
    captures: dict[str, Any] = field(default_factory=dict)
    owners: dict[Node, int] = field(default_factory=dict)
    results: dict[Node, tuple[int, int]] = field(default_factory=dict)
    outputs: list[Any] = field(default_factory=list)
    plain: bool = False


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
