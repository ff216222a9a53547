"""Power-average pooling, fractional pooling and max unpooling.

Source: https://pytorch.org/docs/stable/nn.html#pooling-layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from nnshape.shapes.arguments import described
from nnshape.shapes.dims import maximum
from nnshape.shapes.functions import unpooling as functions
from nnshape.shapes.functions.pooling import check_pool
from nnshape.shapes.functions.unpooling import fractional_pooled, fractional_size, power_pooled, unpool_window, unpooled
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.windows import named_lines, per_dimension, windows_formula

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Floats, Sizes, WholeTuple


class _LPPool(Layer):
    """Takes the power average of each window.

    norm_type: the power p; infinity gives max pooling.
    kernel_size: the window size, one number or one per dimension.
    stride: the step of the window; kernel_size if None.
    ceil_mode: whether to round output sizes up, so that the last window may extend past the end.
    """

    norm_type: float
    kernel_size: Sizes
    stride: Sizes | None = None
    ceil_mode: bool = False

    dimensions: ClassVar[int]

    def check(self) -> None:
        check_pool(type(self).__name__, self.dimensions, self.kernel_size, self.stride, 0)

    def forward(self, input: Tensor) -> Tensor:
        power = float(self.norm_type) if isinstance(self.norm_type, int) else self.norm_type
        return power_pooled(
            type(self).__name__, self.dimensions, input, power, self.kernel_size, self.stride, self.ceil_mode
        )

    def expected_inputs(self, input: Tensor) -> tuple[Tensor] | None:
        count = self.dimensions
        if len(input.shape) not in (count + 1, count + 2):
            return None
        kernel = per_dimension(self.kernel_size, count, "kernel_size", type(self).__name__)
        return (input.like((*input.shape[:-count], *map(maximum, input.shape[-count:], kernel))),)

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        window = check_pool(type(self).__name__, self.dimensions, self.kernel_size, self.stride, 0)
        slides = zip(input.shape[-self.dimensions :], *window, strict=True)
        return named_lines(self.dimensions, [
            windows_formula(*slide, self.ceil_mode, padded=False, dilated=False) for slide in slides
        ])  # fmt: skip


class LPPool1d(_LPPool):
    """Computes (sum of x**p)**(1/p) of each window over [N, C, L].

    input: the input tensor [N, C, L] or [C, L].
    """

    dimensions = 1
    functional = functions.lp_pool1d
    example = ("LPPool1d(2, 3)", "16x50")


class LPPool2d(_LPPool):
    """Computes (sum of x**p)**(1/p) of each window over [N, C, H, W].

    input: the input tensor [N, C, H, W] or [C, H, W].
    """

    dimensions = 2
    functional = functions.lp_pool2d
    example = ("LPPool2d(2, 3, stride=2)", "16x50x32")


class LPPool3d(_LPPool):
    """Computes (sum of x**p)**(1/p) of each window over [N, C, D, H, W].

    input: the input tensor [N, C, D, H, W] or [C, D, H, W].
    """

    dimensions = 3
    functional = functions.lp_pool3d
    example = ("LPPool3d(2, 3, stride=2)", "16x20x20x20")


class _FractionalMaxPool(Layer):
    """Takes the maximum of windows at random positions, as many as the output has elements.

    kernel_size: the window size, one number or one per dimension.
    output_size: the spatial size of the output.
    output_ratio: the output size as a fraction of the input size, instead of `output_size`.
    return_indices: whether to return the indices of the maxima too.
    """

    kernel_size: Sizes
    output_size: Sizes | None = None
    output_ratio: Floats | None = None
    return_indices: bool = False
    _random_samples: Tensor | None = None

    dimensions: ClassVar[int]

    def check(self) -> None:
        owner = type(self).__name__
        _, _, ratios = fractional_size(owner, self.dimensions, self.kernel_size, self.output_size, self.output_ratio)
        if self.output_size is not None and self.output_ratio is not None:
            note = "only one of output_size and output_ratio may be specified"
            message = f"{owner} takes output_size or output_ratio, not both"
            raise Refusal("invalid-argument", message, "output_ratio", note=note)
        if ratios is not None and not all(0 < ratio < 1 for ratio in ratios):
            message = f"`output_ratio` (={self.output_ratio}) must be between 0 and 1"
            note = f"output_ratio must be between 0 and 1 (got {described(self.output_ratio)})"
            raise Refusal("invalid-argument", message, "output_ratio", note=note)

    def forward(self, input: Tensor) -> Any:
        kernel, sizes, ratios = fractional_size(
            type(self).__name__, self.dimensions, self.kernel_size, self.output_size, self.output_ratio
        )
        count, samples = self.dimensions, self._random_samples
        return fractional_pooled(count, input, kernel, sizes, ratios, self.return_indices, samples)

    def buffers(self) -> dict[str, Tensor]:
        return {} if self._random_samples is None else {"_random_samples": self._random_samples}

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        output = self.forward(input)
        made = (output[0] if self.return_indices else output).shape[-self.dimensions :]
        sizes = input.shape[-self.dimensions :]
        _, _, ratios = fractional_size(
            type(self).__name__, self.dimensions, self.kernel_size, self.output_size, self.output_ratio
        )
        if ratios is None:
            return named_lines(
                self.dimensions, [f"{one} -> {new}, set by output_size" for one, new in zip(sizes, made, strict=True)]
            )
        of = zip(sizes, ratios, made, strict=True)
        return named_lines(self.dimensions, [f"floor({one} * {ratio:g}) = {new}" for one, ratio, new in of])


class FractionalMaxPool2d(_FractionalMaxPool):
    """Max-pools [N, C, H, W] with randomly placed windows to a given output size.

    input: the input tensor [N, C, H, W] or [C, H, W].
    """

    dimensions = 2
    functional = functions.fractional_max_pool2d
    example = ("FractionalMaxPool2d(3, output_ratio=(0.5, 0.5))", "16x50x32")


class FractionalMaxPool3d(_FractionalMaxPool):
    """Max-pools [N, C, D, H, W] with randomly placed windows to a given output size.

    input: the input tensor [N, C, D, H, W] or [C, D, H, W].
    """

    dimensions = 3
    functional = functions.fractional_max_pool3d
    example = ("FractionalMaxPool3d(3, output_size=(13, 12, 11))", "16x50x32x16")


class _MaxUnpool(Layer):
    """Inverts max pooling: puts each value at the index of its maximum, and zeros elsewhere.

    kernel_size: the window size of the max pooling.
    stride: the stride of the max pooling; kernel_size if None.
    padding: the padding of the max pooling.
    indices: the indices of the maxima, as returned by the max pooling with return_indices=True.
    output_size: the target output size, one of those that the pooling maps to the input's size.
    """

    kernel_size: Sizes
    stride: Sizes | None = None
    padding: Sizes = 0

    dimensions: ClassVar[int]

    def forward(self, input: Tensor, indices: Tensor, output_size: WholeTuple | None = None) -> Tensor:
        window = (self.kernel_size, self.stride, self.padding)
        return unpooled(type(self).__name__, self.dimensions, input, indices, *window, output_size)

    def derivation(self, input: Tensor, indices: Tensor, output_size: WholeTuple | None = None) -> tuple[str, ...]:
        count, owner = self.dimensions, type(self).__name__
        made = self.forward(input, indices, output_size).shape[-count:]
        if output_size is not None:
            return named_lines(count, [f"{size}, set by output_size" for size in made])
        kernel, strides, pads = unpool_window(owner, count, self.kernel_size, self.stride, self.padding)
        slides = zip(input.shape[-count:], strides, pads, kernel, made, strict=True)
        return named_lines(count, [f"({size} - 1)*{s} - 2*{p} + {k} = {m}" for size, s, p, k, m in slides])


class MaxUnpool1d(_MaxUnpool):
    """Inverts MaxPool1d: puts each value at the index of its maximum, and zeros elsewhere.

    input: the input tensor [N, C, L] or [C, L].
    """

    dimensions = 1
    functional = functions.max_unpool1d
    example = ("MaxUnpool1d(2)", "16x25", "int64[N, 16, 25]")


class MaxUnpool2d(_MaxUnpool):
    """Inverts MaxPool2d: puts each value at the index of its maximum, and zeros elsewhere.

    input: the input tensor [N, C, H, W] or [C, H, W].
    """

    dimensions = 2
    functional = functions.max_unpool2d
    example = ("MaxUnpool2d(2)", "16x14x14", "int64[N, 16, 14, 14]")


class MaxUnpool3d(_MaxUnpool):
    """Inverts MaxPool3d: puts each value at the index of its maximum, and zeros elsewhere.

    input: the input tensor [N, C, D, H, W] or [C, D, H, W].
    """

    dimensions = 3
    functional = functions.max_unpool3d
    example = ("MaxUnpool3d(2)", "16x4x4x4", "int64[N, 16, 4, 4, 4]")
