"""Arithmetic, comparison and logic on two operands: https://pytorch.org/docs/stable/torch.html#pointwise-ops.

Operands broadcast, and their dtypes are promoted. A function accepts a Python number as either operand if
torch's operator does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nnshape.shapes.broadcasting import broadcast
from nnshape.shapes.dims import Dim
from nnshape.shapes.dtypes import BOOL, COMPLEX_OF, DTYPES, DType, category, default_dtype, is_complex, result_type
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, Tensor
from nnshape.shapes.values import require_room

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Flag, Number

Decision = Callable[[str, object, object], DType]

#: The categories of dtypes in words, in the order of `category`.
_KIND_NAMES = ("bool", "whole numbers", "real numbers", "complex numbers")


def shape_of(operand: object) -> Shape:
    """The shape of an operand: none for a number."""
    return operand.shape if isinstance(operand, Tensor) else ()


def dtype_in(verb: str, allowed: str, *operands: object, floating: bool = False) -> DType:
    """The promoted dtype of the operands; a float dtype for whole numbers if `floating`.

    `allowed` holds the categories that torch supports: b(ool), i(nteger), f(loat), c(omplex).
    Raises Refusal (wrong-dtype) for another.
    """
    first = operands[0]
    if all(type(operand) is Tensor and operand.dtype is first.dtype for operand in operands):  # type: ignore[attr-defined]
        dtype: DType = first.dtype  # type: ignore[attr-defined]
    else:
        dtype = result_type(*operands)
    kind = category(dtype)
    if "bifc"[kind] not in allowed:
        raise Refusal("wrong-dtype", f"cannot {verb} {_KIND_NAMES[kind]}: {_dtypes_text(operands)}", "input")
    return default_dtype() if floating and kind < 2 else dtype


def _dtypes_text(operands: tuple[object, ...]) -> str:
    names = [str(o.dtype) if isinstance(o, Tensor) else str(o) for o in operands]
    return " and ".join(dict.fromkeys(names)) + (" arrive" if len(set(names)) > 1 else " arrives")


def _promoted(allowed: str = "bifc", floating: bool = False) -> Decision:
    return lambda verb, input, other: dtype_in(verb, allowed, input, other, floating=floating)


def _truth(allowed: str = "bifc") -> Decision:
    def decide(verb: str, input: object, other: object) -> DType:
        dtype_in(verb, allowed, input, other)
        return BOOL

    return decide


def _subtracted_bools(input: object, other: object) -> str:
    """torch's message for a difference with a bool."""
    if all(isinstance(operand, Tensor) and operand.dtype == "bool" for operand in (input, other)):
        words = "two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead."
    else:
        words = (
            "a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` "
            "operator instead."
        )
    return f"Subtraction, the `-` operator, with {words}"


def _subtracted(verb: str, input: object, other: object) -> DType:
    for name, operand in (("input", input), ("other", other)):
        if (operand.dtype == "bool") if isinstance(operand, Tensor) else isinstance(operand, bool):
            note = _subtracted_bools(input, other)
            raise Refusal("wrong-dtype", f"cannot subtract with a bool: {name} is one", name, note=note)
    return dtype_in(verb, "ifc", input, other)


def _divided_whole(verb: str, input: object, other: object) -> DType:
    dtype = dtype_in(verb, "if", input, other)
    if category(dtype) == 1 and isinstance(other, int) and other == 0 and 0 not in shape_of(input):
        raise Refusal("invalid-argument", "cannot divide whole numbers by 0", "other")
    return dtype


def _raised(verb: str, input: object, other: object) -> DType:
    dtype = dtype_in(verb, "ifc" if isinstance(other, Tensor) else "bifc", input, other)
    if type(other) is int and other < 0 and category(dtype) < 2:
        message = f"cannot raise whole numbers to the power {other}: {_dtypes_text((input,))}"
        note = "Integers to negative integer powers are not allowed."
        raise Refusal("invalid-argument", message, "other", note=note)
    return dtype


def _float_powered(verb: str, input: object, other: object) -> DType:
    return DTYPES["complex128" if is_complex(result_type(input, other)) else "float64"]


def _alike(verb: str, input: object, other: object) -> DType:
    assert isinstance(input, Tensor)
    assert isinstance(other, Tensor)
    if input.dtype != other.dtype:
        message = f"cannot {verb} tensors of two dtypes: {input.dtype} and {other.dtype}"
        raise Refusal("wrong-dtype", message, "other")
    return input.dtype


def _compared_close(verb: str, input: object, other: object) -> DType:
    _alike(verb, input, other)
    return BOOL


def _complex_of(halves: bool) -> Decision:
    def decide(verb: str, input: object, other: object) -> DType:
        dtype = _alike(verb, input, other)
        if dtype not in ("float32", "float64") and not (halves and dtype == "float16"):
            raise Refusal("wrong-dtype", f"cannot {verb} {dtype}: torch wants float32 or float64", "input")
        return DTYPES[COMPLEX_OF[dtype]]

    return decide


