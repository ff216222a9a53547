"""Pooling over windows: https://pytorch.org/docs/stable/nn.functional.html#pooling-functions.

The layers of the same names share these rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nnshape.shapes.constraints import assume_at_least
from nnshape.shapes.dims import Size
from nnshape.shapes.dtypes import INT64, is_complex, is_floating
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, sizes_text
from nnshape.shapes.windows import arriving, each_at_least, layout, least_size, per_dimension, torch_shape, windows

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Sizes

Window = tuple[tuple[Size, ...], tuple[Size, ...], tuple[Size, ...], tuple[Size, ...]]


def check_pool(owner: str, dimensions: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any = 1) -> Window:
    """Kernel, stride, padding and dilation per dimension. Raises Refusal for invalid ones."""
    if type(kernel_size) is int and stride is None and padding == 0 and dilation == 1 and kernel_size > 0:
        square = (kernel_size,) * dimensions
        return square, square, (0,) * dimensions, (1,) * dimensions
    kernel = per_dimension(kernel_size, dimensions, "kernel_size", owner)
    each_at_least(kernel, 1, "kernel_size", owner)
    strides = kernel if stride is None or stride in ((), []) else per_dimension(stride, dimensions, "stride", owner)
    each_at_least(strides, 1, "stride", owner)
    pads = per_dimension(padding, dimensions, "padding", owner)
    each_at_least(pads, 0, "padding", owner)
    dilations = per_dimension(dilation, dimensions, "dilation", owner)
    each_at_least(dilations, 1, "dilation", owner)
    for k, p in zip(kernel, pads, strict=True):
        if not assume_at_least(k, 2 * p):
            message = f"`padding` (={p}) must be at most half of `kernel_size` (={k})"
            raise Refusal("invalid-argument", message, "padding", wanted=k // 2)
    return kernel, strides, pads, dilations


def require_pool_map(input: Tensor, dimensions: int, empty_batch: bool = True) -> None:
    """Raise Refusal if the input has another rank, or an empty dimension other than the batch."""
    shape = input.shape
    if len(shape) not in (dimensions + 1, dimensions + 2):
        raise Refusal("wrong-rank", f"{{layer}} wants {layout(dimensions)}, but {arriving(input)} arrives", "input")
    if 0 in (shape[1:] if len(shape) == dimensions + 2 and empty_batch else shape):
        message = f"{{layer}} wants no empty dimension, but {torch_shape(input)} arrives"
        raise Refusal("empty-output", message, "input")


def pooled(
    dimensions: int, input: Tensor, window: Window, ceil_mode: bool, whole: bool = False, row: bool = True
) -> list[Size]:
    """The output sizes of a pool. Raises Refusal if its window does not fit.

    If `whole`, the window must fit without the padding. `row` says that torch pools one dimension as two.
    """
    maps = input.shape[-dimensions:]
    sizes = []
    for size, k, s, p, d in zip(maps, *window, strict=True):
        least = k if whole else least_size(k, s, p, d, ceil_mode)
        if size < least if type(size) is type(least) is int else not assume_at_least(size, least):
            raise _nothing_left(input, maps, window, ceil_mode, whole, row)
        sizes.append(windows(size, k, s, p, d, ceil_mode))
    return sizes


def _nothing_left(
    input: Tensor, maps: Sequence[Size], window: Window, ceil_mode: bool, whole: bool, row: bool
) -> Refusal:
    dimensions = len(maps)
    sizes = [windows(size, k, s, p, d, ceil_mode) for size, k, s, p, d in zip(maps, *window, strict=True)]
    kernel, strides, pads, _ = window
    if set(kernel) == set(strides) == {2} and set(pads) == {0}:
        message = f"{{layer}} halves {sizes_text(maps)} to nothing"
    else:
        window_text = f"{kernel[0]} wide" if dimensions == 1 else sizes_text(kernel)
        message = f"{{layer}} leaves nothing of {sizes_text(maps)}: its window is {window_text}"
    channels = input.shape[-1 - dimensions]
    ahead = [channels, 1] if dimensions == 1 else [channels]
    given, made = ("x".join(map(str, [*ahead, *each])) for each in (maps, sizes))
    note = f"Given input size: ({given}). Calculated output size: ({made}). Output size is too small"
    if not row:
        note = f"max_pool1d() Invalid computed output size: {sizes[0]}"
    elif whole:
        note = "input image (T: {} H: {} W: {}) smaller than kernel size (kT: {} kH: {} kW: {})".format(*maps, *kernel)
    dims = tuple(range(-dimensions, 0))
    return Refusal("empty-output", message, "kernel_size", note=note, tensor=input, dims=dims)


def require_ordered(input: Tensor, whole: bool = True) -> None:
    """Raise Refusal (wrong-dtype) if the dtype has no maximum."""
    if input.dtype == "bool" or is_complex(input.dtype) or not (whole or is_floating(input.dtype)):
        message = f"{{layer}} wants {'numbers' if whole else 'floats'}, but input is {input.dtype}"
        raise Refusal("wrong-dtype", message, "input")


def max_pooled(dimensions: int, input: Tensor, window: Window, ceil_mode: bool, return_indices: bool) -> Any:
    """The maximum of each window, with its index if `return_indices`."""
    require_ordered(input, whole=dimensions > 1 or return_indices)
    require_pool_map(input, dimensions)
    if dimensions == 1 and return_indices and 0 in input.shape:
        require_pool_map(input.like((*input.shape[:-1], 1, *input.shape[-1:])), 2)
    sizes = pooled(dimensions, input, window, ceil_mode, row=dimensions > 1 or return_indices)
    output = input.like((*input.shape[:-dimensions], *sizes))
    return (output, output.like(dtype=INT64)) if return_indices else output


def average_pooled(dimensions: int, input: Tensor, window: Window, ceil_mode: bool) -> Tensor:
    """The mean of each window."""
    narrow = dimensions == 3 and input.dtype in ("float16", "bfloat16")  # on the CPU
    if narrow or (not is_floating(input.dtype) and input.dtype != "int64"):
        raise Refusal("wrong-dtype", f"{{layer}} wants floats or int64, but input is {input.dtype}", "input")
    require_pool_map(input, dimensions)
    sizes = pooled(dimensions, input, window, ceil_mode, whole=dimensions == 3)
    return input.like((*input.shape[:-dimensions], *sizes))


def check_divisor(divisor_override: Size | None) -> None:
    """Raise Refusal if the divisor is 0."""
    if divisor_override is not None and divisor_override == 0:
        message = "`divisor_override` (=0) divides each sum, so it must not be 0"
        raise Refusal("invalid-argument", message, "divisor_override", note="divisor must be not zero")


@function(example=("max_pool1d(2)", "16x50"))
def max_pool1d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """Takes the maximum of each window over [N, C, L]."""
    return max_pooled(
        1, input, check_pool("{layer}", 1, kernel_size, stride, padding, dilation), ceil_mode, return_indices
    )


@function(example=("max_pool2d(2)", "16x28x28"))
def max_pool2d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """Takes the maximum of each window over [N, C, H, W]."""
    return max_pooled(
        2, input, check_pool("{layer}", 2, kernel_size, stride, padding, dilation), ceil_mode, return_indices
    )


@function(example=("max_pool3d(2)", "16x8x8x8"))
def max_pool3d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """Takes the maximum of each window over [N, C, D, H, W]."""
    return max_pooled(
        3, input, check_pool("{layer}", 3, kernel_size, stride, padding, dilation), ceil_mode, return_indices
    )


@function(example=("avg_pool1d(2)", "16x50"))
def avg_pool1d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:  # fmt: skip
    """Takes the mean of each window over [N, C, L]."""
    return average_pooled(1, input, check_pool("{layer}", 1, kernel_size, stride, padding), ceil_mode)


@function(example=("avg_pool2d(2)", "16x28x28"))
def avg_pool2d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: Size | None = None,
) -> Tensor:  # fmt: skip
    """Takes the mean of each window over [N, C, H, W]."""
    check_divisor(divisor_override)
    return average_pooled(2, input, check_pool("{layer}", 2, kernel_size, stride, padding), ceil_mode)


@function(example=("avg_pool3d(2)", "16x8x8x8"))
def avg_pool3d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: Size | None = None,
) -> Tensor:  # fmt: skip
    """Takes the mean of each window over [N, C, D, H, W]."""
    check_divisor(divisor_override)
    return average_pooled(3, input, check_pool("{layer}", 3, kernel_size, stride, padding), ceil_mode)
