"""`einsum` and `kron`. Einsum permutes its operands, then multiplies by `mul`, or by `bmm` to sum over a dimension.

`einsum` and `sumproduct_pair` in ATen/native/Linear.cpp.
"""

from __future__ import annotations

from collections.abc import Iterable

from nnshape.shapes.dims import Size
from nnshape.shapes.functions.einsum import ReadEquation
from nnshape.shapes.layouts.applied import Applied, UnknownLayout, lays_out
from nnshape.shapes.layouts.iterating import Operand, elementwise_strides
from nnshape.shapes.layouts.layout import Layout, contiguous_layout, contiguous_strides, is_empty, is_one, new_layout
from nnshape.shapes.layouts.viewing import view_strides
from nnshape.shapes.layouts.viewing_inside import kron_strides
from nnshape.shapes.tensor import Shape, Tensor


@lays_out("einsum")
def einsum(applied: Applied) -> Layout:
    """A view for one operand of which nothing is summed; a product in the order of its kernel for a pair."""
    output: Tensor = applied.result
    tensors: tuple[Tensor, ...] = applied["operands"]
    read = ReadEquation(applied["equation"], tensors)
    if len(tensors) > 2 or is_empty(output.shape) or any(is_empty(tensor.shape) for tensor in tensors):
        raise UnknownLayout  # opt_einsum, where it is installed, chooses the order of several products
    kept = len(read.output)
    order = [*read.output, *sorted((label for label in read.sizes if label not in read.output), key=_summed_place)]
    operands = [
        _aligned(labels, order, read.covered, (tensor.shape, applied.layout(tensor).strides))
        for labels, tensor in zip(read.operands, tensors, strict=True)
    ]
    if len(operands) == 1:
        if len(order) > kept:
            return contiguous_layout(output)
        return applied.layout(tensors[0]).view(operands[0][1])
    left, right = (_summed_alone(own, other, kept) for own, other in (operands, operands[::-1]))
    shape, strides = _product(left, right, range(kept, len(order)))
    if len(order) > kept:
        viewed = view_strides(shape, strides, output.shape)
        assert viewed is not None  # only sizes of 1 are removed
        strides = viewed
    return new_layout(output.shape, output.dtype, strides)


def _summed_place(label: str) -> tuple[int, str]:
    """Sorts the summed labels as torch does: the dimensions of the ellipsis from the outermost, then the letters."""
    return (-int(label[1:]), "") if label.startswith(".") else (0, label)


def _aligned(labels: list[str], order: list[str], covered: int, operand: Operand) -> Operand:
    """The operand with one dimension per label, in this order; missing ones have size 1."""
    sizes: dict[str, Size] = {}
    steps: dict[str, Size] = {}
    for label, size, step in zip(labels, *operand, strict=True):
        if label in steps:  # the diagonal of a repeated label
            steps[label] = steps[label] + step
        else:
            sizes[label], steps[label] = size, step
    return (
        tuple(sizes.get(label, 1) for label in order),
        tuple(steps.get(label, 1) for label in order),
    )


def _summed_alone(own: Operand, other: Operand, kept: int) -> Operand:
    """The operand after the sum over the dimensions that the other one has not."""
    shape = own[0]
    alone = [place for place in range(kept, len(shape)) if not is_one(shape[place]) and is_one(other[0][place])]
    if not alone:
        return own
    summed = tuple(1 if place in alone else size for place, size in enumerate(shape))
    return summed, contiguous_strides(summed)


def _product(left: Operand, right: Operand, summed: Iterable[int]) -> Operand:
    """The shape and strides of the product of two operands, with a size of 1 for each dimension that is summed."""
    shared = [place for place in summed if not is_one(left[0][place])]
    if not shared:
        shape = tuple(two if is_one(one) else one for one, two in zip(left[0], right[0], strict=True))
        return shape, elementwise_strides(shape, [left, right])
    both: list[int] = []
    only_left: list[int] = []
    only_right: list[int] = []
    for place, (one, two) in enumerate(zip(left[0], right[0], strict=True)):
        if place in shared:
            continue
        (only_right if is_one(one) else only_left if is_one(two) else both).append(place)
    if only_left and only_right and only_right[-1] < only_left[0]:
        only_left, only_right = only_right, only_left  # torch multiplies the other way round
    # bmm gives [both, only_left, only_right], with the summed dimensions between the last two.
    order = [*both, *only_left, *shared, *only_right]
    shape = _sizes(left[0], right[0], shared)
    strides = contiguous_strides(tuple(shape[place] for place in order))
    return shape, tuple(strides[order.index(place)] for place in range(len(order)))


def _sizes(left: Shape, right: Shape, shared: list[int]) -> Shape:
    return tuple(
        1 if place in shared else two if is_one(one) else one
        for place, (one, two) in enumerate(zip(left, right, strict=True))
    )


@lays_out("kron")
def kron(applied: Applied) -> Layout:
    """A view of the elementwise product."""
    input, other = applied["input"], applied["other"]
    output: Tensor = applied.result
    strides = kron_strides((input, other), output, lambda tensor: applied.layout(tensor).strides)
    if strides is None:
        raise UnknownLayout  # torch refuses it
    return new_layout(output.shape, output.dtype, strides)
