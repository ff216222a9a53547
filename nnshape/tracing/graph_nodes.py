"""Decides whether `N` counts the nodes of a graph: an input of indices selects along it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nnshape.shapes.axes import axis
from nnshape.shapes.dtypes import is_integral
from nnshape.shapes.function import Function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor
from nnshape.tracing.model import BodyInput, Operation
from nnshape.tracing.runtime_sizes import plain

#: Functions that select along a dimension, without the `_` of an in-place one.
SELECTING = frozenset({
    "embedding", "gather", "getitem", "index_add", "index_select", "scatter", "scatter_add", "scatter_reduce",
})  # fmt: skip
#: Functions that only arrange the values of an index.
_ARRANGING = frozenset({
    "chunk", "clone", "contiguous", "expand", "expand_as", "flatten", "getitem", "int", "long", "repeat", "reshape",
    "select", "split", "squeeze", "t", "to", "transpose", "unbind", "unsqueeze", "view",
})  # fmt: skip
#: Maximum number of operations between an input and an index that is made of it.
_MAX_BACK = 20


def selects_nodes(operation: Operation) -> bool:
    """Return whether an operation selects along `N` by an integer input that is no value per sample."""
    return any(size == N and _is_input_of_indices(index) for size, index in _selections(operation))


def _selections(operation: Operation) -> Iterator[tuple[Any, Tensor]]:
    """Yield each index of an operation, with the size of the dimension along which it selects."""
    function = operation.target
    assert isinstance(function, Function)
    if function.name == "getitem":
        tensor, index = operation.arguments
        first = index[0] if isinstance(index, tuple) and index else index
        if isinstance(first, Tensor) and tensor.shape:
            yield tensor.shape[0], first
        return
    keywords = {name: plain(value) for name, value in operation.keywords.items()}
    try:
        bound = function.signature().bind(plain(operation.arguments), keywords)
    except Refusal:
        return
    is_table = function.name == "embedding"
    tensor, index = (bound["weight"], bound["input"]) if is_table else (bound.get("input"), bound.get("index"))
    dim = 0 if is_table else bound.get("dim")
    if isinstance(tensor, Tensor) and isinstance(index, Tensor) and isinstance(dim, int) and tensor.shape:
        yield tensor.shape[axis(dim, tensor.shape)], index


def _is_input_of_indices(index: Tensor) -> bool:
    """Return whether a tensor is made of an integer input of the model with another shape than `[N]`."""
    for _ in range(_MAX_BACK):
        producer = index.producer
        if isinstance(producer, BodyInput):
            outside = producer.outside(index)
            if outside is None:
                return is_integral(index.dtype) and index.shape != (N,)
            index = outside
        elif isinstance(producer, Operation) and getattr(producer.target, "name", "") in _ARRANGING:
            first = producer.arguments[0] if producer.arguments else None
            if not isinstance(first, Tensor):
                return False
            index = first
        else:
            return False
    return False
