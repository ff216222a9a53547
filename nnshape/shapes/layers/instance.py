"""Instance normalization and local response normalization.

Source: https://pytorch.org/docs/stable/nn.html#normalization-layers.
"""

from __future__ import annotations

from typing import ClassVar

from nnshape.shapes.dims import Size
from nnshape.shapes.dtypes import DType, is_floating
from nnshape.shapes.functions import normalization as rules
from nnshape.shapes.layer_base import Device, Layer
from nnshape.shapes.layers.normalization import _Normalization
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.windows import arriving, layout


class _InstanceNorm(_Normalization):
    """Normalizes each channel of each sample over its spatial dimensions."""

    num_features: Size
    eps: float = 1e-05
    momentum: float | None = 0.1
    affine: bool = False
    track_running_stats: bool = False
    device: Device | None = None
    dtype: DType | None = None
    bias: bool = True

    dimensions: ClassVar[int]

    def forward(self, input: Tensor) -> Tensor:
        rank = len(input.shape)
        if rank not in (self.dimensions + 1, self.dimensions + 2):
            note = f"expected {self.dimensions + 1}D or {self.dimensions + 2}D input (got {rank}D input)"
            message = f"{{layer}} wants {layout(self.dimensions)}, but {arriving(input)} arrives"
            raise Refusal("wrong-rank", message, "input", note=note)
        batched = input if rank == self.dimensions + 2 else input.like((1, *input.shape))
        channels = self.num_features if self.affine or self.track_running_stats else None
        dtype = self.parameter_dtype if self.affine else None
        arrive, at = batched.shape[1], rank - self.dimensions - 1
        note = (
            f"expected input's size at dim={at} to match num_features ({self.num_features}), but got: {arrive}."
            if self.affine
            else f"running_mean should contain {arrive} elements not {self.num_features}"
        )
        rules.instance_normalized(batched, channels, dtype, True, "num_features", note)
        return input.like()

    def expected_inputs(self, input: Tensor) -> tuple[Tensor] | None:
        at = len(input.shape) - self.dimensions - 1
        if at not in (0, 1):
            return None
        return (Tensor((*input.shape[:at], self.num_features, *input.shape[at + 1 :]), self.parameter_dtype),)


class InstanceNorm1d(_InstanceNorm):
    """Normalizes each channel of each sample in [N, C, L] over its length.

    input: the input tensor [N, C, L] or [C, L].
    """

    dimensions = 1
    auto = {"num_features": (0, -2)}
    functional = rules.instance_norm
    example = ("InstanceNorm1d(100)", "100x40")


class InstanceNorm2d(_InstanceNorm):
    """Normalizes each channel of each sample in [N, C, H, W] over height and width.

    input: the input tensor [N, C, H, W] or [C, H, W].
    """

    dimensions = 2
    auto = {"num_features": (0, -3)}
    functional = rules.instance_norm
    example = ("InstanceNorm2d(100)", "100x35x45")


class InstanceNorm3d(_InstanceNorm):
    """Normalizes each channel of each sample in [N, C, D, H, W] over depth, height and width.

    input: the input tensor [N, C, D, H, W] or [C, D, H, W].
    """

    dimensions = 3
    auto = {"num_features": (0, -4)}
    functional = rules.instance_norm
    example = ("InstanceNorm3d(100)", "100x35x45x10")


class LocalResponseNorm(Layer):
    """Divides each value by a norm over the neighboring channels at the same position.

    size: the number of neighboring channels in the window.
    alpha: the factor of the sum of squares.
    beta: the exponent.
    k: the constant added to the sum.
    input: the input tensor [N, C, *].
    """

    size: Size
    alpha: float = 0.0001
    beta: float = 0.75
    k: float = 1.0

    functional = rules.local_response_norm
    example = ("LocalResponseNorm(5)", "96x55x55")

    def forward(self, input: Tensor) -> Tensor:
        return rules.locally_normalized(input, self.size)


class CrossMapLRN2d(Layer):
    """Divides each value of [N, C, H, W] by a norm over the neighboring channels at the same position.

    size: the number of neighboring channels in the window.
    alpha: the factor of the sum of squares.
    beta: the exponent.
    k: the constant added to the sum.
    input: the input tensor [N, C, H, W].
    """

    size: Size
    alpha: float = 0.0001
    beta: float = 0.75
    k: float = 1

    example = ("CrossMapLRN2d(5)", "96x55x55")

    def check(self) -> None:
        if self.size == 0:
            raise Refusal("invalid-argument", "CrossMapLRN2d divides by size, which must not be 0", "size")

    def forward(self, input: Tensor) -> Tensor:
        if len(input.shape) != 4:
            note = f"CrossMapLRN2d: Expected input to be 4D, got {len(input.shape)}D instead."
            raise Refusal(
                "wrong-rank", f"{{layer}} wants [N, C, H, W], but {arriving(input)} arrives", "input", note=note
            )
        if input.shape[1] == 0:
            raise Refusal("empty-output", "{layer} wants a channel or more, but none arrives", "input")
        if not is_floating(input.dtype) and input.dtype not in ("complex64", "complex128"):
            raise Refusal("wrong-dtype", f"{{layer}} wants floats, but input is {input.dtype}", "input")
        return input.like()
