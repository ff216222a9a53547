"""Pooling over windows: https://pytorch.org/docs/stable/nn.html#pooling-layers.

Adaptive pooling is in `adaptive`; power-average, fractional and inverse pooling are in `unpooling`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from nnshape.shapes.dims import Size, maximum
from nnshape.shapes.functions import pooling as functions
from nnshape.shapes.functions.pooling import Window, average_pooled, check_divisor, check_pool, max_pooled
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.windows import least_size, named_lines, windows_formula

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Sizes


class _Pool(Layer):
    """Slides a window over the input.

    kernel_size: the window size, one number or one per dimension.
    stride: the step of the window; kernel_size if None.
    padding: padding on both sides of each dimension.
    ceil_mode: whether to round output sizes up, so that the last window may extend past the end.
    """

    dimensions: ClassVar[int]
    if TYPE_CHECKING:  # each subclass declares it in torch's order
        ceil_mode: bool

    def check(self) -> None:
        self._window()

    def _window(self) -> Window:
        own = self.__dict__
        return check_pool(
            type(self).__name__,
            self.dimensions,
            own["kernel_size"],
            own["stride"],
            own["padding"],
            own.get("dilation", 1),
        )

    def expected_inputs(self, input: Tensor) -> tuple[Tensor] | None:
        count = self.dimensions
        if len(input.shape) not in (count + 1, count + 2):
            return None
        window = zip(input.shape[-count:], *self._window(), strict=True)
        maps = [maximum(size, least_size(k, s, p, d, self.ceil_mode), 1) for size, k, s, p, d in window]
        return (input.like((*input.shape[:-count], *maps)),)

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        window = zip(input.shape[-self.dimensions :], *self._window(), strict=True)
        return named_lines(self.dimensions, [
            windows_formula(*sizes, self.ceil_mode, dilated="dilation" in vars(self)) for sizes in window
        ])  # fmt: skip


class _MaxPool(_Pool):
    """Takes the maximum of each window.

    padding: padding of -inf on both sides of each dimension.
    dilation: the spacing of the window's elements.
    return_indices: whether to return the indices of the maxima too.
    """

    kernel_size: Sizes
    stride: Sizes | None = None
    padding: Sizes = 0
    dilation: Sizes = 1
    return_indices: bool = False
    ceil_mode: bool = False

    def forward(self, input: Tensor) -> Any:
        return max_pooled(self.dimensions, input, self._window(), self.ceil_mode, self.return_indices)


class MaxPool1d(_MaxPool):
    """Takes the maximum of each window over [N, C, L].

    input: the input tensor [N, C, L] or [C, L].
    """

    dimensions = 1
    functional = functions.max_pool1d
    example = ("MaxPool1d(3, stride=2)", "16x50")


class MaxPool2d(_MaxPool):
    """Takes the maximum of each window over [N, C, H, W].

    input: the input tensor [N, C, H, W] or [C, H, W].
    """

    dimensions = 2
    functional = functions.max_pool2d
    example = ("MaxPool2d(3, stride=2, padding=1)", "64x112x112")


class MaxPool3d(_MaxPool):
    """Takes the maximum of each window over [N, C, D, H, W].

    input: the input tensor [N, C, D, H, W] or [C, D, H, W].
    """

    dimensions = 3
    functional = functions.max_pool3d
    example = ("MaxPool3d((3, 2, 2), stride=(2, 1, 2))", "16x50x44x31")


class AvgPool1d(_Pool):
    """Takes the mean of each window over [N, C, L].

    count_include_pad: whether the means include the padding.
    input: the input tensor [N, C, L] or [C, L].
    """

    kernel_size: Sizes
    stride: Sizes | None = None
    padding: Sizes = 0
    ceil_mode: bool = False
    count_include_pad: bool = True

    dimensions = 1
    functional = functions.avg_pool1d
    example = ("AvgPool1d(3, stride=2)", "16x50")

    def forward(self, input: Tensor) -> Tensor:
        return average_pooled(1, input, self._window(), self.ceil_mode)


class _AvgPool(_Pool):
    """Takes the mean of each window.

    count_include_pad: whether the means include the padding.
    divisor_override: the divisor of each window's sum; the window size if None.
    """

    kernel_size: Sizes
    stride: Sizes | None = None
    padding: Sizes = 0
    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor_override: Size | None = None

    def check(self) -> None:
        self._window()
        check_divisor(self.divisor_override)

    def forward(self, input: Tensor) -> Tensor:
        return average_pooled(self.dimensions, input, self._window(), self.ceil_mode)


class AvgPool2d(_AvgPool):
    """Takes the mean of each window over [N, C, H, W].

    input: the input tensor [N, C, H, W] or [C, H, W].
    """

    dimensions = 2
    functional = functions.avg_pool2d
    example = ("AvgPool2d(3, stride=2)", "16x50x32")


class AvgPool3d(_AvgPool):
    """Takes the mean of each window over [N, C, D, H, W].

    input: the input tensor [N, C, D, H, W] or [C, D, H, W].
    """

    dimensions = 3
    functional = functions.avg_pool3d
    example = ("AvgPool3d((3, 2, 2), stride=(2, 1, 2))", "16x50x44x31")
