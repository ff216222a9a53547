"""Non-linear activations: https://pytorch.org/docs/stable/nn.html#non-linear-activations-weighted-sum-nonlinearity.

Each layer shares the rule of its functional form. MultiheadAttention, on the same page, is in
the family `attention`.
"""

from __future__ import annotations

from typing import ClassVar

from nnshape.shapes.dims import Size
from nnshape.shapes.dtypes import DType
from nnshape.shapes.function import Function
from nnshape.shapes.functions import activation as functions
from nnshape.shapes.layer_base import Device, Layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.values import number


class _Activation(Layer):
    """Base of activations with the same arguments as their functional form."""

    functional: ClassVar[Function]

    def forward(self, input: Tensor) -> Tensor:
        result: Tensor = self.functional.rule(input, **vars(self))
        return result


class ReLU(_Activation):
    """Computes max(0, x) elementwise.

    inplace: whether to overwrite the input.
    """

    inplace: bool = False

    functional = functions.relu
    example = ("ReLU()", "6x28x28")


class ReLU6(_Activation):
    """Computes min(max(0, x), 6) elementwise.

    inplace: whether to overwrite the input.
    """

    inplace: bool = False

    functional = functions.relu6
    example = ("ReLU6()", "6x28x28")


class LeakyReLU(_Activation):
    """Computes max(0, x) + negative_slope * min(0, x) elementwise.

    negative_slope: the slope for negative values.
    inplace: whether to overwrite the input.
    """

    negative_slope: float = 0.01
    inplace: bool = False

    functional = functions.leaky_relu
    example = ("LeakyReLU(0.2)", "6x28x28")


class PReLU(Layer):
    """Computes max(0, x) + weight * min(0, x) elementwise, with a learnable weight.

    num_parameters: the number of slopes: 1 for all values, or one per channel (dimension 1).
    init: the initial slope.
    """

    num_parameters: Size = 1
    init: float = 0.25
    device: Device | None = None
    dtype: DType | None = None

    auto = {"num_parameters": (0, 1)}
    functional = functions.prelu
    example = ("PReLU(6)", "6x28x28")

    def check(self) -> None:
        self.require_sizes("num_parameters")
        self.require_learnable()

    def forward(self, input: Tensor) -> Tensor:
        self.require_dtype(input)
        result: Tensor = functions.prelu.rule(input, self.parameters()["weight"])
        return result

    def expected_inputs(self, input: Tensor) -> tuple[Tensor]:
        if input.ndim < 2 or self.num_parameters == 1:
            return (input.like(dtype=self.parameter_dtype),)
        return (input.like((input.shape[0], self.num_parameters, *input.shape[2:]), self.parameter_dtype),)

    def parameters(self) -> dict[str, Tensor]:
        return {"weight": Tensor((self.num_parameters,), self.parameter_dtype)}


class RReLU(Layer):
    """Computes a leaky ReLU elementwise, with random slopes in training and their mean in evaluation.

    lower: the smallest slope.
    upper: the largest slope.
    inplace: whether to overwrite the input.
    """

    lower: float = 1.0 / 8
    upper: float = 1.0 / 3
    inplace: bool = False

    functional = functions.rrelu
    example = ("RReLU(0.1, 0.3)", "6x28x28")

    def forward(self, input: Tensor) -> Tensor:
        result: Tensor = functions.rrelu.rule(input, self.lower, self.upper, training=True, inplace=self.inplace)
        return result


class ELU(_Activation):
    """Computes x for x > 0 and alpha * (exp(x) - 1) otherwise, elementwise.

    alpha: the scale of the negative part, which saturates at -alpha.
    inplace: whether to overwrite the input.
    """

    alpha: float = 1.0
    inplace: bool = False

    functional = functions.elu
    example = ("ELU()", "6x28x28")


class SELU(_Activation):
    """Computes the scaled exponential linear unit elementwise: scale * ELU(x), with fixed self-normalizing constants.

    inplace: whether to overwrite the input.
    """

    inplace: bool = False

    functional = functions.selu
    example = ("SELU()", "6x28x28")


class CELU(_Activation):
    """Computes max(0, x) + min(0, alpha * (exp(x / alpha) - 1)) elementwise.

    alpha: the scale of the negative part, which saturates at -alpha; not 0.
    inplace: whether to overwrite the input.
    """

    alpha: float = 1.0
    inplace: bool = False

    functional = functions.celu
    example = ("CELU()", "6x28x28")


