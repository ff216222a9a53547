"""In-place functions: https://pytorch.org/docs/stable/tensors.html.

The rule is that of the function without the underscore. The result must have the tensor's shape, and a dtype
that converts to the tensor's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.shapes.arguments import Signature
from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.dtype_names import scalar_name
from nnshape.shapes.dtypes import category, fits
from nnshape.shapes.function import function
from nnshape.shapes.functions import find_function
from nnshape.shapes.functions.repeating import expanded
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Tensor, shape_text

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Flag, Number

#: In-place functions of `torch`, which are also Tensor methods.
_FUNCTIONS = """
    abs acos acosh arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh ceil clamp clamp_max clamp_min
    clip conj_physical cos cosh deg2rad erf erfc exp exp2 expm1 fix floor frac gcd i0 lcm ldexp log log10 log1p log2
    logit nan_to_num neg negative rad2deg reciprocal round rsqrt sin sinc sinh sqrt square tan trunc xlogy addmv
    index_put
"""
_METHODS = """
    absolute add addcdiv addcmul addmm addr arctan2 atan2 baddbmm bitwise_and bitwise_left_shift bitwise_not
    bitwise_or bitwise_right_shift bitwise_xor copysign digamma div divide eq erfinv floor_divide fmod ge greater
    greater_equal gt heaviside hypot index_add le lerp less less_equal lgamma logical_and logical_not logical_or
    logical_xor lt masked_fill masked_scatter mul multiply mvlgamma ne nextafter not_equal pow remainder scatter
    scatter_add scatter_reduce sgn sign sub subtract tril triu true_divide
"""
#: Functions that have an in-place version.
WRITTEN = frozenset((_FUNCTIONS + _METHODS).split())
#: Functions whose in-place version makes checks of its own, in words and in an order of its own.
_CHECKED_ALONE = frozenset(
    {"addmm", "addmv", "addr", "baddbmm", "clamp", "clamp_max", "clamp_min", "clip", "ldexp", "masked_fill"}
    | {"masked_scatter", "mvlgamma", "sub", "subtract", "add"}
)


def _written(name: str, input: Tensor, result: Tensor) -> Tensor:
    """The tensor after an in-place operation. Raises Refusal if the result does not fit into it."""
    with in_other_words(name in _CHECKED_ALONE):
        _require_fit(name, input, result)
    return input.like()


def _require_fit(name: str, input: Tensor, result: Tensor) -> None:
    if len(result.shape) != len(input.shape) or not all(map(assume_equal, result.shape, input.shape)):
        message = f"{{layer}} writes into {shape_text(input.shape)}, but its result is {shape_text(result.shape)}"
        note = f"output with shape {list(input.shape)} doesn't match the broadcast shape {list(result.shape)}"
        help = f"{name} makes a new tensor of the result's shape"
        raise Refusal("size-mismatch", message, "input", note=note, help=help)
    if name.startswith("abs") and category(input.dtype) == 3:
        note = "In-place abs is not supported for complex tensors."
        raise Refusal("wrong-dtype", "{layer} cannot write real numbers over complex ones", "input", note=note)
    if category(result.dtype) > category(input.dtype):
        message = f"{{layer}} cannot write a result of {result.dtype} into a tensor of {input.dtype}"
        note = (
            f"result type {scalar_name(result.dtype)} can't be cast to the desired output type "
            f"{scalar_name(input.dtype)}"
        )
        raise Refusal("wrong-dtype", message, "input", note=note, help=f"{name} makes a new tensor of {result.dtype}")


def _declare(name: str, only_method: bool) -> None:
    base = find_function(name)
    assert base is not None
    signature = base.signature()
    first = signature.parameters[0].name

    def rule(**arguments: Any) -> Tensor:
        input = arguments[first]
        if not isinstance(input, Tensor):
            raise Refusal("wrong-type", f"{name}_ writes into a tensor, not into {input}", first)
        with in_other_words(name in _CHECKED_ALONE):
            result = base.rule(**arguments)
        return _written(name, input, result)

    sentence, _, rest = base.doc.partition("\n")
    head, colon, tail = sentence.partition(":")
    rule.__doc__ = f"{head.rstrip('.')}, in place{colon}{tail}{'' if colon else '.'}" + (f"\n{rest}" if rest else "")
    step, *shapes = base.example
    written = step.replace(name, f"{name}_", 1)
    if name == "index_add":  # it cannot read the memory that it writes
        written = written.replace(", x)", ", x + 1)")
    declared = function(name=f"{name}_", method=True, only_method=only_method, example=(written, *shapes))(rule)
    declared._signature = Signature(f"{name}_", signature.parameters, signature.synonyms)
    declared.count = base.count


for _name in _FUNCTIONS.split():
    _declare(_name, only_method=False)
for _name in _METHODS.split():
    _declare(_name, only_method=True)


@function(method=True, example=("zero_()", "6x5x5"))
def zero_(input: Tensor) -> Tensor:
    """Fills the tensor with zeros, in place."""
    return input.like()


@function(method=True, example=("fill_(2)", "6x5x5"))
def fill_(input: Tensor, value: Number | Tensor) -> Tensor:
    """Fills the tensor with one value, in place.

    value: a number or a 0-dimensional tensor.
    """
    if isinstance(value, Tensor):
        if value.shape:
            note = f"fill_ only supports 0-dimension value tensor but got tensor with {len(value.shape)} dimensions."
            raise Refusal("wrong-rank", f"{{layer}} takes one number, but {value} arrives", "value", note=note)
    elif isinstance(value, (int, float, complex)) and not fits(value, input.dtype):
        note = f"value cannot be converted to type {input.dtype} without overflow"
        raise Refusal("invalid-argument", f"{value} does not fit into {input.dtype}", "value", note=note)
    return input.like()


@function(only_method=True, example=("x.copy_(y)", "6x5x5", "[5]"))
def copy_(input: Tensor, src: Tensor, non_blocking: Flag = False) -> Tensor:
    """Copies the elements of another tensor, converted to this tensor's dtype and broadcast to its shape.

    src: the tensor to copy; it broadcasts.
    """
    with in_other_words():
        expanded(src, input.shape, "src")
    return input.like()