def _declare(
    names: str, verb: str, doc: str, decide: Decision, left: str = "Tensor | Number", right: str = "Tensor | Number"
) -> None:
    """Declare a function of two operands that broadcast; `decide` gives the dtype of the result."""

    def rule(input: object, other: object) -> Tensor:
        return Tensor(broadcast(shape_of(input), shape_of(other), verb), decide(verb, input, other))

    rule.__doc__ = doc
    rule.__annotations__ = {"input": left, "other": right}
    for name in names.split():
        shape = "int64[6, 5]" if name.startswith(("bitwise", "gcd", "lcm")) else "6x5x5"
        example = (f"{name}(2)" if "Number" in right else f"{name}(x, x)", shape)
        function(name=name, method=True, example=example)(rule)


def _with_alpha(names: str, verb: str, doc: str, decide: Decision) -> None:
    def rule(input: object, other: object, *, alpha: Number = 1) -> Tensor:
        dtype = decide(verb, input, other)
        if alpha != 1 or isinstance(alpha, bool):
            check_scale(alpha, dtype, "alpha")
        return Tensor(broadcast(shape_of(input), shape_of(other), verb), dtype)

    rule.__doc__ = doc
    rule.__annotations__ = {"input": "Tensor | Number", "other": "Tensor | Number", "alpha": "Number"}
    for name in names.split():
        function(name=name, method=True, example=(f"{name}(2)", "6x5x5"))(rule)


def check_scale(value: object, dtype: DType, name: str) -> None:
    """Raise Refusal if a factor has a higher category than the result, or overflows in its dtype."""
    if isinstance(value, bool) and dtype != "bool":
        raise Refusal("invalid-argument", f"{name} can be True only for a bool result, not {dtype}", name)
    if not isinstance(value, (int, Dim)) and category(dtype) < 2:
        note = f"For integral input tensors, argument {name} must not be a floating point number."
        raise Refusal("invalid-argument", f"{name} (={value}) must be a whole number for {dtype}", name, note=note)
    if isinstance(value, complex) and category(dtype) < 3:
        raise Refusal("invalid-argument", f"{name} (={value}) must be real for {dtype}", name)
    require_room(dtype, **{name: value})


_with_alpha("add", "add", "Computes input + alpha * other elementwise.", _promoted())
_with_alpha("sub subtract", "subtract", "Computes input - alpha * other elementwise.", _subtracted)
_declare("mul multiply", "multiply", "Multiplies elementwise.", _promoted())
_declare("true_divide", "divide", "Divides elementwise; integers give floats.", _promoted(floating=True))
_declare("floor_divide", "divide", "Divides elementwise and rounds down.", _divided_whole)
_declare("remainder", "divide", "Computes the remainder elementwise, with the sign of the divisor.", _divided_whole)
_declare(
    "fmod", "divide", "Computes the remainder elementwise, with the sign of the dividend.", _divided_whole, "Tensor"
)

for _names, _sentence in {
    "eq": "Tests input == other elementwise.",
    "ne not_equal": "Tests input != other elementwise.",
}.items():
    _declare(_names, "compare", _sentence, _truth())
for _names, _sentence in {
    "lt less": "Tests input < other elementwise.",
    "le less_equal": "Tests input <= other elementwise.",
    "gt greater": "Tests input > other elementwise.",
    "ge greater_equal": "Tests input >= other elementwise.",
}.items():
    _declare(_names, "compare", _sentence, _truth("bif"))
for _names, _sentence in {
    "bitwise_and": "Computes the bitwise AND (`&`), the logical AND for bools.",
    "bitwise_or": "Computes the bitwise OR (`|`), the logical OR for bools.",
    "bitwise_xor": "Computes the bitwise XOR (`^`), the logical XOR for bools.",
}.items():
    _declare(_names, "combine the bits of", _sentence, _promoted("bi"))
_declare("bitwise_left_shift", "shift", "Shifts bits to the left by other, elementwise.", _promoted("i"))
_declare("bitwise_right_shift", "shift", "Shifts bits to the right by other, elementwise.", _promoted("i"))

for _names, _sentence in {
    "logical_and": "Computes the elementwise logical AND; nonzero is true.",
    "logical_or": "Computes the elementwise logical OR; nonzero is true.",
    "logical_xor": "Computes the elementwise logical XOR; nonzero is true.",
}.items():
    _declare(_names, "combine", _sentence, _truth(), "Tensor", "Tensor")
