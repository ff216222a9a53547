"""Transposed convolutions: https://pytorch.org/docs/stable/nn.html#convolution-layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from nnshape.shapes.arguments import described
from nnshape.shapes.constraints import assume_at_least
from nnshape.shapes.dims import Size, at_least, maximum
from nnshape.shapes.dtypes import DType, default_dtype
from nnshape.shapes.functions import convolution as functions
from nnshape.shapes.functions.convolution import check_output_padding, check_window, convolve_transposed, require_map
from nnshape.shapes.layer_base import Device, Layer
from nnshape.shapes.layers.convolution import check_channels
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Tensor, product, sizes_text
from nnshape.shapes.windows import each_at_least, named_lines, per_dimension, transposed, transposed_formula

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Sizes, WholeTuple


class _ConvolutionTranspose(Layer):
    """Convolves an input with fractional stride, the gradient of a convolution.

    in_channels: the number of input channels.
    out_channels: the number of output channels.
    kernel_size: the kernel size, one number or one per dimension.
    stride: the spacing of the input elements in the output.
    padding: the size cropped from both sides of each output dimension.
    output_padding: the size added to one side of each output dimension.
    groups: the number of channel groups convolved independently.
    bias: whether to add a learnable bias.
    dilation: the spacing of the kernel's elements.
    padding_mode: 'zeros' is the only mode.
    output_size: the target output size, instead of output_padding; one of those that the stride allows.
    """

    in_channels: Size
    out_channels: Size
    kernel_size: Sizes
    stride: Sizes = 1
    padding: Sizes = 0
    output_padding: Sizes = 0
    groups: Size = 1
    bias: bool = True
    dilation: Sizes = 1
    padding_mode: str = "zeros"
    device: Device | None = None
    dtype: DType | None = None

    dimensions: ClassVar[int]

    def check(self) -> None:
        owner = type(self).__name__
        if self.padding_mode != "zeros":
            message = f"{owner} pads with zeros only, not {described(self.padding_mode)}"
            raise Refusal("invalid-argument", message, "padding_mode")
        check_channels(owner, self.in_channels, self.out_channels, self.groups)
        each_at_least(self._each("kernel_size", spread=False), 1, "kernel_size", owner)
        check_window(owner, self.dimensions, self.stride, self.padding, self.dilation)
        self.require_learnable()

    def _each(self, name: str, spread: bool = True) -> tuple[Size, ...]:
        value = self.__dict__[name]
        if type(value) is int:
            return (value,) * self.dimensions
        return per_dimension(value, self.dimensions, name, type(self).__name__, spread)

    @property
    def weight_shape(self) -> tuple[Size, ...]:
        """The shape of the weight: [in_channels, out_channels / groups, *kernel_size]."""
        return (self.in_channels, self.out_channels // self.groups, *self._each("kernel_size"))

    def forward(self, input: Tensor, output_size: WholeTuple | None = None) -> Tensor:
        if input.dtype != (self.dtype or default_dtype()):
            self.require_dtype(input)
        with in_other_words(output_size is not None):
            batched = require_map(input, self.dimensions, f"conv_transpose{self.dimensions}d")
        strides, dilations = self._each("stride"), self._each("dilation")
        extra = self._each("output_padding") if output_size is None else self._extra(input, batched, output_size)
        with in_other_words(input.shape[-1 - self.dimensions] != self.in_channels):  # torch compares the channels first
            check_output_padding(type(self).__name__, extra, strides, dilations)
        window = (self.weight_shape, strides, self._each("padding"), extra, dilations)
        return convolve_transposed(self.dimensions, input, *window, self.groups, "in_channels")

    def _extra(self, input: Tensor, batched: bool, output_size: tuple[Size, ...]) -> list[Size]:
        """The output padding that gives the requested output size."""
        count, owner = self.dimensions, type(self).__name__
        ahead = 2 if batched else 1
        if len(output_size) not in (count, count + ahead):
            wanted = f"{count} or {count + ahead}"
            message = f"{owner} wants {wanted} sizes as output_size, not {described(tuple(output_size))}"
            raise Refusal("invalid-argument", message, "output_size")
        sizes = output_size[-count:]
        window = [
            per_dimension(getattr(self, name), count, name, owner, spread=False)
            for name in ("stride", "padding", "dilation")
        ]
        strides, paddings, dilations = window
        extra = []
        for size, *slide in zip(
            input.shape[-count:], self._each("kernel_size"), strides, paddings, dilations, strict=True
        ):
            least = transposed(size, slide[0], slide[1], slide[2], 0, slide[3])
            extra.append((least, slide[1] - 1))
        for wanted_size, (least, most) in zip(sizes, extra, strict=True):
            if not assume_at_least(wanted_size, least) or not assume_at_least(least + most, wanted_size):
                low, high = sizes_text([least for least, _ in extra]), sizes_text([sum(both) for both in extra])
                what = f"from {low} to {high} of {sizes_text(input.shape[-count:])}"
                message = f"{{layer}} can make {what}, but not {sizes_text(sizes)}"
                raise Refusal("invalid-argument", message, "output_size")
        return [size - least for size, (least, _) in zip(sizes, extra, strict=True)]

    def expected_inputs(self, input: Tensor, output_size: WholeTuple | None = None) -> tuple[Tensor] | None:
        count = self.dimensions
        if len(input.shape) not in (count + 1, count + 2):
            return None
        maps = [maximum(size, 1) if at_least(size, 1) is False else size for size in input.shape[-count:]]
        return (Tensor((*input.shape[: -1 - count], self.in_channels, *maps), self.parameter_dtype),)

    def parameters(self) -> dict[str, Tensor]:
        dtype = self.parameter_dtype
        weight = Tensor(self.weight_shape, dtype)
        return {"weight": weight, "bias": Tensor((self.out_channels,), dtype)} if self.bias else {"weight": weight}

    def macs(self, output: Tensor, input: Tensor, output_size: WholeTuple | None = None) -> Size:
        return input.numel() * product(self.weight_shape[1:])

    def derivation(self, input: Tensor, output_size: WholeTuple | None = None) -> tuple[str, ...]:
        count = self.dimensions
        batched = len(input.shape) == count + 2
        extra = self._each("output_padding") if output_size is None else self._extra(input, batched, output_size)
        window = (self._each("kernel_size"), self._each("stride"), self._each("padding"), extra, self._each("dilation"))
        return named_lines(
            count, [transposed_formula(*sizes) for sizes in zip(input.shape[-count:], *window, strict=True)]
        )


class ConvTranspose1d(_ConvolutionTranspose):
    """Applies a 1D transposed convolution to [N, C, L], which upsamples by its stride.

    input: the input tensor [N, C_in, L] or [C_in, L].
    """

    dimensions = 1
    auto = {"in_channels": (0, -2)}
    functional = functions.conv_transpose1d
    example = ("ConvTranspose1d(16, 33, 3, stride=2)", "16x50")


class ConvTranspose2d(_ConvolutionTranspose):
    """Applies a 2D transposed convolution to [N, C, H, W], which upsamples by its stride.

    input: the input tensor [N, C_in, H, W] or [C_in, H, W].
    """

    dimensions = 2
    auto = {"in_channels": (0, -3)}
    functional = functions.conv_transpose2d
    example = ("ConvTranspose2d(64, 32, 2, stride=2)", "64x28x28")


class ConvTranspose3d(_ConvolutionTranspose):
    """Applies a 3D transposed convolution to [N, C, D, H, W], which upsamples by its stride.

    input: the input tensor [N, C_in, D, H, W] or [C_in, D, H, W].
    """

    dimensions = 3
    auto = {"in_channels": (0, -4)}
    functional = functions.conv_transpose3d
    example = ("ConvTranspose3d(16, 33, (3, 5, 2), stride=(2, 1, 1), padding=(0, 4, 2))", "16x10x50x100")
