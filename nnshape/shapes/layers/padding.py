"""Paddings: https://pytorch.org/docs/stable/nn.html#padding-layers."""

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
    """Adds values on both sides of the last dimensions.

    padding: how much is added on every side, or before and after each dimension, the last one first.
    """

    padding: Sizes

    dimensions: ClassVar[int]
    mode: ClassVar[str]

    def check(self) -> None:
        if isinstance(self.padding, (tuple, list)) and len(self.padding) % 2:
            owner, pads = type(self).__name__, described(self.padding)
            message = f"{owner} wants padding in pairs, before and after, not {pads}"
            raise Refusal("invalid-argument", message, "padding", note="Padding length must be divisible by 2")

    def _pads(self) -> tuple[Size, ...]:
        # torch takes a tuple as it is, whatever its length.
        return tuple(self.padding) if isinstance(self.padding, (tuple, list)) else (self.padding,) * 2 * self.dimensions

    def forward(self, input: Tensor) -> Tensor:
        return padded(input, self._pads(), self.mode, "padding")

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        return functions.padding_lines(input, self._pads(), self.forward(input).shape)


class _ConstantPad(_Padding):
    """Adds a value on both sides of the last dimensions.

    value: what the padding holds.
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
    """Adds a value on both sides of the last dimension."""

    dimensions = 1
    functional = functions.pad
    example = ("ConstantPad1d(1, 3.5)", "3x32")


class ConstantPad2d(_ConstantPad):
    """Adds a value on both sides of the last two dimensions."""

    dimensions = 2
    functional = functions.pad
    example = ("ConstantPad2d((1, 1, 2, 0), 3.5)", "3x32x32")


class ConstantPad3d(_ConstantPad):
    """Adds a value on both sides of the last three dimensions."""

    dimensions = 3
    functional = functions.pad
    example = ("ConstantPad3d(1, 3.5)", "3x8x8x8")


class ZeroPad1d(_ZeroPad):
    """Adds zeros on both sides of the last dimension."""

    dimensions = 1
    functional = functions.pad
    example = ("ZeroPad1d(1)", "3x32")


class ZeroPad2d(_ZeroPad):
    """Adds zeros on both sides of the last two dimensions."""

    dimensions = 2
    functional = functions.pad
    example = ("ZeroPad2d((1, 1, 2, 0))", "3x32x32")


class ZeroPad3d(_ZeroPad):
    """Adds zeros on both sides of the last three dimensions."""

    dimensions = 3
    functional = functions.pad
    example = ("ZeroPad3d(1)", "3x8x8x8")


class ReflectionPad1d(_ReflectionPad):
    """Reflects values on both sides of the last dimension."""

    dimensions = 1
    functional = functions.pad
    example = ("ReflectionPad1d(1)", "3x32")


class ReflectionPad2d(_ReflectionPad):
    """Reflects values on both sides of the last two dimensions."""

    dimensions = 2
    functional = functions.pad
    example = ("ReflectionPad2d((1, 1, 2, 0))", "3x32x32")


class ReflectionPad3d(_ReflectionPad):
    """Reflects values on both sides of the last three dimensions."""

    dimensions = 3
    functional = functions.pad
    example = ("ReflectionPad3d(1)", "3x8x8x8")


class ReplicationPad1d(_ReplicationPad):
    """Repeats the edge on both sides of the last dimension."""

    dimensions = 1
    functional = functions.pad
    example = ("ReplicationPad1d(1)", "3x32")


class ReplicationPad2d(_ReplicationPad):
    """Repeats the edge on both sides of the last two dimensions."""

    dimensions = 2
    functional = functions.pad
    example = ("ReplicationPad2d((1, 1, 2, 0))", "3x32x32")


class ReplicationPad3d(_ReplicationPad):
    """Repeats the edge on both sides of the last three dimensions."""

    dimensions = 3
    functional = functions.pad
    example = ("ReplicationPad3d(1)", "3x8x8x8")


class CircularPad1d(_CircularPad):
    """Wraps the last dimension around: adds on each side what stands at the other end."""

    dimensions = 1
    functional = functions.pad
    example = ("CircularPad1d(1)", "3x32")


class CircularPad2d(_CircularPad):
    """Wraps the last two dimensions around: adds on each side what stands at the other end."""

    dimensions = 2
    functional = functions.pad
    example = ("CircularPad2d((1, 1, 2, 0))", "3x32x32")


class CircularPad3d(_CircularPad):
    """Wraps the last three dimensions around: adds on each side what stands at the other end."""

    dimensions = 3
    functional = functions.pad
    example = ("CircularPad3d(1)", "3x8x8x8")
