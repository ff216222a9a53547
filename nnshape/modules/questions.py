"""Caches shapes inferred by running torch, and limits their number for one model."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import torch

from nnshape.modules.trials import measured
from nnshape.records import dataclass
from nnshape.shapes.dims import Dim
from nnshape.shapes.dtypes import default_dtype
from nnshape.shapes.notices import Notice, notice, noticing
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import UNKNOWN, Tensor

#: The most different calls whose shapes are inferred for one model. Each takes several runs.
QUESTIONS = 300
#: The most answers in the cache of the process, which many variants of a file share.
_CACHE_SIZE = 2_000


@dataclass(frozen=True, slots=True)
class _Answer:
    """The answer to a question: an output or a refusal, and notices."""

    output: Any
    refusal: Refusal | None
    notices: tuple[Notice, ...]


_answers: OrderedDict[Hashable, _Answer] = OrderedDict()


class Questions:
    """Answers the questions of one model, up to a limit that does not depend on the cache."""

    def __init__(self) -> None:
        self._asked: set[Hashable] = set()
        self._count = 0

    def function(
        self, name: str, run: Callable[..., Any], arguments: tuple[Any, ...], keywords: Mapping[str, Any]
    ) -> Any:
        """Return the outputs of a torch function, cached by the function and its arguments; UNKNOWN past the limit."""
        question = (run, _key(arguments), _key(dict(keywords)), default_dtype())
        if question not in self._asked:
            if not self._counted(name):
                return UNKNOWN
            self._asked.add(question)
        answer = _answers.get(question)
        if answer is None:
            answer = _answers[question] = _answered(name, run, arguments, keywords)
            if len(_answers) > _CACHE_SIZE:
                _answers.popitem(last=False)
        for each in answer.notices:
            notice(each.problem, each.message, each.note)
        if answer.refusal is not None:
            raise answer.refusal
        return _fresh(answer.output)

    def module(
        self, name: str, run: Callable[..., Any], arguments: tuple[Any, ...], keywords: Mapping[str, Any]
    ) -> Any:
        """Return the outputs of a module, not cached since it may have state; UNKNOWN past the limit."""
        return measured(name, run, arguments, keywords) if self._counted(name) else UNKNOWN

    def _counted(self, name: str) -> bool:
        self._count += 1
        if self._count > QUESTIONS:
            message = (
                f"the output of {{layer}} is unknown: {name} has no rule, and shapes are inferred by running torch"
            )
            notice("unmeasured", f"{message} at most {QUESTIONS} times per model")
        return self._count <= QUESTIONS


def _answered(name: str, run: Callable[..., Any], arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> _Answer:
    output: Any = UNKNOWN
    refusal: Refusal | None = None
    with noticing() as notices:
        try:
            output = measured(name, run, arguments, keywords)
        except Refusal as error:
            refusal = error
    return _Answer(output, refusal, tuple(notices))


def _key(value: Any) -> Hashable:
    """Return a hashable key for an argument: the shape and dtype of a tensor."""
    if isinstance(value, Tensor):
        return (Tensor, value.shape, value.dtype)
    if isinstance(value, (tuple, list)):
        return (type(value), *map(_key, value))
    if isinstance(value, dict):
        return tuple((name, _key(item)) for name, item in value.items())
    if isinstance(value, slice):
        return (slice, _key(value.start), _key(value.stop), _key(value.step))
    # The type is part of the key: 1 == 1.0 == True, but torch tells them apart.
    return (type(value), value if isinstance(value, (Dim, torch.dtype)) else repr(value))


def _fresh(output: Any) -> Any:
    """Return a copy of the output with new tensors."""
    if isinstance(output, Tensor):
        return output.like()
    return tuple(map(_fresh, output)) if isinstance(output, tuple) else output
