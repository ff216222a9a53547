"""Layers that resize or rearrange images: https://pytorch.org/docs/stable/nn.html#vision-layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.shapes.dims import Size
from nnshape.shapes.functions import folding, vision
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.resizing import scale_text
from nnshape.shapes.tensor import Tensor, product
from nnshape.shapes.windows import AXES, named_lines, windows_formula

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Floats, Sizes


class _Upsampling(Layer):
    """Resizes the spatial dimensions.

    size: the spatial size of the output.
    scale_factor: a factor for the input size, instead of `size`; the result is rounded down.
    input: the input tensor [N, C, *spatial].
    """

    size: Sizes | None = None
    scale_factor: Floats | None = None

    def check(self) -> None:
        if isinstance(self.scale_factor, list):
            message = (
                f"{type(self).__name__} takes a number or a tuple as scale_factor, not the list {self.scale_factor}"
            )
            note = "float() argument must be a string or a real number, not 'list'"
            raise Refusal("wrong-type", message, "scale_factor", note=note)

    def _resized(self, input: Tensor, mode: str, align_corners: bool | None, recompute: bool | None = None) -> Tensor:
        # torch's constructor treats a factor of 0 as None, but not a tuple of zeros.
        scale = None if isinstance(self.scale_factor, (int, float)) and not self.scale_factor else self.scale_factor
        return vision.resized(input, self.size, scale, mode, align_corners, recompute)

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        made = self.forward(input).shape[2:]
        axes = AXES[len(made)]
        if self.size is not None:
            return tuple(f"{axis}: {size}, set by size" for axis, size in zip(axes, made, strict=True))
        factors: Any = self.scale_factor if isinstance(self.scale_factor, tuple) else (self.scale_factor,) * len(made)
        return named_lines(len(made), list(map(scale_text, input.shape[2:], factors, made)))


class Upsample(_Upsampling):
    """Resizes the spatial dimensions of [N, C, ...] by interpolation.

    mode: 'nearest', 'nearest-exact', 'linear', 'bilinear', 'bicubic', 'trilinear' or 'area'.
    align_corners: whether to align the corner pixels of input and output, in the linear and cubic modes.
    recompute_scale_factor: whether to interpolate with the factor computed from the rounded output size.
    """

    size: Sizes | None = None
    scale_factor: Floats | None = None
    mode: str = "nearest"
    align_corners: bool | None = None
    recompute_scale_factor: bool | None = None

    functional = vision.interpolate
    example = ("Upsample(scale_factor=2, mode='bilinear')", "64x14x14")

    def forward(self, input: Tensor) -> Tensor:
        return self._resized(input, self.mode, self.align_corners, self.recompute_scale_factor)


class UpsamplingNearest2d(_Upsampling):
    """Resizes [N, C, H, W] by nearest-neighbor interpolation."""

    functional = vision.upsample_nearest
    example = ("UpsamplingNearest2d(scale_factor=2)", "64x14x14")

    def forward(self, input: Tensor) -> Tensor:
        return self._resized(input, "nearest", None)


class UpsamplingBilinear2d(_Upsampling):
    """Resizes [N, C, H, W] by bilinear interpolation with aligned corners."""

    functional = vision.upsample_bilinear
    example = ("UpsamplingBilinear2d(scale_factor=2)", "64x14x14")

    def forward(self, input: Tensor) -> Tensor:
        return self._resized(input, "bilinear", True)


class PixelShuffle(Layer):
    """Rearranges channels into space: [N, C*r*r, H, W] -> [N, C, H*r, W*r].

    upscale_factor: the factor r for height and width.
    """

    upscale_factor: Size

    functional = vision.pixel_shuffle
    example = ("PixelShuffle(2)", "64x14x14")

    def check(self) -> None:
        vision.check_factor("PixelShuffle", "upscale_factor", self.upscale_factor)

    def forward(self, input: Tensor) -> Tensor:
        return vision.shuffled(input, self.upscale_factor)

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        channels, height, width = self.forward(input).shape[-3:]
        r = self.upscale_factor
        old = input.shape[-3:]
        return (f"C: {old[0]} / {r}**2 = {channels}", f"H: {old[1]} * {r} = {height}", f"W: {old[2]} * {r} = {width}")


class PixelUnshuffle(Layer):
    """Rearranges space into channels: [N, C, H*r, W*r] -> [N, C*r*r, H, W].

    downscale_factor: the factor r for height and width.
    """

    downscale_factor: Size

    functional = vision.pixel_unshuffle
    example = ("PixelUnshuffle(2)", "16x28x28")

    def check(self) -> None:
        vision.check_factor("PixelUnshuffle", "downscale_factor", self.downscale_factor)

    def forward(self, input: Tensor) -> Tensor:
        return vision.unshuffled(input, self.downscale_factor)

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        channels, height, width = self.forward(input).shape[-3:]
        r = self.downscale_factor
        old = input.shape[-3:]
        return (f"C: {old[0]} * {r}**2 = {channels}", f"H: {old[1]} / {r} = {height}", f"W: {old[2]} / {r} = {width}")


class ChannelShuffle(Layer):
    """Interleaves the channels of the groups.

    groups: the number of groups.
    input: the input tensor [N, C, *].
    """

    groups: Size

    functional = vision.channel_shuffle
    example = ("ChannelShuffle(2)", "64x14x14")

    def check(self) -> None:
        vision.check_factor("ChannelShuffle", "groups", self.groups)

    def forward(self, input: Tensor) -> Tensor:
        return vision.channels_shuffled(input, self.groups)


class Unfold(Layer):
    """Extracts sliding blocks as columns: [N, C, H, W] -> [N, C*block size, number of blocks].

    kernel_size: the size of a block.
    dilation: the distance between the elements of a block.
    padding: padding on both sides of each dimension.
    stride: the spacing of the blocks.
    input: the input tensor [N, C, H, W] or [C, H, W].
    """

    kernel_size: Sizes
    dilation: Sizes = 1
    padding: Sizes = 0
    stride: Sizes = 1

    functional = folding.unfold
    example = ("Unfold((2, 3))", "5x3x4")

    def check(self) -> None:
        self._block()

    def _block(self) -> folding.Block:
        return folding.check_block("Unfold", self.kernel_size, self.dilation, self.padding, self.stride)

    def forward(self, input: Tensor) -> Tensor:
        return folding.unfolded(input, self._block())

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        block = self._block()
        lines = [windows_formula(*sizes) for sizes in zip(input.shape[-2:], *block, strict=True)]
        counts = folding.places(input.shape[-2:], block)
        size = product(block[0])
        return (
            f"column: {input.shape[-3]} * {' * '.join(map(str, block[0]))} = {input.shape[-3] * size}",
            *named_lines(2, lines),
            f"blocks: {' * '.join(map(str, counts))} = {product(counts)}",
        )


class Fold(Layer):
    """Sums columns back into overlapping blocks: [N, C*block size, number of blocks] -> [N, C, H, W].

    output_size: the height and width of the output.
    kernel_size: the size of a block.
    dilation: the distance between the elements of a block.
    padding: the size cropped from both sides of each output dimension.
    stride: the spacing of the blocks.
    input: the input tensor [N, C * kernel elements, blocks] or without N.
    """

    output_size: Sizes
    kernel_size: Sizes
    dilation: Sizes = 1
    padding: Sizes = 0
    stride: Sizes = 1

    functional = folding.fold
    example = ("Fold((4, 5), (2, 2))", "12x12")

    def check(self) -> None:
        self._block()
        folding.check_output_size("Fold", self.output_size)

    def _block(self) -> folding.Block:
        return folding.check_block("Fold", self.kernel_size, self.dilation, self.padding, self.stride)

    def forward(self, input: Tensor) -> Tensor:
        return folding.folded(input, folding.check_output_size("Fold", self.output_size), self._block())

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        block = self._block()
        sizes = folding.check_output_size("Fold", self.output_size)
        lines = [windows_formula(*window) for window in zip(sizes, *block, strict=True)]
        counts = folding.places(sizes, block)
        size = product(block[0])
        return (
            f"channels: {input.shape[-2]} / ({' * '.join(map(str, block[0]))}) = {input.shape[-2] // size}",
            *named_lines(2, lines),
            f"blocks: {' * '.join(map(str, counts))} = {product(counts)}",
        )
