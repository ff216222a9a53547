"""Activations: https://pytorch.org/docs/stable/nn.functional.html#non-linear-activation-functions.

The layers of the same names share these rules.
"""

from __future__ import annotations

from math import isfinite

from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.dims import Dim, Size
from nnshape.shapes.dtypes import category, default_dtype, fits, is_complex, is_floating
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.values import COMPUTED_IN, number, require_fit, require_floating


def _floats(input: Tensor) -> Tensor:
    require_floating(input)
    return input.like()


def _reals(input: Tensor) -> Tensor:
    if input.dtype == "bool" or is_complex(input.dtype):
        raise Refusal("wrong-dtype", f"{{layer}} wants real numbers, but input is {input.dtype}", "input")
    return input.like()


def _to_floats(input: Tensor, bools: bool = True) -> Tensor:
    """The result of an operation that promotes integers to float32."""
    if input.dtype == "complex32" or (input.dtype == "bool" and not bools):
        raise Refusal("wrong-dtype", f"{{layer}} has no rule for {input.dtype}, the dtype of input", "input")
    return input.like(dtype=default_dtype()) if category(input.dtype) < 2 else input.like()


def _in_place(input: Tensor) -> Tensor:
    if category(input.dtype) < 2:
        raise Refusal("wrong-dtype", f"{{layer}} cannot write its floats into input, which is {input.dtype}", "input")
    return _to_floats(input)


def _fit(input: Tensor, **numbers: float) -> Tensor:
    """The input unchanged. Raises Refusal if one of these numbers does not fit the dtype that torch computes in."""
    require_floating(input)
    dtype = COMPUTED_IN.get(input.dtype, input.dtype)
    for name, value in numbers.items():
        require_fit(value, name, dtype)
    return input.like()


@function(method=True, example=("relu()", "6x28x28"))
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Computes max(0, x) elementwise."""
    return _reals(input)


@function(method=True, example=("relu_()", "6x28x28"))
def relu_(input: Tensor) -> Tensor:
    """Computes max(0, x) elementwise, in place."""
    return _reals(input)


@function(example=("relu6()", "6x28x28"))
def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Computes min(max(0, x), 6) elementwise."""
    return _reals(input)


@function(example=("leaky_relu(0.2)", "6x28x28"))
def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Computes max(0, x) + negative_slope * min(0, x) elementwise."""
    return _fit(input, negative_slope=negative_slope)


@function(example=("leaky_relu_(0.2)", "6x28x28"))
def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """Computes max(0, x) + negative_slope * min(0, x) elementwise, in place."""
    return _fit(input, negative_slope=negative_slope)


@function(method=True, example=("prelu(Parameter(6))", "6x28x28"))
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Computes max(0, x) + weight * min(0, x) elementwise, with one weight or one per channel (dimension 1)."""
    if input.dtype != weight.dtype:
        message = f"{{layer}} wants input and slopes of one dtype, but input is {input.dtype} and weight {weight.dtype}"
        raise Refusal("wrong-dtype", message, "input")
    require_floating(input)
    if weight.ndim > 1:
        raise Refusal("wrong-rank", f"{{layer}} wants a weight of one dimension, but {weight} arrives", "weight")
    slopes = weight.numel()
    if slopes == 1:
        return input.like()
    if isinstance(slopes, Dim) and not input.shape:
        arrives: Size = 1
    elif not input.shape:
        raise Refusal("wrong-rank", f"{{layer}} has {slopes} slopes, but a single number arrives", "weight")
    else:
        arrives = input.shape[1] if input.ndim > 1 else 1
    if isinstance(slopes, Dim) and isinstance(arrives, Dim) and arrives != slopes:
        number(slopes, "num_parameters")  # one slope for all channels, or one per channel
    if not assume_equal(slopes, arrives):
        message = f"{{layer}} has {slopes} slopes, but input has {arrives} channel{'s' * (arrives != 1)}"
        note = (
            "Mismatch of parameter numbers and input channel size. "
            f"Found parameter numbers = {slopes} and channel size = {arrives}."
        )
        raise Refusal("size-mismatch", message, "num_parameters", note=note)
    return input.like()


