"""Layers and functions without a rule: infers their output shapes by running torch at several sizes.

A user's class is imported only if it is allowed by name, which tracing checks. Of torch's functions, only those from
tensors or numbers to tensors are run: none that reads a file or changes global state.
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
from nnshape.modules.default_dtype import in_dtype
from nnshape.modules.leaves import OwnConstruction, argument
from nnshape.modules.questions import Questions
from nnshape.modules.targets import NAMESPACES
from nnshape.modules.trials import abstract, refusals
from nnshape.shapes.arguments import AUTO, Signature
from nnshape.shapes.dims import Dim
from nnshape.shapes.dtypes import default_dtype
from nnshape.shapes.function import Function
from nnshape.shapes.functions.splitting import MAX_PIECES
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, tensors_in

_META = torch.device("meta")
#: The namespaces of torch for each prefix of a function's name in a spec.
_PREFIXES = {
    "": tuple(NAMESPACES),
    "torch": ("torch",),
    "F": ("torch.nn.functional",),
    **{name: (f"torch.{name}",) for name in ("fft", "linalg", "special")},
}


class TorchMeasure:
    """Implements `nnshape.tracing.measuring.Measure` for one model, up to a limit."""

    def __init__(self) -> None:
        self._questions = Questions()

    def layer(self, target: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Layer:
        """Return a layer for the class `module.path:Class`. Raises Refusal if the class raises."""
        if target.startswith("torch.nn:"):
            keywords = {name: value for name, value in keywords.items() if name != "device"}
        return _MeasuredLayer(self._questions, target, arguments, keywords)

    def has_layer(self, name: str) -> bool:
        """Return whether `torch.nn` has a layer of this name."""
        found = getattr(torch.nn, name, None)
        return isinstance(found, type) and issubclass(found, torch.nn.Module)

    def function(self, name: str, namespace: str = "") -> Function | None:
        """Return the torch function of this name, in a namespace such as `linalg` if given; or None."""
        for place in _PREFIXES.get(namespace, ()):
            found = getattr(NAMESPACES[place], name, None)
            if callable(found) and _is_operation(found, name, place):
                return _MeasuredFunction(self._questions, name, found, is_factory=_is_factory(_operator(name, place)))
        return self.method(name) if namespace == "" else None

    def method(self, name: str) -> Function | None:
        """Return the Tensor method of this name, or None."""
        if name in _PYTHON_METHODS:
            return _MeasuredFunction(self._questions, name, getattr(torch.Tensor, name), is_method=True)
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
        """Return the outputs, with sizes fitted to several runs, or UNKNOWN. Ignores a `device` argument."""
        keywords = {name: value for name, value in keywords.items() if name != "device"}
        if self.factory and not any(True for _ in tensors_in((arguments, keywords))):
            keywords["device"] = "meta"  # some functions, such as normal, ignore the device of the context
        if self._gives_list and self.name != "gradient":
            _check_count(self.name, (arguments, keywords))
        return self._questions.function(self.name, self.rule, arguments, keywords)

    def derivation(self, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> tuple[str, ...]:
        """Return nothing: the formula of torch is unknown."""
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
                raise Refusal(
                    "invalid-argument", f"{target} has no rule, so argument {name} cannot be auto: give it a value"
                )
            if isinstance(value, Dim):
                raise Refusal(
                    "unknown-value", f"{target} needs a number, but {value} has no value: give it one in dims"
                )
        self.__dict__.update(target=target, arguments=arguments, keywords=dict(keywords), _questions=questions)
        with on_device(_META):
            module = self.__dict__["_module"] = self.construct().eval()
        lazy = [name for name, tensor in (*module.named_parameters(), *module.named_buffers()) if is_lazy(tensor)]
        if lazy:
            message = f"cannot infer the shapes of {target}: its {lazy[0]} has no size until its first run"
            raise Refusal("unmeasured", message, help="give its layers their sizes")

    def __repr__(self) -> str:
        return f"{self.target}{self.arguments}"

    def construct(self) -> torch.nn.Module:
        """Return the module, on the device of the context. Raises Refusal with the error of the class."""
        arguments, keywords = argument(self.arguments, {}), {key: argument(v, {}) for key, v in self.keywords.items()}
        with refusals(self.target), warnings.catch_warnings(), in_dtype(default_dtype()):
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
        """Return the layer itself: it has no `auto`."""
        return self

    def parameters(self) -> dict[str, Tensor]:
        """Return the shape and dtype of each parameter of the module."""
        return {name: abstract(tensor) for name, tensor in self._module.named_parameters()}

    def buffers(self) -> dict[str, Tensor]:
        """Return the shape and dtype of each persistent buffer of the module."""
        shared = {id(tensor) for tensor in self._module.parameters()}
        saved = self._module.state_dict(keep_vars=True).items()
        return {name: abstract(tensor) for name, tensor in saved if id(tensor) not in shared}

    def apply(self, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """Return the outputs, with sizes fitted to several runs, or UNKNOWN."""
        return self._questions.module(self.target.removeprefix("torch.nn:"), self._module, arguments, keywords)


def _class_at(target: str) -> Any:
    """Import the class `module.path:Class`."""
    module, _, name = target.partition(":")
    found: Any = sys.modules.get(module) or _imported(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _imported(module: str) -> Any:
    """Import a module that the user allowed by name, with the current folder at the end of the path.

    The folder is removed from the path afterwards: torch tries to import optional packages such as triton, and would
    otherwise run a file of that name.
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


