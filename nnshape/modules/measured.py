"""Classes without a rule: they are run with torch at several sizes, and their outputs' sizes read off.

Only a class that the person running nnshape has allowed by its very name is imported.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from nnshape.modules.building import on_device
from nnshape.modules.fitting import fitted
from nnshape.modules.leaves import OwnConstruction, argument, torch_dtype
from nnshape.shapes.arguments import AUTO, Signature
from nnshape.shapes.dim import Dim, Size, substitute, symbols_of
from nnshape.shapes.dtypes import DTYPES
from nnshape.shapes.layer import Layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import UNKNOWN, Tensor, tensors_in
from nnshape.trace.refusals import refuse_import

_META = torch.device("meta")
#: Where the sizes of a run begin, and how far apart they lie: some classes want multiples of powers of two.
_SCALES = ((3, 1), (16, 8), (64, 32), (224, 32))


def measuring(allowed: Sequence[str]) -> Callable[[str, tuple[Any, ...], dict[str, Any]], Layer]:
    """What makes a layer of a Python class `module.path:Class`, where its very name is allowed.

    The answer raises Refusal for any other name, and for whatever the class itself raises.
    """
    names = frozenset(allowed)

    def measure(target: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Layer:
        if target not in names:
            refuse_import(target, arguments, keywords)
        return _Measured(target, arguments, keywords)

    return measure


class _Measured(Layer, OwnConstruction):
    """A module of a class without a rule, with the arguments that a spec gives it."""

    target: str
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    _module: torch.nn.Module

    def __init__(self, target: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        for name, value in (*enumerate(arguments), *keywords.items()):
            if value is AUTO:
                raise Refusal("invalid-argument", f"{target} has no rule to read {name} off its input: give it a value")
            if isinstance(value, Dim):
                raise Refusal("unknown-value", f"{target} wants a number, and {value} has none: give it one in dims")
        self.__dict__.update(target=target, arguments=arguments, keywords=dict(keywords))
        with on_device(_META):
            self.__dict__["_module"] = self.construct().eval()

    def __repr__(self) -> str:
        return f"{self.target}{self.arguments}"

    def construct(self) -> torch.nn.Module:
        """The real module, on the device of the context. Raises Refusal with what the class says."""
        arguments, keywords = argument(self.arguments, {}), {key: argument(v, {}) for key, v in self.keywords.items()}
        with _refusals(self.target):
            made = _class_at(self.target)(*arguments, **keywords)
        if not isinstance(made, torch.nn.Module):
            raise Refusal("wrong-type", f"{self.target} makes a {type(made).__name__}, not a torch.nn.Module")
        return made

    @classmethod
    def signature(cls) -> Signature:
        """No arguments are known by name."""
        return Signature("", [])

    def resolve(self, inputs: Sequence[Tensor]) -> Layer:
        """The layer itself: it has no `auto`."""
        return self

    def parameters(self) -> dict[str, Tensor]:
        """Every parameter of the real module."""
        return {name: _abstract(tensor) for name, tensor in self._module.named_parameters()}

    def buffers(self) -> dict[str, Tensor]:
        """Every buffer of the real module that torch saves."""
        shared = {id(tensor) for tensor in self._module.parameters()}
        saved = self._module.state_dict(keep_vars=True).items()
        return {name: _abstract(tensor) for name, tensor in saved if id(tensor) not in shared}

    def apply(self, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """The outputs, their sizes fitted to several runs; unknown where nothing fits."""
        given = (arguments, dict(keywords))
        symbols = sorted({name for size in _sizes_in(given) for name in symbols_of(size)})
        failure: Refusal | None = None
        for start, step in _SCALES if symbols else ((1, 0),):
            try:
                runs = [(values, self._run(given, values)) for values in _points(symbols, start, step)]
            except Refusal as refusal:
                # The first sentence is that of the smallest sizes, which are the easiest to read.
                failure = failure or refusal
                continue
            dims = list(dict.fromkeys(size for size in _sizes_in(given)))
            return fitted([output for _, output in runs], [values for values, _ in runs], dims)
        assert failure is not None
        raise failure

    def _run(self, given: tuple[Any, ...], values: dict[str, int]) -> Any:
        """The real module's outputs at these values, as abstract tensors of plain numbers."""
        arguments, keywords = _real(given, values)
        with _refusals(self.target), torch.no_grad(), torch.device("meta"):
            return _traced(self._module(*arguments, **keywords))


class _refusals:
    """Turns whatever a class of the person's own raises into a Refusal with its sentence."""

    def __init__(self, target: str) -> None:
        self._target = target

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, (Refusal, KeyboardInterrupt, GeneratorExit)):
            return
        said = " ".join(str(error).split()) or type(error).__name__
        raise Refusal("invalid-argument", f"{self._target} raises {type(error).__name__}: {said}") from error


def _class_at(target: str) -> Any:
    """The class `module.path:Class`; the current directory is the last place it is looked for in."""
    module, _, name = target.partition(":")
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _points(symbols: Sequence[str], start: int, step: int) -> Iterator[dict[str, int]]:
    """Values of the symbols: all different, each moved twice by itself, then all together."""
    base = {name: start + step * (2 * index) for index, name in enumerate(symbols)}
    yield base
    for name in symbols:
        for times in (1, 3):
            yield {**base, name: base[name] + step * times}
    if len(symbols) > 1:
        yield {name: value + step * (index + 2) for index, (name, value) in enumerate(base.items())}


def _sizes_in(given: Any) -> Iterator[Dim]:
    """The symbolic sizes among the arguments and in their shapes."""
    for tensor in tensors_in(given):
        yield from (size for size in tensor.shape if isinstance(size, Dim))
    stack = [given]
    while stack:
        value = stack.pop()
        if isinstance(value, Dim):
            yield value
        elif isinstance(value, (tuple, list)):
            stack.extend(value)
        elif isinstance(value, dict):
            stack.extend(value.values())


def _number(size: Size, values: dict[str, int]) -> int:
    number = substitute(size, values)
    assert isinstance(number, int)
    return number


def _real(value: Any, values: dict[str, int]) -> Any:
    """The arguments of a run: tensors on meta, numbers in the place of symbols."""
    if isinstance(value, Tensor):
        return torch.empty(
            [_number(size, values) for size in value.shape], dtype=torch_dtype(value.dtype), device="meta"
        )
    if isinstance(value, Dim):
        return _number(value, values)
    if isinstance(value, (tuple, list)):
        return type(value)(_real(item, values) for item in value)
    if isinstance(value, dict):
        return {key: _real(item, values) for key, item in value.items()}
    return argument(value, {})


def _traced(value: Any) -> Any:
    """A real output as an abstract one; unknown where it is neither a tensor nor made of tensors."""
    if isinstance(value, torch.Tensor):
        return _abstract(value)
    if isinstance(value, (tuple, list)):
        return tuple(map(_traced, value))
    return value if value is None or isinstance(value, (bool, int, float)) else UNKNOWN


def _abstract(tensor: torch.Tensor) -> Tensor:
    return Tensor(tuple(tensor.shape), DTYPES[str(tensor.dtype).removeprefix("torch.")])
