"""Writes sizes as graph nodes computed from the inputs, so that the module runs at any valid size."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import torch

from nnshape.modules.targets import arithmetic
from nnshape.shapes.dims import Dim, Extremum, Quotient, Size, substitute, symbol, symbols_of
from nnshape.shapes.tensor import Tensor
from nnshape.tracing.runtime_sizes import RuntimeSize

if TYPE_CHECKING:
    from nnshape.modules.graphs import Writer


def runtime_size(writer: Writer, size: RuntimeSize) -> Any:
    """Return the node of a run-time size.

    A size of an enclosing body is captured if it is symbolic, or named in the pattern of an input; any other is a
    plain number.
    """
    if writer.knows(size):
        return writer.lookup(size)
    if not _is_own(writer, size, {}):
        if isinstance(size.value, Dim):
            found = _read_off(writer, size.value)
            if found is not None:
                return writer.keep(size, found)
        elif not _has_name(size, {}):
            return size.value
        if size.how in ("size", "numel"):
            return writer.capture(size)
    return writer.keep(size, _computed(writer, size))


def _computed(writer: Writer, size: RuntimeSize) -> Any:
    graph, how = writer.graph, size.how
    if how in ("size", "numel"):
        return graph.create_node("call_method", how, tuple(map(writer.emit, size.operands)))
    operands = tuple(map(writer.emit, size.operands))
    if how == "int" and isinstance(getattr(size.operands[0], "value", size.operands[0]), (int, Dim)):
        return operands[0]
    if how in ("min", "max") and len(operands) == 2:
        # Python's min and max would fix the choice under torch.export.
        return graph.create_node("call_function", torch.sym_min if how == "min" else torch.sym_max, operands)
    return graph.create_node("call_function", arithmetic(how), operands)


def _is_own(writer: Writer, value: Any, seen: dict[RuntimeSize, bool]) -> bool:
    """Return whether this body knows all operands of a value."""
    if isinstance(value, Tensor):
        return writer.knows(value)
    if isinstance(value, RuntimeSize):
        if value not in seen:
            seen[value] = writer.knows(value) or all(_is_own(writer, item, seen) for item in value.operands)
        return seen[value]
    if isinstance(value, (tuple, list)):
        return all(_is_own(writer, item, seen) for item in value)
    return not isinstance(value, Dim)


def _has_name(value: Any, seen: dict[RuntimeSize, bool]) -> bool:
    """Return whether a run-time size is computed from one that an input's pattern names."""
    if not isinstance(value, RuntimeSize):
        return False
    if value not in seen:
        seen[value] = value.is_named or any(_has_name(item, seen) for item in value.operands)
    return seen[value]


def dim(writer: Writer, size: Dim) -> Any:
    """Return the node of a symbolic size: a dimension of the body's inputs, or computed from them."""
    found = _read_off(writer, size)
    if found is not None:
        return found
    if _names(size) == {str(size)}:
        found = _solved(writer, size)
        return writer.capture(size) if found is None else found
    return _sum(writer, size)


def _names(size: Dim) -> set[str]:
    return set(symbols_of(size))


def _read_off(writer: Writer, size: Dim) -> Any:
    """Return a node for an input dimension that equals this size, or None."""
    for tensor in writer.input_tensors():
        for index, other in enumerate(tensor.shape):
            if other == size:
                return writer.graph.create_node("call_method", "size", (writer.lookup(tensor), index))
    return None


def _solved(writer: Writer, size: Dim) -> Any:
    """Return a node that solves an input dimension such as `2*T + 1` for this symbol, or None."""
    name = str(size)
    for tensor in writer.input_tensors():
        for index, other in enumerate(tensor.shape):
            if not isinstance(other, Dim) or _names(other) != {name}:
                continue
            one, two = substitute(other, {name: 1}), substitute(other, {name: 2})
            assert isinstance(one, int)
            assert isinstance(two, int)
            slope = two - one
            start = one - slope
            if slope and symbol(name) * slope + start == other:
                node = writer.graph.create_node("call_method", "size", (writer.lookup(tensor), index))
                node = _called(writer, operator.sub, node, start) if start else node
                return _called(writer, operator.floordiv, node, slope) if slope != 1 else node
    return None


def _sum(writer: Writer, size: Dim) -> Any:
    """Return the node of a polynomial, built term by term."""
    total: Any = None
    for monomial, coefficient in size.terms():
        product: Any = coefficient if coefficient != 1 or not monomial else None
        for atom in monomial:
            factor = _atom(writer, atom)
            product = factor if product is None else _called(writer, operator.mul, product, factor)
        total = product if total is None else _called(writer, operator.add, total, product)
    return total


def _atom(writer: Writer, atom: str) -> Any:
    if isinstance(atom, Quotient):
        return _called(writer, operator.floordiv, _size(writer, atom.numerator), _size(writer, atom.denominator))
    if isinstance(atom, Extremum):
        choose = torch.sym_min if atom.kind == "min" else torch.sym_max
        first, *rest = (_size(writer, part) for part in atom.arguments)
        for part in rest:
            first = _called(writer, choose, first, part)
        return first
    return writer.emit(symbol(atom))


def _size(writer: Writer, size: Size) -> Any:
    return writer.emit(size)


def _called(writer: Writer, function: Any, *arguments: Any) -> Any:
    return writer.graph.create_node("call_function", function, arguments)
