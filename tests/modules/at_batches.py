"""Asks torch at which batches a model runs, and whether its samples mix there."""

from __future__ import annotations

import re

import nnshape
from nnshape.spec import ShapePattern

#: Batches at which torch is asked.
FEW = (1, 2, 3, 5, 8)


def at_batch(text: str, batch: int) -> nnshape.Trace:
    """The trace of a model in which every `N` is a number."""
    spec = nnshape.loads(text)
    shapes = {item.name: _with_batch(item.pattern, batch) for item in spec.inputs if item.pattern is not None}
    return nnshape.trace(spec, input=shapes)


def _with_batch(pattern: ShapePattern, batch: int) -> str:
    written = pattern.span.text.strip().strip("'\"")
    if pattern.per_sample:
        return f"[{batch}, {', '.join(pattern.span_of(place).text for place in range(len(pattern.dims)))}]"
    return re.sub(r"\bN\b", str(batch), written)


def runs_at(text: str, batch: int) -> bool:
    """Whether the rules accept a model at a batch, and torch then runs it with the shapes that they give."""
    trace = at_batch(text, batch)
    if trace.errors:
        return False
    verification = nnshape.verify(trace, "cpu")
    assert verification.agree, (text, batch, verification.sentence, verification.reason)
    return True
