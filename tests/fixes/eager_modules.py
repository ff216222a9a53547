"""What a body makes before it applies it: a Sequential, a layer that waits for its input, a block."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from nnshape.spec import Block, nodes

if TYPE_CHECKING:
    from eager import Running

AUTO = object()
#: How torch runs: `inference`, with `gradients`, or in `training`.
MODE: ContextVar[str] = ContextVar("mode", default="inference")
#: The layers of a run.
MADE: ContextVar[list[nn.Module]] = ContextVar("made")


def made(module: nn.Module) -> nn.Module:
    """A layer in the mode of the run."""
    MADE.get().append(module)
    return module.train(MODE.get() == "training")


class Sequence:
    """A Sequential: its items, and the body that they stand in; each is made when its turn comes, and kept."""

    def __init__(self, body: Running, items: list[tuple[nodes.Node, dict[str, Any]]]) -> None:
        self.body, self.items = body, items
        self.made: dict[int, Any] = {}

    def __call__(self, value: Any) -> Any:
        for number, (item, variables) in enumerate(self.items):
            inner = self.body.copy(variables)
            inner.running = value
            if number in self.made:
                value = self.made[number](value)
                continue
            found = inner.value(item)
            if is_module(found):
                self.made[number] = found
            if isinstance(item, nodes.Name) and isinstance(found, torch.Tensor):
                raise TypeError("torch.Tensor is not a Module subclass")
            value = inner.applied(found)
            if isinstance(value, (bool, int, float, str)):
                raise TypeError(f"{value} is not a Module subclass")
        return value


#: Layers whose size is that of the last dimension.
_LAST = (nn.Bilinear, nn.GRU, nn.LayerNorm, nn.LSTM, nn.Linear, nn.RMSNorm, nn.RNN)


class Later:
    """A layer with `auto` among its arguments, made once its input is there."""

    def __init__(self, make: Callable[..., Any], arguments: list[Any], keywords: dict[str, Any]) -> None:
        self.make, self.arguments, self.keywords = make, arguments, keywords
        self.module: nn.Module | None = None

    def __call__(self, value: Any, *others: Any, **keywords: Any) -> Any:
        if self.module is None:
            lazy = getattr(nn, f"Lazy{self.make.__name__}", None)
            if lazy is not None and AUTO not in self.arguments[1:] and AUTO not in self.keywords.values():
                self.module = made(lazy(*self.arguments[1:], **self.keywords))
            else:
                size = value.shape[-1] if self.make in _LAST else value.shape[1]
                arguments = [size if item is AUTO else item for item in self.arguments]
                named = {name: size if item is AUTO else item for name, item in self.keywords.items()}
                self.module = made(self.make(*arguments, **named))
        return self.module(value, *others, **keywords)


class Made:
    """A block with its hyperparameters; it keeps the modules of its steps from call to call."""

    def __init__(self, outer: Running, block: Block, arguments: list[Any], keywords: dict[str, Any]) -> None:
        self.outer, self.block = outer, block
        names = [parameter.name for parameter in block.parameters]
        if len(arguments) > len(names) or set(keywords) - set(names):
            raise TypeError(f"{block.name} takes no such arguments")
        if set(names[: len(arguments)]) & set(keywords):
            raise TypeError(f"{block.name} got an argument twice")
        self.names = dict(zip(names, arguments, strict=False)) | keywords
        for parameter in block.parameters:
            if parameter.name not in self.names:
                if not parameter.has_default:
                    raise TypeError(f"{block.name} wants {parameter.name}")
                inner = type(outer)(outer.spec, outer.hparams, dict(self.names))
                self.names[parameter.name] = inner.value(parameter.default)

    def __call__(self, *values: Any, **keywords: Any) -> Any:
        names = [item.name for item in self.block.inputs]
        given = {**dict(zip(names[: len(values)], values, strict=True)), **keywords}
        if set(given) - set(names) or any(item.name not in given and not item.optional for item in self.block.inputs):
            raise TypeError(f"{self.block.name} takes other inputs")
        inner = type(self.outer)(self.outer.spec, self.outer.hparams, dict(self.names))
        inner.running = given[names[0]]
        for item in self.block.inputs:
            inner.names[item.name] = given.get(item.name)
            if item.pattern is not None:
                inner.match(item.pattern, given[item.name], binds=True)
        return inner.run(self.block.body)


class Modules(list[Any]):
    """A ModuleList, which may hold blocks."""

    def __init__(self, modules: Any = ()) -> None:
        super().__init__(modules)
        for module in self:
            if not is_module(module):
                raise TypeError(f"{module} is not a Module subclass")


def is_module(value: Any) -> bool:
    return isinstance(value, (nn.Module, Made, Sequence, Later))


def is_value(value: Any) -> bool:
    """Whether a step may have it: a tensor, several, or a number; a class or a method is none."""
    if isinstance(value, Modules):
        return True
    if isinstance(value, (tuple, list)):
        return all(map(is_value, value))
    return value is None or isinstance(value, (torch.Tensor, int, float, bool, str, torch.dtype))
