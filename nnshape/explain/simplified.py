"""Simplifies the sizes of a trace by its requirements."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nnshape.shapes.dims import Dim, Size
from nnshape.shapes.dims.simplifying import simplified
from nnshape.shapes.nested import map_nested
from nnshape.shapes.tensor import Tensor
from nnshape.tracing.model import Run
from nnshape.tracing.requirements import known_sizes
from nnshape.work import Budget, OutOfWork, bounded

if TYPE_CHECKING:
    from nnshape.shapes.dims.solutions import Solutions
    from nnshape.tracing import Call, Operation, Trace

#: The work limit for the sizes of one model; beyond it, they are not simplified.
_WORK = 4_000_000


def with_simplified_sizes(trace: Trace) -> Trace:
    """Return the trace with simplified sizes: if H must be even, `2*(H//2)` is `H`. Used for display."""
    if not trace.requirements:
        return trace
    known = {name: found for name, found in known_sizes(trace.requirements).items() if found.progression != (1, 1)}
    if not known:
        return trace
    try:
        with bounded(Budget(_WORK)):
            writer = _Simplifier(known)
            totals = replace(trace.totals, macs=writer.size(trace.totals.macs))
            return replace(trace, root=writer.call(trace.root), output=writer.value(trace.output), totals=totals)
    except OutOfWork:
        return trace


class _Simplifier:
    """Copies calls with simplified sizes; each size is simplified once."""

    def __init__(self, known: dict[str, Solutions]) -> None:
        self._known = known
        self._written: dict[Dim, Size] = {}

    def size(self, size: Size) -> Size:
        if isinstance(size, int):
            return size
        found = self._written.get(size)
        if found is None:
            found = self._written[size] = simplified(size, self._known)
        return found

    def value(self, value: Any) -> Any:
        return map_nested(self._leaf, value)

    def _leaf(self, leaf: Any) -> Any:
        if type(leaf) is Tensor:
            return replace(leaf, shape=tuple(map(self.size, leaf.shape)))
        return self.size(leaf) if isinstance(leaf, Dim) else leaf

    def call(self, call: Call) -> Call:
        return replace(
            call,
            inputs=tuple(map(self._leaf, call.inputs)),
            output=self.value(call.output),
            macs=self.size(call.macs),
            operations=list(map(self._operation, call.operations)),
        )

    def _operation(self, operation: Operation) -> Operation:
        if operation.run is None:
            return operation
        run = operation.run
        return replace(operation, run=Run(run.inputs, [self.call(call) for call in run.calls], run.output))
