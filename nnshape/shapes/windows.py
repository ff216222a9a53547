"""The arithmetic of a window that slides over a map, which convolutions and pools share.

Source: the formulas on https://pytorch.org/docs/stable/generated/torch.nn.Conv2d.html,
ConvTranspose2d.html and MaxPool2d.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnshape.shapes.arguments import described
from nnshape.shapes.constraints import assume_at_least
from nnshape.shapes.dims import Size, ceil_div, maximum, minimum
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor, shape_text

#: The names of the dimensions that a window slides over, by their number.
AXES = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}


def per_dimension(value: Any, dimensions: int, name: str, owner: str, spread: bool = True) -> tuple[Size, ...]:
    """Spread a size over the dimensions, or check that a tuple has one for each.

    A tuple of one counts for every dimension if `spread`, as torch's operators take it.
    Raises Refusal (invalid-argument) where the tuple has another length.
    """
    if not isinstance(value, (tuple, list)):
        return (value,) * dimensions
    if len(value) == dimensions:
        return tuple(value)
    if spread and len(value) == 1:
        return tuple(value) * dimensions
    message = f"{owner} wants {_count(dimensions)} as {name}, not {described(value)}"
    raise Refusal("invalid-argument", message, name)


def _count(dimensions: int) -> str:
    return "one number" if dimensions == 1 else f"one number or {dimensions}"


def each_at_least(values: Sequence[Size], least: int, name: str, owner: str, note: str = "") -> None:
    """Raise Refusal (invalid-argument) where one of an argument's sizes is smaller than `least`."""
    for value in values:
        if (value < least) if type(value) is int else not assume_at_least(value, least):
            shown = values[0] if len(set(values)) == 1 else tuple(values)
            raise Refusal("invalid-argument", f"{owner} wants {name} of {least} or more, not {shown}", name, note=note)


def arriving(input: Tensor) -> str:
    """What a tensor is in a sentence about its rank: `a flat 784`, `16x5x5`, `a single number`."""
    shape = input.shape
    if not shape:
        return "a single number"
    return f"a flat {shape[1]}" if len(shape) == 2 and shape[0] == N else shape_text(shape)


def layout(dimensions: int) -> str:
    """The shape that a layer over so many dimensions wants, in letters: `[N, C, H, W]`."""
    return f"[N, C, {', '.join(AXES[dimensions])}]"


def torch_shape(input: Tensor) -> str:
    """A shape as torch writes it in its errors: `[2, 784]`."""
    return f"[{', '.join(map(str, input.shape))}]"


def window_span(kernel: Size, dilation: Size) -> Size:
    """How many elements a dilated kernel reaches over."""
    return dilation * (kernel - 1) + 1


def windows(size: Size, kernel: Size, stride: Size, padding: Size, dilation: Size, ceil_mode: bool = False) -> Size:
    """How many places a window has along a padded dimension; `padding` counts one side.

    With `ceil_mode`, the last window may hang over the end, but not begin in the padding there.
    """
    free = size + 2 * padding - window_span(kernel, dilation)
    if not ceil_mode:
        return free // stride + 1
    count = ceil_div(free, stride) + 1
    if type(count) is int and type(size) is int:
        return count - 1 if (count - 1) * stride >= size + padding else count
    clear = window_span(kernel, dilation) - padding - stride
    if type(clear) is int and clear >= 0:  # the last window begins inside the map, however long that is
        return count
    return minimum(count, maximum(ceil_div(size + padding, stride), 0))


def least_size(kernel: Size, stride: Size, padding: Size, dilation: Size, ceil_mode: bool = False) -> Size:
    """The smallest dimension on which a window has a place."""
    least = window_span(kernel, dilation) - 2 * padding
    return least + 1 - stride if ceil_mode else least


def windows_formula(
    size: Size,
    kernel: Size,
    stride: Size,
    padding: Size,
    dilation: Size,
    ceil_mode: bool = False,
    *,
    padded: bool = True,
    dilated: bool = True,
) -> str:
    """The formula of `windows` with its numbers in, up to the result.

    It is that of the layer's own page: without the padding and the dilation that the layer does not have.
    """
    name = "ceil" if ceil_mode else "floor"
    count = windows(size, kernel, stride, padding, dilation, ceil_mode)
    ends = f" + 2*{padding}" if padded else ""
    reach = f"{dilation}*({kernel} - 1) - 1" if dilated else f"{kernel}"
    formula = f"{name}(({size}{ends} - {reach})/{stride} + 1)"
    if ceil_mode and count != ceil_div(size + 2 * padding - window_span(kernel, dilation), stride) + 1:
        formula += ", less a window that begins in the padding,"
    return f"{formula} = {count}"


def transposed(size: Size, kernel: Size, stride: Size, padding: Size, output_padding: Size, dilation: Size) -> Size:
    """The size that a transposed convolution makes of a dimension."""
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1


def transposed_formula(
    size: Size, kernel: Size, stride: Size, padding: Size, output_padding: Size, dilation: Size
) -> str:
    """The formula of `transposed` with its numbers in, up to the result."""
    result = transposed(size, kernel, stride, padding, output_padding, dilation)
    return f"({size} - 1)*{stride} - 2*{padding} + {dilation}*({kernel} - 1) + {output_padding} + 1 = {result}"


def named_lines(dimensions: int, formulas: Sequence[str]) -> tuple[str, ...]:
    """The lines of a derivation, each with the name of its dimension ahead."""
    return tuple(f"{axis}: {formula}" for axis, formula in zip(AXES[dimensions], formulas, strict=True))
