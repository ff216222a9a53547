"""Non-linear activations: https://pytorch.org/docs/stable/nn.html#non-linear-activations-weighted-sum-nonlinearity.

Each shares the rule of its functional form. MultiheadAttention, which that page lists too, stands
in the family `attention`.
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
    """An activation whose arguments are those of its functional form, by the same names."""

    functional: ClassVar[Function]

    def forward(self, input: Tensor) -> Tensor:
        result: Tensor = self.functional.rule(input, **vars(self))
        return result


class ReLU(_Activation):
    """Puts 0 for every negative value.

    inplace: whether the input's memory is written over.
    """

    inplace: bool = False

    functional = functions.relu
    example = ("ReLU()", "6x28x28")


class ReLU6(_Activation):
    """Clips every value to the range 0 to 6.

    inplace: whether the input's memory is written over.
    """

    inplace: bool = False

    functional = functions.relu6
    example = ("ReLU6()", "6x28x28")


class LeakyReLU(_Activation):
    """Multiplies every negative value by a small slope.

    negative_slope: the slope for negative values.
    inplace: whether the input's memory is written over.
    """

    negative_slope: float = 0.01
    inplace: bool = False

    functional = functions.leaky_relu
    example = ("LeakyReLU(0.2)", "6x28x28")


class PReLU(Layer):
    """Multiplies every negative value by a learnable slope.

    num_parameters: how many slopes: 1 for all values, or one a channel (dimension 1).
    init: the slopes' first value.
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

    def declared(self, input: Tensor) -> tuple[Tensor]:
        if input.ndim < 2 or self.num_parameters == 1:
            return (input.like(dtype=self.parameter_dtype),)
        return (input.like((input.shape[0], self.num_parameters, *input.shape[2:]), self.parameter_dtype),)

    def parameters(self) -> dict[str, Tensor]:
        return {"weight": Tensor((self.num_parameters,), self.parameter_dtype)}


class RReLU(Layer):
    """Multiplies every negative value by a slope drawn between two bounds; out of training, by their mean.

    lower: the smallest slope.
    upper: the largest slope.
    inplace: whether the input's memory is written over.
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
    """Computes alpha * (exp(x) - 1) for every negative x.

    alpha: the size of the value that large negative inputs approach.
    inplace: whether the input's memory is written over.
    """

    alpha: float = 1.0
    inplace: bool = False

    functional = functions.elu
    example = ("ELU()", "6x28x28")


class SELU(_Activation):
    """Applies the self-normalizing exponential unit to each value.

    inplace: whether the input's memory is written over.
    """

    inplace: bool = False

    functional = functions.selu
    example = ("SELU()", "6x28x28")


class CELU(_Activation):
    """Computes alpha * (exp(x / alpha) - 1) for every negative x.

    alpha: the size of the value that large negative inputs approach; not 0.
    inplace: whether the input's memory is written over.
    """

    alpha: float = 1.0
    inplace: bool = False

    functional = functions.celu
    example = ("CELU()", "6x28x28")


class GELU(_Activation):
    """Multiplies each value by the normal distribution's probability of a smaller one.

    approximate: 'none' for the exact function, 'tanh' for its approximation.
    """

    approximate: str = "none"

    functional = functions.gelu
    example = ("GELU()", "6x28x28")


class SiLU(_Activation):
    """Multiplies each value by its sigmoid; also called swish.

    inplace: whether the input's memory is written over.
    """

    inplace: bool = False

    functional = functions.silu
    example = ("SiLU()", "6x28x28")


class Mish(_Activation):
    """Multiplies each value by the tanh of its softplus.

    inplace: whether the input's memory is written over.
    """

    inplace: bool = False

    functional = functions.mish
    example = ("Mish()", "6x28x28")


class Hardswish(_Activation):
    """Multiplies each value by a sigmoid made of straight lines.

    inplace: whether the input's memory is written over.
    """

    inplace: bool = False

    functional = functions.hardswish
    example = ("Hardswish()", "6x28x28")


class Hardsigmoid(_Activation):
    """Applies a sigmoid made of straight lines.

    inplace: whether the input's memory is written over.
    """

    inplace: bool = False

    functional = functions.hardsigmoid
    example = ("Hardsigmoid()", "6x28x28")


class Hardtanh(Layer):
    """Clips every value to a range.

    min_val: the range's lower end.
    max_val: the range's upper end.
    inplace: whether the input's memory is written over.
    min_value: an old name of min_val.
    max_value: an old name of max_val.
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
    """Squeezes each value into the range 0 to 1."""

    functional = functions.sigmoid
    example = ("Sigmoid()", "6x28x28")


class Tanh(_Activation):
    """Squeezes each value into the range -1 to 1."""

    functional = functions.tanh
    example = ("Tanh()", "6x28x28")


class LogSigmoid(_Activation):
    """Computes the logarithm of each value's sigmoid."""

    functional = functions.logsigmoid
    example = ("LogSigmoid()", "6x28x28")


class Softplus(_Activation):
    """Computes log(1 + exp(beta * x)) / beta, a smooth ReLU.

    beta: how sharp the bend at 0 is.
    threshold: above this value of beta * x, the input is passed on as it is.
    """

    beta: float = 1.0
    threshold: float = 20.0

    functional = functions.softplus
    example = ("Softplus()", "6x28x28")


class Softsign(_Activation):
    """Computes x / (1 + |x|)."""

    functional = functions.softsign
    example = ("Softsign()", "6x28x28")


class Tanhshrink(_Activation):
    """Subtracts each value's tanh from it."""

    functional = functions.tanhshrink
    example = ("Tanhshrink()", "6x28x28")


class Hardshrink(_Activation):
    """Puts 0 for every value within lambd of 0.

    lambd: the largest size of a value that becomes 0.
    """

    lambd: float = 0.5

    functional = functions.hardshrink
    example = ("Hardshrink()", "6x28x28")


class Softshrink(_Activation):
    """Moves each value by lambd towards 0, and puts 0 for what is nearer.

    lambd: how far each value moves; 0 or more.
    """

    lambd: float = 0.5

    functional = functions.softshrink
    example = ("Softshrink()", "6x28x28")


class Threshold(_Activation):
    """Puts a given value for every one that is not above a threshold.

    threshold: what a value must exceed to be passed on.
    value: what stands for all others.
    inplace: whether the input's memory is written over.
    """

    threshold: float
    value: float
    inplace: bool = False

    functional = functions.threshold
    example = ("Threshold(0.1, 20.0)", "6x28x28")
