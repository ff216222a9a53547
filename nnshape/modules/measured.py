"""Layers and functions without a rule: they are run with torch at several sizes, and their outputs' sizes read off.

A class of the person's own is imported only where its very name was allowed, which the trace sees to. Of torch's
own functions only those are run that take tensors, or numbers, to tensors: none that reads a file or sets a state.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from nnshape.modules.building import on_device
from nnshape.modules.leaves import OwnConstruction, argument
from nnshape.modules.targets import NAMESPACES
from nnshape.modules.trials import abstract, measured, refusals
from nnshape.shapes.arguments import AUTO, Signature
from nnshape.shapes.dims import Dim
from nnshape.shapes.function import Function
from nnshape.shapes.layer import Layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor

_META = torch.device("meta")
#: What a file writes before a function's name, and the namespaces of torch that it means.
_PREFIXES = {
    "": tuple(NAMESPACES),
    "torch": ("torch",),
    "F": ("torch.nn.functional",),
    **{name: (f"torch.{name}",) for name in ("fft", "linalg", "special")},
}


class TorchMeasure:
    """What `nnshape.tracing.measuring.Measure` asks for."""

    def layer(self, target: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Layer:
        """A module of the class `module.path:Class`; raises Refusal for whatever the class raises."""
        return _MeasuredLayer(target, arguments, keywords)

    def has_layer(self, name: str) -> bool:
        """Say whether `torch.nn` has a layer of this name."""
        found = getattr(torch.nn, name, None)
        return isinstance(found, type) and issubclass(found, torch.nn.Module)

    def function(self, name: str, namespace: str = "") -> Function | None:
        """The function of torch of this name, in one of its namespaces if that is named; or None."""
        for place in _PREFIXES.get(namespace, ()):
            found = getattr(NAMESPACES[place], name, None)
            if callable(found) and _is_operation(found, name, place):
                return _MeasuredFunction(name, found, is_factory=_is_factory(_operator(name, place)))
        return self.method(name) if namespace == "" else None

    def method(self, name: str) -> Function | None:
        """The Tensor method of this name, or None."""
        found = getattr(torch._C.TensorBase, name, None)
        if not callable(found) or not _gives_tensors(name):
            return None
        return _MeasuredFunction(name, found, is_method=True)


class _MeasuredFunction(Function):
    """A function of torch without a rule."""

    __slots__ = ()
    measured = True

    def __init__(
        self, name: str, real: Callable[..., Any], *, is_method: bool = False, is_factory: bool = False
    ) -> None:
        super().__init__(name, real, method=is_method, only_method=is_method, factory=is_factory, example=())

    def signature(self) -> Signature:
        """No arguments are known by name."""
        return Signature("", [])

    def apply(self, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """The outputs, their sizes fitted to several runs; unknown where nothing fits."""
        return measured(self.name, self.rule, arguments, keywords)

    def derivation(self, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> tuple[str, ...]:
        """Nothing: how the sizes come about is torch's own."""
        return ()


class _MeasuredLayer(Layer, OwnConstruction):
    """A module of a class without a rule, with the arguments that a spec gives it."""

    measured = True
    target: str
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    _module: torch.nn.Module

    def __init__(self, target: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> None:
        for name, value in (*enumerate(arguments), *keywords.items()):
            if value is AUTO:
                raise Refusal("invalid-argument", f"{target} has no rule to read {name} off its input: give it a value")
            if isinstance(value, Dim):
                raise Refusal("unknown-value", f"{target} wants a number, and {value} has none: give it one in dims")
        self.__dict__.update(target=target, arguments=arguments, keywords=dict(keywords))
        with on_device(_META):
            module = self.__dict__["_module"] = self.construct().eval()
        lazy = [name for name, tensor in (*module.named_parameters(), *module.named_buffers()) if is_lazy(tensor)]
        if lazy:
            message = f"{target} cannot be measured: {lazy[0]} has no size until it first runs"
            raise Refusal("unmeasured", message, help="give its layers their sizes")

    def __repr__(self) -> str:
        return f"{self.target}{self.arguments}"

    def construct(self) -> torch.nn.Module:
        """The real module, on the device of the context. Raises Refusal with what the class says."""
        arguments, keywords = argument(self.arguments, {}), {key: argument(v, {}) for key, v in self.keywords.items()}
        with refusals(self.target), warnings.catch_warnings():
            warnings.simplefilter("ignore")
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
        return {name: abstract(tensor) for name, tensor in self._module.named_parameters()}

    def buffers(self) -> dict[str, Tensor]:
        """Every buffer of the real module that torch saves."""
        shared = {id(tensor) for tensor in self._module.parameters()}
        saved = self._module.state_dict(keep_vars=True).items()
        return {name: abstract(tensor) for name, tensor in saved if id(tensor) not in shared}

    def apply(self, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """The outputs, their sizes fitted to several runs; unknown where nothing fits."""
        return measured(self.target.removeprefix("torch.nn:"), self._module, arguments, keywords)


def _class_at(target: str) -> Any:
    """The class `module.path:Class`."""
    module, _, name = target.partition(":")
    found: Any = sys.modules.get(module) or _imported(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _imported(module: str) -> Any:
    """A module that the user allowed by name, looked for in the current folder last, and only while it is imported.

    The folder must not stay on the path: torch tries to import what may not be installed, triton for one, and would
    then run a file of that name.
    """
    here = os.getcwd()
    if here in sys.path or "" in sys.path:
        return importlib.import_module(module)
    sys.path.append(here)
    try:
        return importlib.import_module(module)
    finally:
        with contextlib.suppress(ValueError):  # the module may change the path itself
            sys.path.remove(here)


# ---- which of torch's functions may be run ----


def _operator(name: str, place: str) -> str:
    """The name of torch's operator behind a function: `fft_hfft2` behind `torch.fft.hfft2`."""
    prefix = place.removeprefix("torch").removeprefix(".")
    return name if prefix in ("", "nn.functional") else f"{prefix}_{name}"


def _is_operation(found: Any, name: str, place: str) -> bool:
    """Say whether a function takes tensors, or numbers, to tensors, and does nothing else."""
    if getattr(found, "__module__", "") == place == "torch.nn.functional":
        return True
    if place == "torch" and not hasattr(torch._C._VariableFunctions, name):
        return name in torch.functional.__all__
    # One of torch.nn.functional's own may bear another name than its operator: logsigmoid is log_sigmoid.
    return any(map(_gives_tensors, {_operator(name, place), getattr(found, "__name__", name)}))


def _gives_tensors(operator: str) -> bool:
    return any(
        schema.returns
        and all(str(each.type) in ("Tensor", "List[Tensor]") for each in schema.returns)
        and not any(each.name == "filename" or str(each.type) in ("Storage", "Stream") for each in schema.arguments)
        for schema in _schemas(operator)
    )


def _is_factory(operator: str) -> bool:
    """Say whether an operator has a form that takes no tensor."""
    return any(not any("Tensor" in str(each.type) for each in schema.arguments) for schema in _schemas(operator))


def _schemas(operator: str) -> Sequence[Any]:
    found: Sequence[Any] = torch._C._jit_get_schemas_for_operator(f"aten::{operator}")
    return found
