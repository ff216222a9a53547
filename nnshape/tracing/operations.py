"""Applies functions to tensors, and records the operations in their step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnshape.shapes.dims import TooLarge
from nnshape.shapes.function import Function
from nnshape.shapes.functions import find_function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, Unknown, tensors_in
from nnshape.spec import nodes
from nnshape.tracing import samples
from nnshape.tracing.batch_reports import judge_batch
from nnshape.tracing.continuing import after_function, keep_sizes, report_refusal
from nnshape.tracing.dtype_arguments import with_dtypes
from nnshape.tracing.faults import Unknowable, fault
from nnshape.tracing.graph_nodes import SELECTING, selects_nodes
from nnshape.tracing.layers import check_dimensions
from nnshape.tracing.model import Declared, StoredTensor, produced
from nnshape.tracing.rule_refusals import located_refusal, report_notices
from nnshape.tracing.runtime_sizes import plain
from nnshape.tracing.scope import Frame
from nnshape.tracing.value_display import holds_unknown


def apply_function(
    frame: Frame,
    node: nodes.Node,
    function: Function,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    method: bool = False,
) -> Any:
    """Apply a function's rule, record the operation in the current step, and return the output. Raises Fault."""
    if holds_unknown(arguments) or (keywords and holds_unknown(keywords)):
        raise Unknowable
    if str in map(type, arguments) or str in map(type, keywords.values()):
        arguments, keywords = with_dtypes(function.signature(), arguments, keywords)
    plain_arguments, plain_keywords = plain(arguments), {key: plain(value) for key, value in keywords.items()}
    tracer = frame.tracer
    assumed = len(tracer.constraints)
    try:
        result = function.apply(plain_arguments, plain_keywords)
        if function.asks_for_layout or keywords.get("inplace") is True or "memory_format" in keywords:
            from nnshape.shapes.layouts.requirements import require_layout  # views and writes alone ask

            require_layout(function.name, plain_arguments, plain_keywords, result)
        if function.count is not None:
            frame.call.macs += function.macs(result, plain_arguments, plain_keywords)
    except Refusal as refusal:
        if refusal.problem == "not-contiguous":
            wrong = located_refusal(
                frame, node, refusal, arguments, function.signature(), None, keywords, function.apply
            )
            told = ((problem.kind, problem.span) for problem in tracer.problems)
            if (wrong.problem.kind, wrong.problem.span) not in told:  # a block may be called again
                tracer.report(wrong.problem)
            tracer.notices.clear()  # one message a step
            return _as_a_copy(frame, function, arguments, keywords, result, method)
        del tracer.constraints[assumed:]  # conditions on a step that does not run
        wrong = located_refusal(frame, node, refusal, arguments, function.signature(), None, keywords, function.apply)
        output = after_function(function, refusal, plain_arguments)
        if isinstance(output, Unknown):
            raise wrong from None
        tensors = list(tensors_in(plain_arguments))
        report_refusal(frame, refusal, wrong, tensors)
        keep_sizes(frame, refusal, tensors)
        frame.call.partial_macs = True
        return produced(output, Declared(frame.call))
    except TooLarge as error:
        raise fault("too-large", str(error), frame.expression.span(node)) from None
    if tracer.notices:
        report_notices(frame, node, arguments, keywords, function.signature(), None, function.apply)
    if tracer.has_batch and len(tracer.constraints) > assumed:
        result = judge_batch(
            frame, node, assumed, arguments, keywords, function.signature(), None, function.apply, result
        )
    if function.measured:
        frame.call.measured = frame.call.partial_macs = True
    check_dimensions(frame, node, result)
    recorded = frame.call.record(function, arguments, keywords, result, method=method)
    if tracer.has_batch and function.name.removesuffix("_") in SELECTING and selects_nodes(frame.call.operations[-1]):
        tracer.counts_nodes = True
    if tracer.has_batch and samples.watches(function.name, result):
        samples.look(frame, node, frame.call.operations[-1], function.apply)
    return recorded


def _as_a_copy(
    frame: Frame, function: Function, arguments: tuple[Any, ...], keywords: Mapping[str, Any], result: Any, method: bool
) -> Any:
    """Go on after a refused view as after `reshape`, and after a refused write as after one into a copy."""
    if function.name in ("view", "view_as"):
        return frame.call.record(function, arguments, keywords, result, method=method)
    return produced(result, Declared(frame.call))


def read_attribute(frame: Frame, attribute: StoredTensor, tensor: Tensor) -> Tensor:
    """Record the read of a parameter or buffer, and return its tensor."""
    return frame.call.record(attribute, (), {}, tensor)  # type: ignore[no-any-return]  # a tensor stays one


def on_tensors(frame: Frame, node: nodes.Node, name: str, values: tuple[Any, ...]) -> Any:
    """Apply the function of an operator or property, such as `add` for `+`, to tensors. Raises Fault."""
    function = find_function(name)
    if function is None:
        raise fault("unknown-name", f"there is no rule for {name} on tensors", frame.expression.span(node))
    return apply_function(frame, node, function, values, {})
