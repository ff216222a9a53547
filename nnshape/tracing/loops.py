"""Evaluates comprehensions and unpacking, with the limits on iterations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nnshape.shapes.tensor import Unknown
from nnshape.spec import nodes
from nnshape.spec.limits import ITERATIONS
from nnshape.tracing.faults import Unknowable, fault
from nnshape.tracing.located import truth
from nnshape.tracing.members import items_held, module_at
from nnshape.tracing.model import Module
from nnshape.tracing.scope import Frame
from nnshape.tracing.value_display import shown
from nnshape.tracing.work_limit import TURN
from nnshape.work import spend


def comprehension_values(frame: Frame, node: nodes.Comprehension) -> list[Any]:
    """Return the element of a comprehension for every iteration."""
    return [frame.evaluate(node.element) for _ in turns(frame, node)]


def turns(frame: Frame, node: nodes.Comprehension) -> Iterator[dict[str, Any]]:
    """Iterate over a comprehension: set its variables in the frame, and yield them. Raises Fault past the limit."""
    for count, variables in enumerate(_bindings(frame, node, 0, {}), 1):
        if count > ITERATIONS:
            message = f"this loop has more than {ITERATIONS:,} iterations"
            raise fault("too-large", message, frame.expression.span(node))
        spend(TURN + len(frame.names))
        yield variables


def _bindings(
    frame: Frame, node: nodes.Comprehension, level: int, variables: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    if level == len(node.generators):
        yield variables
        return
    generator = node.generators[level]
    for item in iterate(frame, generator.iterable):
        own = _unpacked(frame, generator, item)
        with frame.naming(own):
            if all(truth(frame, test, frame.evaluate(test)) for test in generator.conditions):
                yield from _bindings(frame, node, level + 1, {**variables, **own})


def _unpacked(frame: Frame, generator: nodes.Generator, item: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    waiting: list[tuple[nodes.Target, Any]] = [(generator.target, item)]
    while waiting:
        target, value = waiting.pop()
        if isinstance(target, str):
            found[target] = value
            continue
        if not isinstance(value, (tuple, list)) or len(value) != len(target):
            inner = "" if target is generator.target else " inside it"
            message = (
                f"the loop unpacks each item{inner} into {len(target)} names, but an item{inner} is {shown(value)}"
            )
            raise fault("wrong-type", message, frame.expression.span(generator))
        waiting += reversed(list(zip(target, value, strict=True)))
    return found


def evaluate_all(frame: Frame, items: tuple[nodes.Node, ...]) -> list[Any]:
    """Return the values of several nodes, with `*` unpacked."""
    values: list[Any] = []
    evaluate = frame.tracer.evaluate
    for item in items:
        if type(item) is nodes.Starred:
            values.extend(iterate(frame, item.value))
        else:
            values.append(evaluate(frame, item))
    return values


def iterate(frame: Frame, node: nodes.Node) -> list[Any]:
    """Return the items of a value to unpack or loop over. Raises Fault if it is no tuple, list or container."""
    if type(node) is nodes.Comprehension:
        return comprehension_values(frame, node)
    value = frame.evaluate(node)
    if isinstance(value, (tuple, list, dict)):
        return list(value)
    if isinstance(value, Unknown):
        raise Unknowable
    whole = module_at(frame, node)
    if whole is not None and whole.type == "Sequential":
        return list(whole.children.values())
    if isinstance(value, Module) and value.holds_modules:
        return items_held(frame, value)
    raise fault("wrong-type", f"only a tuple can be unpacked here, not {shown(value)}", frame.expression.span(node))
