"""Dropout layers: https://pytorch.org/docs/stable/nn.html#dropout-layers."""

from __future__ import annotations

from typing import ClassVar

from nnshape.shapes.functions import dropout as functions
from nnshape.shapes.functions.dropout import check_probability, dropped, require_dropout1d
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.tensor import Tensor


class _Dropout(Layer):
    """Drops values in training; returns the input unchanged in evaluation.

    p: the probability of dropping an element or channel.
    inplace: whether to overwrite the input.
    """

    p: float = 0.5
    inplace: bool = False

    least: ClassVar[int] = 0

    def check(self) -> None:
        check_probability(self.p)

    def forward(self, input: Tensor) -> Tensor:
        return dropped(input, self.p, least=self.least)


class Dropout(_Dropout):
    """Zeroes random elements in training and scales the rest by 1 / (1 - p)."""

    functional = functions.dropout
    example = ("Dropout(0.2)", "16")


class Dropout1d(_Dropout):
    """Zeroes random channels of [N, C, L] in training.

    input: the input tensor [N, C, L] or [C, L].
    """

    functional = functions.dropout1d
    example = ("Dropout1d(0.2)", "16x32")

    def forward(self, input: Tensor) -> Tensor:
        require_dropout1d(input)
        return dropped(input, self.p)


class Dropout2d(_Dropout):
    """Zeroes random channels of [N, C, H, W] in training.

    input: the input tensor [N, C, H, W] or [N, C, L].
    """

    least = 2
    functional = functions.dropout2d
    example = ("Dropout2d(0.2)", "16x32x32")


class Dropout3d(_Dropout):
    """Zeroes random channels of [N, C, D, H, W] in training.

    input: the input tensor [N, C, D, H, W] or [C, D, H, W].
    """

    least = 1  # torch adds a batch dimension to every input that is not 5D
    functional = functions.dropout3d
    example = ("Dropout3d(0.2)", "16x4x32x32")


class AlphaDropout(_Dropout):
    """Drops random elements in training, with SELU's saturation value, and preserves mean and variance."""

    functional = functions.alpha_dropout
    example = ("AlphaDropout(0.2)", "16")


class FeatureAlphaDropout(_Dropout):
    """Drops random channels in training, with SELU's saturation value, and preserves mean and variance.

    input: the input tensor [N, C, *].
    """

    least = 2
    functional = functions.feature_alpha_dropout
    example = ("FeatureAlphaDropout(0.2)", "16x4x32x32")
