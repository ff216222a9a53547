"""Diagonals and triangles of matrices: https://pytorch.org/docs/stable/generated/torch.diagonal.html and related."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.shapes.axes import axis, plain_int
from nnshape.shapes.dims import Dim, Size, at_least, maximum, minimum
from nnshape.shapes.function import function
from nnshape.shapes.functions.slicing import part_of
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Whole


def _triangle(name: str, doc: str) -> None:
    def rule(input: Tensor, diagonal: Whole = 0) -> Tensor:
        if len(input.shape) < 2:
            note = f"{name}: input tensor must have at least 2 dimensions"
            raise Refusal("wrong-rank", f"{{layer}} takes matrices, but {input} arrives", "input", note=note)
        return input.like()

    rule.__doc__ = doc
    function(name=name, method=True, example=(f"{name}()", "[5, 5]"))(rule)


_triangle("tril", "Keeps the lower triangle of matrices, up to a diagonal, and zeroes the rest.")
_triangle("triu", "Keeps the upper triangle of matrices, from a diagonal on, and zeroes the rest.")


def diagonal_size(rows: Size, columns: Size, offset: Size) -> Size:
    """The length of a diagonal; 0 if it lies outside the matrix."""
    if isinstance(offset, Dim) and not at_least(offset, 0):
        raise Refusal("unknown-value", f"offset (={offset}) must be a number: give its symbols values", "offset")
    above = isinstance(offset, Dim) or offset >= 0
    return maximum(minimum(rows, columns - offset) if above else minimum(rows + offset, columns), 0)


@function(method=True, example=("diagonal(0, 1, 2)", "6x5x5"))
def diagonal(input: Tensor, offset: Whole = 0, dim1: Whole = 0, dim2: Whole = 1) -> Tensor:
    """Returns the diagonal of two dimensions, as the last dimension.

    offset: the diagonal: 0 the main one, positive above it, negative below.
    dim1, dim2: the two dimensions.
    """
    one, two = axis(dim1, input.shape, "dim1"), axis(dim2, input.shape, "dim2")
    if one == two:
        note = f"diagonal dimensions cannot be identical {dim1}, {dim2}"
        raise Refusal(
            "invalid-argument", f"a diagonal needs two dimensions, but dim1 and dim2 are both {one}", "dim2", note=note
        )
    rest = tuple(size for place, size in enumerate(input.shape) if place not in (one, two))
    return part_of(input, (*rest, diagonal_size(input.shape[one], input.shape[two], offset)))


@function(method=True, example=("diag()", "[5, 5]"))
def diag(input: Tensor, diagonal: Whole = 0) -> Tensor:
    """Returns the diagonal of a matrix, or a matrix with a given diagonal vector.

    diagonal: the diagonal: 0 the main one, positive above it, negative below.
    """
    if len(input.shape) == 2:
        return part_of(input, (diagonal_size(*input.shape, diagonal),))
    if len(input.shape) != 1:
        note = f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D"
        raise Refusal("wrong-rank", f"{{layer}} takes a vector or a matrix, but {input} arrives", "input", note=note)
    side = input.shape[0] + abs(plain_int(diagonal, "diagonal"))
    return input.like((side, side))


@function(method=True, example=("diag_embed()", "[6, 5]"))
def diag_embed(input: Tensor, offset: Whole = 0, dim1: Whole = -2, dim2: Whole = -1) -> Tensor:
    """Creates matrices with the last dimension on their diagonals.

    offset: the diagonal: 0 the main one, positive above it, negative below.
    dim1, dim2: the two dimensions of the matrices in the result.
    """
    if not input.shape:
        raise Refusal("wrong-rank", "{layer} wants one dimension or more, but a single number arrives", "input")
    one, two = (axis(dim, input.shape, name, extra=1) for name, dim in (("dim1", dim1), ("dim2", dim2)))
    if one == two:
        raise Refusal("invalid-argument", f"a diagonal needs two dimensions, but dim1 and dim2 are both {one}", "dim2")
    side = input.shape[-1] + abs(plain_int(offset, "offset"))
    shape = list(input.shape[:-1])
    for place in sorted((one, two)):
        shape.insert(place, side)
    return input.like(tuple(shape))
