"""Writes the fx graph of a body: its operations as nodes, and its values as references to them."""

from __future__ import annotations

import keyword
import operator
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

import torch
from torch.fx import Node
from torch.nn.utils import rnn

from nnshape.modules import sizes_in_graphs, targets
from nnshape.modules.blueprint import Blueprint, Place, attribute_path, carried_out, is_plain_sequential
from nnshape.modules.leaves import torch_dtype
from nnshape.modules.lengths import PACKING
from nnshape.problems import Problem, SpecError
from nnshape.shapes.dims import Dim
from nnshape.shapes.dtypes import DType, is_floating
from nnshape.shapes.function import Function
from nnshape.shapes.memory_formats import MemoryFormat
from nnshape.shapes.packed import PackedSequence
from nnshape.shapes.tensor import Tensor, tensors_in
from nnshape.tracing.model import BodyInput, Declared, Module, Operation, Run, StoredTensor
from nnshape.tracing.runtime_sizes import RuntimeSize

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Names that the generated forward method uses.
_TAKEN = {"self", "torch", "device", "inf", "nan", "NoneType", "fx_pytree", "pytree"}


class Writer:
    """Writes the graph of one run of a body."""

    def __init__(
        self, module: Module, run: Run, blueprint_of: Callable[[Module], Blueprint], device: torch.device
    ) -> None:
        self.module = module
        self.run = run
        self.prefix = f"{module.path}." if module.path else ""
        self.made = Blueprint()
        self.graph = self.made.graph
        self._blueprint_of = blueprint_of
        self._built_on = device
        #: The node of each value, and for an item of a tuple or mapping the whole and its index.
        self._nodes: dict[Hashable, Any] = {}
        self._parts: dict[Hashable, tuple[Any, int | str]] = {}
        self._dims: dict[Dim, Any] = {}
        self._last_input: Node | None = None
        self._used: set[str] = set()
        self._single: dict[str, Node] = {}
        #: The module whose steps are written in the place of its call.
        self._opened: Any = None

    def write(self) -> Blueprint:
        """Write the graph, and return its blueprint. Raises SpecError if the body cannot be a graph."""
        for name, value in self.run.inputs.items():
            self._input(name, value)
        self._calls(self.run)
        self.graph.output(self.emit(self.run.output))
        self.made.plain = is_plain_sequential(self.module, self.run, self.made, self._blueprint_of)
        return self.made

    # ---- arguments ----

    def _input(self, name: str, value: Any) -> None:
        node = self._placeholder(name, optional=value is None)
        self.made.arguments[name] = str(node.target)
        self._know(value, node)

    def _placeholder(self, name: str, optional: bool = False) -> Node:
        name = name if name.isidentifier() else "value"
        while name in self._used or name in _TAKEN or keyword.iskeyword(name):
            name += "_"
        default = (None,) if optional else ()
        if self._last_input is None:
            node = self.graph.create_node("placeholder", name, default)
        else:
            with self.graph.inserting_after(self._last_input):
                node = self.graph.create_node("placeholder", name, default)
        # For an argument `input`, fx names the node `input_1` and starts the code with `input_1 = input`, so no other
        # argument may be called `input_1`.
        self._used |= {name, node.name}
        self._last_input = node
        return node

    def capture(self, value: Any) -> Node:
        """Add an argument for a value of an enclosing body, and return its node. Raises SpecError in the model."""
        if not self.prefix:
            raise _lost(value, self.run.calls[-1].span if self.run.calls else self.module.span)
        node = self._placeholder(_name_of(value))
        self.made.captures[str(node.target)] = value
        self.keep(value, node)
        return node

    # ---- calls ----

    def _calls(self, run: Run, way: Place = ()) -> None:
        """Write the calls of a run, whose operation is at the place `way`; none for the run of this body."""
        for index, call in enumerate(run.calls):
            for position, operation in enumerate(carried_out(call)):
                before = next(iter(reversed(self.graph.nodes)), None)
                if operation.is_opened and operation.run is not None:
                    self._open(operation, operation.run, (*way, index, position))
                    continue
                name = _local(call.name) if operation.result is call.output else None
                node = self._operation(operation, name)
                self._know(operation.result, node)
                self.made.results.setdefault(node, (*way, index, position))
                self._claim(before, (*way, index))
            before = next(iter(reversed(self.graph.nodes)), None)
            self.made.outputs.append(((*way, index), self.emit(call.output)))
            self._claim(before, (*way, index))

    def _open(self, operation: Operation, run: Run, place: Place) -> None:
        """Write the steps of a body in the place of its call, since a step outside it uses a value inside it.

        The modules stay where they are, so the state dict is the same.
        """
        for tensor in tensors_in(run.inputs):
            if isinstance(tensor.producer, BodyInput) and (given := tensor.producer.outside(tensor)) is not None:
                self.keep(tensor, self.emit(given))
        outer, self._opened = self._opened, operation.target
        self._calls(run, place)
        self._opened = outer
        for inner, result in zip(tensors_in(run.output), tensors_in(operation.result), strict=True):
            self.keep(result, self.emit(inner))

    def _claim(self, before: Node | None, owner: Place) -> None:
        for node in reversed(self.graph.nodes):
            if node is before:
                break
            if node.op != "placeholder":
                self.made.owners.setdefault(node, owner)

    def _operation(self, operation: Operation, name: str | None) -> Any:
        target = operation.target
        if isinstance(target, StoredTensor):
            return self._attribute(target, name)
        if isinstance(target, Function):
            return self._function(target, operation, name)
        return self._module(target, operation, name)

    def _attribute(self, attribute: StoredTensor, name: str | None = None) -> Node:
        path = self._inside(attribute.module)
        if path is None:
            return self._outer(attribute_path(attribute), attribute)
        return self._own("get_attr", ".".join(filter(None, (path, attribute.name))), name=name)

    def _inside(self, module: Module) -> str | None:
        """Return the path of a module below this body, or None for one of an enclosing body."""
        for path in (module.path or "", *module.other_paths):
            if path.startswith(self.prefix):
                return path[len(self.prefix) :]
        return None

    def _own(self, op: str, path: str, arguments: Any = (), keywords: Any = None, name: str | None = None) -> Node:
        """Return the node of a module or parameter of this body. Without a name, fx names it after the path."""
        if name is None and path in _TAKEN:
            name = _local(path)
        return self.graph.create_node(op, path, arguments, keywords or {}, name)

    def _outer(self, path: str, value: Any) -> Node:
        """Return the node of a module or parameter of an enclosing body, which is passed as an argument."""
        if path not in self._single:
            self._single[path] = self.capture(value)
        return self._single[path]

    def reference(self, value: Any) -> Any:
        """Return the node of a value that a nested body captures: a tensor, size, parameter or module."""
        if isinstance(value, StoredTensor):
            return self._attribute(value)
        if isinstance(value, Module):
            assert value.path is not None
            path = self._inside(value)
            if path is not None:
                return self._own("get_attr", path)
            return self._outer(value.path, value)
        return self.emit(value)

    def _module(self, module: Module, operation: Operation, name: str | None) -> Node:
        assert module.path is not None
        arguments: Any = tuple(map(self.emit, operation.arguments))
        keywords = self.emit(dict(operation.keywords))
        if operation.run is not None:
            arguments, keywords = self._body_arguments(module, operation, operation.run, arguments, keywords)
        path = self._inside(module)
        if path is not None:
            return self._own("call_module", path, arguments, keywords, name)
        owner = self._outer(module.path, module)
        return self.graph.create_node("call_method", "__call__", (owner, *arguments), keywords, name)

    def _body_arguments(
        self, module: Module, operation: Operation, run: Run, arguments: Any, keywords: Any
    ) -> tuple[Any, Any]:
        """Return the arguments of a body's call, with the names of its forward method, and its captures as keywords."""
        blueprint = self._blueprint_of(module)
        if blueprint.plain or len(run.inputs) == 1:
            arguments, keywords = (*arguments, *keywords.values()), {}
        else:
            keywords = {blueprint.arguments[key]: value for key, value in keywords.items()}
        captures = blueprint.captures
        if captures and run is not module.run:
            again = Writer(module, run, self._blueprint_of, self._built_on).write().captures
            if len(again) != len(captures):
                raise _other_steps(module)
            captures = dict(zip(captures, again.values(), strict=True))
        return arguments, {**keywords, **{key: self.reference(value) for key, value in captures.items()}}

    def _function(self, function: Function, operation: Operation, name: str | None) -> Any:
        values = operation.arguments
        if function.name in targets.MOVES:
            # Device arguments are dropped: a tensor stays on the device of the model.
            values = tuple(value for value in values if not isinstance(value, str) or isinstance(value, DType))
            if len(values) == 1 and not operation.keywords.keys() - {"device"}:
                return self.emit(values[0])
        values, named = targets.spread(function, values, operation.keywords)
        keywords = {key: self.emit(value) for key, value in named.items() if key != "device"}
        if function.name == PACKING:
            values, keywords = self._with_lengths_on_cpu(values, keywords)
        if targets.follows_training(function, len(values), keywords):
            keywords["training"] = self._training()
        if function.name in targets.PROPERTIES:
            arguments = (self.emit(values[0]), function.name)
            return self.graph.create_node("call_function", getattr, arguments, name=name)
        # Some torch functions take numbers or tensors, and accept a device only with numbers.
        if function.factory and not (function.measured and any(True for _ in tensors_in(values))):
            device = self._device()
            if device is not None:
                keywords["device"] = device
            result = operation.result
            if isinstance(result, Tensor) and is_floating(result.dtype) and result.dtype != "float32":
                # A factory follows torch's default dtype, which is another when the built model runs.
                keywords.setdefault("dtype", torch_dtype(result.dtype))
        target = targets.target_of(function, len(values), bool(operation.keywords), operation.method)
        op = "call_method" if isinstance(target, str) else "call_function"
        if op == "call_method" and "input" in keywords:
            return self.graph.create_node(op, target, (keywords.pop("input"), *map(self.emit, values)), keywords, name)
        return self.graph.create_node(op, target, tuple(map(self.emit, values)), keywords, name)

    def _with_lengths_on_cpu(self, values: Any, keywords: Any) -> tuple[Any, Any]:
        """Move the lengths of packed sequences to the CPU, where torch wants them on every device."""

        def moved(lengths: Any) -> Any:
            return self.graph.create_node("call_method", "cpu", (lengths,)) if isinstance(lengths, Node) else lengths

        if len(values) > 1:
            return (self.emit(values[0]), moved(self.emit(values[1])), *map(self.emit, values[2:])), keywords
        return values, {key: moved(value) if key == "lengths" else value for key, value in keywords.items()}

    def _training(self) -> Node:
        """Return the `training` flag of the body, or of the body inside it that is written in its place."""
        path = f"{self._opened.path}."[len(self.prefix) :] if isinstance(self._opened, Module) else ""
        return self._shared(f"{path}training", lambda: self.graph.create_node("get_attr", f"{path}training"))

    def _shared(self, key: str, make: Callable[[], Node]) -> Node:
        if key not in self._single:
            self._single[key] = make()
        return self._single[key]

    def _device(self) -> Node | torch.device | None:
        """Return the device for tensors made in this body: that of its inputs, or else of its parameters.

        Without either, it is the device of the build; None for the CPU, which is torch's default.
        """

        def make() -> Node:
            return self.graph.create_node("call_function", getattr, (source, "device"))

        source: Any = next((self.lookup(tensor) for tensor in self.input_tensors()), None)
        if source is None:
            path = next((name for child in self.module.walk() for name in _own_tensors(child)), None)
            if path is None:
                return None if self._built_on.type == "cpu" else self._built_on
            source = self._shared(path, lambda: self.graph.create_node("get_attr", path[len(self.prefix) :]))
        return self._shared("device", make)

    # ---- values ----

    def _know(self, value: Any, node: Any) -> None:
        """Record the node of a value, and for a tuple or mapping the index of each item."""
        if isinstance(value, (Tensor, RuntimeSize)):
            self._nodes[value] = node
        elif isinstance(value, (tuple, list, dict)) and _holds_traced(value):
            self._nodes[_key(value)] = node
            self._know_parts(value)

    def _know_parts(self, value: Any) -> None:
        for index, part in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(part, (Tensor, RuntimeSize, tuple, list, dict)):
                self._parts[_key(part)] = (value, index)
                self._nodes.pop(_key(part), None)
                if isinstance(part, (tuple, list, dict)):
                    self._know_parts(part)

    def lookup(self, value: Any) -> Any:
        """Return the node of a value that this body computes or takes as input; None for any other."""
        key = _key(value)
        node = self._nodes.get(key)
        if node is None and key in self._parts:
            whole, index = self._parts[key]
            node = self.graph.create_node("call_function", operator.getitem, (self.lookup(whole), index))
            self._nodes[key] = node
        return node

    def knows(self, value: Any) -> bool:
        """Return whether this body computes a value or takes it as input."""
        key = _key(value)
        return key in self._nodes or key in self._parts

    def keep(self, value: Any, node: Any) -> Any:
        """Record the node of a value, and return it."""
        self._nodes[_key(value)] = node
        return node

    def input_tensors(self) -> Iterable[Tensor]:
        """Iterate over the input tensors of the body, those inside tuples too."""
        stack = list(reversed(self.run.inputs.values()))
        while stack:
            value = stack.pop()
            if isinstance(value, Tensor):
                yield value
            elif isinstance(value, (tuple, list, dict)):
                stack.extend(reversed(value.values() if isinstance(value, dict) else value))

    def emit(self, value: Any) -> Any:
        """Return a value as an argument of a node."""
        if isinstance(value, Tensor):
            node = self.lookup(value)
            return self.capture(value) if node is None else node
        if isinstance(value, RuntimeSize):
            return sizes_in_graphs.runtime_size(self, value)
        if isinstance(value, Dim):
            if value not in self._dims:
                self._dims[value] = sizes_in_graphs.dim(self, value)
            return self._dims[value]
        if isinstance(value, (tuple, list, dict)) and _holds_traced(value) and self.knows(value):
            return self.lookup(value)
        if isinstance(value, PackedSequence):
            return self.graph.create_node("call_function", rnn.PackedSequence, tuple(map(self.emit, value)))
        if isinstance(value, (tuple, list)):
            return [self.emit(item) for item in value] if isinstance(value, list) else tuple(map(self.emit, value))
        if isinstance(value, dict):
            return {key: self.emit(item) for key, item in value.items()}
        if isinstance(value, slice):
            return slice(self.emit(value.start), self.emit(value.stop), self.emit(value.step))
        if isinstance(value, MemoryFormat):
            return getattr(torch, value.name)
        return torch_dtype(value) if isinstance(value, DType) else value


