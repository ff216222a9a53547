"""Reports a step's conditions on the batch at the step, and lets the trace continue without them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from nnshape.problems import Label, Problem
from nnshape.shapes.arguments import Signature
from nnshape.shapes.constraints import Constraint
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor
from nnshape.spec import ShapePattern, Span, nodes
from nnshape.tracing.batch import of_batch
from nnshape.tracing.contexts import key_of
from nnshape.tracing.model import Call, Module
from nnshape.tracing.rule_refusals import located_refusal, warn
from nnshape.tracing.runtime_sizes import plain
from nnshape.tracing.scope import Frame
from nnshape.tracing.shape_matching import actual_shape

if TYPE_CHECKING:
    from nnshape.tracing.tracer import Tracer

#: The kinds of problem that only a model with a batch has.
OF_BATCH = (
    "fixed-batch", "mixes-samples", "loses-batch", "scrambled", "silent-broadcast", "restricted-batch",
    "swallows-batch",
)  # fmt: skip
#: A step reports one problem of these kinds: the first in this order.
_ONE_A_STEP = ("not-contiguous", *OF_BATCH)


def judge_batch(
    frame: Frame,
    node: nodes.Node,
    since: int,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    signature: Signature,
    module: Module | None,
    apply: Any,
    result: Any,
) -> Any:
    """Judge the assumptions that the last rule made about the batch, and return the result to continue with.

    `since` counts the constraints before it.
    """
    tracer = frame.tracer
    constraints = of_batch(tracer.constraints[since:], tracer.batch)
    if not constraints:
        return result
    from nnshape.tracing.batch_verdicts import Application, blamed_in, freed, refused_at, verdict_of  # few models ask

    measured = module.layer.measured if module is not None and module.layer is not None else False
    plain_keywords = {name: plain(value) for name, value in keywords.items()}
    application = Application(apply, plain(arguments), plain_keywords)
    verdict = verdict_of(constraints, tracer.batch, None if measured else application)
    if verdict is None:
        return result
    refused, is_true = (None, False) if measured else refused_at(application, constraints)
    argument = refused.argument if refused is not None else None
    note = refused.note if refused is not None and is_true else ""
    if verdict.kind == "restricted-batch":
        refusal = Refusal(
            "restricted-batch", f"{{layer}} runs {verdict.where}", argument, note=note, wanted=verdict.size
        )
        warn(frame, node, refusal, arguments, signature, module, keywords, apply)
        tracer.batch.needs += verdict.constraints
        return result
    given = (arguments, keywords)
    blamed = set(blamed_in(given, verdict.size))
    if not blamed or not blamed <= tracer.batch.blamed:
        tracer.batch.blamed |= blamed
        message = f"{{layer}} runs {verdict.where}, not at every batch"
        refusal = Refusal("fixed-batch", message, argument, note=note, wanted=verdict.size)
        _report(frame, node, refusal, arguments, keywords, signature, module, apply)
    _forget(tracer.constraints, verdict.constraints)
    return freed(result, given, verdict.size)


def _report(
    frame: Frame,
    node: nodes.Node,
    refusal: Refusal,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    signature: Signature,
    module: Module | None,
    apply: Any,
) -> None:
    """Report a refusal with torch's own message, since the rule itself does not refuse."""
    problem = located_refusal(frame, node, refusal, arguments, signature, module, keywords).problem
    contexts = frame.tracer.contexts
    if key_of(problem) in contexts:
        contexts[key_of(problem)] = replace(contexts[key_of(problem)], apply=apply)
    frame.tracer.report(problem)


def _forget(constraints: list[Constraint], told: tuple[Constraint, ...]) -> None:
    """Drop constraints that an error has told, so that they are no requirements too."""
    constraints[:] = [constraint for constraint in constraints if not any(constraint is one for one in told)]


def judge_pattern(frame: Frame, since: int, pattern: ShapePattern, name: str, value: Any) -> Problem | None:
    """Return the problem of a written shape that holds at one batch only, or not at every batch."""
    help = partial(actual_shape, frame, pattern, value)
    return _of_pattern(frame.tracer, since, f"{name} gives {value}, which is", pattern.span, help)


def judge_block_input(
    frame: Frame, since: int, pattern: ShapePattern, value: Any, name: str, caller: Span
) -> Problem | None:
    """Return the problem of a block's input that takes one batch only, or not every batch."""
    if len(frame.tracer.constraints) == since or not isinstance(value, Tensor):
        return None
    help = ("a name that is new in the block, or _, takes any size",)
    message = f"{name} is [{', '.join(map(str, value.shape))}], which fits"
    problem = _of_pattern(frame.tracer, since, message, pattern.span, lambda: help)
    if problem is None:
        return None
    return replace(problem, related=(Label(caller, "called here"),), instead=_with_any_batch(pattern, value))


def _with_any_batch(pattern: ShapePattern, value: Tensor) -> tuple[str, ...]:
    """The pattern with `_` in place of each size that the batch meets; empty if it has none."""
    text, start = pattern.span.text, pattern.span.start
    if pattern.per_sample or len(pattern.dims) != len(value.shape):
        return ()
    for place in reversed(range(len(pattern.dims))):
        if value.shape[place] == N:
            span = pattern.span_of(place)
            text = f"{text[: span.start - start]}_{text[span.end - start :]}"
    return (text,) if text != pattern.span.text else ()


def _of_pattern(
    tracer: Tracer, since: int, message: str, span: Span, help: Callable[[], tuple[str, ...]]
) -> Problem | None:
    constraints = of_batch(tracer.constraints[since:], tracer.batch)
    if not tracer.has_batch or not constraints:
        return None
    from nnshape.tracing.batch_verdicts import verdict_of

    verdict = verdict_of(constraints, tracer.batch)
    if verdict is None:
        return None
    message = f"{message} {span.text.strip()} {verdict.where}"
    if verdict.kind == "restricted-batch":
        tracer.batch.needs += verdict.constraints
        return Problem("restricted-batch", message, span, help=help(), severity="warning")
    _forget(tracer.constraints, verdict.constraints)
    return Problem("fixed-batch", message, span, help=help())


def keep_one_message(tracer: Tracer, call: Call, since: int) -> None:
    """Keep only the first message of a step about the batch and the layout of its tensors.

    `since` counts the problems before the step.
    """
    own = _own_problems(tracer, call, since)
    if len(own) > 1:
        first = min(own, key=lambda problem: _ONE_A_STEP.index(problem.kind))
        dropped = [problem for problem in own if problem is not first]
        tracer.problems[since:] = [p for p in tracer.problems[since:] if not any(p is one for one in dropped)]


def is_told(frame: Frame, problem: Problem) -> bool:
    """Return whether the current step has had a message of the batch before that of the shape that it asserts."""
    return problem.kind in _ONE_A_STEP and bool(_own_problems(frame.tracer, frame.call, 0))


def _own_problems(tracer: Tracer, call: Call, since: int) -> list[Problem]:
    return [
        problem
        for problem in tracer.problems[since:]
        if problem.kind in _ONE_A_STEP
        and (context := tracer.contexts.get(key_of(problem))) is not None
        and context.call in (call, call.told_as)
    ]
