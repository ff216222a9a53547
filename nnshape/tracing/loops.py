"""Loops in an expression: the turns of a comprehension, and what its variables are in each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nnshape.spec import nodes
from nnshape.spec.limits import ITERATIONS
from nnshape.tracing import expressions
from nnshape.tracing.faults import fault
from nnshape.tracing.scope import Frame
from nnshape.tracing.values import shown
from nnshape.tracing.work import TURN
from nnshape.work import spend


def comprehended(frame: Frame, node: nodes.Comprehension) -> list[Any]:
    """The element's value for every turn of the loop."""
    return [expressions.evaluate(frame, node.element) for _ in turns(frame, node)]


def turns(frame: Frame, node: nodes.Comprehension) -> Iterator[dict[str, Any]]:
    """Go through the turns of a loop: its variables are set in the frame, and given as a mapping."""
    kept = frame.names
    count = 0
    try:
        for variables in _bindings(frame, node, 0, {}):
            count += 1
            if count > ITERATIONS:
                message = f"this loop has more than {ITERATIONS:,} iterations"
                raise fault("too-large", message, frame.expression.span(node))
            frame.names = {**kept, **variables}
            spend(TURN + len(frame.names))
            yield variables
    finally:
        frame.names = kept


def _bindings(
    frame: Frame, node: nodes.Comprehension, level: int, variables: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    if level == len(node.generators):
        yield variables
        return
    generator = node.generators[level]
    kept = frame.names
    for item in expressions.iterate(frame, generator.iterable):
        inner = {**variables, **_unpacked(frame, generator, item)}
        frame.names = {**kept, **inner}
        try:
            wanted = all(
                expressions.truth(frame, test, expressions.evaluate(frame, test)) for test in generator.conditions
            )
        finally:
            frame.names = kept
        if wanted:
            frame.names = {**kept, **inner}
            yield from _bindings(frame, node, level + 1, inner)
            frame.names = kept


def _unpacked(frame: Frame, generator: nodes.Generator, item: Any) -> dict[str, Any]:
    if isinstance(generator.target, str):
        return {generator.target: item}
    if not isinstance(item, (tuple, list)) or len(item) != len(generator.target):
        wanted = len(generator.target)
        message = f"the loop takes {wanted} names an item, but an item is {shown(item)}"
        raise fault("wrong-type", message, frame.expression.span(generator))
    return dict(zip(generator.target, item, strict=True))
