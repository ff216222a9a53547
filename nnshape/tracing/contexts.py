"""The context of a refusal, kept beside its problem: the step, the layer, its arguments and the names in scope."""

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
    """The body around a step: its module and run, the number of steps before this one, and the names that it binds.

    `names` holds hyperparameters and loop variables. `outer` is the body in whose expression a Sequential stands.
    """

    module: Module
    run: Run
    count: int
    names: Mapping[str, Any]
    outer: Scope | None = None

    @property
    def prefix(self) -> str:
        """The path of the body, with a dot after it; empty for the model's own."""
        return f"{self.module.path}." if self.module.path else ""

    @property
    def is_model(self) -> bool:
        """Whether the body is the model's own, and not that of a block or Sequential."""
        return self.outer is None and not self.module.path

    @property
    def steps_before(self) -> list[Call]:
        """The steps of the body that were executed before this one."""
        return self.run.calls[: self.count]

    def values(self) -> Iterator[tuple[str, Any]]:
        """The inputs and earlier steps that a step can name, with their values: the latest first."""
        for call in reversed(self.steps_before):
            yield call.name, call.output
        yield from reversed(self.run.inputs.items())
        if self.outer is not None:
            yield from self.outer.values()

    def name_of(self, tensor: Tensor) -> str:
        """The name of a tensor in this scope; empty where it has none."""
        return next((name for name, value in self.values() if type(value) is Tensor and value == tensor), "")

    def value_of(self, name: str) -> Any:
        """The value of an input or an earlier step; None where there is none of this name."""
        return next((value for known, value in self.values() if known == name), None)


@dataclass(frozen=True, slots=True, eq=False)
class FaultContext:
    """A refusal where it happened: the call at `node`, in the step `call`.

    `module` is None where a function or a constructor refused.
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
    #: The rule that refused, where it was applied to tensors.
    apply: Callable[[tuple[Any, ...], dict[str, Any]], Any] | None = None


@dataclass(frozen=True, slots=True)
class Explainer:
    """Writes the problems of a trace: `nnshape.explain` has the one that is used.

    `problem` gives a refusal its place and its labels. `way_to` labels the steps that led to the sizes
    of a tensor, as seen from a step and a place in the text.
    """

    problem: Callable[[FaultContext], Problem]
    way_to: Callable[[Tensor, Call, Span], tuple[Label, ...]]


def key_of(problem: Problem) -> tuple[str, str, int, int]:
    """The identity of a problem within a trace: its kind, its message and its place."""
    span = problem.span
    return (problem.kind, problem.message, *((-1, -1) if span is None else (span.start, span.end)))
