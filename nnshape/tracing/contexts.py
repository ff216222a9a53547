"""The context of a refusal: its step, layer, arguments and the names in scope. Explanations and fixes read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nnshape.problems import Label, Problem
from nnshape.records import dataclass
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.spec import Expression, Span, nodes
from nnshape.tracing.model import Call, Module, Run

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Signature


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """The body around a step, as it was when the step ran.

    `count` is the number of steps that ran before. `names` holds hyperparameters and loop variables. `outer` is the
    body around a Sequential or an anonymous block, which sees its names.
    """

    module: Module
    run: Run
    count: int
    names: Mapping[str, Any]
    outer: Scope | None = None

    @property
    def prefix(self) -> str:
        """The path of the body followed by a dot, or an empty string for the model."""
        return f"{self.module.path}." if self.module.path else ""

    @property
    def is_model(self) -> bool:
        """Whether this is the body of the model, rather than of a block or Sequential."""
        return self.outer is None and not self.module.path

    @property
    def steps_before(self) -> list[Call]:
        """The steps of the body that ran before this one."""
        return self.run.calls[: self.count]

    def values(self) -> Iterator[tuple[str, Any]]:
        """Yield the name and value of each earlier step and input in scope, latest first."""
        for call in reversed(self.steps_before):
            yield call.name, call.output
        yield from reversed(self.run.inputs.items())
        if self.outer is not None:
            yield from self.outer.values()

    def name_of(self, tensor: Tensor) -> str:
        """Return the name of a tensor in this scope, or an empty string."""
        return next((name for name, value in self.values() if type(value) is Tensor and value == tensor), "")

    def value_of(self, name: str) -> Any:
        """Return the value of the input or earlier step of this name, or None."""
        return next((value for known, value in self.values() if known == name), None)


@dataclass(frozen=True, slots=True, eq=False)
class FaultContext:
    """A refusal by the call at `node` in the step `call`.

    `module` is None if a function or a constructor refused.
    """

    refusal: Refusal
    scope: Scope
    call: Call
    expression: Expression
    node: nodes.Node
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    signature: Signature | None
    module: Module | None
    #: The rule that refused, if it was applied to tensors.
    apply: Callable[[tuple[Any, ...], dict[str, Any]], Any] | None = None


@dataclass(frozen=True, slots=True)
class Explainer:
    """Writes the problems of a trace; `nnshape.explain` implements it.

    `problem` returns the problem of a refusal, with its place and labels. `way_to` returns labels on the steps that
    determined the shape of a tensor, for a problem at a given step and span.
    """

    problem: Callable[[FaultContext], Problem]
    way_to: Callable[[Tensor, Call, Span], tuple[Label, ...]]


def key_of(problem: Problem) -> tuple[str, str, int, int]:
    """The identity of a problem within a trace: its kind, its message and its place."""
    span = problem.span
    return (problem.kind, problem.message, *((-1, -1) if span is None else (span.start, span.end)))
