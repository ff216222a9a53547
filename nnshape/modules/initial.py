"""Computes the initial values of Parameters and Buffers from their steps."""

from __future__ import annotations

from typing import Any

import torch

from nnshape.modules import targets
from nnshape.modules.leaves import Values, argument, number, torch_dtype
from nnshape.problems import Problem, SpecError
from nnshape.shapes.function import Function
from nnshape.shapes.nested import map_nested
from nnshape.shapes.tensor import Tensor
from nnshape.spec import Span
from nnshape.tracing.model import Module, Operation, Run, StoredTensor
from nnshape.tracing.runtime_sizes import RuntimeSize


def first_values(run: Run) -> dict[Module, Operation]:
    """Return the operation that makes each Parameter and Buffer of a body."""
    found: dict[Module, Operation] = {}
    for call in run.calls:
        for operation in call.operations:
            if isinstance(operation.target, StoredTensor):
                found.setdefault(operation.target.module, operation)
    return found


def own_tensor(module: Module, made_by: Operation, values: Values, device: torch.device) -> torch.Tensor:
    """Return the initial value of a Parameter or Buffer, on `device`, which must be the device of the context.

    Raises SpecError if it depends on an input.
    """
    assert module.tensor is not None
    if made_by.arguments:
        # A copy, since other steps may use the same value.
        return _Evaluation(values, module, device).value(made_by.arguments[0]).detach().clone()  # type: ignore[no-any-return]
    shape = tuple(number(size, values, module.span) for size in module.tensor.shape)
    dtype = torch_dtype(module.tensor.dtype)
    if dtype.is_floating_point or dtype.is_complex:
        return torch.randn(shape, dtype=dtype)
    return torch.zeros(shape, dtype=dtype)


class _Evaluation:
    """Computes values of a body that depend on no input."""

    def __init__(self, values: Values, module: Module, device: torch.device) -> None:
        self._values = values
        self._module = module
        # Up to torch 2.6, torch.get_default_device() does not see the device of a context.
        self._device = device
        self._known: dict[Tensor, Any] = {}

    def value(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            if value not in self._known:
                producer = value.producer
                if not isinstance(producer, Operation) or not isinstance(producer.target, Function):
                    raise _unknown(self._module, self._module.span)
                self._note(producer.result, self._computed(producer, producer.target))
            return self._known[value]
        if isinstance(value, RuntimeSize):
            return self.value(value.value)
        if isinstance(value, (tuple, list, slice)):
            return map_nested(self.value, value)
        return argument(value, self._values, self._module.span)

    def _note(self, abstract: Any, real: Any) -> None:
        if isinstance(abstract, Tensor):
            self._known[abstract] = real
        elif isinstance(abstract, (tuple, list)):
            for one, other in zip(abstract, real, strict=True):
                self._note(one, other)

    def _computed(self, operation: Operation, function: Function) -> Any:
        arguments = [self.value(item) for item in operation.arguments]
        keywords = {key: self.value(item) for key, item in operation.keywords.items() if key != "device"}
        if function.name in targets.PROPERTIES:
            return getattr(arguments[0], function.name)
        if function.factory:
            keywords["device"] = self._device
        target = targets.target_of(function, len(arguments), bool(keywords), operation.method)
        if isinstance(target, str):
            return getattr(arguments[0], target)(*arguments[1:], **keywords)
        return target(*arguments, **keywords)


def _unknown(module: Module, span: Span) -> SpecError:
    message = f"the initial value of {module.path} depends on an input"
    help = ("use zeros, ones, randn or arange, or give its sizes",)
    return SpecError(Problem("invalid-argument", message, span, help=help))