@function(example=("rrelu()", "6x28x28"))
def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """Computes a leaky ReLU elementwise, with random slopes in training and their mean in evaluation."""
    require_floating(input)
    if training and input.dtype == "float16":
        raise Refusal("wrong-dtype", "{layer} cannot draw slopes in float16, the dtype of input", "input")
    require_fit(lower, "lower", "float64")
    require_fit(upper, "upper", "float64")
    mean, spread = (lower + upper) / 2, upper - lower
    if lower > upper or (not inplace and not isfinite(mean)):
        message = f"`lower` (={lower}) must not be above `upper` (={upper}), and both must be finite"
        raise Refusal("invalid-argument", message, "lower")
    if not training:
        return _fit(input, upper=mean)
    if not inplace:
        _fit(input, upper=mean)
    if 0 not in input.shape and not isfinite(spread):
        raise Refusal("invalid-argument", f"`upper` (={upper}) is too far above `lower` (={lower})", "upper")
    require_fit(spread, "upper", input.dtype)
    return input.like()


@function(example=("rrelu_()", "6x28x28"))
def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """Computes a randomized leaky ReLU elementwise, in place."""
    result: Tensor = rrelu.rule(input, lower, upper, training, inplace=True)
    return result


@function(example=("elu()", "6x28x28"))
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Computes x for x > 0 and alpha * (exp(x) - 1) otherwise, elementwise."""
    return _fit(input, alpha=alpha)


@function(example=("elu_()", "6x28x28"))
def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """Computes x for x > 0 and alpha * (exp(x) - 1) otherwise, elementwise and in place."""
    return _fit(input, alpha=alpha)


@function(example=("selu()", "6x28x28"))
def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Computes the scaled exponential linear unit elementwise, with fixed self-normalizing constants."""
    return _floats(input)


@function(example=("selu_()", "6x28x28"))
def selu_(input: Tensor) -> Tensor:
    """Computes the scaled exponential linear unit elementwise, in place."""
    return _floats(input)


@function(example=("celu()", "6x28x28"))
def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Computes max(0, x) + min(0, alpha * (exp(x / alpha) - 1)) elementwise."""
    if number(alpha, "alpha") == 0:
        raise Refusal("invalid-argument", "`alpha` (=0) must not be 0: {layer} divides by it", "alpha")
    dtype = COMPUTED_IN.get(input.dtype, input.dtype)
    if is_floating(dtype) and not fits(1 / alpha, dtype):
        raise Refusal("invalid-argument", f"`alpha` (={alpha}) is too small: {{layer}} divides by it", "alpha")
    return _fit(input, alpha=alpha)


@function(example=("celu_()", "6x28x28"))
def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """Computes max(0, x) + min(0, alpha * (exp(x / alpha) - 1)) elementwise, in place."""
    result: Tensor = celu.rule(input, alpha)
    return result


@function(example=("gelu()", "6x28x28"))
def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """Computes x * Phi(x) elementwise, where Phi is the standard normal distribution function."""
    if approximate not in ("none", "tanh"):
        message = f"`approximate` must be 'none' or 'tanh', not {approximate!r}"
        raise Refusal(
            "invalid-argument", message, "approximate", note="approximate argument must be either none or tanh."
        )
    return _floats(input)


@function(example=("silu()", "6x28x28"))
def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Computes x * sigmoid(x) elementwise."""
    return input.like() if input.dtype in ("complex64", "complex128") else _floats(input)


@function(example=("mish()", "6x28x28"))
def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """Computes x * tanh(softplus(x)) elementwise."""
    return _floats(input)


@function(example=("hardswish()", "6x28x28"))
def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """Computes x * min(max(0, x + 3), 6) / 6 elementwise, a piecewise approximation of SiLU."""
    return _floats(input)


@function(example=("hardsigmoid()", "6x28x28"))
def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """Computes min(max(0, x + 3), 6) / 6 elementwise, a piecewise linear approximation of the sigmoid."""
    return _floats(input)


