"""Elementwise functions of one tensor: https://pytorch.org/docs/stable/torch.html#pointwise-ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nnshape.shapes.broadcasting import broadcast
from nnshape.shapes.dims import Dim
from nnshape.shapes.dtype_names import c_name
from nnshape.shapes.dtypes import BOOL, DTYPES, REAL_OF, DType, category, default_dtype, fits, is_complex, result_type
from nnshape.shapes.function import function
from nnshape.shapes.functions.pointwise import shape_of
from nnshape.shapes.functions.reduction import require_kinds
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.values import COMPUTED_IN, require_room

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Number, Whole


def _floating(dtype: DType) -> DType:
    return default_dtype() if category(dtype) < 2 else dtype


def _same(dtype: DType) -> DType:
    return dtype


def _real(dtype: DType) -> DType:
    return DTYPES[REAL_OF[dtype]] if is_complex(dtype) else dtype


def _real_floating(dtype: DType) -> DType:
    return _real(_floating(dtype))


def _truth(dtype: DType) -> DType:
    return BOOL


def _whole(dtype: DType) -> DType:
    return DTYPES["int64"] if dtype == "bool" else dtype


#: Each group of functions shares the kinds of dtype that torch accepts, and the rule for the result's dtype.
FAMILIES: tuple[tuple[str, Callable[[DType], DType], dict[str, str]], ...] = (
    ("bifc", _floating, {
        "acos arccos": "Computes the arc cosine elementwise.",
        "acosh arccosh": "Computes the inverse hyperbolic cosine elementwise.",
        "asin arcsin": "Computes the arc sine elementwise.",
        "asinh arcsinh": "Computes the inverse hyperbolic sine elementwise.",
        "atan arctan": "Computes the arc tangent elementwise.",
        "atanh arctanh": "Computes the inverse hyperbolic tangent elementwise.",
        "cos": "Computes the cosine elementwise.",
        "cosh": "Computes the hyperbolic cosine elementwise.",
        "exp": "Computes exp(x) elementwise.",
        "exp2": "Computes 2**x elementwise.",
        "expm1": "Computes exp(x) - 1 elementwise.",
        "log": "Computes the natural logarithm elementwise.",
        "log10": "Computes the base-10 logarithm elementwise.",
        "log1p": "Computes log(1 + x) elementwise.",
        "log2": "Computes the base-2 logarithm elementwise.",
        "reciprocal": "Computes 1 / x elementwise.",
        "rsqrt": "Computes 1 / sqrt(x) elementwise.",
        "sin": "Computes the sine elementwise.",
        "sinc": "Computes the normalized sinc, sin(pi * x) / (pi * x), elementwise.",
        "sinh": "Computes the hyperbolic sine elementwise.",
        "sqrt": "Computes the square root elementwise.",
        "tan": "Computes the tangent elementwise.",
    }),
    ("bif", _floating, {
        "deg2rad": "Converts degrees to radians elementwise.",
        "rad2deg": "Converts radians to degrees elementwise.",
        "digamma": "Computes the digamma function elementwise.",
        "erf": "Computes the error function elementwise.",
        "erfc": "Computes the complementary error function, 1 - erf(x), elementwise.",
        "erfinv": "Computes the inverse error function elementwise.",
        "i0": "Computes the modified Bessel function of the first kind, of order 0, elementwise.",
        "lgamma": "Computes the logarithm of the absolute value of the gamma function elementwise.",
    }),
    ("bifc", _real_floating, {"angle": "Computes the angle of each element, in radians."}),
    ("ifc", _real, {"abs absolute": "Computes the absolute value elementwise."}),
    ("if", _same, {
        "ceil": "Rounds each element up to an integer.",
        "fix": "Rounds each element towards zero.",
        "floor": "Rounds each element down to an integer.",
        "trunc": "Rounds each element towards zero.",
    }),
    ("f", _same, {"frac": "Computes the fractional part elementwise."}),
    ("ifc", _same, {
        "neg negative": "Negates each element.",
        "positive": "Returns the input (`+x`).",
    }),
    ("bif", _same, {"sign": "Computes the sign, -1, 0 or 1, elementwise."}),
    ("bifc", _same, {
        "conj": "Computes the complex conjugate elementwise, as a view.",
        "conj_physical": "Computes the complex conjugate elementwise, as a copy.",
        "sgn": "Computes the sign elementwise; x / |x| for complex numbers.",
    }),
    ("bifc", _whole, {"square": "Computes the square elementwise."}),
    ("bi", _same, {"bitwise_not": "Computes the bitwise NOT (`~`), the logical NOT for bools."}),
    ("bifc", _truth, {
        "isfinite": "Tests each element for being finite.",
        "isinf": "Tests each element for infinity.",
        "isnan": "Tests each element for NaN.",
        "isreal": "Tests each element for being real.",
        "logical_not": "Computes the elementwise logical NOT: True for zeros.",
    }),
    ("bif", _truth, {
        "isneginf": "Tests each element for negative infinity.",
        "isposinf": "Tests each element for positive infinity.",
        "signbit": "Tests the sign bit of each element.",
    }),
)  # fmt: skip


def _declare(names: str, doc: str, allowed: str, dtype_of: Callable[[DType], DType]) -> None:
    def rule(input: Tensor) -> Tensor:
        if allowed != "bifc":
            require_kinds(input, allowed, "takes")
        return Tensor(input.shape, dtype_of(input.dtype))

    rule.__doc__ = doc
    arrives = {"f": "6x5x5", "bi": "bool[6, 5]"}.get(allowed, "6x5x5")
    for name in names.split():
        function(name=name, method=True, example=(f"{name}()", arrives))(rule)


for _allowed, _dtype_of, _functions in FAMILIES:
    for _names, _doc in _functions.items():
        _declare(_names, _doc, _allowed, _dtype_of)


@function(name="round", method=True, example=("round()", "6x5x5"))
def round_(input: Tensor, *, decimals: Whole | None = None) -> Tensor:
    """Rounds to the nearest integer, with halves to even, or to a number of decimals."""
    require_kinds(input, "if" if decimals is None else "f", "rounds")
    return input.like()


@function(method=True, example=("nan_to_num()", "6x5x5"))
def nan_to_num(
    input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """Replaces NaN and infinities with finite numbers.

    nan: the replacement for NaN.
    posinf: the replacement for infinity; the dtype's largest number if None.
    neginf: the replacement for negative infinity; the dtype's smallest number if None.
    """
    return input.like()


@function(method=True, example=("logit(1e-6)", "6x5x5"))
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """Computes log(x / (1 - x)) elementwise, the inverse of sigmoid; `eps` clamps x to [eps, 1 - eps]."""
    require_kinds(input, "bif", "takes")
    require_room(_floating(input.dtype), eps=eps)
    return input.like(dtype=_floating(input.dtype))


@function(method=True, example=("mvlgamma(1)", "6x5x5"))
def mvlgamma(input: Tensor, p: Whole) -> Tensor:
    """Computes the logarithm of the multivariate gamma function elementwise.

    p: the dimension of the function.
    """
    note = "The input tensor may not be a boolean tensor." if input.dtype == "bool" else ""
    require_kinds(input, "if", "takes", note)
    if isinstance(p, int) and p < 1:
        raise Refusal(
            "invalid-argument", f"p must be 1 or more, not {p}", "p", note="p has to be greater than or equal to 1"
        )
    return input.like(dtype=_floating(input.dtype))


def _number_like(bound: Any) -> Any:
    if not isinstance(bound, Tensor):
        return bound
    if bound.shape:
        raise Refusal("wrong-type", "{layer} takes two numbers or two tensors as min and max", "max")
    return (True, 1, 1.0, 1j)[category(bound.dtype)]


def _clamped(input: Tensor, low: Any, high: Any) -> Tensor:
    if low is None and high is None:
        note = "torch.clamp: At least one of 'min' or 'max' must not be None"
        raise Refusal("missing-argument", "{layer} wants min, max or both", "min", note=note)
    mixed = {isinstance(bound, Tensor) for bound in (low, high) if bound is not None} == {True, False}
    if mixed:  # torch then treats a 0-dimensional tensor as a number
        low, high = (_number_like(bound) for bound in (low, high))
    dtype = result_type(input, *(bound for bound in (low, high) if bound is not None))
    one_tensor = (low is None) != (high is None) and isinstance(high if low is None else low, Tensor)
    if is_complex(dtype) or (dtype == "bool" and not one_tensor):
        raise Refusal("wrong-dtype", f"torch does not clamp {dtype}", "input")
    require_room(dtype, min=low, max=high)
    shape = input.shape
    for name, bound in (("min", low), ("max", high)):
        shape = broadcast(shape, shape_of(bound), "clamp", name)
    return Tensor(shape, dtype)


@function(method=True, example=("clamp(0, 1)", "6x5x5"))
def clamp(input: Tensor, min: float | Tensor | None = None, max: float | Tensor | None = None) -> Tensor:
    """Clamps each element to [min, max].

    min, max: the bounds, numbers or tensors that broadcast; one may be None.
    """
    return _clamped(input, min, max)


function(name="clip", method=True, example=("clip(0, 1)", "6x5x5"))(clamp.rule)


@function(method=True, example=("clamp_min(0)", "6x5x5"))
def clamp_min(input: Tensor, min: float | Tensor) -> Tensor:
    """Clamps each element from below.

    min: the lower bound.
    """
    return _clamped(input, min, None)


@function(method=True, example=("clamp_max(1)", "6x5x5"))
def clamp_max(input: Tensor, max: float | Tensor) -> Tensor:
    """Clamps each element from above.

    max: the upper bound.
    """
    return _clamped(input, None, max)


@function(method=True, example=("lerp(x, x, 0.5)", "6x5x5"))
def lerp(input: Tensor, end: Tensor, weight: float | Tensor) -> Tensor:
    """Computes input + weight * (end - input) elementwise."""
    tensors = {"end": end, "weight": weight} if isinstance(weight, Tensor) else {"end": end}
    shape = input.shape
    for name, tensor in tensors.items():
        if tensor.dtype != input.dtype and not (name == "weight" and not tensor.shape):
            note = f"expected dtype {c_name(input.dtype)} for `{name}` but got dtype {c_name(tensor.dtype)}"
            message = f"{{layer}} wants {name} in the input's dtype, {input.dtype}, but it is {tensor.dtype}"
            raise Refusal("wrong-dtype", message, name, note=note)
        shape = broadcast(shape, tensor.shape, "interpolate between", name)
    dtype = result_type(input, *tensors.values())
    require_kinds(Tensor((), dtype), "fc", "interpolates")
    require_room(COMPUTED_IN.get(dtype, dtype), weight=weight)
    return Tensor(shape, dtype)


def _add_product(name: str, sign: str, doc: str, allowed: str) -> None:
    def rule(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
        dtype = result_type(input, tensor1, tensor2)
        if "bifc"[category(dtype)] not in allowed or (name == "addcdiv" and dtype == "complex32"):
            raise Refusal("wrong-dtype", f"{name} does not accept {dtype}", "input")
        if name == "addcdiv" and category(tensor1.dtype) < 2 and category(tensor2.dtype) < 2:
            raise Refusal("wrong-dtype", f"{name} cannot divide whole numbers by whole numbers", "tensor2")
        if not isinstance(value, Dim) and not fits(value, dtype):
            raise Refusal("invalid-argument", f"value (={value}) does not fit into {dtype}", "value")
        shape = broadcast(broadcast(input.shape, tensor1.shape, "add", "tensor1"), tensor2.shape, sign, "tensor2")
        return Tensor(shape, dtype)

    rule.__doc__ = doc
    function(name=name, method=True, example=(f"{name}(x, x, x)", "6x5x5"))(rule)


_add_product("addcmul", "multiply", "Computes input + value * tensor1 * tensor2.\n\nvalue: the factor.", "ifc")
_add_product("addcdiv", "divide", "Computes input + value * tensor1 / tensor2.\n\nvalue: the factor.", "fc")
