"""Padding layers: https://pytorch.org/docs/stable/nn.html#padding-layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from nnshape.shapes.arguments import described
from nnshape.shapes.dims import Size
from nnshape.shapes.functions import padding as functions
from nnshape.shapes.functions.padding import padded, require_value
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.windows import arriving, layout

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Sizes


class _Padding(Layer):
    """Pads both sides of the trailing dimensions.

    padding: one size for all sides, or sizes before and after each dimension, the last dimension first.
    """

    padding: Sizes

    dimensions: ClassVar[int]
    mode: ClassVar[str]

    def check(self) -> None:
        if isinstance(self.padding, (tuple, list)) and len(self.padding) % 2:
            owner, pads = type(self).__name__, described(self.padding)
            message = f"{owner} wants padding in pairs, before and after, not {pads}"
            raise Refusal("invalid-argument", message, "padding")

    def _pads(self) -> tuple[Size, ...]:
        # torch takes a tuple of any length.
        return tuple(self.padding) if isinstance(self.padding, (tuple, list)) else (self.padding,) * 2 * self.dimensions

    def forward(self, input: Tensor) -> Tensor:
        return padded(input, self._pads(), self.mode, "padding")

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        return functions.padding_lines(input, self._pads(), self.forward(input).shape)


class _ConstantPad(_Padding):
    """Pads both sides of the trailing dimensions with a constant.

    value: the constant.
    """

    value: float

    mode = "constant"

    def forward(self, input: Tensor) -> Tensor:
        require_value(input, self._pads(), self.value)
        return padded(input, self._pads(), self.mode, "padding")


class _ZeroPad(_Padding):
    mode = "constant"


class _ReflectionPad(_Padding):
    mode = "reflect"


class _ReplicationPad(_Padding):
    mode = "replicate"


class _CircularPad(_Padding):
    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        rank = len(input.shape)
        if rank not in (self.dimensions + 1, self.dimensions + 2):
            note = f"expected {self.dimensions + 1}D or {self.dimensions + 2}D input (got {rank}D input)"
            message = f"{{layer}} wants {layout(self.dimensions)}, but {arriving(input)} arrives"
            raise Refusal("wrong-rank", message, "input", note=note)
        return super().forward(input)


class ConstantPad1d(_ConstantPad):
    """Pads the last dimension of [N, C, L] with a constant."""

    dimensions = 1
    functional = functions.pad
    example = ("ConstantPad1d(1, 3.5)", "3x32")


class ConstantPad2d(_ConstantPad):
    """Pads the last two dimensions of [N, C, H, W] with a constant."""

    dimensions = 2
    functional = functions.pad
    example = ("ConstantPad2d((1, 1, 2, 0), 3.5)", "3x32x32")


class ConstantPad3d(_ConstantPad):
    """Pads the last three dimensions of [N, C, D, H, W] with a constant."""

    dimensions = 3
    functional = functions.pad
    example = ("ConstantPad3d(1, 3.5)", "3x8x8x8")


class ZeroPad1d(_ZeroPad):
    """Pads the last dimension of [N, C, L] with zeros."""

    dimensions = 1
    functional = functions.pad
    example = ("ZeroPad1d(1)", "3x32")


class ZeroPad2d(_ZeroPad):
    """Pads the last two dimensions of [N, C, H, W] with zeros."""

    dimensions = 2
    functional = functions.pad
    example = ("ZeroPad2d((1, 1, 2, 0))", "3x32x32")


class ZeroPad3d(_ZeroPad):
    """Pads the last three dimensions of [N, C, D, H, W] with zeros."""

    dimensions = 3
    functional = functions.pad
    example = ("ZeroPad3d(1)", "3x8x8x8")


class ReflectionPad1d(_ReflectionPad):
    """Pads the last dimension of [N, C, L] with a reflection of the input."""

    dimensions = 1
    functional = functions.pad
    example = ("ReflectionPad1d(1)", "3x32")


class ReflectionPad2d(_ReflectionPad):
    """Pads the last two dimensions of [N, C, H, W] with a reflection of the input."""

    dimensions = 2
    functional = functions.pad
    example = ("ReflectionPad2d((1, 1, 2, 0))", "3x32x32")


class ReflectionPad3d(_ReflectionPad):
    """Pads the last three dimensions of [N, C, D, H, W] with a reflection of the input."""

    dimensions = 3
    functional = functions.pad
    example = ("ReflectionPad3d(1)", "3x8x8x8")


class ReplicationPad1d(_ReplicationPad):
    """Pads the last dimension of [N, C, L] by repeating the edge values."""

    dimensions = 1
    functional = functions.pad
    example = ("ReplicationPad1d(1)", "3x32")


class ReplicationPad2d(_ReplicationPad):
    """Pads the last two dimensions of [N, C, H, W] by repeating the edge values."""

    dimensions = 2
    functional = functions.pad
    example = ("ReplicationPad2d((1, 1, 2, 0))", "3x32x32")


class ReplicationPad3d(_ReplicationPad):
    """Pads the last three dimensions of [N, C, D, H, W] by repeating the edge values."""

    dimensions = 3
    functional = functions.pad
    example = ("ReplicationPad3d(1)", "3x8x8x8")


class CircularPad1d(_CircularPad):
    """Pads the last dimension of [N, C, L] with values wrapped around from the opposite side."""

    dimensions = 1
    functional = functions.pad
    example = ("CircularPad1d(1)", "3x32")


class CircularPad2d(_CircularPad):
    """Pads the last two dimensions of [N, C, H, W] with values wrapped around from the opposite side."""

    dimensions = 2
    functional = functions.pad
    example = ("CircularPad2d((1, 1, 2, 0))", "3x32x32")


class CircularPad3d(_CircularPad):
    """Pads the last three dimensions of [N, C, D, H, W] with values wrapped around from the opposite side."""

    dimensions = 3
    functional = functions.pad
    example = ("CircularPad3d(1)", "3x8x8x8")
