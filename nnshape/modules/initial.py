"""Computes the initial values of Parameters and Buffers from their steps."""

from __future__ import annotations

from typing import Any

import torch

from nnshape.modules import targets
from nnshape.modules.leaves import Values, argument, number, torch_dtype
from nnshape.shapes.function import Function
from nnshape.shapes.nested import map_nested
from nnshape.shapes.tensor import Tensor
from nnshape.spec import Span
from nnshape.tracing.model import Module, Operation, Run, StoredTensor
from nnshape.tracing.runtime_sizes import RuntimeSize


class InitialValues:
    """The initial values of the Parameters and Buffers of one body, on `device`, the device of the context.

    A step that several of them use is computed once, so that they hold the same random numbers.
    """

    def __init__(self, run: Run, values: Values, device: torch.device) -> None:
        self._values = values
        # Up to torch 2.6, torch.get_default_device() does not see the device of a context.
        self._device = device
        self._known: dict[Tensor, Any] = {}
        self._span: Span | None = None
        self._made_by: dict[Module, Operation] = {}
        for call in run.calls:
            for operation in call.operations:
                if isinstance(operation.target, StoredTensor):
                    self._made_by.setdefault(operation.target.module, operation)

    def of(self, module: Module) -> torch.Tensor:
        """Return the initial value of a Parameter or Buffer. A later one of the body may be computed from it."""
        made_by, self._span = self._made_by[module], module.span
        made: torch.Tensor
        if made_by.arguments:
            # A copy, since other steps may use the same value.
            made = self._value(made_by.arguments[0]).detach().clone()
        else:
            made = self._drawn(module)
        self._known[made_by.result] = made
        return made

    def _drawn(self, module: Module) -> torch.Tensor:
        assert module.tensor is not None
        shape = tuple(number(size, self._values, module.span) for size in module.tensor.shape)
        dtype = torch_dtype(module.tensor.dtype)
        if dtype.is_floating_point or dtype.is_complex:
            return torch.randn(shape, dtype=dtype)
        return torch.zeros(shape, dtype=dtype)

    def _value(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            if value not in self._known:
                producer = value.producer
                # The trace refuses every other: see `nnshape.tracing.initial_values`.
                assert isinstance(producer, Operation)
                assert isinstance(producer.target, Function)
                self._note(producer.result, self._computed(producer, producer.target))
            return self._known[value]
        if isinstance(value, RuntimeSize):
            return self._value(value.value)
        if isinstance(value, (tuple, list, slice)):
            return map_nested(self._value, value)
        return argument(value, self._values, self._span)

    def _note(self, abstract: Any, real: Any) -> None:
        if isinstance(abstract, Tensor):
            self._known[abstract] = real
        elif isinstance(abstract, (tuple, list)):
            for one, other in zip(abstract, real, strict=True):
                self._note(one, other)

    def _computed(self, operation: Operation, function: Function) -> Any:
        arguments = [self._value(item) for item in operation.arguments]
        keywords = {key: self._value(item) for key, item in operation.keywords.items() if key != "device"}
        if function.name in targets.PROPERTIES:
            return getattr(arguments[0], function.name)
        if function.factory:
            keywords["device"] = self._device
        target = targets.target_of(function, len(arguments), bool(keywords), operation.method)
        if isinstance(target, str):
            return getattr(arguments[0], target)(*arguments[1:], **keywords)
        return target(*arguments, **keywords)
