"""Activations along a dimension: https://pytorch.org/docs/stable/nn.html#non-linear-activations-other."""

from __future__ import annotations

from nnshape.shapes.axes import axis
from nnshape.shapes.functions import softmax as functions
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.layers.activation import _Activation
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor


class GLU(_Activation):
    """Splits a dimension in half into a and b and computes a * sigmoid(b), the gated linear unit.

    dim: the dimension to split; its size must be even.
    """

    dim: int = -1

    functional = functions.glu
    example = ("GLU()", "20")

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        along = axis(self.dim, input.shape)
        return (f"dimension {along}: {input.shape[along]} / 2 = {input.shape[along] // 2}",)


class Softmax(_Activation):
    """Computes exp(x) / sum(exp(x)) along a dimension.

    dim: the dimension along which probabilities sum to 1; None (deprecated) picks 0 or 1 by the input's rank.
    """

    dim: int | None = None

    functional = functions.softmax
    example = ("Softmax(dim=-1)", "10")


class LogSoftmax(_Activation):
    """Computes the logarithm of the softmax along a dimension.

    dim: the dimension along which probabilities sum to 1; None (deprecated) picks 0 or 1 by the input's rank.
    """

    dim: int | None = None

    functional = functions.log_softmax
    example = ("LogSoftmax(dim=-1)", "10")


class Softmin(_Activation):
    """Computes the softmax of -x along a dimension.

    dim: the dimension along which probabilities sum to 1; None (deprecated) picks 0 or 1 by the input's rank.
    """

    dim: int | None = None

    functional = functions.softmin
    example = ("Softmin(dim=-1)", "10")


class Softmax2d(Layer):
    """Computes the softmax over the channels at each position of [N, C, H, W].

    input: the input tensor [N, C, H, W] or [C, H, W].
    """

    functional = functions.softmax
    example = ("Softmax2d()", "6x28x28")

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (3, 4):
            message = f"{{layer}} wants [N, C, H, W] or [C, H, W], but {input} arrives"
            note = f"Softmax2d: expected input to be 3D or 4D, got {input.ndim}D instead"
            raise Refusal("wrong-rank", message, "input", note=note)
        result: Tensor = functions.softmax.rule(input, -3)
        return result
