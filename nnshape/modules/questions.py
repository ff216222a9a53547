"""Shapes inferred by running torch for one model: each question once, up to a limit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import torch

from nnshape.modules.trials import measured
from nnshape.records import dataclass
from nnshape.shapes.dims import Dim
from nnshape.shapes.notices import Notice, notice, noticing
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import UNKNOWN, Tensor

#: Different questions of one model: each is several runs.
QUESTIONS = 300
#: Answers that a process remembers; a file may hold many models that ask the same.
_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of a question: an output or a refusal, and what there was to notice."""

    output: Any
    refusal: Refusal | None
    notices: tuple[Notice, ...]


_answers: OrderedDict[Hashable, _Answer] = OrderedDict()


class Questions:
    """Counts the questions of one model; the same answer as without it, however much was remembered before."""

    def __init__(self) -> None:
        self._asked: set[Hashable] = set()
        self._count = 0

    def function(
        self, name: str, run: Callable[..., Any], arguments: tuple[Any, ...], keywords: Mapping[str, Any]
    ) -> Any:
        """The outputs of a function of torch, remembered by the function and all that it was given."""
        question = (run, _key(arguments), _key(dict(keywords)))
        if question not in self._asked:
            if not self._counted(name):
                return UNKNOWN
            self._asked.add(question)
        answer = _answers.get(question)
        if answer is None:
            answer = _answers[question] = _answered(name, run, arguments, keywords)
            if len(_answers) > _KEPT:
                _answers.popitem(last=False)
        for each in answer.notices:
            notice(each.problem, each.message, each.note)
        if answer.refusal is not None:
            raise answer.refusal
        return _fresh(answer.output)

    def module(
        self, name: str, run: Callable[..., Any], arguments: tuple[Any, ...], keywords: Mapping[str, Any]
    ) -> Any:
        """The outputs of a module, which may have a state: it is asked each time."""
        return measured(name, run, arguments, keywords) if self._counted(name) else UNKNOWN

    def _counted(self, name: str) -> bool:
        self._count += 1
        if self._count > QUESTIONS:
            message = f"what {{layer}} gives out is unknown: {name} has no rule, and one model is measured"
            notice("unmeasured", f"{message} {QUESTIONS} times at most")
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
    """A value as a part of a question: a tensor is its shape and dtype."""
    if isinstance(value, Tensor):
        return (Tensor, value.shape, value.dtype)
    if isinstance(value, (tuple, list)):
        return (type(value), *map(_key, value))
    if isinstance(value, dict):
        return tuple((name, _key(item)) for name, item in value.items())
    if isinstance(value, slice):
        return (slice, _key(value.start), _key(value.stop), _key(value.step))
    # The types count too: 1 == 1.0 == True, and torch does not take one for the other.
    return (type(value), value if isinstance(value, (Dim, torch.dtype)) else repr(value))


def _fresh(output: Any) -> Any:
    """The output as tensors of its own."""
    if isinstance(output, Tensor):
        return output.like()
    return tuple(map(_fresh, output)) if isinstance(output, tuple) else output
