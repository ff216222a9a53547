"""Fixes of an unknown name among a layer's arguments: the size that fits there, found by tracing."""

from __future__ import annotations

from collections.abc import Iterator

from nnshape.fixes.editing import Edit
from nnshape.fixes.fix import STAND_IN, Candidate, Gap
from nnshape.problems import Problem
from nnshape.shapes.layers import find_layer
from nnshape.spec import Body, Expression, Keyword, Node, Span, Step, nodes
from nnshape.tracing import Trace

_WHOLE = frozenset({"Size", "Sizes", "Whole", "Wholes", "int"})


def size_of_unknown_name(trace: Trace, problem: Problem) -> Iterator[Candidate]:
    """Write a size for a name that nothing has, if it is an argument of a layer or block."""
    here = problem.span
    if problem.kind != "unknown-name" or here is None:
        return
    bodies = [(trace.spec.body, True), *((block.body, False) for block in trace.spec.blocks.values())]
    for body, is_model in bodies:
        for step, expression in _expressions(body):
            span = expression.where()
            if span.source is not here.source or not span.start <= here.start < span.end:
                continue
            for name, node, may_be_auto in _arguments(trace, expression, here):
                reads = may_be_auto and expression.span(node) == here
                edit = Edit(here, "auto" if reads else str(STAND_IN))
                numbers = {key: item.value for key, item in trace.spec.hparams.items() if type(item.value) is int}
                gap = Gap(name, numbers, literal=is_model)
                description = "read it off the input" if reads else "match the layers that follow"
                yield Candidate(description, (edit,), step.span, step.name, gap=gap)


def _expressions(body: Body) -> Iterator[tuple[Step, Expression]]:
    for step in body.steps:
        if isinstance(step.value, Body):
            yield from _expressions(step.value)
        elif step.value is not None:
            yield step, step.value


def _arguments(trace: Trace, expression: Expression, here: Span) -> Iterator[tuple[str, Node, bool]]:
    """The size of a layer or block that an unknown name is written in: its name, its node, and if it may be `auto`."""
    for call in nodes.walk(expression.node):
        if not isinstance(call, nodes.Call) or not isinstance(call.function, nodes.Name):
            continue
        layer, block = find_layer(call.function.id), trace.spec.blocks.get(call.function.id)
        for place, item in enumerate((*call.args, *call.keywords)):
            node = item.value if isinstance(item, Keyword) else item
            span = expression.span(node)
            if isinstance(node, nodes.Call) or not span.start <= here.start < span.end:
                continue
            if layer is not None:
                signature = layer.signature()
                names = [parameter.name for parameter in signature.positional]
                name = item.name if isinstance(item, Keyword) else names[place] if place < len(names) else None
                parameter = signature.by_name.get(name or "")
                if parameter is not None and _WHOLE.intersection(parameter.kinds):
                    yield parameter.name, node, parameter.name in layer.auto
            elif block is not None:
                yield "", node, False
