"""Fixes of a size that is missing, or that is no number: the size that arrives, or the one that the next layer wants.

A fixer here writes a stand-in for the size, and `nnshape.fixes.fitting` finds the size by tracing with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from nnshape.fixes.editing import Edit
from nnshape.fixes.fix import STAND_IN, Candidate, Gap
from nnshape.fixes.given import given, in_model_body
from nnshape.fixes.own import line_after
from nnshape.fixes.values import node_at_fault, parameter_at_fault
from nnshape.shapes.arguments import REQUIRED, Parameter, Signature
from nnshape.shapes.layers import find_layer
from nnshape.spec import Expression, Span, nodes
from nnshape.tracing import Trace
from nnshape.tracing.contexts import FaultContext

_WHOLE = frozenset({"Any", "Size", "Sizes", "SizesOrNone", "Whole", "Wholes", "int"})
#: Arguments that few values make sense for, and these values: one is a fix only if no other works.
_ALTERNATIVES = {
    "kernel_size": ("1", "3", "5", "7"),  # usually odd, to have a center
    "kernel": ("1", "3", "5", "7"),
    "output_size": ("1", "2", "3", "4", "6", "7"),
    "stride": ("1", "2"),
    "dim1": ("1", "2", "3"),
    "nhead": ("1", "2", "4", "8"),
    "num_heads": ("1", "2", "4", "8"),
}


def missing_size(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Write the only required argument that is missing."""
    call, signature = context.node, context.signature
    if not isinstance(call, nodes.Call) or signature is None or any(isinstance(a, nodes.Starred) for a in call.args):
        return
    ahead = max(0, len(context.arguments) - len(call.args))
    given = {parameter.name for parameter in signature.positional[: ahead + len(call.args)]}
    given.update(keyword.name for keyword in call.keywords if keyword.name is not None)
    missing = [p for p in signature.parameters if p.default is REQUIRED and not p.variadic and p.name not in given]
    if len(missing) != 1 or not _WHOLE.intersection(missing[0].kinds):
        return
    (parameter,) = missing
    edit = _added(context.expression, call, signature, parameter, ahead)
    yield _candidate(trace, context, parameter, edit)
    first = signature.positional[0] if signature.positional else parameter
    if parameter is first or not call.args or ahead:
        return
    start = context.expression.span(call.args[0]).start
    if find_layer(signature.owner) is None and signature.owner in trace.spec.blocks:
        edit = Edit(Span(context.expression.origin.source, start, start), f"{STAND_IN}, ")
        gap = Gap(first.name, _names(trace, context), in_model_body(context))
        yield Candidate("write the first argument too", (edit,), context.call.span, context.call.name, gap=gap)
    elif first.name in _read_from_input(signature):
        # Keras's order: the size that arrives is not written.
        edit = Edit(Span(context.expression.origin.source, start, start), "auto, ")
        written = context.arguments[0] if context.arguments and type(context.arguments[0]) is int else 0
        gap = Gap(first.name, _names(trace, context), in_model_body(context), unlike=written)
        yield Candidate("write the size that arrives first", (edit,), context.call.span, context.call.name, gap=gap)


def wrong_size(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Write a size in place of an argument that is none."""
    node, parameter, signature = node_at_fault(context), parameter_at_fault(context), context.signature
    if node is None or parameter is None or signature is None or not _WHOLE.intersection(parameter.kinds):
        return
    if context.module is not None or not isinstance(context.node, nodes.Call) or find_layer(signature.owner) is None:
        return
    written = given(trace, context, context.expression, node)
    here = Edit(context.expression.span(node), _stand_in(signature, parameter))
    candidate = _candidate(trace, context, parameter, here)
    if written.in_step or parameter.name in _read_from_input(signature):
        yield candidate
    else:
        edit = Edit(written.span, str(STAND_IN))
        assert candidate.gap is not None
        gap = replace(candidate.gap, names={}, literal=True)
        yield replace(candidate, edits=(edit,), gap=gap, step=None, shown=line_after(edit))


def _candidate(trace: Trace, context: FaultContext, parameter: Parameter, edit: Edit) -> Candidate:
    signature = context.signature
    assert signature is not None
    reads = parameter.name in _read_from_input(signature)
    gap = Gap(parameter.name, _names(trace, context), in_model_body(context), _alternatives(signature, parameter.name))
    description = "read it off the input" if reads else "match the layers that follow"
    return Candidate(description, (edit,), context.call.span, context.call.name, gap=gap)


def _added(expression: Expression, call: nodes.Call, signature: Signature, parameter: Parameter, ahead: int) -> Edit:
    """The edit that adds an argument: by position if it is the next one, else by its name."""
    names = [one.name for one in signature.positional]
    is_next = not call.keywords and names[ahead + len(call.args) :][:1] == [parameter.name]
    text = _stand_in(signature, parameter)
    text = text if is_next else f"{parameter.name}={text}"
    items: tuple[Any, ...] = (*call.args, *call.keywords)
    source = expression.origin.source
    if not items:
        end = expression.span((call.end - 1, call.end)).start
        return Edit(Span(source, end, end), text)
    end = expression.span(max(items, key=lambda item: item.end)).end
    return Edit(Span(source, end, end), f", {text}")


def _alternatives(signature: Signature, name: str) -> tuple[str, ...]:
    if name == "kernel_size" and ("Pool" in signature.owner or "Transpose" in signature.owner):
        return ("2", "3", "4")
    return _ALTERNATIVES.get(name, ())


def _stand_in(signature: Signature, parameter: Parameter) -> str:
    return "auto" if parameter.name in _read_from_input(signature) else str(STAND_IN)


def _read_from_input(signature: Signature) -> frozenset[str]:
    """The arguments of a layer that may be `auto`."""
    layer = find_layer(signature.owner)
    return frozenset() if layer is None else frozenset(layer.auto)


def _names(trace: Trace, context: FaultContext) -> dict[str, int]:
    """The names that a size may be written as, with their values."""
    known = {name: located.value for name, located in trace.spec.hparams.items()} | dict(context.scope.names)
    return {name: value for name, value in known.items() if type(value) is int}