@function(example=("hardtanh(0.0, 6.0)", "6x28x28"))
def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Clamps each element to [min_val, max_val]."""
    if number(min_val, "min_val") > number(max_val, "max_val"):
        message = f"`min_val` (={min_val}) must not be above `max_val` (={max_val})"
        raise Refusal("invalid-argument", message, "min_val", note="min_val cannot be greater than max_val")
    return _clipped(input, min_val, max_val)


def _clipped(input: Tensor, min_val: float, max_val: float) -> Tensor:
    _reals(input)
    for name, limit in (("min_val", min_val), ("max_val", max_val)):
        require_fit(limit, name, "int64" if category(input.dtype) < 2 else input.dtype)
        if category(input.dtype) == 1:  # torch truncates the limits to integers first
            require_fit(int(limit), name, input.dtype)
            if input.dtype == "uint8" and int(limit) < 0:
                raise Refusal("wrong-dtype", f"uint8 has no negative numbers, and `{name}` is {limit}", "input")
    return input.like()


@function(example=("hardtanh_(0.0, 6.0)", "6x28x28"))
def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """Clamps each element to [min_val, max_val], in place."""
    return _clipped(input, number(min_val, "min_val"), number(max_val, "max_val"))


@function(method=True, example=("sigmoid()", "6x28x28"))
def sigmoid(input: Tensor) -> Tensor:
    """Computes 1 / (1 + exp(-x)) elementwise."""
    return _to_floats(input)


@function(method=True, example=("sigmoid_()", "6x28x28"))
def sigmoid_(input: Tensor) -> Tensor:
    """Computes 1 / (1 + exp(-x)) elementwise, in place."""
    return _in_place(input)


@function(method=True, example=("tanh()", "6x28x28"))
def tanh(input: Tensor) -> Tensor:
    """Computes tanh(x) elementwise."""
    return _to_floats(input)


@function(method=True, example=("tanh_()", "6x28x28"))
def tanh_(input: Tensor) -> Tensor:
    """Computes tanh(x) elementwise, in place."""
    return _in_place(input)


@function(example=("logsigmoid()", "6x28x28"))
def logsigmoid(input: Tensor) -> Tensor:
    """Computes log(1 / (1 + exp(-x))) elementwise."""
    return _floats(input)


@function(example=("softplus()", "6x28x28"))
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Computes log(1 + exp(beta * x)) / beta elementwise; returns x itself above a threshold."""
    return _fit(input, beta=beta, threshold=threshold)


@function(example=("softsign()", "6x28x28"))
def softsign(input: Tensor) -> Tensor:
    """Computes x / (1 + |x|) elementwise."""
    return _to_floats(input, bools=False)


@function(example=("tanhshrink()", "6x28x28"))
def tanhshrink(input: Tensor) -> Tensor:
    """Computes x - tanh(x) elementwise."""
    return _to_floats(input, bools=False)


@function(method=True, example=("hardshrink()", "6x28x28"))
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Sets every element in [-lambd, lambd] to 0 and keeps the others."""
    require_floating(input)
    require_fit(lambd, "lambd", input.dtype)
    return input.like()


@function(example=("softshrink()", "6x28x28"))
def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Shrinks each element towards 0 by lambd; elements in [-lambd, lambd] become 0."""
    if not 0 <= number(lambd, "lambd") < float("inf"):
        raise Refusal("invalid-argument", f"`lambd` (={lambd}) must be 0 or more, and finite", "lambd")
    require_floating(input)
    require_fit(lambd, "lambd", input.dtype)
    return input.like()


@function(example=("threshold(0.1, 20.0)", "6x28x28"))
def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """Replaces every element not above a threshold with a constant."""
    _reals(input)
    require_fit(threshold, "threshold", COMPUTED_IN.get(input.dtype, input.dtype))
    require_fit(value, "value", input.dtype)
    return input.like()


@function(example=("threshold_(0.1, 20.0)", "6x28x28"))
def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """Replaces every element not above a threshold with a constant, in place."""
    result: Tensor = _threshold.rule(input, threshold, value)
    return result


_threshold = threshold
