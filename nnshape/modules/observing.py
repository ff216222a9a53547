"""Runs a built model step by step, and compares every value with the trace."""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import Node
from torch.nn.utils import rnn

from nnshape.modules.asking import Asker, Beyond
from nnshape.modules.blueprint import Blueprint, call_at, operation_at
from nnshape.modules.building import Builder, refusal_of_torch
from nnshape.modules.leaves import torch_dtype
from nnshape.modules.stride_proof import StrideProof
from nnshape.modules.structure import Sizes
from nnshape.problems import Label, Problem
from nnshape.shapes.dims import Dim
from nnshape.shapes.nested import leaves_in, map_nested
from nnshape.shapes.packed import PackedSequence
from nnshape.shapes.tensor import Tensor, Unknown
from nnshape.tracing.model import Call, Module, Operation, Run
from nnshape.tracing.runtime_sizes import RuntimeSize


class Observer:
    """Runs a model once, and records the calls that disagree with the trace or cannot run.

    After a disagreement, the run goes on with a tensor of the traced shape, so that each fault is reported once.
    """

    def __init__(
        self,
        builder: Builder,
        sizes: dict[str, int],
        asker: Asker,
        when: str = "",
        strides: StrideProof | None = None,
    ) -> None:
        self.problems: list[Problem] = []
        self.wrong: list[str] = []
        self.unproved: list[str] = []
        #: Why a call is unproved, if a budget is the reason.
        self.reasons: dict[str, str] = {}
        #: The calls with strides that were compared.
        self.with_strides: set[Call] = set()
        self._strides = strides
        self._asker = asker
        self._builder = builder
        self._sizes = Sizes(sizes)
        #: What is special about this run, in words for a message.
        self._when = when
        self._judged: set[Call] = set()
        self._stand_ins: dict[int, torch.Tensor] = {}
        self._callers: list[Call] = []

    def run(self, module: Module, run: Run, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Run the body of a module, and return its output."""
        blueprint = self._builder.blueprint(module)
        if blueprint.plain:
            return self._sequential(module, run, (*arguments, *keywords.values())[0])
        values = self._nodes(module, run, blueprint, arguments, keywords)
        for place, output in blueprint.outputs:
            call = call_at(run, place)
            if call is not None:
                self._judge(call, call.output, _filled(output, values))
        result = next(iter(reversed(blueprint.graph.nodes))).args[0]
        return _filled(result, values)

    def _sequential(self, module: Module, run: Run, value: Any) -> Any:
        for call, child in zip(run.calls, module.children.values(), strict=True):
            operation = call.operations[0]
            real = self._builder.real[child]
            try:
                value = self._module(call, operation, real, (value,), {})
            except Exception as error:  # any error of torch is reported
                value = self._fail(call, operation.result, error)
            value = self._judge(call, operation.result, value)
        return value

    def _nodes(
        self, module: Module, run: Run, blueprint: Blueprint, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> dict[Node, Any]:
        """Run every node of a body, and return their values."""
        real = self._builder.real[module]
        values: dict[Node, Any] = {}
        given = iter(arguments)
        for node in blueprint.graph.nodes:
            if node.op == "placeholder":
                default = node.args[0] if node.args else None
                values[node] = keywords[str(node.target)] if node.target in keywords else next(given, default)
                continue
            if node.op == "output":
                break
            call = call_at(run, blueprint.owners.get(node))
            operation = operation_at(run, blueprint.results.get(node))
            try:
                value = self._node(node, values, real, call, operation)
            except Exception as error:  # any error of torch is reported
                if call is None:
                    raise
                value = self._fail(call, None if operation is None else operation.result, error)
            if operation is not None and call is not None:
                value = self._judge(call, operation.result, value, last=operation.result is call.output)
            values[node] = value
        return values

    def _node(
        self, node: Node, values: dict[Node, Any], real: torch.nn.Module, call: Call | None, operation: Operation | None
    ) -> Any:
        arguments = tuple(_filled(item, values) for item in node.args)
        keywords = {key: _filled(item, values) for key, item in node.kwargs.items()}
        target = node.target
        if node.op == "get_attr":
            return _attribute(real, str(target))
        if node.op == "call_function":
            return self._asker.function(operation, target, arguments, keywords)
        if node.op == "call_method" and target != "__call__":
            return self._asker.function(operation, str(target), arguments, keywords)
        if node.op == "call_method":
            child, arguments = arguments[0], arguments[1:]
        else:
            child = real.get_submodule(str(target))
        if call is None or operation is None:
            return child(*arguments, **keywords)
        return self._module(call, operation, child, arguments, keywords)

    def _module(
        self,
        call: Call,
        operation: Operation,
        real: torch.nn.Module,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
    ) -> Any:
        if operation.run is None or not isinstance(operation.target, Module):
            return self._asker.module(operation, real, arguments, keywords)
        self._callers.append(call)
        try:
            return self.run(operation.target, operation.run, arguments, keywords)
        finally:
            self._callers.pop()

    # ---- verdicts ----

    def _judge(self, call: Call, traced: Any, value: Any, last: bool = True) -> Any:
        """Return the value if it agrees with the trace; otherwise report it, and return a stand-in."""
        if call in self._judged:
            return value if self._sizes.difference(traced, value) is None else self._stand_in(traced)
        difference = self._sizes.difference(traced, value) or self._stride_difference(call, traced, value)
        if difference is None:
            if last and traced is call.output:
                self._judged.add(call)
                if any(id(tensor) in self._stand_ins for tensor in leaves_in(value)):
                    self.unproved.append(call.path)
            return value
        self._tell(call, Problem("torch-disagrees", f"{call.path}: {difference}{self._when}", call.span))
        return self._stand_in(traced)

    def _stride_difference(self, call: Call, traced: Any, value: Any) -> str | None:
        """Return how strides differ, or None. A stand-in has strides of its own, so after one nothing is compared."""
        if self._strides is None or self._stand_ins:
            return None
        agreed = self._strides.agreed
        difference = self._strides.difference(traced, value)
        if self._strides.agreed > agreed:
            self.with_strides.add(call)
        return difference

    def _fail(self, call: Call, traced: Any, error: Exception) -> Any:
        """Report a call that raised, or note it as unproved, and return a stand-in for its value."""
        if call not in self._judged:
            if isinstance(error, Beyond) or cannot_run_there(error, self._builder.device):
                self._judged.add(call)
                self.unproved.append(call.path)
                if isinstance(error, Beyond):
                    self.reasons[call.path] = str(error)
            else:
                message = f"torch refuses {call.path}{self._when}, but the table accepts it"
                self._tell(call, refusal_of_torch(message, error, call.span))
        return self._stand_in(traced)

    def _tell(self, call: Call, problem: Problem) -> None:
        self._judged.add(call)
        self.wrong.append(call.path)
        frames = tuple(Label(caller.span, caller.path) for caller in self._callers)
        self.problems.append(Problem(problem.kind, problem.message, problem.span, frames=frames, notes=problem.notes))

    def _stand_in(self, traced: Any) -> Any:
        """Return a value of the traced shape, to go on with."""
        if isinstance(traced, Tensor):
            shape = [number if isinstance(number := self._sizes.number(size), int) else 1 for size in traced.shape]
            tensor = torch.zeros(shape, dtype=torch_dtype(traced.dtype), device=self._builder.device)
            self._stand_ins[id(tensor)] = tensor
            return tensor
        if isinstance(traced, RuntimeSize):
            value = traced.value
            return self._sizes.number(value) if isinstance(value, Dim) else value
        if isinstance(traced, PackedSequence):
            return self._packed_stand_in(traced)
        if isinstance(traced, (tuple, list, dict)):
            return map_nested(self._stand_in, traced)
        return None if isinstance(traced, Unknown) else traced

    def _packed_stand_in(self, traced: PackedSequence) -> rnn.PackedSequence:
        """Return sequences of one step each: torch reads the sizes of the batches off their values, on the CPU."""
        batch = self._sizes.number(traced.batch or 1)
        count = batch if isinstance(batch, int) else 1
        data = self._stand_in(traced.data.like((count, *traced.data.shape[1:])))
        order, back = (None if index is None else torch.arange(count, device=data.device) for index in traced[2:])
        packed = rnn.PackedSequence(data, torch.full((1,), count, device="cpu"), order, back)
        self._stand_ins.update((id(tensor), tensor) for tensor in packed if tensor is not None)
        return packed


def cannot_run_there(error: Exception, device: torch.device) -> bool:
    """Return whether an error comes from the device or random values: no kernel, no memory, or a singular matrix."""
    # A random matrix may not have the requested decomposition.
    if isinstance(error, (NotImplementedError, torch.OutOfMemoryError, torch.linalg.LinAlgError)):  # type: ignore[attr-defined]
        return True
    # "it's on meta" is said of a tensor whose values decide the sizes: tensor_split.
    return device.type == "meta" and ("meta tensor" in str(error) or "it's on meta" in str(error))


def _attribute(module: torch.nn.Module, path: str) -> Any:
    value: Any = module
    for name in path.split("."):
        value = getattr(value, name)
    return value


def _filled(value: Any, values: dict[Node, Any]) -> Any:
    """Return the arguments of a node with every node replaced by its value."""
    return map_nested(lambda leaf: values[leaf] if isinstance(leaf, Node) else leaf, value)
