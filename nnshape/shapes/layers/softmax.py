"""Activations along a dimension: https://pytorch.org/docs/stable/nn.html#non-linear-activations-other."""

from __future__ import annotations

from nnshape.shapes.axes import axis
from nnshape.shapes.functions import softmax as functions
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.layers.activation import _Activation
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor


class GLU(_Activation):
    """Halves a dimension: its first half times the sigmoid of the second.

    dim: the dimension that is halved; its size must be even.
    """

    dim: int = -1

    functional = functions.glu
    example = ("GLU()", "20")

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        along = axis(self.dim, input.shape)
        return (f"dimension {along}: {input.shape[along]} / 2 = {input.shape[along] // 2}",)


class Softmax(_Activation):
    """Turns the values along a dimension into shares that sum to 1.

    dim: the dimension along which the values sum to 1; None for torch's guess, 0 or 1 by the input's rank.
    """

    dim: int | None = None

    functional = functions.softmax
    example = ("Softmax(dim=-1)", "10")


class LogSoftmax(_Activation):
    """Computes the logarithm of the softmax along a dimension.

    dim: the dimension along which the values sum to 1; None for torch's guess, 0 or 1 by the input's rank.
    """

    dim: int | None = None

    functional = functions.log_softmax
    example = ("LogSoftmax(dim=-1)", "10")


class Softmin(_Activation):
    """Turns the negated values along a dimension into shares that sum to 1.

    dim: the dimension along which the values sum to 1; None for torch's guess, 0 or 1 by the input's rank.
    """

    dim: int | None = None

    functional = functions.softmin
    example = ("Softmin(dim=-1)", "10")


class Softmax2d(Layer):
    """Turns the channels at each place of an image into shares that sum to 1."""

    functional = functions.softmax
    example = ("Softmax2d()", "6x28x28")

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (3, 4):
            message = f"{{layer}} wants [N, C, H, W] or [C, H, W], but {input} arrives"
            note = f"Softmax2d: expected input to be 3D or 4D, got {input.ndim}D instead"
            raise Refusal("wrong-rank", message, "input", note=note)
        result: Tensor = functions.softmax.rule(input, -3)
        return result