def _key(value: Any) -> Hashable:
    """Return a hashable key for a value, the same for lists and tuples of the same items."""
    if isinstance(value, (tuple, list)):
        return tuple(map(_key, value))
    if isinstance(value, slice):
        return (slice, _key(value.start), _key(value.stop), _key(value.step))
    if isinstance(value, dict):
        return (dict, *((name, _key(item)) for name, item in value.items()))
    return value  # type: ignore[no-any-return]


def _holds_traced(value: Any) -> bool:
    """Return whether a value is or holds a tensor or run-time size."""
    if isinstance(value, (tuple, list, dict)):
        return any(map(_holds_traced, value.values() if isinstance(value, dict) else value))
    return isinstance(value, (Tensor, RuntimeSize))


def _name_of(value: Any) -> str:
    """Return the name of the argument for a captured value: that of its input, step or module."""
    if isinstance(value, Module):
        return (value.path or "").replace(".", "_")
    if isinstance(value, StoredTensor):
        return attribute_path(value).replace(".", "_")
    producer = value.producer if isinstance(value, Tensor) else None
    if isinstance(producer, BodyInput):
        return producer.name
    if isinstance(producer, (Operation, Declared)) and producer.call.name.isidentifier():
        return producer.call.name
    return "value" if isinstance(value, Tensor) else "size"


def _local(step: str) -> str:
    """Return the variable name of a step: the name of the step, changed if the generated code needs that name."""
    if not step.isidentifier():
        return f"_{step}"
    return f"{step}_" if step in _TAKEN else step


def _own_tensors(module: Module) -> Iterable[str]:
    return (".".join(filter(None, (module.path, name))) for name in (*module.parameters, *module.buffers))


def _lost(value: Any, span: Any) -> SpecError:
    message = f"the built model cannot compute {value}: no step returns it"
    return SpecError(Problem("torch-disagrees", message, span))


def _other_steps(module: Module) -> SpecError:
    message = f"{module.path} runs other steps when it is called again, but a module has one forward method"
    return SpecError(Problem("torch-disagrees", message, module.span))
