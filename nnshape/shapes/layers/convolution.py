"""Convolutions: https://pytorch.org/docs/stable/nn.html#convolution-layers.

Transposed convolutions are in the family `transposed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from nnshape.shapes.arguments import described
from nnshape.shapes.constraints import assume_divisible
from nnshape.shapes.dims import Size, maximum
from nnshape.shapes.dtypes import DType, default_dtype
from nnshape.shapes.functions import convolution as functions
from nnshape.shapes.functions.convolution import (
    check_padding_name,
    convolve,
    require_channels,
    require_map,
    same_padding,
)
from nnshape.shapes.functions.padding import padded
from nnshape.shapes.layer_base import Device, Layer
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Tensor, product
from nnshape.shapes.windows import each_at_least, named_lines, per_dimension, window_span, windows_formula

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Sizes

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def check_channels(owner: str, in_channels: Size, out_channels: Size, groups: Size) -> None:
    """Raise Refusal if the channels do not divide into the groups."""
    each_at_least((groups,), 1, "groups", owner, "groups must be a positive integer")
    for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
        each_at_least((channels,), 1, name, owner)
        if not assume_divisible(channels, groups):
            message = f"`{name}` (={channels}) must be divisible by `groups` (={groups})"
            note = f"{name} must be divisible by groups"
            raise Refusal("not-divisible", message, "groups", note=note, division=(channels, groups))


class _Convolution(Layer):
    """Convolves an input with a learnable kernel.

    in_channels: the number of input channels.
    out_channels: the number of output channels, one kernel per channel.
    kernel_size: the kernel size, one number or one per dimension.
    stride: the step of the kernel along each dimension.
    padding: padding on both sides of each dimension; 'same' keeps the input size, 'valid' adds none.
    dilation: the spacing of the kernel's elements.
    groups: the number of channel groups convolved independently.
    bias: whether to add a learnable bias.
    padding_mode: the values of the padding: 'zeros', 'reflect', 'replicate' or 'circular'.
    """

    in_channels: Size
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

    dimensions: ClassVar[int]

    def check(self) -> None:
        owner, count = type(self).__name__, self.dimensions
        check_channels(owner, self.in_channels, self.out_channels, self.groups)
        each_at_least(self._each("kernel_size", spread=False), 1, "kernel_size", owner)
        strides = self._each("stride")
        each_at_least(strides, 1, "stride", owner)
        each_at_least(self._each("dilation"), 1, "dilation", owner)
        if isinstance(self.padding, str):
            check_padding_name(owner, self.padding, strides)
        elif self.padding_mode == "zeros":
            pads = per_dimension(self.padding, count, "padding", owner)
            each_at_least(pads, 0, "padding", owner)
        if self.padding_mode not in PADDING_MODES:
            known = ", ".join(map(repr, PADDING_MODES))
            message = f"{owner} takes one of {known} as padding_mode, not {described(self.padding_mode)}"
            raise Refusal("invalid-argument", message, "padding_mode")
        self.require_learnable()

    def _each(self, name: str, spread: bool = True) -> tuple[Size, ...]:
        value = self.__dict__[name]
        if type(value) is int:
            return (value,) * self.dimensions
        return per_dimension(value, self.dimensions, name, type(self).__name__, spread)

    @property
    def weight_shape(self) -> tuple[Size, ...]:
        """The shape of the weight: [out_channels, in_channels / groups, *kernel_size]."""
        return (self.out_channels, self.in_channels // self.groups, *self._each("kernel_size"))

    def forward(self, input: Tensor) -> Tensor:
        if input.dtype != (self.dtype or default_dtype()):
            self.require_dtype(input)
        weight, padding = self.weight_shape, self.padding
        if self.padding_mode != "zeros":
            given = f"groups={self.groups}"
            with in_other_words():  # torch pads first
                require_map(input, self.dimensions)
                require_channels(input, self.dimensions, self.in_channels, weight, self.groups, "in_channels", given)
            input, padding = padded(input, self._pads(), self._pad_mode, "padding"), "valid"
        elif not isinstance(padding, str):
            padding = self._each("padding")
        return convolve(
            self.dimensions,
            input,
            weight,
            self._each("stride"),
            padding,
            self._each("dilation"),
            self.groups,
            "in_channels",
        )

    @property
    def _pad_mode(self) -> str:
        return "constant" if self.padding_mode == "zeros" else self.padding_mode

    def _pads(self) -> list[Size]:
        """The padding in the order of `torch.nn.functional.pad`: the last dimension first."""
        if self.padding == "same":
            sides = same_padding(self._each("kernel_size"), self._each("dilation"))
        elif isinstance(self.padding, str):
            sides = [(0, 0)] * self.dimensions
        else:
            value = self.padding if isinstance(self.padding, (tuple, list)) else (self.padding,) * self.dimensions
            sides = [(size, size) for size in value]
        return [size for pair in reversed(sides) for size in pair]

    def _added(self) -> tuple[Size, ...]:
        """The sizes that a numeric padding adds before and after each dimension."""
        if self.padding_mode == "zeros":
            return self._each("padding")
        # torch's pad takes a tuple of any length, from the last dimension on.
        pads = [*self._pads()[::2], *(0,) * self.dimensions][: self.dimensions]
        return tuple(reversed(pads))

    def expected_inputs(self, input: Tensor) -> tuple[Tensor] | None:
        count = self.dimensions
        if len(input.shape) not in (count + 1, count + 2):
            return None
        maps = list(input.shape[-count:])
        if not isinstance(self.padding, str):
            window = zip(self._each("kernel_size"), self._added(), self._each("dilation"), strict=True)
            maps = [maximum(size, window_span(k, d) - 2 * p, 1) for size, (k, p, d) in zip(maps, window, strict=True)]
        return (Tensor((*input.shape[: -1 - count], self.in_channels, *maps), self.parameter_dtype),)

    def parameters(self) -> dict[str, Tensor]:
        dtype = self.parameter_dtype
        weight = Tensor(self.weight_shape, dtype)
        return {"weight": weight, "bias": Tensor((self.out_channels,), dtype)} if self.bias else {"weight": weight}

    def macs(self, output: Tensor, input: Tensor) -> Size:
        return output.numel() * product(self.weight_shape[1:])

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        count = self.dimensions
        maps = input.shape[-count:]
        if self.padding == "same":
            return named_lines(count, [f"{size}, kept by padding='same'" for size in maps])
        pads = (0,) * count if isinstance(self.padding, str) else self._added()
        window = zip(maps, self._each("kernel_size"), self._each("stride"), pads, self._each("dilation"), strict=True)
        return named_lines(count, [windows_formula(*sizes) for sizes in window])


class Conv1d(_Convolution):
    """Applies a 1D convolution to [N, C, L].

    input: the input tensor [N, C_in, L] or [C_in, L].
    """

    dimensions = 1
    auto = {"in_channels": (0, -2)}
    functional = functions.conv1d
    example = ("Conv1d(16, 33, 3, stride=2)", "16x50")


class Conv2d(_Convolution):
    """Applies a 2D convolution to [N, C, H, W].

    input: the input tensor [N, C_in, H, W] or [C_in, H, W].
    """

    dimensions = 2
    auto = {"in_channels": (0, -3)}
    functional = functions.conv2d
    example = ("Conv2d(3, 64, 7, stride=2, padding=3)", "3x224x224")


class Conv3d(_Convolution):
    """Applies a 3D convolution to [N, C, D, H, W].

    input: the input tensor [N, C_in, D, H, W] or [C_in, D, H, W].
    """

    dimensions = 3
    auto = {"in_channels": (0, -4)}
    functional = functions.conv3d
    example = ("Conv3d(16, 33, (3, 5, 2), stride=(2, 1, 1), padding=(4, 2, 0))", "16x10x50x100")