class GELU(_Activation):
    """Computes x * Phi(x) elementwise, where Phi is the standard normal distribution function.

    approximate: 'none' for the exact function, 'tanh' for the tanh approximation.
    """

    approximate: str = "none"

    functional = functions.gelu
    example = ("GELU()", "6x28x28")


class SiLU(_Activation):
    """Computes x * sigmoid(x) elementwise, also called swish.

    inplace: whether to overwrite the input.
    """

    inplace: bool = False

    functional = functions.silu
    example = ("SiLU()", "6x28x28")


class Mish(_Activation):
    """Computes x * tanh(softplus(x)) elementwise.

    inplace: whether to overwrite the input.
    """

    inplace: bool = False

    functional = functions.mish
    example = ("Mish()", "6x28x28")


class Hardswish(_Activation):
    """Computes x * min(max(0, x + 3), 6) / 6 elementwise, a piecewise approximation of SiLU.

    inplace: whether to overwrite the input.
    """

    inplace: bool = False

    functional = functions.hardswish
    example = ("Hardswish()", "6x28x28")


class Hardsigmoid(_Activation):
    """Computes min(max(0, x + 3), 6) / 6 elementwise, a piecewise linear approximation of the sigmoid.

    inplace: whether to overwrite the input.
    """

    inplace: bool = False

    functional = functions.hardsigmoid
    example = ("Hardsigmoid()", "6x28x28")


class Hardtanh(Layer):
    """Clamps each element to [min_val, max_val].

    min_val: the lower bound.
    max_val: the upper bound.
    inplace: whether to overwrite the input.
    min_value: deprecated name of min_val.
    max_value: deprecated name of max_val.
    """

    min_val: float = -1.0
    max_val: float = 1.0
    inplace: bool = False
    min_value: float | None = None
    max_value: float | None = None

    functional = functions.hardtanh
    example = ("Hardtanh(0.0, 6.0)", "6x28x28")

    def check(self) -> None:
        low, high = self._range()
        if not number(low, "min_val") < number(high, "max_val"):
            message = f"`max_val` (={high}) must be above `min_val` (={low})"
            raise Refusal("invalid-argument", message, "max_val")

    def _range(self) -> tuple[float, float]:
        low = self.min_val if self.min_value is None else self.min_value
        return low, self.max_val if self.max_value is None else self.max_value

    def forward(self, input: Tensor) -> Tensor:
        result: Tensor = functions.hardtanh.rule(input, *self._range())
        return result


class Sigmoid(_Activation):
    """Computes 1 / (1 + exp(-x)) elementwise."""

    functional = functions.sigmoid
    example = ("Sigmoid()", "6x28x28")


class Tanh(_Activation):
    """Computes tanh(x) elementwise."""

    functional = functions.tanh
    example = ("Tanh()", "6x28x28")


class LogSigmoid(_Activation):
    """Computes log(1 / (1 + exp(-x))) elementwise."""

    functional = functions.logsigmoid
    example = ("LogSigmoid()", "6x28x28")


class Softplus(_Activation):
    """Computes log(1 + exp(beta * x)) / beta elementwise, a smooth approximation of ReLU.

    beta: the sharpness of the bend at 0.
    threshold: the value of beta * x above which x is returned unchanged.
    """

    beta: float = 1.0
    threshold: float = 20.0

    functional = functions.softplus
    example = ("Softplus()", "6x28x28")


class Softsign(_Activation):
    """Computes x / (1 + |x|) elementwise."""

    functional = functions.softsign
    example = ("Softsign()", "6x28x28")


class Tanhshrink(_Activation):
    """Computes x - tanh(x) elementwise."""

    functional = functions.tanhshrink
    example = ("Tanhshrink()", "6x28x28")


class Hardshrink(_Activation):
    """Sets every element in [-lambd, lambd] to 0 and keeps the others.

    lambd: the largest magnitude that becomes 0.
    """

    lambd: float = 0.5

    functional = functions.hardshrink
    example = ("Hardshrink()", "6x28x28")


class Softshrink(_Activation):
    """Shrinks each element towards 0 by lambd; elements in [-lambd, lambd] become 0.

    lambd: the amount to shrink by; 0 or more.
    """

    lambd: float = 0.5

    functional = functions.softshrink
    example = ("Softshrink()", "6x28x28")


class Threshold(_Activation):
    """Replaces every element not above a threshold with a constant.

    threshold: the threshold.
    value: the replacement.
    inplace: whether to overwrite the input.
    """

    threshold: float
    value: float
    inplace: bool = False

    functional = functions.threshold
    example = ("Threshold(0.1, 20.0)", "6x28x28")
