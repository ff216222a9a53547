"""Runs a spec's steps as what they are, torch's own modules and functions: a second engine to hold the trace against.

It shares nothing with the trace but the reader: each expression is evaluated on real tensors, and
what torch refuses, it refuses.
"""

from __future__ import annotations

import builtins
import math
import operator
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch
from eager_modules import AUTO, MADE, MODE, Later, Made, Modules, Sequence, is_module, is_value, made
from eager_refusals import BY_PLACES, Refused, places
from torch import nn
from torch.nn import functional
from torch.nn.parameter import is_lazy

from nnshape.spec import Block, Body, Expression, Spec, nodes

_SIGNS: dict[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "**": operator.pow, "@": operator.matmul, "==": operator.eq, "!=": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "&": operator.and_, "|": operator.or_,
}  # fmt: skip
_NUMBERS = {name: getattr(builtins, name) for name in ("range", "len", "int", "min", "max", "sum", "enumerate", "zip")}
_ROOTS = {"sqrt", "exp", "log", "log2", "floor", "ceil", "abs", "round", "bool", "float"}
_FACTORIES = {"zeros", "ones", "arange", "full", "eye", "rand", "randn"}


@dataclass(frozen=True)
class Ran:
    """What came of a run: the value of every step of the model's own body, the output, the sizes of all parameters."""

    steps: dict[str, Any]
    output: Any
    parameters: list[torch.Size]


