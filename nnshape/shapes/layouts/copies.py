"""Copies, conversions and tensors like others, and the memory formats that they are given."""

from __future__ import annotations

from nnshape.shapes.layouts.applied import Applied, UnknownLayout, lays_out
from nnshape.shapes.layouts.formats import (
    channels_last_strides,
    is_channels_last,
    is_channels_last_contiguous,
)
from nnshape.shapes.layouts.iterating import dense_like
from nnshape.shapes.layouts.layout import Layout, contiguous_strides, is_contiguous, new_layout
from nnshape.shapes.tensor import Shape, Tensor

_CONTIGUOUS = "contiguous_format"
_PRESERVE = "preserve_format"


def _format(applied: Applied, default: str) -> str:
    given = applied.arguments.get("memory_format")
    return default if given is None else str(given)


def _strides(shape: Shape, format: str) -> Shape:
    """The strides of a new tensor in a format."""
    return contiguous_strides(shape) if format == _CONTIGUOUS else channels_last_strides(shape)


@lays_out("contiguous")
def contiguous(applied: Applied) -> Layout:
    """The argument, if it is contiguous in this format."""
    input: Tensor = applied["input"]
    layout, format = applied.layout(input), _format(applied, _CONTIGUOUS)
    if format in (_CONTIGUOUS, _PRESERVE):
        fits = is_contiguous(input.shape, layout.strides)
    else:
        fits = is_channels_last_contiguous(input.shape, layout.strides)
    if fits:
        return layout
    if format == _PRESERVE:
        raise UnknownLayout  # torch refuses it: see `viewing_inside`
    return new_layout(input.shape, input.dtype, _strides(input.shape, format))


@lays_out("to type type_as float double half bfloat16 int long short char byte bool cfloat cdouble chalf")
def converted(applied: Applied) -> Layout:
    """The argument if it has this dtype and format already; otherwise a copy, which keeps the strides."""
    input: Tensor = applied["input"]
    layout, format = applied.layout(input), _format(applied, _PRESERVE)
    is_new = applied.result.dtype != input.dtype or bool(applied.arguments.get("copy", False))
    if not is_new and format in (_PRESERVE, _suggested(input.shape, layout.strides)):
        return layout
    return new_layout(input.shape, applied.result.dtype, _like(input.shape, layout.strides, format))


def _suggested(shape: Shape, strides: Shape) -> str:
    if not is_channels_last(shape, strides):
        return _CONTIGUOUS
    return "channels_last" if len(shape) == 4 else "channels_last_3d"


def _like(shape: Shape, strides: Shape, format: str) -> Shape:
    """The strides of `empty_like` in this format."""
    return dense_like(shape, strides) if format == _PRESERVE else _strides(shape, format)


_LIKE = """
    argsort clone deg2rad empty_like flip fliplr flipud full_like hardtanh index_put isreal msort nan_to_num ones_like
    prelu rad2deg rand_like randn_like relu6 sort zeros_like
"""


@lays_out(_LIKE)
def like_input(applied: Applied) -> list[Layout]:
    """The layout of `empty_like` of the first argument."""
    first = applied.operands[0]
    strides = _like(first.shape, applied.layout(first).strides, _format(applied, _PRESERVE))
    return [new_layout(output.shape, output.dtype, strides) for output in applied.outputs]