for _names, _sentence, _allowed in (
    ("maximum", "Computes the elementwise maximum; NaN propagates.", "bif"),
    ("minimum", "Computes the elementwise minimum; NaN propagates.", "bif"),
    ("fmax", "Computes the elementwise maximum, ignoring NaN.", "bif"),
    ("fmin", "Computes the elementwise minimum, ignoring NaN.", "bif"),
    ("gcd", "Computes the greatest common divisor elementwise.", "i"),
    ("lcm", "Computes the least common multiple elementwise.", "i"),
    ("hypot", "Computes sqrt(input**2 + other**2) elementwise.", "f"),
    ("nextafter", "Computes the next representable number after input towards other, elementwise.", "f"),
    ("logaddexp", "Computes log(exp(input) + exp(other)) elementwise.", "fc"),
    ("logaddexp2", "Computes log2(2**input + 2**other) elementwise.", "f"),
):
    _declare(_names, "combine", _sentence, _promoted(_allowed), "Tensor", "Tensor")
_declare("atan2 arctan2", "combine", "Computes the angle of the point (other, input) elementwise, in radians.",
         _promoted("bif", floating=True), "Tensor", "Tensor")  # fmt: skip
_declare(
    "copysign",
    "combine",
    "Computes the magnitude of input with the sign of other.",
    _promoted("bif", floating=True),
    "Tensor",
)
_declare("xlogy", "combine", "Computes input * log(other), 0 where input is 0.", _promoted("bif", floating=True))
# torch's CPU kernel of ldexp has gaps (float32 by bool), a bug of torch that this rule does not follow.
_declare("ldexp", "combine", "Computes input * 2**other elementwise.", _promoted(floating=True), "Tensor", "Tensor")


@function(method=True, example=("div(2)", "6x5x5"))
def div(input: Tensor | Number, other: Tensor | Number, *, rounding_mode: str | None = None) -> Tensor:
    """Divides elementwise; integers give floats unless rounded.

    rounding_mode: "floor" rounds down, "trunc" towards 0.
    """
    if rounding_mode not in (None, "floor", "trunc"):
        message = f"div rounds by 'floor', 'trunc' or None, not {rounding_mode!r}"
        raise Refusal("invalid-argument", message, "rounding_mode")
    shape = broadcast(shape_of(input), shape_of(other), "divide")
    if rounding_mode is None:
        return Tensor(shape, dtype_in("divide", "bifc", input, other, floating=True))
    return Tensor(shape, _divided_whole("divide", input, other))


function(name="divide", method=True, example=("divide(2)", "6x5x5"))(div.rule)


@function(name="pow", method=True, example=("pow(2)", "6x5x5"))
def pow_(input: Tensor | Number, exponent: Tensor | Number) -> Tensor:
    """Computes input ** exponent elementwise."""
    shape = broadcast(shape_of(input), shape_of(exponent), "raise to a power", "exponent")
    return Tensor(shape, _raised("raise to a power", input, exponent))


@function(method=True, example=("float_power(2)", "6x5x5"))
def float_power(input: Tensor | Number, exponent: Tensor | Number) -> Tensor:
    """Raises each element to a power, in double precision.

    exponent: the power, a number or a tensor.
    """
    shape = broadcast(shape_of(input), shape_of(exponent), "raise to a power", "exponent")
    return Tensor(shape, _float_powered("", input, exponent))


@function(method=True, example=("heaviside(x, x)", "6x5x5"))
def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """Computes the Heaviside step function: 0 below 0, 1 above 0, `values` at 0.

    values: the values where the input is 0.
    """
    dtype = _alike("step", input, values)
    if is_complex(dtype):
        raise Refusal("wrong-dtype", "heaviside takes no complex numbers", "input")
    return Tensor(broadcast(input.shape, values.shape, "combine", "values"), dtype)


@function(example=("polar(x, x)", "6x5x5"))
def polar(abs: Tensor, angle: Tensor) -> Tensor:
    """Creates complex numbers from absolute values and angles.

    abs: the absolute values.
    angle: the angles, in radians.
    """
    dtype = _complex_of(halves=False)("make complex numbers of", abs, angle)
    return Tensor(broadcast(abs.shape, angle.shape, "combine", "angle"), dtype)


@function(name="complex", example=("complex(x, x)", "6x5x5"))
def complex_(real: Tensor, imag: Tensor) -> Tensor:
    """Creates complex numbers from real and imaginary parts."""
    dtype = _complex_of(halves=True)("make complex numbers of", real, imag)
    return Tensor(broadcast(real.shape, imag.shape, "combine", "imag"), dtype)


@function(method=True, example=("isclose(x, x)", "6x5x5"))
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: Flag = False) -> Tensor:
    """Tests |input - other| <= atol + rtol * |other| elementwise.

    rtol: the relative tolerance.
    atol: the absolute tolerance.
    equal_nan: whether two NaNs count as equal.
    """
    dtype = _compared_close("compare", input, other)
    return Tensor(broadcast(input.shape, other.shape, "compare"), dtype)