def _check_count(name: str, given: Any) -> None:
    """Raise Refusal if a function that returns one tensor per slice or index may return too many.

    `gradient` is exempt: it returns one per dimension.
    """
    largest = max((size for tensor in tensors_in(given) for size in tensor.shape if isinstance(size, int)), default=0)
    if largest > MAX_PIECES:
        message = f"{name} may return {largest:,} tensors: the limit is {MAX_PIECES:,}"
        raise Refusal("too-large", message, help="use split, chunk or unbind, which have a rule")


# ---- the functions that may be run ----


def _operator(name: str, place: str) -> str:
    """Return the name of a function's operator in ATen, such as `fft_hfft2` for `torch.fft.hfft2`."""
    prefix = place.removeprefix("torch").removeprefix(".")
    return name if prefix in ("", "nn.functional") else f"{prefix}_{name}"


#: Prefixes of functions that are not run: of a single backend, of sparse and quantized tensors (which a trace cannot
#: represent), internal steps of other functions, and functions that replace a tensor's memory.
_INNER = (
    "batch_norm_", "ccol_", "col_", "crow_", "cudnn_", "fake_quantize_", "fbgemm_", "fused_", "int_repr", "indices",
    "miopen_", "mkldnn_", "native_", "q_per_", "quantize_", "quantized_", "resize_", "row_indices", "sparse_",
    "to_mkldnn", "to_padded_tensor", "to_sparse", "values",
)  # fmt: skip
#: Others that are not run: functions like those above, functions that loop over a size in Python (recurrent ones) or
#: over a number for each element (polynomials), and functions that do not map tensors to tensors.
_LEFT_OUT = frozenset({
    "as_tensor", "assert_int_or_pair", "broadcast_shapes", "choose_qparams_optimized", "coalesce", "dequantize",
    "embedding_renorm_", "empty_quantized", "grouped_mm", "gru", "gru_cell", "histogramdd", "hspmm", "lstm",
    "lstm_cell", "pin_memory", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell", "scaled_grouped_mm",
    "scaled_mm", "set_", "smm", "sspaddmm", "to_dense",
})  # fmt: skip


#: Functions of torch from tensors to tensors that have no operator, because they are written in Python.
_PYTHON_FUNCTIONS = frozenset({*torch.functional.__all__, "lobpcg", "pca_lowrank", "svd_lowrank"})
#: Methods of the same kind, written in Python around operators of other names.
_PYTHON_METHODS = frozenset({"lu"})


def _is_left_out(name: str) -> bool:
    return name in _LEFT_OUT or name.startswith(("_", *_INNER)) or "_polynomial_" in name


def _is_operation(found: Any, name: str, place: str) -> bool:
    """Return whether a function only maps tensors or numbers to tensors."""
    if _is_left_out(name):
        return False
    if getattr(found, "__module__", "") == place == "torch.nn.functional":
        return True
    if place == "torch" and not hasattr(torch._C._VariableFunctions, name):
        return name in _PYTHON_FUNCTIONS
    # A function of torch.nn.functional may have another name than its operator: logsigmoid is log_sigmoid.
    return any(map(_gives_tensors, {_operator(name, place), getattr(found, "__name__", name)}))


def _gives_tensors(operator: str) -> bool:
    return any(
        schema.returns
        and all(str(each.type) in ("Tensor", "List[Tensor]") for each in schema.returns)
        and not any(each.name == "filename" or str(each.type) in ("Storage", "Stream") for each in schema.arguments)
        for schema in _schemas(operator)
    )


def _is_factory(operator: str) -> bool:
    """Return whether an operator has an overload without tensor arguments."""
    return any(not any("Tensor" in str(each.type) for each in schema.arguments) for schema in _schemas(operator))


def _schemas(operator: str) -> Sequence[Any]:
    found: Sequence[Any] = torch._C._jit_get_schemas_for_operator(f"aten::{operator}")
    return found
