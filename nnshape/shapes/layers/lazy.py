"""Lazy layers: https://pytorch.org/docs/stable/nn.html#lazy-modules-initialization.

Each becomes its counterpart without `Lazy`, with the missing size inferred from the first input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from nnshape.shapes.functions.convolution import require_map
from nnshape.shapes.layer_base import Device, Layer
from nnshape.shapes.layers import convolution, instance, linear, normalization, transposed
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.windows import arriving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnshape.shapes.arguments import Sizes, WholeTuple
    from nnshape.shapes.dims import Size
    from nnshape.shapes.dtypes import DType


def _is_zero(value: object) -> bool:
    return type(value) is int and value == 0


class _Lazy(Layer):
    """A layer that infers a size from its first input.

    bias: whether to add a learnable bias.
    """

    becomes: ClassVar[type[Layer]]
    reads: ClassVar[str]
    at: ClassVar[int]

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*self._without_printed_size(arguments, keywords), **keywords)

    @classmethod
    def _without_printed_size(cls, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, ...]:
        """Drop the 0 that torch prints for the size that is not read yet: `LazyConv2d(0, 5, kernel_size=(3, 3))`."""
        if _is_zero(keywords.get(cls.reads)):
            del keywords[cls.reads]
        names = [parameter.name for parameter in cls.signature().positional[: len(arguments)]]
        return (
            arguments[1:]
            if arguments and _is_zero(arguments[0]) and not keywords.keys().isdisjoint(names)
            else arguments
        )

    @property
    def wants_auto(self) -> bool:
        return True

    def resolve(self, inputs: Sequence[Tensor]) -> Layer:
        try:
            size = inputs[0].shape[self.at]
        except IndexError:
            arrives = arriving(inputs[0]) if inputs else "nothing"
            message = f"{{layer}} cannot read {self.reads} from its input: {arrives} has no dimension {self.at}"
            raise Refusal("wrong-rank", message, "input") from None
        self.require_input(inputs[0])
        with in_other_words():  # torch made the module before it read the size
            return self.becomes(**{self.reads: size, **vars(self)})

    def require_input(self, input: Tensor) -> None:
        """Raise Refusal if torch would refuse to read a size off the input."""

    def forward(self, input: Tensor) -> Any:
        return self.resolve((input,)).forward(input)

    def parameters(self) -> dict[str, Tensor]:
        raise Refusal("unknown-value", f"{{layer}} has no parameters until {self.reads} is read from an input")

    buffers = parameters

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        return self.resolve((input,)).derivation(input)

    def macs(self, output: Any, input: Tensor) -> Size:
        return self.resolve((input,)).macs(output, input)


class LazyLinear(_Lazy):
    """Becomes a Linear, with in_features inferred from its first input.

    out_features: the size of the output's last dimension.
    """

    out_features: Size
    bias: bool = True
    device: Device | None = None
    dtype: DType | None = None

    becomes, reads, at = linear.Linear, "in_features", -1
    example = ("LazyLinear(30)", "20")


class _LazyConvolution(_Lazy):
    """Becomes a convolution, with in_channels inferred from its first input.

    out_channels: the number of output channels, one kernel per channel.
    kernel_size: the kernel size, one number or one per dimension.
    stride: the step of the kernel along each dimension.
    padding: padding on both sides of each dimension; 'same' keeps the input size, 'valid' adds none.
    dilation: the spacing of the kernel's elements.
    groups: the number of channel groups convolved independently.
    padding_mode: the values of the padding: 'zeros', 'reflect', 'replicate' or 'circular'.
    """

    out_channels: Size
    kernel_size: Sizes
    stride: Sizes = 1
    padding: Sizes | str = 0
    dilation: Sizes = 1
    groups: Size = 1
    bias: bool = True
    padding_mode: str = "zeros"
    device: Device | None = None
    dtype: DType | None = None

    reads = "in_channels"

    def require_input(self, input: Tensor) -> None:
        with in_other_words():  # torch asks other things first, and names the lazy class
            require_map(input, -self.at - 1)


class _LazyConvolutionTranspose(_Lazy):
    """Becomes a transposed convolution, with in_channels inferred from its first input.

    out_channels: the number of output channels.
    kernel_size: the kernel size, one number or one per dimension.
    stride: the spacing of the input elements in the output.
    padding: the size cropped from both sides of each output dimension.
    output_padding: the size added to one side of each output dimension.
    groups: the number of channel groups convolved independently.
    dilation: the spacing of the kernel's elements.
    padding_mode: 'zeros' is the only mode.
    output_size: the target output size, in place of output_padding; one of those that the stride allows.
    """

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

    reads = "in_channels"

    def require_input(self, input: Tensor) -> None:
        with in_other_words():  # torch asks other things first, and names the lazy class
            require_map(input, -self.at - 1)

    def forward(self, input: Tensor, output_size: WholeTuple | None = None) -> Any:
        return self.resolve((input,)).forward(input, output_size)

    def derivation(self, input: Tensor, output_size: WholeTuple | None = None) -> tuple[str, ...]:
        return self.resolve((input,)).derivation(input, output_size)

    def macs(self, output: Any, input: Tensor, output_size: WholeTuple | None = None) -> Size:
        return self.resolve((input,)).macs(output, input, output_size)


class _LazyNormalization(_Lazy):
    """Becomes a normalization, with num_features inferred from its first input.

    eps: a small number added to the variance to avoid division by zero.
    momentum: the weight of a new batch in the running statistics; None averages all batches equally.
    affine: whether to learn a scale and a shift per channel.
    track_running_stats: whether to keep running statistics for evaluation.
    bias: whether `affine` includes the shift.
    """

    keyword_only = ("bias",)
    reads, at = "num_features", 1


class _LazyBatchNorm(_LazyNormalization):
    eps: float = 1e-05
    momentum: float | None = 0.1
    affine: bool = True
    track_running_stats: bool = True
    device: Device | None = None
    dtype: DType | None = None
    bias: bool = True


# The defaults are those of LazyBatchNorm, not of InstanceNorm.
class _LazyInstanceNorm(_LazyBatchNorm):
    pass


class LazyConv1d(_LazyConvolution):
    """Becomes a Conv1d, with in_channels inferred from its first input."""

    becomes, at = convolution.Conv1d, -2
    example = ("LazyConv1d(33, 3)", "16x50")


class LazyConv2d(_LazyConvolution):
    """Becomes a Conv2d, with in_channels inferred from its first input."""

    becomes, at = convolution.Conv2d, -3
    example = ("LazyConv2d(33, 3)", "16x28x28")


class LazyConv3d(_LazyConvolution):
    """Becomes a Conv3d, with in_channels inferred from its first input."""

    becomes, at = convolution.Conv3d, -4
    example = ("LazyConv3d(33, 3)", "16x8x8x8")


class LazyConvTranspose1d(_LazyConvolutionTranspose):
    """Becomes a ConvTranspose1d, with in_channels inferred from its first input."""

    becomes, at = transposed.ConvTranspose1d, -2
    example = ("LazyConvTranspose1d(33, 2, stride=2)", "16x50")


class LazyConvTranspose2d(_LazyConvolutionTranspose):
    """Becomes a ConvTranspose2d, with in_channels inferred from its first input."""

    becomes, at = transposed.ConvTranspose2d, -3
    example = ("LazyConvTranspose2d(33, 2, stride=2)", "16x28x28")


class LazyConvTranspose3d(_LazyConvolutionTranspose):
    """Becomes a ConvTranspose3d, with in_channels inferred from its first input."""

    becomes, at = transposed.ConvTranspose3d, -4
    example = ("LazyConvTranspose3d(33, 2, stride=2)", "16x8x8x8")


class LazyBatchNorm1d(_LazyBatchNorm):
    """Becomes a BatchNorm1d, with num_features inferred from its first input."""

    becomes = normalization.BatchNorm1d
    example = ("LazyBatchNorm1d()", "16x50")


class LazyBatchNorm2d(_LazyBatchNorm):
    """Becomes a BatchNorm2d, with num_features inferred from its first input."""

    becomes = normalization.BatchNorm2d
    example = ("LazyBatchNorm2d()", "16x28x28")


class LazyBatchNorm3d(_LazyBatchNorm):
    """Becomes a BatchNorm3d, with num_features inferred from its first input."""

    becomes = normalization.BatchNorm3d
    example = ("LazyBatchNorm3d()", "16x8x8x8")


class LazyInstanceNorm1d(_LazyInstanceNorm):
    """Becomes an InstanceNorm1d, with num_features inferred from its first input."""

    becomes = instance.InstanceNorm1d
    example = ("LazyInstanceNorm1d()", "16x50")


class LazyInstanceNorm2d(_LazyInstanceNorm):
    """Becomes an InstanceNorm2d, with num_features inferred from its first input."""

    becomes = instance.InstanceNorm2d
    example = ("LazyInstanceNorm2d()", "16x28x28")


class LazyInstanceNorm3d(_LazyInstanceNorm):
    """Becomes an InstanceNorm3d, with num_features inferred from its first input."""

    becomes = instance.InstanceNorm3d
    example = ("LazyInstanceNorm3d()", "16x8x8x8")
