"""Runs a spec's steps as what they are, torch's own modules and functions: a second engine to hold the trace against.

It shares nothing with the trace but the reader: each expression is evaluated on real tensors, and
what torch refuses, it refuses.
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from nnshape.spec import Block, Body, Spec, nodes

AUTO = object()
_SIGNS: dict[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "**": operator.pow, "@": operator.matmul, "==": operator.eq, "!=": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "&": operator.and_, "|": operator.or_,
}  # fmt: skip
_NUMBERS = {name: getattr(builtins, name) for name in ("range", "len", "int", "min", "max", "sum", "enumerate", "zip")}
_FACTORIES = {"zeros", "ones", "arange", "full"}


class Sequence:
    """A Sequential that is not yet made: its items, and the body that they stand in."""

    def __init__(self, body: Running, items: list[tuple[nodes.Node, dict[str, Any]]]) -> None:
        self.body, self.items = body, items

    def __call__(self, value: Any) -> Any:
        for item, variables in self.items:
            inner = self.body.copy(variables)
            inner.running = value
            value = inner.applied(inner.value(item))
        return value


class Later:
    """A layer with `auto` among its arguments, made once its input is there."""

    def __init__(self, make: Callable[..., Any], arguments: list[Any], keywords: dict[str, Any]) -> None:
        self.make, self.arguments, self.keywords = make, arguments, keywords

    def __call__(self, value: Any) -> Any:
        size = value.shape[-1] if self.make in (nn.Linear, nn.LayerNorm) else value.shape[1]
        return self.make(*[size if item is AUTO else item for item in self.arguments], **self.keywords)(value)


class Made:
    """A block with its hyperparameters."""

    def __init__(self, outer: Running, block: Block, arguments: list[Any], keywords: dict[str, Any]) -> None:
        self.outer, self.block = outer, block
        names = [parameter.name for parameter in block.parameters]
        if len(arguments) > len(names) or set(keywords) - set(names):
            raise TypeError(f"{block.name} takes no such arguments")
        self.names = dict(zip(names, arguments, strict=False)) | keywords
        for parameter in block.parameters:
            if parameter.name not in self.names:
                if parameter.default is None:
                    raise TypeError(f"{block.name} wants {parameter.name}")
                self.names[parameter.name] = Running(outer.spec, dict(outer.hparams), self.names).value(
                    parameter.default
                )

    def __call__(self, *values: Any) -> Any:
        inner = Running(self.outer.spec, self.outer.hparams, dict(self.names))
        inner.running = values[0]
        for item, value in zip(self.block.inputs, values, strict=True):
            inner.names[item.name] = value
            if item.pattern is not None:
                inner.match(item.pattern, value)
        return inner.run(self.block.body)


class Running:
    """A body as it runs."""

    def __init__(self, spec: Spec, hparams: dict[str, Any], names: dict[str, Any]) -> None:
        self.spec, self.hparams, self.names = spec, hparams, names
        self.modules: dict[str, Any] = {}
        self.running: Any = None
        self.placed: Any = None

    def copy(self, names: dict[str, Any]) -> Running:
        inner = Running(self.spec, self.hparams, {**self.names, **names})
        inner.modules, inner.running = self.modules, self.running
        return inner

    def run(self, body: Body) -> Any:
        for step in body.steps:
            if isinstance(step.value, Body):
                value: Any = self.copy({}).run(step.value)
            else:
                assert step.value is not None
                self.placed = None
                value = self.value(step.value.node)
                if callable(value) and not isinstance(value, torch.Tensor):
                    value = self.applied(value)
                if self.placed is not None:
                    self.modules[step.name] = self.placed
            self.names[step.name] = value
            if isinstance(value, (torch.Tensor, tuple)) and not isinstance(value, nn.Parameter):
                self.running = value
        return self.running

    def applied(self, value: Any) -> Any:
        """The value; where it is a module, what it makes of the running value."""
        if isinstance(value, (nn.Module, Made, Sequence, Later)):
            self.placed = value
            return value(self.running)
        return value

    def match(self, pattern: Any, value: torch.Tensor) -> None:
        if len(pattern.dims) + pattern.per_sample != value.ndim:
            raise ValueError("another number of dimensions comes")
        for size, node in zip(value.shape[pattern.per_sample :], pattern.dims, strict=True):
            if isinstance(node, nodes.Name) and node.id != "_" and node.id not in {**self.hparams, **self.names}:
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
        if name in _NUMBERS:
            return _NUMBERS[name]
        for home in (nn, torch, functional):
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
        return self.value(node.value)[self.value(node.index)]

    def on_attribute(self, node: nodes.Attribute) -> Any:
        return getattr(self.value(node.value), node.name)

    def on_binary(self, node: nodes.Binary) -> Any:
        return _SIGNS[node.operator](self.value(node.left), self.value(node.right))

    def on_unary(self, node: nodes.Unary) -> Any:
        value = self.value(node.operand)
        return {"-": operator.neg, "+": operator.pos, "not": operator.not_, "~": operator.invert}[node.operator](value)

    def on_compare(self, node: nodes.Compare) -> Any:
        left = self.value(node.left)
        for sign, part in zip(node.operators, node.comparators, strict=True):
            right = self.value(part)
            if not _SIGNS[sign](left, right):
                return False
            left = right
        return True

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

    def turns(self, node: nodes.Comprehension, level: int = 0) -> Any:
        if level == len(node.generators):
            yield dict(self.names)
            return
        generator, kept = node.generators[level], self.names
        for item in self.value(generator.iterable):
            names = (generator.target,) if isinstance(generator.target, str) else generator.target
            values = (item,) if isinstance(generator.target, str) else item
            self.names = {**kept, **dict(zip(names, values, strict=True))}
            if all(self.value(test) for test in generator.conditions):
                yield from self.turns(node, level + 1)
        self.names = kept

    def on_comprehension(self, node: nodes.Comprehension) -> list[Any]:
        return [self.copy(names).value(node.element) for names in self.turns(node)]

    def sequence(self, node: nodes.Call) -> Sequence:
        items: list[tuple[nodes.Node, dict[str, Any]]] = []
        for argument in node.args:
            inside = argument.value if isinstance(argument, nodes.Starred) else argument
            if isinstance(inside, nodes.Comprehension):
                for names in self.turns(inside):
                    item = inside.element
                    items.append((item.items[1] if isinstance(item, nodes.Tuple) else item, names))
            else:
                items.append((inside, {}))
        return Sequence(self.copy({}), items)

    def on_call(self, node: nodes.Call) -> Any:
        function = node.function
        if isinstance(function, nodes.Name) and function.id == "Sequential":
            return self.sequence(node)
        if isinstance(function, nodes.Name) and function.id in self.modules:
            target: Any = self.modules[function.id]
        elif isinstance(function, nodes.Name) and function.id in self.names:
            target = getattr(torch, function.id, None) or getattr(functional, function.id)
        else:
            target = self.value(function)
        arguments = self.values(node.args)
        if len(arguments) == 1 and isinstance(node.args[0], nodes.Comprehension):
            arguments = [tuple(arguments[0])]
        keywords = {str(keyword.name): self.value(keyword.value) for keyword in node.keywords}
        if isinstance(target, Block):
            return Made(self, target, arguments, keywords)
        if target is nn.Parameter:
            sizes = (
                arguments[0]
                if len(arguments) == 1 and isinstance(arguments[0], torch.Tensor)
                else torch.zeros(*arguments)
            )
            return nn.Parameter(sizes)
        if isinstance(target, type) and issubclass(target, nn.Module):
            if any(item is AUTO for item in arguments):
                return Later(target, arguments, keywords)
            return target(*arguments, **keywords).eval()
        if isinstance(target, (nn.Module, Made, Sequence, Later)):
            self.placed = target
            return target(*arguments, **keywords)
        return self.called(node, target, arguments, keywords)

    def called(self, node: nodes.Call, target: Any, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        name = node.function.id if isinstance(node.function, nodes.Name) else ""
        tensors = [item for item in (*arguments, *keywords.values()) if isinstance(item, (torch.Tensor, list, tuple))]
        holds = any(
            isinstance(item, torch.Tensor) or any(isinstance(i, torch.Tensor) for i in item) for item in tensors
        )
        if name == "sqrt" and not holds:
            return math.sqrt(*arguments)
        if name and name not in _NUMBERS and name not in _FACTORIES and not holds:
            method = getattr(self.running, name, None)
            if method is not None and not hasattr(functional, name):
                return method(*arguments, **keywords)
            arguments = [self.running, *arguments]
        return target(*arguments, **keywords)


def execute(spec: Spec, sizes: dict[str, int]) -> Any:
    """The output of a spec's model on zeros, with a batch of two; raises what torch raises."""
    hparams = {name: located.value for name, located in spec.hparams.items()}
    values = {"N": 2, **sizes, **{name: located.value for name, located in spec.dims.items()}}
    body = Running(spec, {**hparams, **values}, {})
    for item in spec.inputs:
        assert item.pattern is not None
        shape = [body.value(node) for node in item.pattern.dims]
        dtype = getattr(torch, item.pattern.dtype or "float32")
        body.names[item.name] = torch.zeros([2, *shape] if item.pattern.per_sample else shape, dtype=dtype)
    body.running = next(iter(body.names.values()))
    with torch.no_grad():
        return body.run(spec.body)
