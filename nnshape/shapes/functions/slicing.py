"""The arithmetic of slices, shared by indexing, narrowing and splitting."""

from __future__ import annotations

from typing import Any

from nnshape.shapes.arguments import described
from nnshape.shapes.constraints import assume_at_least
from nnshape.shapes.dims import Dim, Size, at_least, ceil_div, maximum, minimum
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, Tensor, product


def sliced_size(size: Size, index: slice) -> Size:
    """The number of elements in a slice of a dimension. Raises Refusal for a step below 1."""
    start, stop, step = index.start, index.stop, index.step
    for bound in (start, stop, step):
        if bound is not None and not isinstance(bound, (int, Dim)):
            raise Refusal("wrong-type", f"a slice goes by whole numbers, not {described(bound)}", "index")
    if start is None and stop is None and step is None:
        return size
    if type(step) is int and step <= 0:
        note = "slice step cannot be zero" if step == 0 else "step must be greater than zero"
        raise Refusal("invalid-argument", f"a slice's step must be 1 or more, not {step}", "index", note=note)
    if isinstance(step, Dim):
        assume_at_least(step, 1)
    first = first_of(size, index)
    last = size if stop is None else _bound(size, stop)
    count = maximum(last - first, 0)
    return count if step is None else ceil_div(count, step)


def first_of(size: Size, index: slice) -> Size:
    """The first place that a slice takes."""
    return 0 if index.start is None else _bound(size, index.start)


def _bound(size: Size, bound: Any) -> Size:
    """The index of a slice's bound: counted from the back if negative, and clamped to the dimension."""
    if isinstance(bound, Dim):
        if at_least(-bound, 1):
            return maximum(size + bound, 0)
        assume_at_least(bound, 0)
        return minimum(bound, size)
    if bound < 0:
        return maximum(size + bound, 0)
    return 0 if bound == 0 else minimum(bound, size)


def part_of(input: Tensor, shape: Shape) -> Tensor:
    """Returns some of the elements, each once, in another shape.

    The part is known to reach as high only if the elements are a range: `arange(10)[:3]` reaches 2 or more.
    """
    span, count = input.span, product(shape)
    if span is not None and count != input.numel():
        is_range = span[1] - span[0] == input.numel() - 1 and at_least(span[0], 0)
        span = (span[0], span[0] + count - 1) if is_range else None
    return Tensor(shape, input.dtype, span)
