"""The arithmetic of a sliding window, shared by convolutions and pools.

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

#: The names of the spatial dimensions, by their number.
AXES = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}


def per_dimension(value: Any, dimensions: int, name: str, owner: str, spread: bool = True) -> tuple[Size, ...]:
    """Expand a size to all dimensions, or check that a tuple has one per dimension.

    A tuple of one is expanded too if `spread`, as in torch's operators.
    Raises Refusal (invalid-argument) for a tuple of another length.
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
    """Raise Refusal (invalid-argument) if one of an argument's sizes is below `least`."""
    for value in values:
        if (value < least) if type(value) is int else not assume_at_least(value, least):
            shown = values[0] if len(set(values)) == 1 else tuple(values)
            raise Refusal("invalid-argument", f"{owner} wants {name} of {least} or more, not {shown}", name, note=note)


def arriving(input: Tensor) -> str:
    """A tensor in a sentence about its rank: `a flat 784`, `16x5x5`, `a single number`."""
    shape = input.shape
    if not shape:
        return "a single number"
    return f"a flat {shape[1]}" if len(shape) == 2 and shape[0] == N else shape_text(shape)


def layout(dimensions: int) -> str:
    """The input shape of a layer of so many spatial dimensions, in letters: `[N, C, H, W]`."""
    return f"[N, C, {', '.join(AXES[dimensions])}]"


def torch_shape(input: Tensor) -> str:
    """A shape as in torch's messages: `[2, 784]`."""
    return f"[{', '.join(map(str, input.shape))}]"


def torch_size(input: Tensor) -> str:
    """A shape as torch's Python code prints it: `torch.Size([2, 784])`."""
    return f"torch.Size({torch_shape(input)})"


def window_span(kernel: Size, dilation: Size) -> Size:
    """The number of elements that a dilated kernel spans."""
    return dilation * (kernel - 1) + 1


def windows(size: Size, kernel: Size, stride: Size, padding: Size, dilation: Size, ceil_mode: bool = False) -> Size:
    """The number of window positions along a padded dimension; `padding` counts one side.

    With `ceil_mode`, the last window may extend past the end, but not start in the padding there.
    """
    free = size + 2 * padding - window_span(kernel, dilation)
    if not ceil_mode:
        return free // stride + 1
    count = ceil_div(free, stride) + 1
    if type(count) is int and type(size) is int:
        return count - 1 if (count - 1) * stride >= size + padding else count
    clear = window_span(kernel, dilation) - padding - stride
    if type(clear) is int and clear >= 0:  # the last window starts before the padding, for any size
        return count
    return minimum(count, maximum(ceil_div(size + padding, stride), 0))


def least_size(kernel: Size, stride: Size, padding: Size, dilation: Size, ceil_mode: bool = False) -> Size:
    """The smallest size that a window fits in."""
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
    """The formula of `windows` with the numbers filled in, and the result.

    It is the formula of the layer's page, without padding or dilation if the layer has none.
    """
    name = "ceil" if ceil_mode else "floor"
    count = windows(size, kernel, stride, padding, dilation, ceil_mode)
    ends = f" + 2*{padding}" if padded else ""
    reach = f"{dilation}*({kernel} - 1) - 1" if dilated else f"{kernel}"
    formula = f"{name}(({size}{ends} - {reach})/{stride} + 1)"
    if ceil_mode and count != ceil_div(size + 2 * padding - window_span(kernel, dilation), stride) + 1:
        formula += ", less a window that starts in the padding,"
    return f"{formula} = {count}"


def transposed(size: Size, kernel: Size, stride: Size, padding: Size, output_padding: Size, dilation: Size) -> Size:
    """The output size of a transposed convolution in one dimension."""
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1


def transposed_formula(
    size: Size, kernel: Size, stride: Size, padding: Size, output_padding: Size, dilation: Size
) -> str:
    """The formula of `transposed` with the numbers filled in, and the result."""
    result = transposed(size, kernel, stride, padding, output_padding, dilation)
    return f"({size} - 1)*{stride} - 2*{padding} + {dilation}*({kernel} - 1) + {output_padding} + 1 = {result}"


def named_lines(dimensions: int, formulas: Sequence[str]) -> tuple[str, ...]:
    """The lines of a derivation, each after the name of its dimension."""
    return tuple(f"{axis}: {formula}" for axis, formula in zip(AXES[dimensions], formulas, strict=True))
