"""Runs single operations with torch, within the budget of the proof. Results on meta are cached."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import torch

from nnshape.modules import budget
from nnshape.modules.harmless_values import retried
from nnshape.modules.standing_in import FEW, bilinear_shortened, is_shortened, run_shortened, steps_run
from nnshape.tracing.model import Module, Operation

#: The shape, strides and dtype of a tensor on meta: all that an operation can read.
_Look = tuple[torch.Size, tuple[int, ...], torch.dtype]
_PLAIN = (int, float, complex, str, type(None), torch.dtype, torch.device, torch.memory_format)


class Beyond(Exception):
    """An operation would exceed a budget of the proof."""


class Asker:
    """Runs the operations of one proof. Raises Beyond once its budget is spent."""

    def __init__(self, device: torch.device) -> None:
        self._on_meta = device.type == "meta"
        self._budget = budget.Allowance(budget.RUN)
        self._answers: dict[Hashable, Any] = {}
        #: What the first run would have taken if nothing had been asked twice.
        self._one_run = 0
        self._runs = 0
        self._mode = ""
        #: A class of layer that was not run in full, or empty.
        self.shortened = ""
        #: Whether torch refused the values of the run, and harmless ones were used.
        self.was_refused = False

    def begin(self, mode: str) -> None:
        """Begin a run in a mode of the model: an answer holds for one mode."""
        self._runs += 1
        self._mode = mode

    @property
    def limit(self) -> str:
        """The budget, as the reason for parts that do not run."""
        return f"a proof runs at most {self._budget.most:,} operations of torch"

    @property
    def can_repeat(self) -> bool:
        """Whether the budget has enough left for one more run, even of everything anew."""
        return self._budget.left >= self._one_run

    def module(
        self, operation: Operation, real: torch.nn.Module, arguments: tuple[Any, ...], keywords: Mapping[str, Any]
    ) -> Any:
        """Return the output of a leaf module."""
        assert isinstance(operation.target, Module)
        layer = operation.target.layer
        # A `Refused` module stands for one that was not made, and must not share its cached answer.
        is_itself = layer is not None and type(real).__name__ == type(layer).__name__
        if not self._on_meta or not is_itself:
            return self._ask(operation, None, lambda: self._answer(real, arguments, keywords))
        question = _question((self._mode, layer), arguments, keywords)
        steps = steps_run(real, arguments)
        if is_shortened(real, arguments):
            self.shortened = type(real).__name__
        return self._ask(operation, question, lambda: run_shortened(real, arguments, keywords), steps)

    def function(
        self, operation: Operation | None, target: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]
    ) -> Any:
        """Return the result of a function, or of a Tensor method by name. Reading a size (no operation) is free."""

        def run() -> Any:
            called = target
            if isinstance(target, str):
                called = _method(target)
            elif self._on_meta and target is torch.nn.functional.bilinear:
                called = bilinear_shortened
                weight = keywords.get("weight", arguments[2] if len(arguments) > 2 else None)
                if isinstance(weight, torch.Tensor) and weight.shape[:1] > (FEW,):
                    self.shortened = "bilinear"
            return self._answer(called, arguments, keywords)

        if operation is None:
            return run()
        name = target if isinstance(target, str) else getattr(target, "__name__", "")
        # An in-place operation may change the shape of its argument.
        if name.endswith("_") or not self._on_meta:
            return self._ask(operation, None, run)
        return self._ask(operation, _question((self._mode, target), arguments, keywords), run)

    def _answer(self, run: Callable[..., Any], arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """What torch gives for these arguments, or for others of their looks where it only refuses their values."""
        try:
            return run(*arguments, **keywords)
        except (NotImplementedError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            if self._on_meta:
                raise
            answer = retried(run, arguments, keywords, error)
            self.was_refused = True
            return answer

    def _ask(self, operation: Operation, question: Hashable | None, run: Callable[[], Any], steps: int = 0) -> Any:
        known = self._answers.get(question) if question is not None else None
        full = budget.asked(operation, steps)
        amount = full if known is None else 1
        if self._runs == 1:
            self._one_run += full
        if not self._budget.take(amount):
            raise Beyond(self.limit)
        if known is not None:
            return _shown(known)
        value = run()
        if question is not None:
            seen = _seen(value)
            if seen is not None:
                self._answers[question] = seen
        return value


def _method(name: str) -> Callable[..., Any]:
    """A Tensor method as a function of the tensor."""
    return lambda input, *others, **named: getattr(input, name)(*others, **named)


def _question(asked: Hashable, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Hashable | None:
    """Return the cache key of a call, or None if its arguments do not determine the result."""
    if keywords:
        return None
    parts: list[Hashable] = [asked]
    for value in arguments:
        if isinstance(value, torch.Tensor):
            if value.layout != torch.strided or value.dtype.is_complex:
                return None
            parts.append((value.shape, value.stride(), value.dtype))
        elif isinstance(value, _PLAIN):
            parts.append((type(value), value))
        else:
            return None
    return tuple(parts)


def _seen(value: Any) -> Any:
    """Return the shape, strides and dtype of a result for the cache; None unless its tensors own their storage."""
    if type(value) is tuple:  # such as the output of a recurrent layer
        parts = list(map(_seen, value))
        return None if None in parts else parts
    if isinstance(value, torch.Tensor):
        if value.layout != torch.strided or value.dtype.is_complex:
            return None
        whole = value.untyped_storage().nbytes() == value.numel() * value.element_size()
        return (value.shape, value.stride(), value.dtype) if whole else None
    return None


def _shown(seen: Any) -> Any:
    if isinstance(seen, list):
        return tuple(map(_shown, seen))
    shape, stride, dtype = seen
    return torch.empty_strided(shape, stride, dtype=dtype, device="meta")
