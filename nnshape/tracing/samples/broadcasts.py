"""Finds operations on `[N]` and `[N, 1]`, whose result has the batch twice."""

from __future__ import annotations

from itertools import combinations

from nnshape.shapes.functions.index import FAMILY_OF
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Shape, Tensor, tensors_in
from nnshape.tracing.model import Operation
from nnshape.tracing.runtime_sizes import plain
from nnshape.tracing.samples.flow import function_of, source_of

#: Functions that insert, keep or move a dimension of 1, as when a matrix of pairs is intended.
_INSERTS = frozenset({
    "H", "T", "mH", "mT", "movedim", "permute", "reshape", "swapaxes", "swapdims", "t", "transpose",
    "unflatten", "unsqueeze", "view",
})  # fmt: skip
_ELEMENTWISE = frozenset({"elementary", "indexing", "pointwise"})
_MAX_BACK = 50


def look(operation: Operation) -> Refusal | None:
    """Return the warning for an elementwise operation that broadcasts the batch against itself by accident, or None."""
    result = operation.result
    assert isinstance(result, Tensor)
    if result.shape.count(N) != 2 or FAMILY_OF.get(function_of(operation)) not in _ELEMENTWISE:
        return None
    tensors = list(tensors_in((operation.arguments, operation.keywords)))
    for one, two in combinations(tensors, 2):
        if _broadcasts_by_accident(one, two, result.shape):
            texts = [f"[{', '.join(map(str, tensor.shape))}]" for tensor in (one, two, result)]
            message = f"{{layer}} combines {texts[0]} with {texts[1]}: torch broadcasts both to {texts[2]}"
            return Refusal("silent-broadcast", message)
    return None


def _broadcasts_by_accident(one: Tensor, two: Tensor, result: Shape) -> bool:
    """Return whether the batch of each meets a dimension of the other that is missing, or an accidental 1."""
    rank = len(result)
    shapes = [(1,) * (rank - len(tensor.shape)) + tensor.shape for tensor in (one, two)]
    if any(shape.count(N) != 1 for shape in shapes):
        return False
    first, second = (shape.index(N) for shape in shapes)
    if first == second or shapes[0][second] != 1 or shapes[1][first] != 1:
        return False
    ones = [(tensor, place - rank) for tensor, place in ((one, second), (two, first))]
    ones = [(tensor, place) for tensor, place in ones if -place <= len(tensor.shape)]
    return bool(ones) and not any(_is_inserted(tensor, place) for tensor, place in ones)


def _is_inserted(tensor: Tensor, place: int) -> bool:
    """Return whether a dimension of 1, as a negative index, was inserted or kept on purpose."""
    for _ in range(_MAX_BACK):
        operation = source_of(tensor)
        if operation is None:
            return False
        name = function_of(operation)
        index = plain(operation.arguments[1]) if name == "getitem" else ()
        if name in _INSERTS or None in (index if isinstance(index, tuple) else (index,)):
            return True
        if operation.keywords.get("keepdim") is True or any(item is True for item in operation.arguments[1:]):
            return True
        sources = [
            source
            for source in tensors_in((operation.arguments, operation.keywords))
            if len(source.shape) >= -place and source.shape == tensor.shape
        ]
        if not name or not sources:
            return False
        tensor = sources[0]
    return False
