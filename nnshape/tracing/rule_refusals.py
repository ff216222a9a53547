"""Turns a rule's refusal into a located fault: records its context, and lets the explainer write the problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from nnshape.problems import Problem
from nnshape.shapes.arguments import Signature
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import UNKNOWN
from nnshape.spec import nodes
from nnshape.tracing.contexts import FaultContext, key_of
from nnshape.tracing.faults import Fault
from nnshape.tracing.model import Module
from nnshape.tracing.scope import Frame
from nnshape.work import OutOfWork, bounded, spend

#: The cost of writing one problem, in units of work.
_PROBLEM = 100
_NOTHING: Mapping[str, Any] = {}
_Rule = Callable[[tuple[Any, ...], dict[str, Any]], Any]


def located_refusal(
    frame: Frame,
    node: nodes.Node,
    refusal: Refusal,
    arguments: Sequence[Any],
    signature: Signature | None,
    module: Module | None = None,
    keywords: Mapping[str, Any] = _NOTHING,
    apply: _Rule | None = None,
) -> Fault:
    """Return the fault for a refusal by the call at `node`.

    `signature` is that of the constructor or function. `apply` is the rule that refused, if it was applied to tensors.
    Once the trace has spent its work for explaining problems, the fault has no labels and no context, hence no fixes.
    """
    try:
        with bounded(frame.tracer.explaining):
            spend(_PROBLEM + len(frame.run.calls) // 8)
            context = _context(frame, node, refusal, arguments, signature, module, keywords, apply)
            problem = frame.tracer.explainer.problem(context)
            if refusal.problem == "size-mismatch" and "//" in frame.expression.text + frame.file.spec.source.text:
                from nnshape.tracing.uneven_divisions import uneven_divisions  # only for this fault

                problem = replace(problem, related=(*problem.related, *uneven_divisions(frame, node)))
    except OutOfWork:
        message = str(refusal).replace("{layer}", frame.call.in_messages.name)
        help = (refusal.help,) if refusal.help else ()
        return Fault(Problem(refusal.problem, message, frame.expression.span(node), help=help))
    frame.tracer.contexts.setdefault(key_of(problem), context)
    _forget(frame, problem)
    return Fault(problem)


def keep_context(
    frame: Frame,
    node: nodes.Node,
    problem: Problem,
    refusal: Refusal,
    arguments: Sequence[Any],
    keywords: Mapping[str, Any],
    module: Module,
) -> None:
    """Keep the context of a problem that was written without the explainer, so that fixes can be searched for it."""
    context = _context(frame, node, refusal, arguments, None, module, keywords, None)
    frame.tracer.contexts.setdefault(key_of(problem), context)


def _forget(frame: Frame, problem: Problem) -> None:
    """Let a name whose value is of a wrong type be unknown from here on: what else uses it has no fault of its own."""
    name = "" if problem.span is None else problem.span.text
    value = frame.own(name)
    if problem.kind != "wrong-type" or not isinstance(value, (str, float, tuple, list, type(None))):
        return
    if name in frame.names:
        frame.names = {**frame.names, name: UNKNOWN}
    for hparam, known in frame.file.hparams.items():
        if hparam == name or (type(known) is type(value) is str and known == value):
            frame.file.hparams[hparam] = UNKNOWN


def report_notices(
    frame: Frame,
    node: nodes.Node,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    signature: Signature,
    module: Module | None,
    apply: _Rule,
) -> None:
    """Report the notices of the last rule as warnings at its call."""
    for notice in frame.tracer.notices:
        refusal = Refusal(notice.problem, notice.message, note=notice.note)
        warn(frame, node, refusal, arguments, signature, module, keywords, apply)
    frame.tracer.notices.clear()


def warn(
    frame: Frame,
    node: nodes.Node,
    refusal: Refusal,
    arguments: tuple[Any, ...],
    signature: Signature,
    module: Module | None,
    keywords: Mapping[str, Any],
    apply: _Rule,
) -> None:
    """Report a warning at the call at `node`, which torch accepts."""
    tracer = frame.tracer
    context = _context(frame, node, refusal, arguments, signature, module, keywords, None)
    try:
        with bounded(tracer.explaining):
            spend(_PROBLEM + len(frame.run.calls) // 8)
            problem = tracer.explainer.problem(context)
    except OutOfWork:
        message = refusal.message.replace("{layer}", frame.call.in_messages.name)
        tracer.report(Problem(refusal.problem, message, frame.expression.span(node), severity="warning"))
        return
    related = () if refusal.problem == "fails-in-training" else problem.related
    warning = replace(problem, severity="warning", related=related)
    tracer.contexts[key_of(warning)] = replace(context, apply=apply)
    tracer.report(warning)


def _context(
    frame: Frame,
    node: nodes.Node,
    refusal: Refusal,
    arguments: Sequence[Any],
    signature: Signature | None,
    module: Module | None,
    keywords: Mapping[str, Any],
    apply: _Rule | None,
) -> FaultContext:
    return FaultContext(
        refusal, frame.scope(), frame.call.in_messages, frame.expression, node, tuple(arguments), keywords, signature,
        module, apply,
    )  # fmt: skip


def refuse_import(target: str) -> NoReturn:
    """Raise the Refusal to import a Python class that the user has not allowed by name."""
    message = f"{target} is Python code, and this run does not allow its import"
    raise Refusal("import-refused", message, help=f"if you trust it, name it in allow-import: {target}")
