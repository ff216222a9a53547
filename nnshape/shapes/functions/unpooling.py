"""Power-average pooling, fractional max pooling and max unpooling.

Source: https://pytorch.org/docs/stable/nn.functional.html#pooling-functions. The layers of the same names share
these rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from nnshape.shapes.arguments import described
from nnshape.shapes.constraints import assume_at_least, assume_equal
from nnshape.shapes.dims import Dim, Size
from nnshape.shapes.dtype_names import scalar_name
from nnshape.shapes.dtypes import INT64, REAL_OF, category, default_dtype, is_floating
from nnshape.shapes.function import Function, function
from nnshape.shapes.functions.pooling import average_pooled, check_pool, max_pooled
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.resizing import scaled
from nnshape.shapes.tensor import Tensor, shape_text, sizes_text
from nnshape.shapes.values import number
from nnshape.shapes.windows import arriving, each_at_least, layout, per_dimension, torch_shape

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Floats, Sizes


def power_pooled(
    owner: str, dimensions: int, input: Tensor, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool
) -> Tensor:
    """The power average of each window. Raises Refusal if torch refuses it."""
    infinite = number(norm_type, "norm_type") in (inf, -inf)
    if isinstance(kernel_size, (tuple, list)):
        if dimensions == 1 and not infinite:
            raise Refusal(
                "wrong-type",
                f"{owner} takes a whole number as kernel_size, not {described(kernel_size)}",
                "kernel_size",
            )
        per_dimension(kernel_size, dimensions, "kernel_size", owner, spread=False)
    window = check_pool(owner, dimensions, kernel_size, stride, 0)
    if infinite:
        if input.dtype == "bool":
            raise Refusal("wrong-dtype", "{layer} wants numbers, but input is bool", "input")
        real = REAL_OF.get(input.dtype, input.dtype)
        return max_pooled(dimensions, input.like(dtype=_dtype(real)), window, ceil_mode, False)  # type: ignore[no-any-return]
    if norm_type == 0:
        raise Refusal("invalid-argument", f"{owner} divides by norm_type, which must not be 0", "norm_type")
    return _to_float(average_pooled(dimensions, _powered(input, norm_type), window, ceil_mode))


def _dtype(name: str) -> Any:
    from nnshape.shapes.dtypes import DTYPES

    return DTYPES[name]


def _powered(input: Tensor, exponent: float) -> Tensor:
    if category(input.dtype) > 1:
        return input
    if isinstance(exponent, float):
        return input.like(dtype=default_dtype())
    if exponent < 0:
        message = f"{{layer}} raises to `norm_type` (={exponent}), which wants floats, but input is {input.dtype}"
        raise Refusal("wrong-dtype", message, "input", note="Integers to negative integer powers are not allowed.")
    return input.like(dtype=INT64) if input.dtype == "bool" else input


def _to_float(tensor: Tensor) -> Tensor:
    return tensor if is_floating(tensor.dtype) else tensor.like(dtype=default_dtype())


def fractional_size(
    owner: str, dimensions: int, kernel_size: Any, output_size: Any, output_ratio: Any, spread: bool = True
) -> tuple[tuple[Size, ...], tuple[Size, ...] | None, tuple[float, ...] | None]:
    """Kernel sizes, output sizes and output ratios; one of the last two is None. Raises Refusal for invalid ones."""
    if output_size is None and output_ratio is None:
        raise Refusal("missing-argument", f"{owner} wants output_size or output_ratio", "output_size")
    kernel = per_dimension(kernel_size, dimensions, "kernel_size", owner, spread=False)
    each_at_least(kernel, 1, "kernel_size", owner)
    if output_size is not None:
        return kernel, per_dimension(output_size, dimensions, "output_size", owner, spread=False), None
    ratios = per_dimension(output_ratio, dimensions, "output_ratio", owner, spread=False)
    return kernel, None, ratios  # type: ignore[return-value]


def fractional_pooled(
    dimensions: int, input: Tensor, kernel: Sequence[Size], sizes: Sequence[Size] | None,
    ratios: Sequence[float] | None, return_indices: bool, samples: Tensor | None,
) -> Any:  # fmt: skip
    """The maxima of windows at random positions, one per element of the output."""
    shape = input.shape
    if len(shape) not in (dimensions + 1, dimensions + 2):
        raise Refusal("wrong-rank", f"{{layer}} wants {layout(dimensions)}, but {arriving(input)} arrives", "input")
    if not is_floating(input.dtype):
        raise Refusal("wrong-dtype", f"{{layer}} wants floats, but input is {input.dtype}", "input")
    if 0 in shape[1:]:
        message = f"{{layer}} has nothing to pool: {torch_shape(input)} arrives"
        raise Refusal("empty-output", message, "input")
    maps = shape[-dimensions:]
    if sizes is None:
        assert ratios is not None
        sizes = [scaled(size, ratio, "output_ratio") for size, ratio in zip(maps, ratios, strict=True)]
    for size, made, k in zip(maps, sizes, kernel, strict=True):
        if not assume_at_least(size, made + k - (dimensions < 3)):
            message = (
                f"{{layer}} cannot spread {sizes_text(sizes)} windows of {sizes_text(kernel)} over {sizes_text(maps)}"
            )
            raise Refusal("empty-output", message, "kernel_size")
        if not assume_at_least(made, 0):
            raise Refusal("invalid-argument", f"{{layer}} wants output_size of 0 or more, not {made}", "output_size")
    if samples is not None:
        _require_samples(dimensions, input, samples)
    output = input.like((*shape[:-dimensions], *sizes))
    return (output, output.like(dtype=INT64)) if return_indices else output


def _require_samples(dimensions: int, input: Tensor, samples: Tensor) -> None:
    batch = input.shape[0] if len(input.shape) == dimensions + 2 else 1
    channels = input.shape[-1 - dimensions]
    if samples.dtype != input.dtype:
        message = f"{{layer}} wants _random_samples of {input.dtype}, but they are {samples.dtype}"
        raise Refusal("wrong-dtype", message, "_random_samples")
    # torch reads the samples that it needs, and accepts a tensor with more.
    if len(samples.shape) != 3 or not (
        assume_at_least(samples.shape[0], batch)
        and assume_equal(samples.shape[1], channels)
        and assume_equal(samples.shape[2], dimensions)
    ):
        wanted = f"[{batch} or more, {channels}, {dimensions}]"
        message = f"{{layer}} wants _random_samples of {wanted}, but {torch_shape(samples)} arrives"
        raise Refusal("size-mismatch", message, "_random_samples")


def unpool_window(
    owner: str, dimensions: int, kernel_size: Any, stride: Any, padding: Any
) -> tuple[tuple[Size, ...], tuple[Size, ...], tuple[Size, ...]]:
    """Kernel, stride and padding of the inverted pool, per dimension."""
    kernel = per_dimension(kernel_size, dimensions, "kernel_size", owner, spread=False)
    # In one and two dimensions, torch reads the first strides and paddings and ignores the rest.
    most = dimensions if dimensions < 3 else None
    stride, padding = (value[:most] if isinstance(value, (tuple, list)) else value for value in (stride, padding))
    strides = kernel if stride is None else per_dimension(stride, dimensions, "stride", owner, spread=False)
    return kernel, strides, per_dimension(padding, dimensions, "padding", owner, spread=False)


def unpooled(
    owner: str,
    dimensions: int,
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    output_size: Any,
) -> Tensor:
    """The output of max unpooling. Raises Refusal if torch refuses this input and these indices."""
    kernel, strides, pads = unpool_window(owner, dimensions, kernel_size, stride, padding)
    shape = input.shape
    if len(shape) not in (dimensions + 1, dimensions + 2):
        raise Refusal("wrong-rank", f"{{layer}} wants {layout(dimensions)}, but {arriving(input)} arrives", "input")
    if indices.dtype != "int64":
        note = f"elements in indices should be type int64 but got: {scalar_name(indices.dtype)}"
        raise Refusal(
            "wrong-dtype",
            f"{{layer}} wants int64 as indices, but they are {indices.dtype}",
            "indices",
            note=note if output_size is None and dimensions < 3 else "",
        )
    if len(indices.shape) != len(shape) or not all(map(assume_equal, indices.shape, shape)):
        message = (
            f"{{layer}} wants an index for each value, but {shape_text(shape)} and {shape_text(indices.shape)} arrive"
        )
        raise Refusal("size-mismatch", message, "indices")
    maps = shape[-dimensions:]
    made = [(size - 1) * s + k - 2 * p for size, k, s, p in zip(maps, kernel, strides, pads, strict=True)]
    if output_size is not None:
        made = _chosen(owner, made, strides, output_size)
    for size in made:
        if not assume_at_least(size, 0):
            raise Refusal(
                "empty-output", f"{{layer}} leaves nothing of {sizes_text(maps)}: {sizes_text(made)}", "padding"
            )
    if dimensions == 3:
        each_at_least(strides, 1, "stride", owner)
    _require_filled(input)
    if not is_floating(input.dtype):
        raise Refusal("wrong-dtype", f"{{layer}} wants floats, but input is {input.dtype}", "input")
    return input.like((*shape[:-dimensions], *made))


def _require_filled(input: Tensor) -> None:
    if 0 in input.shape[1:]:
        message = f"{{layer}} wants no empty dimension, but {torch_shape(input)} arrives"
        raise Refusal("empty-output", message, "input")


def _chosen(owner: str, least: Sequence[Size], strides: Sequence[Size], output_size: Any) -> list[Size]:
    """The requested output size, which must be within a stride of the default one. Raises Refusal otherwise."""
    sizes = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,)
    count = len(least)
    if len(sizes) == count + 2:
        sizes = sizes[2:]
    if len(sizes) != count:
        message = f"{owner} wants {count} or {count + 2} sizes as output_size, not {described(output_size)}"
        raise Refusal("invalid-argument", message, "output_size")
    for size, usual, stride in zip(sizes, least, strides, strict=True):
        low, high = usual - stride + 1, usual + stride - 1
        if not assume_at_least(size, low) or not assume_at_least(high, size):
            message = f"{{layer}} can make from {low} to {high}, but output_size asks for {size}"
            raise Refusal("invalid-argument", message, "output_size")
    return list(sizes)


#: The functions below differ only in the number of spatial dimensions.
_WHERE = {1: "the last dimension", 2: "the last two dimensions", 3: "the last three dimensions"}
_MAPS = {1: "16x50", 2: "16x28x28", 3: "16x8x8x8"}


def _declare_power(count: int) -> Function:
    where, shape = _WHERE[count], _MAPS[count]

    @function(name=f"lp_pool{count}d", example=(f"lp_pool{count}d(2, 3)", shape))
    def lp_pool(
        input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
    ) -> Tensor:
        return power_pooled("{layer}", count, input, norm_type, kernel_size, stride, ceil_mode)

    lp_pool.rule.__doc__ = f"Computes (sum of x**p)**(1/p) of each window over {where}."
    return lp_pool


def _declare_fractional(count: int) -> Function:
    where, shape = _WHERE[count], _MAPS[count]
    name = f"fractional_max_pool{count}d"

    @function(name=name, example=(f"{name}(2, output_size=3)", shape))
    def fractional(
        input: Tensor, kernel_size: Sizes, output_size: Sizes | None = None, output_ratio: Floats | None = None,
        return_indices: bool = False, _random_samples: Tensor | None = None,
    ) -> Any:  # fmt: skip
        if count == 2 and output_size is None and isinstance(output_ratio, (int, float, Dim)):
            raise Refusal(
                "wrong-type", f"{{layer}} takes two numbers as output_ratio, not {output_ratio}", "output_ratio"
            )
        kernel, sizes, ratios = fractional_size("{layer}", count, kernel_size, output_size, output_ratio)
        return fractional_pooled(count, input, kernel, sizes, ratios, return_indices, _random_samples)

    fractional.rule.__doc__ = f"Takes the maximum of windows at random steps over {where}, to match the output size."
    return fractional


def _declare_unpool(count: int) -> Function:
    where, shape = _WHERE[count], _MAPS[count]
    name = f"max_unpool{count}d"

    @function(name=name, example=(f"{name}(x, indices, 2)", shape, f"int64[N, {shape.replace('x', ', ')}]"))
    def unpool(
        input: Tensor, indices: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
        output_size: Sizes | None = None,
    ) -> Tensor:  # fmt: skip
        return unpooled("{layer}", count, input, indices, kernel_size, stride, padding, output_size)

    unpool.rule.__doc__ = (
        f"Inverts max pooling over {where}: puts each value at the index of its maximum, and zeros elsewhere."
    )
    return unpool


lp_pool1d, lp_pool2d, lp_pool3d = (_declare_power(count) for count in (1, 2, 3))
max_unpool1d, max_unpool2d, max_unpool3d = (_declare_unpool(count) for count in (1, 2, 3))
fractional_max_pool2d, fractional_max_pool3d = (_declare_fractional(count) for count in (2, 3))
