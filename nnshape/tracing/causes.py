"""What a refusal was about, kept beside its problem: the step, the layer and the tensors that came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnshape.problems import Problem
from nnshape.shapes.refusal import Refusal
from nnshape.spec import Expression, nodes
from nnshape.tracing.model import Call, Module

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Signature
    from nnshape.tracing.origins import Chain
    from nnshape.tracing.scope import Frame


@dataclass(frozen=True, slots=True, eq=False)
class Cause:
    """A refusal where it happened: what was called at `node`, in the step of `frame` that was run then.

    `module` is None where a function or a constructor refused. `place` is the part of the call that
    is at fault; `chain` says how the tensor at fault came about.
    """

    refusal: Refusal
    frame: Frame
    call: Call
    expression: Expression
    node: nodes.Node
    place: nodes.Node | nodes.Keyword
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    signature: Signature | None
    module: Module | None
    chain: Chain | None
    #: The rule that refused, where it was applied to tensors.
    apply: Callable[[tuple[Any, ...], dict[str, Any]], Any] | None = None


def key_of(problem: Problem) -> tuple[str, str, int, int]:
    """What makes a problem of a trace the same as another: its kind, its words and its place."""
    span = problem.span
    return (problem.kind, problem.message, *((-1, -1) if span is None else (span.start, span.end)))
