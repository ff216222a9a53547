"""Holds the later calls of a shared module against its first one: a built module has one forward method."""

from __future__ import annotations

from typing import Any

from nnshape.shapes.dims import Dim
from nnshape.shapes.function import Function
from nnshape.shapes.tensor import Tensor, Unknown, tensors_in
from nnshape.tracing.model import Call, Module, Operation, Run, StoredTensor
from nnshape.tracing.runtime_sizes import RuntimeSize
from nnshape.work import spend


def other_step(first: Run, again: Run) -> tuple[Call | None, Call | None] | None:
    """Return the calls of the first step that a later run does otherwise, or None if it does the same.

    One of the calls is None if that run has fewer steps.
    """
    comparison = _Comparison()
    comparison.pair(tuple(again.inputs.values()), tuple(first.inputs.values()))
    for old, new in zip(first.calls, again.calls, strict=False):
        if not comparison.same_call(new, old):
            return old, new
    count = min(len(first.calls), len(again.calls))
    if len(first.calls) != len(again.calls):
        return (*first.calls[count:], None)[0], (*again.calls[count:], None)[0]
    if not comparison.same(again.output, first.output) and count:
        return first.calls[-1], again.calls[-1]
    return None


class _Comparison:
    """The tensors of two runs that stand for each other: those of the later run, and those of the first."""

    def __init__(self) -> None:
        self._of_first: dict[Tensor, Tensor] = {}
        self._compared: set[tuple[int, int]] = set()

    def pair(self, new: Any, old: Any) -> None:
        self._of_first.update(zip(tensors_in(new), tensors_in(old), strict=False))

    def same_call(self, new: Call, old: Call) -> bool:
        if any(isinstance(one.target, StoredTensor) and one.arguments for one in old.operations):
            self.pair(new.output, old.output)
            return new.name == old.name  # its first run makes a Parameter or Buffer, which later ones read
        if new.name != old.name or len(new.operations) != len(old.operations):
            return new.partial_macs or old.partial_macs  # a fault on the way, which has been reported
        for one, other in zip(new.operations, old.operations, strict=True):
            spend(1)
            if not self._same_operation(one, other):
                return False
            self.pair(one.result, other.result)
        return self.same(new.output, old.output)

    def _same_operation(self, new: Operation, old: Operation) -> bool:
        one, other = new.target, old.target
        if isinstance(one, Function) and isinstance(other, Function):
            is_same = one.name == other.name and new.method == old.method
        elif isinstance(one, StoredTensor) and isinstance(other, StoredTensor):
            is_same = one.module is other.module and one.name == other.name
        else:
            # A module of a body around may be another one, which that body passes.
            is_same = isinstance(one, Module) and isinstance(other, Module)
        return is_same and self.same(new.arguments, old.arguments) and self.same(dict(new.keywords), dict(old.keywords))

    def same(self, new: Any, old: Any) -> bool:
        """Return whether two values are computed alike; a tensor of a body around may be any."""
        stack = [(new, old)]
        while stack:
            new, old = stack.pop()
            if isinstance(new, (Unknown, Dim)) or isinstance(old, (Unknown, Dim)):
                continue
            if isinstance(new, Tensor) and isinstance(old, Tensor):
                if self._of_first.get(new, old) != old:
                    return False
            elif isinstance(new, RuntimeSize) and isinstance(old, RuntimeSize):
                if (id(new), id(old)) not in self._compared:
                    spend(1)
                    self._compared.add((id(new), id(old)))
                    if new.how != old.how:
                        return False
                    stack.append((new.operands, old.operands))
            elif isinstance(new, (tuple, list)) and isinstance(old, (tuple, list)):
                if len(new) != len(old):
                    return False
                stack.extend(zip(new, old, strict=True))
            elif isinstance(new, dict) and isinstance(old, dict):
                if new.keys() != old.keys():
                    return False
                stack.extend((new[key], old[key]) for key in new)
            elif isinstance(new, slice) and isinstance(old, slice):
                stack.append(((new.start, new.stop, new.step), (old.start, old.stop, old.step)))
            elif type(new) is not type(old) or (new != old and new == new):
                return False
        return True