class Running:
    """A body as it runs."""

    def __init__(self, spec: Spec, hparams: dict[str, Any], names: dict[str, Any]) -> None:
        self.spec, self.hparams, self.names = spec, hparams, names
        self.modules: dict[str, Any] = {}
        self.running: Any = None
        self.placed: Any = None

    def copy(self, names: dict[str, Any]) -> Running:
        inner = Running(self.spec, self.hparams, {**self.names, **names})
        inner.modules, inner.running = dict(self.modules), self.running
        return inner

    def run(self, body: Body) -> Any:
        for step in body.steps:
            try:
                value = self.step(step)
            except Refused as refused:
                refused.lines.append((step.name_span.line, step.span.end_line))
                raise
            except Exception as error:
                raise Refused(error, [(step.name_span.line, step.span.end_line)]) from None
            self.names[step.name] = value
            if (isinstance(value, torch.Tensor) and not isinstance(value, nn.Parameter)) or (
                isinstance(value, (tuple, list)) and any(isinstance(item, (torch.Tensor, tuple)) for item in value)
            ):
                self.running = value
        return self.running

    def step(self, step: Any) -> Any:
        if isinstance(step.value, Body):
            return self.copy({"x": self.running}).run(step.value)
        if step.value is None:
            raise ValueError("a step that could not be read")
        self.placed = None
        node = step.value.node
        if isinstance(node, nodes.Call) and isinstance(node.function, nodes.Name) and node.function.id == "Module":
            return self.declared(step.name, node)
        value = self.applied(self.value(node))
        if not is_value(value):
            raise TypeError(f"{value} is no value of a step")
        if self.placed is not None:
            self.modules[step.name] = self.placed
        if step.assertion is not None:
            self.match(step.assertion, value)
        return value

    def declared(self, name: str, node: nodes.Call) -> Any:
        """A module that is applied later; `_` does not move."""
        found = self.values(node.args)
        if node.keywords or len(found) != 1 or not is_module(found[0]):
            raise TypeError("Module takes one module")
        self.modules[name] = found[0]
        return Modules(found)

    def applied(self, value: Any) -> Any:
        """The value; where it is a module, what it makes of the running value."""
        if is_module(value):
            self.placed = value
            return value(self.running)
        return value

    def match(self, pattern: Any, value: torch.Tensor, binds: bool = False) -> None:
        """Hold a value against a shape; the inputs of a block bind the new names in theirs."""
        sizes, dims = list(value.shape[pattern.per_sample :]), list(pattern.dims)
        open_at = next((at for at, dim in enumerate(dims) if getattr(dim, "value", None) is ...), None)
        if open_at is not None:
            gap = len(sizes) - len(dims) + 1
            sizes[open_at : open_at + max(gap, 0)], dims[open_at : open_at + 1] = [], []
        if len(dims) != len(sizes):
            raise ValueError("another number of dimensions comes")
        for size, node in zip(sizes, dims, strict=True):
            if isinstance(node, nodes.Name) and binds and node.id not in {*self.spec.hparams, *self.names, "_"}:
                self.names[node.id] = size
            elif not (isinstance(node, nodes.Name) and node.id == "_") and self.value(node) != size:
                raise ValueError("another size comes")

    def value(self, node: Any) -> Any:
        return getattr(self, "on_" + type(node).__name__.lower())(node)

    def on_constant(self, node: nodes.Constant) -> Any:
        return node.value

    def on_name(self, node: nodes.Name) -> Any:
        name = node.id
        if name == "_":
            return self.running
        for names in (self.names, self.hparams, self.spec.blocks):
            if name in names:
                return names[name]
        if name == "auto":
            return AUTO
        if name == "int":
            return torch.int
        if name in _NUMBERS:
            return _NUMBERS[name]
        # A function that both have takes its defaults from functional, where a layer's own are.
        for home in (nn, functional, torch):
            if hasattr(home, name):
                return getattr(home, name)
        raise NameError(name)

    on_word = on_name

    def on_tuple(self, node: nodes.Tuple) -> Any:
        return tuple(self.values(node.items))

    def on_list(self, node: nodes.List) -> Any:
        return self.values(node.items)

    def values(self, items: Any) -> list[Any]:
        found: list[Any] = []
        for item in items:
            found += self.value(item.value) if isinstance(item, nodes.Starred) else [self.value(item)]
        return found

    def on_slice(self, node: nodes.Slice) -> slice:
        return slice(*(None if part is None else self.value(part) for part in (node.lower, node.upper, node.step)))

    def on_subscript(self, node: nodes.Subscript) -> Any:
        value, index = self.value(node.value), self.value(node.index)
        parts = index if isinstance(index, tuple) else (index,)
        if isinstance(value, torch.Tensor) and any(isinstance(part, torch.Tensor) for part in parts):
            with places():
                return value[index]
        return value[index]

    def on_attribute(self, node: nodes.Attribute) -> Any:
        if isinstance(node.value, nodes.Name) and isinstance(self.modules.get(node.value.id), nn.Module):
            module = self.modules[node.value.id]
            if node.name in dict(module.named_parameters(recurse=False)):
                return getattr(module, node.name)
        return getattr(self.value(node.value), node.name)

    def on_binary(self, node: nodes.Binary) -> Any:
        return _SIGNS[node.operator](self.value(node.left), self.value(node.right))

    def on_unary(self, node: nodes.Unary) -> Any:
        value = self.value(node.operand)
        return {"-": operator.neg, "+": operator.pos, "not": operator.not_, "~": operator.invert}[node.operator](value)

    def on_compare(self, node: nodes.Compare) -> Any:
        left, answer = self.value(node.left), None
        for place, (sign, part) in enumerate(zip(node.operators, node.comparators, strict=True)):
            if place and not answer:
                break
            right = self.value(part)
            answer = _SIGNS[sign](left, right)
            left = right
        return answer

    def on_boolean(self, node: nodes.Boolean) -> Any:
        value = None
        for part in node.values:
            value = self.value(part)
            if bool(value) is (node.operator == "or"):
                return value
        return value

    def on_conditional(self, node: nodes.Conditional) -> Any:
        return self.value(node.body if self.value(node.test) else node.orelse)

    def on_fstring(self, node: nodes.FString) -> str:
        return "".join(str(self.value(part)) for part in node.parts)

    def turns(self, node: nodes.Comprehension, level: int = 0) -> Iterator[dict[str, Any]]:
        if level == len(node.generators):
            yield dict(self.names)
            return
        generator, kept = node.generators[level], self.names
        items = self.value(generator.iterable)
        if isinstance(items, torch.Tensor):
            raise TypeError("a loop is run when the model is read, where a tensor holds nothing")
        for item in items:
            names = (generator.target,) if isinstance(generator.target, str) else generator.target
            values = (item,) if isinstance(generator.target, str) else item
            self.names = {**kept, **dict(zip(names, values, strict=True))}
            if all(self.value(test) for test in generator.conditions):
                yield from self.turns(node, level + 1)
        self.names = kept

    def on_comprehension(self, node: nodes.Comprehension) -> list[Any]:
        return [self.copy(names).value(node.element) for names in self.turns(node)]

    def sequence(self, node: nodes.Call) -> Sequence:
        if node.keywords:
            raise TypeError("a Sequential takes no keywords")
        items: list[tuple[nodes.Node, dict[str, Any]]] = []
        labels: set[str] = set()
        for argument in node.args:
            inside = argument.value if isinstance(argument, nodes.Starred) else argument
            if isinstance(argument, nodes.Starred) and not isinstance(inside, nodes.Comprehension):
                items += [(nodes.Constant(item, inside.start, inside.end), {}) for item in self.value(inside)]
            elif isinstance(inside, nodes.Comprehension):
                for names in self.turns(inside):
                    item = inside.element
                    if isinstance(item, nodes.Tuple):
                        label, item = self.copy(names).value(item.items[0]), item.items[1]
                        if not isinstance(label, str) or not label or "." in label or label in labels:
                            raise KeyError(f"{label} cannot name an item")
                        labels.add(label)
                    items.append((item, names))
            else:
                items.append((inside, {}))
        return Sequence(self.copy({}), items)

    def target(self, function: nodes.Node) -> Any:
        if not isinstance(function, nodes.Name):
            return self.value(function)
        name = function.id
        if name in self.modules:
            return self.modules[name]
        if is_module(self.names.get(name)):  # of a loop over modules
            return self.names[name]
        if name in ("bool", "str", "list", "tuple", "reversed") and name not in self.names:
            return getattr(builtins, name)
        if isinstance(self.hparams.get(name), str) and name not in self.names:  # the name of a block or layer
            return self.spec.blocks.get(self.hparams[name]) or getattr(nn, self.hparams[name])
        if name in self.names or name in self.hparams:  # a value cannot be called: the name means torch's own
            return getattr(functional, name, None) or getattr(torch, name)
        if name == "int" and name not in self.spec.blocks:
            return int
        try:
            found = self.value(function)
            # `long` and `float` are dtypes of torch too, and such cannot be called.
            return getattr(torch.Tensor, name) if isinstance(found, torch.dtype) else found
        except NameError:
            if not hasattr(torch.Tensor, name):
                raise
            return getattr(torch.Tensor, name)

    def on_call(self, node: nodes.Call) -> Any:
        function = node.function
        if isinstance(function, nodes.Name) and function.id == "Sequential":
            return self.sequence(node)
        target = self.target(function)
        arguments = self.values(node.args)
        if len(arguments) == 1 and isinstance(node.args[0], nodes.Comprehension):
            arguments = [tuple(arguments[0])]
        keywords: dict[str, Any] = {}
        for keyword in node.keywords:
            if keyword.name in keywords:
                raise TypeError(f"keyword argument repeated: {keyword.name}")
            keywords[str(keyword.name)] = self.value(keyword.value)
        if isinstance(target, Block):
            return Made(self, target, arguments, keywords)
        if target is nn.ModuleList:
            return Modules(*arguments, **keywords)
        if target is nn.Parameter:
            if set(keywords) - {"requires_grad"}:
                raise TypeError(f"Parameter got an unexpected keyword argument in {keywords}")
            whole = len(arguments) == 1 and isinstance(arguments[0], torch.Tensor)
            MADE.get().append(nn.ParameterList([arguments[0] if whole else torch.zeros(*arguments)]))
            return MADE.get()[-1][0]
        if isinstance(target, type) and issubclass(target, nn.Module):
            return self.constructed(target, arguments, keywords)
        if is_module(target):
            self.placed = target
            return target(*arguments, **keywords)
        if target is bool and arguments and isinstance(arguments[0], torch.Tensor):
            target = torch.Tensor.bool
        if isinstance(target, torch.Tensor):
            raise TypeError("'Tensor' object is not callable")
        return self.called(node, target, arguments, keywords)

    def constructed(self, target: Any, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        """A layer; a module in the place of one of its modules is that."""
        if any(item is AUTO for item in (*arguments, *keywords.values())):
            return Later(target, arguments, keywords)
        return made(target(*arguments, **keywords))

    def called(self, node: nodes.Call, target: Any, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        name = node.function.id if isinstance(node.function, nodes.Name) else ""
        several = [item for item in (*arguments, *keywords.values()) if isinstance(item, (torch.Tensor, list, tuple))]
        holds = any(
            isinstance(item, torch.Tensor) or any(isinstance(part, torch.Tensor) for part in item) for item in several
        )
        if name in _ROOTS and len(arguments) == 1 and type(arguments[0]) in (int, float):
            return (getattr(math, name, None) or getattr(builtins, name))(*arguments, **keywords)  # as in `sqrt(width)`
        one = len(arguments) == 1 and not isinstance(arguments[0], (tuple, list))
        if name in ("sum", "min", "max") and not holds and one:
            return getattr(self.running, name)(*arguments, **keywords)
        is_number = name in _NUMBERS and (arguments or name != "int")  # `int()` is the method of the running value
        if name and not is_number and name not in _FACTORIES and not holds:
            method = getattr(self.running, name, None)
            if method is not None and not hasattr(functional, name):
                return method(*arguments, **keywords)
            arguments = [self.running, *arguments]
        if getattr(target, "__name__", "") in BY_PLACES:
            with places():
                return target(*arguments, **keywords)
        return target(*arguments, **keywords)


def execute(spec: Spec, sizes: dict[str, int], batch: int = 2, mode: str = "inference") -> Ran:
    """Run a spec's model on zeros; raises Refused with what torch says.

    For `inference` torch takes paths of its own, which check other things than those with `gradients`;
    `training` is the mode in which modules are made.
    """
    token = MODE.set(mode)
    MADE.set([])
    try:
        with torch.set_grad_enabled(mode != "inference"), _zeros():
            return _executed(spec, sizes, batch)
    finally:
        MODE.reset(token)


@contextmanager
def _zeros() -> Iterator[None]:
    """Parameters are zeros rather than random numbers: drawing them takes a sixth of the time."""

    def drawn(tensor: torch.Tensor, *numbers: Any, **options: Any) -> torch.Tensor:
        if tensor.is_floating_point():
            return tensor.zero_()
        return torch._C.TensorBase.uniform_(tensor, *numbers, **options)

    with mock.patch.object(torch.Tensor, "uniform_", drawn):
        yield


def _executed(spec: Spec, sizes: dict[str, int], batch: int) -> Ran:
    hparams = {name: located.value for name, located in spec.hparams.items()}
    texts = " ".join(item.span.text for item in spec.inputs)
    sizes = {name: size for name, size in sizes.items() if re.search(rf"\b{name}\b", texts)}
    values = {**sizes, **{name: located.value for name, located in spec.dims.items()}}
    if any(item.pattern.per_sample or "N" in item.pattern.span.text for item in spec.inputs if item.pattern):
        values["N"] = batch
    body = Running(spec, {**hparams, **values}, {})
    try:
        for item in spec.inputs:
            assert item.pattern is not None
            shape = [body.value(node) for node in item.pattern.dims]
            dtype = getattr(torch, item.pattern.dtype or "float32")
            body.names[item.name] = torch.zeros([batch, *shape] if item.pattern.per_sample else shape, dtype=dtype)
    except Exception as error:
        line = spec.inputs[0].span.line
        raise Refused(error, [(line, line)]) from None
    inputs = dict(body.names)
    body.running = next(iter(body.names.values()))
    last = body.run(spec.body)
    if spec.output is not None:
        try:
            last = _each(spec.output.value, lambda expression: body.value(expression.node))
        except Exception as error:
            raise Refused(error, [(spec.output.span.line, spec.output.span.end_line)]) from None
    parameters = [item for module in MADE.get() for item in module.parameters() if not is_lazy(item)]
    steps = {name: value for name, value in body.names.items() if name not in inputs}
    return Ran(steps, last, [item.shape for item in parameters])


def _each(value: Any, function: Callable[[Expression], Any]) -> Any:
    if isinstance(value, tuple):
        return tuple(_each(item, function) for item in value)
    if isinstance(value, dict):
        return {name: _each(item, function) for name, item in value.items()}
    return function(value)
