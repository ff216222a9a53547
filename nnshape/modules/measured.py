"""Layers and functions without a rule: infers their output shapes by running torch at several sizes.

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
from nnshape.modules.questions import Questions
from nnshape.modules.targets import NAMESPACES
from nnshape.modules.trials import abstract, refusals
from nnshape.shapes.arguments import AUTO, Signature
from nnshape.shapes.dims import Dim
from nnshape.shapes.function import Function
from nnshape.shapes.functions.splitting import MAX_PIECES
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, tensors_in

_META = torch.device("meta")
#: What a file writes before a function's name, and the namespaces of torch that it means.
_PREFIXES = {
    "": tuple(NAMESPACES),
    "torch": ("torch",),
    "F": ("torch.nn.functional",),
    **{name: (f"torch.{name}",) for name in ("fft", "linalg", "special")},
}


class TorchMeasure:
    """What `nnshape.tracing.measuring.Measure` asks for, for one model: it measures so much and no more."""

    def __init__(self) -> None:
        self._questions = Questions()

    def layer(self, target: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Layer:
        """A module of the class `module.path:Class`; raises Refusal for whatever the class raises."""
        if target.startswith("torch.nn:"):
            keywords = {name: value for name, value in keywords.items() if name != "device"}
        return _MeasuredLayer(self._questions, target, arguments, keywords)

    def has_layer(self, name: str) -> bool:
        """Say whether `torch.nn` has a layer of this name."""
        found = getattr(torch.nn, name, None)
        return isinstance(found, type) and issubclass(found, torch.nn.Module)

    def function(self, name: str, namespace: str = "") -> Function | None:
        """The function of torch of this name, in one of its namespaces if that is named; or None."""
        for place in _PREFIXES.get(namespace, ()):
            found = getattr(NAMESPACES[place], name, None)
            if callable(found) and _is_operation(found, name, place):
                return _MeasuredFunction(self._questions, name, found, is_factory=_is_factory(_operator(name, place)))
        return self.method(name) if namespace == "" else None

    def method(self, name: str) -> Function | None:
        """The Tensor method of this name, or None."""
        found = getattr(torch._C.TensorBase, name, None)
        if not callable(found) or _is_left_out(name) or not _gives_tensors(name):
            return None
        return _MeasuredFunction(self._questions, name, found, is_method=True)


class _MeasuredFunction(Function):
    """A function of torch without a rule."""

    __slots__ = ("_gives_list", "_questions")
    measured = True

    def __init__(
        self,
        questions: Questions,
        name: str,
        real: Callable[..., Any],
        *,
        is_method: bool = False,
        is_factory: bool = False,
    ) -> None:
        self._questions = questions
        self._gives_list = any(str(each.type) == "List[Tensor]" for s in _schemas(name) for each in s.returns)
        super().__init__(name, real, method=is_method, only_method=is_method, factory=is_factory, example=())

    def signature(self) -> Signature:
        """No arguments are known by name."""
        return Signature("", [])

    def apply(self, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """The outputs, their sizes fitted to several runs; unknown where nothing fits.

        No word of a spec decides on which device it is run.
        """
        keywords = {name: value for name, value in keywords.items() if name != "device"}
        if self.factory and not any(True for _ in tensors_in((arguments, keywords))):
            keywords["device"] = "meta"  # torch's own context leaves out some, such as normal
        if self._gives_list and self.name != "gradient":
            _require_countable(self.name, (arguments, keywords))
        return self._questions.function(self.name, self.rule, arguments, keywords)

    def derivation(self, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> tuple[str, ...]:
        """Nothing: how the sizes come about is torch's own."""
        return ()


class _MeasuredLayer(Layer, OwnConstruction):
    """A module of a class without a rule, with the arguments that a spec gives it."""

    measured = True
    target: str
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    _questions: Questions
    _module: torch.nn.Module

    def __init__(
        self, questions: Questions, target: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any]
    ) -> None:
        for name, value in (*enumerate(arguments), *keywords.items()):
            if value is AUTO:
                raise Refusal("invalid-argument", f"{target} has no rule to read {name} off its input: give it a value")
            if isinstance(value, Dim):
                raise Refusal("unknown-value", f"{target} wants a number, and {value} has none: give it one in dims")
        self.__dict__.update(target=target, arguments=arguments, keywords=dict(keywords), _questions=questions)
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
        return self._questions.module(self.target.removeprefix("torch.nn:"), self._module, arguments, keywords)


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


def _require_countable(name: str, given: Any) -> None:
    """Raise Refusal where a function of several tensors, one for each slice or index, may give too many.

    Only `gradient` gives one for each dimension.
    """
    largest = max((size for tensor in tensors_in(given) for size in tensor.shape if isinstance(size, int)), default=0)
    if largest > MAX_PIECES:
        message = f"{name} may give {largest:,} tensors: {MAX_PIECES:,} are the limit"
        raise Refusal("too-large", message, help="a rule would know how many: use split, chunk or unbind")


# ---- which of torch's functions may be run ----


def _operator(name: str, place: str) -> str:
    """The name of torch's operator behind a function: `fft_hfft2` behind `torch.fft.hfft2`."""
    prefix = place.removeprefix("torch").removeprefix(".")
    return name if prefix in ("", "nn.functional") else f"{prefix}_{name}"


#: Functions of one backend, of sparse and quantized tensors (which a trace has no value for), the steps inside other
#: functions, and those that give a tensor other memory.
_INNER = (
    "batch_norm_", "ccol_", "col_", "crow_", "cudnn_", "fake_quantize_", "fbgemm_", "fused_", "int_repr", "indices",
    "miopen_", "mkldnn_", "native_", "q_per_", "quantize_", "quantized_", "resize_", "row_indices", "sparse_",
    "to_mkldnn", "to_padded_tensor", "to_sparse", "values",
)  # fmt: skip
#: The like without a common beginning; functions that loop over a size in Python (the recurrent ones) or over a number
#: for each element (the polynomials); and those that take no tensor to a tensor.
_LEFT_OUT = frozenset({
    "as_tensor", "assert_int_or_pair", "broadcast_shapes", "choose_qparams_optimized", "coalesce", "dequantize",
    "embedding_renorm_", "empty_quantized", "grouped_mm", "gru", "gru_cell", "histogramdd", "hspmm", "lstm",
    "lstm_cell", "pin_memory", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell", "scaled_grouped_mm",
    "scaled_mm", "set_", "smm", "sspaddmm", "to_dense",
})  # fmt: skip


def _is_left_out(name: str) -> bool:
    return name in _LEFT_OUT or name.startswith(("_", *_INNER)) or "_polynomial_" in name


def _is_operation(found: Any, name: str, place: str) -> bool:
    """Say whether a function takes tensors, or numbers, to tensors, and does nothing else."""
    if _is_left_out(name):
        return False
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
