"""Finds the `//` that leaves a rest in the sizes of a reshape that does not fit: `view(N, T, 7, 768 // 7)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.problems import Label
from nnshape.shapes.dims import TooLarge
from nnshape.spec import Expression, nodes
from nnshape.tracing.faults import Fault, Unknowable
from nnshape.tracing.runtime_sizes import plain
from nnshape.tracing.scope import BlockBody

if TYPE_CHECKING:
    from nnshape.tracing.scope import Frame


def uneven_divisions(frame: Frame, node: nodes.Node) -> list[Label]:
    """Labels of the divisions that leave a rest, in the arguments of a call and in the steps that they name."""
    if not isinstance(node, nodes.Call):
        return []
    inside = [part for item in node.args for part in nodes.walk(item)]
    labels = _labels(frame, frame.expression, inside)
    named = {part.id for part in inside if isinstance(part, nodes.Name)}
    body = frame.module.body
    block = body.definition.block if isinstance(body, BlockBody) else None
    steps = frame.file.spec.body.steps if block is None else block.body.steps
    for step in steps:
        if step.name in named and isinstance(step.value, Expression):
            labels += _labels(frame, step.value, list(nodes.walk(step.value.node)))
    return labels


def _labels(frame: Frame, expression: Expression, parts: list[nodes.Node]) -> list[Label]:
    labels = []
    for part in parts:
        # A call could make a module or a tensor again.
        if isinstance(part, nodes.Binary) and part.operator == "//" and not _holds_call(part):
            try:
                with frame.reading(expression):
                    above, below = plain(frame.evaluate(part.left)), plain(frame.evaluate(part.right))
            except (Fault, Unknowable, TooLarge):
                continue
            if type(above) is type(below) is int and below and above % below:
                labels.append(Label(expression.span(part), f"{above} // {below} leaves {above % below} over"))
    return labels


def _holds_call(part: nodes.Node) -> bool:
    return any(isinstance(inner, nodes.Call) for inner in nodes.walk(part))
