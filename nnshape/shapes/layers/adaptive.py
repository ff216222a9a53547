"""Pooling to a given output size: https://pytorch.org/docs/stable/nn.html#pooling-layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from nnshape.shapes.functions import adaptive as functions
from nnshape.shapes.functions.adaptive import adaptive_average, adaptive_largest, check_output_size
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.windows import named_lines

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Sizes, SizesOrNone


class _AdaptivePool(Layer):
    """Pools to a given output size.

    output_size: the spatial size of the output; None keeps the input's size.
    return_indices: whether to return the indices of the maxima too.
    """

    dimensions: ClassVar[int]

    def check(self) -> None:
        self._sizes()

    def _sizes(self) -> Any:
        return check_output_size(type(self).__name__, self.dimensions, self.__dict__["output_size"])

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        maps = input.shape[-self.dimensions :]
        sizes = (size if wanted is None else wanted for size, wanted in zip(maps, self._sizes(), strict=True))
        return named_lines(self.dimensions, [f"{size} -> {made}" for size, made in zip(maps, sizes, strict=True)])


class _AdaptiveAvgPool(_AdaptivePool):
    def forward(self, input: Tensor) -> Tensor:
        return adaptive_average(type(self).__name__, self.dimensions, input, self.__dict__["output_size"])


class _AdaptiveMaxPool(_AdaptivePool):
    if TYPE_CHECKING:  # each subclass declares it in torch's order
        return_indices: bool

    def forward(self, input: Tensor) -> Any:
        return adaptive_largest(self.dimensions, input, self._sizes(), self.return_indices)


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """Averages [N, C, L] down or up to a given output length.

    output_size: the length of the output.
    input: the input tensor [N, C, L] or [C, L].
    """

    output_size: Sizes

    dimensions = 1
    functional = functions.adaptive_avg_pool1d
    example = ("AdaptiveAvgPool1d(5)", "64x8")


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """Averages [N, C, H, W] to a given output height and width.

    input: the input tensor [N, C, H, W] or [C, H, W].
    """

    output_size: SizesOrNone

    dimensions = 2
    functional = functions.adaptive_avg_pool2d
    example = ("AdaptiveAvgPool2d((1, 1))", "512x7x7")


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """Averages [N, C, D, H, W] to a given output depth, height and width.

    input: the input tensor [N, C, D, H, W] or [C, D, H, W].
    """

    output_size: SizesOrNone

    dimensions = 3
    functional = functions.adaptive_avg_pool3d
    example = ("AdaptiveAvgPool3d((7, None, None))", "64x10x9x8")


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Max-pools [N, C, L] to a given output length.

    output_size: the length of the output.
    input: the input tensor [N, C, L] or [C, L].
    """

    output_size: Sizes
    return_indices: bool = False

    dimensions = 1
    functional = functions.adaptive_max_pool1d
    example = ("AdaptiveMaxPool1d(5)", "64x8")


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Max-pools [N, C, H, W] to a given output height and width.

    input: the input tensor [N, C, H, W] or [C, H, W].
    """

    output_size: SizesOrNone
    return_indices: bool = False

    dimensions = 2
    functional = functions.adaptive_max_pool2d
    example = ("AdaptiveMaxPool2d((5, 7))", "64x8x9")


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Max-pools [N, C, D, H, W] to a given output depth, height and width.

    input: the input tensor [N, C, D, H, W] or [C, D, H, W].
    """

    output_size: SizesOrNone
    return_indices: bool = False

    dimensions = 3
    functional = functions.adaptive_max_pool3d
    example = ("AdaptiveMaxPool3d((7, None, None))", "64x10x9x8")
