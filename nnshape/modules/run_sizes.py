"""The sizes of a proof: two sets of values for the symbols, of numbers that the model itself does not have.

At N = 2, a rule that always returns 2 would agree. And at one set of sizes, so would one that rounds the other way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nnshape.modules.choosing import choose
from nnshape.shapes.constraints import Constraint
from nnshape.shapes.dims import Dim, symbol, symbols_of
from nnshape.shapes.nested import leaves_in
from nnshape.shapes.tensor import Tensor
from nnshape.tracing import Trace
from nnshape.tracing.model import Module
from nnshape.tracing.runtime_sizes import RuntimeSize


def open_symbols(trace: Trace) -> list[str]:
    """Return the symbols without a value in the sizes of the inputs, N first."""
    found: dict[str, None] = {}
    for tensor in trace.inputs.values():
        for size in tensor.shape:
            if isinstance(size, Dim):
                found.update(dict.fromkeys(sorted(symbols_of(size))))
    return sorted(found, key=lambda name: name != "N")


def first_sizes(trace: Trace) -> dict[str, int] | None:
    """Return values of the open symbols that meet the requirements; None if none are found."""
    return choose(open_symbols(trace), trace.constraints, frozenset(_numbers(trace)))


def second_sizes(trace: Trace, first: Mapping[str, int]) -> dict[str, int] | None:
    """Return other values of the open symbols; None if there are none.

    Symbols in the sizes of parameters keep their values: both runs are of one model.
    """
    fixed = {name: first[name] for name in _symbols_of_modules(trace) if name in first}
    constraints = (*trace.constraints, *(Constraint(symbol(name), "==", value) for name, value in fixed.items()))
    avoided = frozenset({*_numbers(trace), *first.values()})
    found = choose(open_symbols(trace), constraints, avoided, first)
    return None if found == first else found


def _numbers(trace: Trace) -> set[int]:
    """Return every number in the shapes and arguments of a model."""
    found: set[int] = set()
    values: list[Any] = [*trace.inputs.values(), *(row.tensor for row in trace.parameters)]
    for call in trace.root.walk():
        values.append(call.output)
        for operation in call.operations:
            values += (operation.arguments, dict(operation.keywords), operation.result)
            if isinstance(operation.target, Module) and operation.target.layer is not None:
                values.append(operation.target.layer.given())
    for leaf in leaves_in(values):
        for size in leaf.shape if isinstance(leaf, Tensor) else (leaf,):
            found.update(_numbers_of(size))
    return found


def _numbers_of(value: Any) -> Iterator[int]:
    if isinstance(value, RuntimeSize):
        value = value.value
    if isinstance(value, slice):
        for part in (value.start, value.stop, value.step):
            yield from _numbers_of(part)
    elif isinstance(value, Dim):
        yield from (abs(coefficient) for _, coefficient in value.terms())
    elif isinstance(value, int):
        yield abs(value)


def _symbols_of_modules(trace: Trace) -> set[str]:
    """Return the symbols in the sizes of modules and parameters, which the built model has as numbers."""
    found: set[str] = set()
    assert trace.root.module is not None
    for module in trace.root.module.walk():
        sizes = [module.layer.given()] if module.layer is not None else []
        for leaf in leaves_in([*sizes, *(tensor.shape for tensor in module.parameters.values())]):
            if isinstance(leaf, Dim):
                found |= symbols_of(leaf)
        if module.tensor is not None:
            found.update(name for size in module.tensor.shape if isinstance(size, Dim) for name in symbols_of(size))
    return found
