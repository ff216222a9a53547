"""Operations through torch's TensorIterator: the result keeps the order of dimensions of its operands."""

from __future__ import annotations

from nnshape.shapes.axes import axes
from nnshape.shapes.dims import Dim
from nnshape.shapes.dtypes import is_complex
from nnshape.shapes.layouts.applied import Applied, UnknownLayout, lays_out
from nnshape.shapes.layouts.iterating import Operand, dense_like, elementwise_strides
from nnshape.shapes.layouts.layout import (
    Layout,
    contiguous_layout,
    contiguous_strides,
    is_contiguous,
    is_one,
    new_layout,
)
from nnshape.shapes.layouts.views import itself
from nnshape.shapes.tensor import Shape, Tensor

_NAMES = """
    Tensor.where abs absolute acos acosh add addcdiv addcmul addr angle arccos arccosh arcsin arcsinh arctan
    arctan2 arctanh asin asinh atan atan2 atanh bitwise_and bitwise_left_shift bitwise_not bitwise_or
    bitwise_right_shift bitwise_xor ceil celu clamp clamp_max clamp_min clip complex copysign cos cosh digamma
    div divide elu eq erf erfc erfinv exp exp2 expm1 fix float_power floor floor_divide fmax fmin fmod frac gcd
    ge gelu greater greater_equal gt hardshrink hardsigmoid hardswish heaviside hypot i0 isclose isnan isneginf
    isposinf lcm ldexp le leaky_relu lerp less less_equal lgamma log log10 log1p log2 logaddexp logaddexp2
    logical_and logical_not logical_or logical_xor logit lt maximum minimum mish mul multiply ne neg negative
    nextafter not_equal polar pow reciprocal relu remainder round rsqrt selu sgn sigmoid sign signbit silu sin
    sinc sinh softplus softshrink softsign sqrt square sub subtract tan tanh tanhshrink threshold true_divide
    trunc where xlogy
"""


@lays_out(_NAMES)
def elementwise(applied: Applied) -> Layout:
    """The strides that TensorIterator gives a result of these operands.

    Torch first converts some operands, to a dense copy, and makes some numbers a tensor, which is stretched. Both count
    in rare cases only: where one would, the layout is unknown.
    """
    output = applied.outputs[0]
    if applied.name == "pow" and not isinstance(applied["input"], Tensor):
        return contiguous_layout(output)  # torch makes the result of a number's powers first
    shape = output.shape
    tensors = applied.operands
    operands: list[Operand] = [(tensor.shape, applied.layout(tensor).strides) for tensor in tensors]
    if all(own == shape and is_contiguous(own, strides) for own, strides in operands) and not _has_number(applied):
        return contiguous_layout(output)
    found: set[Shape] = set()
    converted = [(own, dense_like(own, strides)) for own, strides in operands]
    different = len({tensor.dtype for tensor in (*tensors, output)}) > 1
    for alternative in (operands, converted) if different else (operands,):
        found.add(elementwise_strides(shape, alternative))
        if _has_number(applied):
            found.add(elementwise_strides(shape, [*alternative, ((), ())]))
    if len(found) > 1:
        raise UnknownLayout
    return new_layout(shape, output.dtype, found.pop())


def _has_number(applied: Applied) -> bool:
    given = (value for name, value in applied.arguments.items() if name != "inplace")
    return any(isinstance(value, (int, float, complex, Dim)) for value in given)


@lays_out("soft_margin_loss")
def loss(applied: Applied) -> Layout:
    """Elementwise without a reduction; a number has no strides."""
    return elementwise(applied) if applied.result.shape else contiguous_layout(applied.result)


@lays_out("max min")
def extreme(applied: Applied) -> Layout | list[Layout]:
    """Elementwise for two tensors; contiguous for a reduction."""
    if len(applied.operands) == 2:
        return elementwise(applied)
    return [contiguous_layout(output) for output in applied.outputs]


@lays_out("positive")
def positive(applied: Applied) -> Layout:
    """The argument itself."""
    return itself(applied)


@lays_out("conj_physical")
def conj_physical(applied: Applied) -> Layout:
    """The argument itself if it is real."""
    return elementwise(applied) if is_complex(applied.result.dtype) else itself(applied)


@lays_out("normalize")
def normalize(applied: Applied) -> Layout:
    """The quotient of the input and its contiguous norm, which is expanded along `dim`."""
    input: Tensor = applied["input"]
    if not input.shape:
        return contiguous_layout(applied.result)
    dims = axes(applied["dim"], input.shape, every=True)
    reduced = tuple(1 if place in dims else size for place, size in enumerate(input.shape))
    expanded = tuple(
        0 if place in dims and not is_one(size) else step
        for place, (size, step) in enumerate(zip(input.shape, contiguous_strides(reduced), strict=True))
    )
    operands = [(input.shape, applied.layout(input).strides), (input.shape, expanded)]
    return new_layout(input.shape, applied.result.dtype, elementwise_strides(input.shape, operands))
