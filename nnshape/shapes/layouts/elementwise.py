"""Operations through torch's TensorIterator: the result keeps the order of dimensions of its operands."""

from __future__ import annotations

from nnshape.shapes.layouts.applied import Applied, lays_out
from nnshape.shapes.layouts.iterating import dense_like, elementwise_strides
from nnshape.shapes.layouts.layout import Layout, new_layout

_NAMES = """
"""


@lays_out(_NAMES)
def elementwise(applied: Applied) -> Layout:
    """The result of TensorIterator on all operands, in their order."""
    output = applied.outputs[0]
    operands = [(tensor.shape, applied.layout(tensor).strides) for tensor in applied.operands]
    return new_layout(output.shape, output.dtype, elementwise_strides(output.shape, operands))


@lays_out("clone")
def like_input(applied: Applied) -> list[Layout]:
    """The layout of `empty_like` of the first argument."""
    first = applied.operands[0]
    strides = dense_like(first.shape, applied.layout(first).strides)
    return [new_layout(output.shape, output.dtype, strides) for output in applied.outputs]
