"""Pooling to a given output size: https://pytorch.org/docs/stable/nn.functional.html#pooling-functions.

The layers of the same names share these rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.shapes.arguments import described
from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.dims import Size
from nnshape.shapes.dtypes import INT64, is_floating
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.windows import arriving, each_at_least, layout, torch_shape

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Sizes, SizesOrNone


def check_output_size(owner: str, dimensions: int, output_size: Any) -> tuple[Size | None, ...]:
    """The output size per dimension; None keeps the input's. Raises Refusal for an invalid one."""
    if isinstance(output_size, (tuple, list)):
        sizes = tuple(output_size) if dimensions > 1 or len(output_size) == 1 else ()
    else:
        sizes = (output_size,) * dimensions
    if len(sizes) != dimensions or output_size is None or (dimensions == 1 and sizes[0] is None):
        wanted = "one size" if dimensions == 1 else f"one size or {dimensions}"
        raise Refusal(
            "invalid-argument", f"{owner} wants {wanted} as output_size, not {described(output_size)}", "output_size"
        )
    each_at_least([size for size in sizes if size is not None], 0, "output_size", owner)
    return sizes


def _sizes(input: Tensor, output_size: tuple[Size | None, ...]) -> list[Size]:
    maps = input.shape[-len(output_size) :]
    return [size if wanted is None else wanted for size, wanted in zip(maps, output_size, strict=True)]


def _require_map(input: Tensor, dimensions: int) -> None:
    if len(input.shape) not in (dimensions + 1, dimensions + 2):
        raise Refusal("wrong-rank", f"{{layer}} wants {layout(dimensions)}, but {arriving(input)} arrives", "input")


def _require_filled(input: Tensor, first: int) -> None:
    if 0 in input.shape[first:]:
        message = f"{{layer}} has nothing to pool: {torch_shape(input)} arrives"
        raise Refusal("empty-output", message, "input")


def adaptive_average(owner: str, dimensions: int, input: Tensor, given: Any) -> Tensor:
    """Adaptive average pooling to the given output size."""
    output_size = check_output_size(owner, dimensions, given)
    if dimensions == 1 or (isinstance(given, (tuple, list)) and len(input.shape) <= dimensions):
        _require_map(input, dimensions)
    if _is_mean(input, dimensions, output_size):
        if not is_floating(input.dtype) and input.dtype not in ("complex64", "complex128"):
            raise Refusal("wrong-dtype", f"{{layer}} wants floats, but input is {input.dtype}", "input")
        return input.like((*input.shape[:-dimensions], *(1,) * dimensions))
    _require_map(input, dimensions)
    _require_filled(input, 1 if dimensions == 3 else len(input.shape) - dimensions)
    shape = (*input.shape[:-dimensions], *_sizes(input, output_size))
    looked_at = dimensions == 3 or 0 not in shape  # torch checks no dtype when the input is empty
    if looked_at and not is_floating(input.dtype):
        raise Refusal("wrong-dtype", f"{{layer}} wants floats, but input is {input.dtype}", "input")
    return input.like(shape)


def _is_mean(input: Tensor, dimensions: int, output_size: tuple[Size | None, ...]) -> bool:
    """Whether torch calls `mean` instead, which takes more ranks and dtypes."""
    rank = len(input.shape)
    if rank < dimensions:
        return False
    sizes = _sizes(input, output_size)
    if all(size == 1 for size in sizes if type(size) is int) and rank not in (dimensions + 1, dimensions + 2):
        return all(assume_equal(size, 1) for size in sizes)
    return all(size == 1 for size in sizes)


def adaptive_largest(dimensions: int, input: Tensor, output_size: tuple[Size | None, ...], return_indices: bool) -> Any:
    """Adaptive max pooling to the given output size, with the indices of the maxima if `return_indices`."""
    _require_map(input, dimensions)
    _require_filled(input, 1)
    if not is_floating(input.dtype):
        raise Refusal("wrong-dtype", f"{{layer}} wants floats, but input is {input.dtype}", "input")
    output = input.like((*input.shape[:-dimensions], *_sizes(input, output_size)))
    return (output, output.like(dtype=INT64)) if return_indices else output


@function(example=("adaptive_avg_pool1d(8)", "16x50"))
def adaptive_avg_pool1d(input: Tensor, output_size: Sizes) -> Tensor:
    """Averages [N, C, L] to a given output length."""
    return adaptive_average("{layer}", 1, input, output_size)


@function(example=("adaptive_avg_pool2d(1)", "512x7x7"))
def adaptive_avg_pool2d(input: Tensor, output_size: SizesOrNone) -> Tensor:
    """Averages [N, C, H, W] to a given output height and width."""
    return adaptive_average("{layer}", 2, input, output_size)


@function(example=("adaptive_avg_pool3d((4, None, 4))", "16x8x8x8"))
def adaptive_avg_pool3d(input: Tensor, output_size: SizesOrNone) -> Tensor:
    """Averages [N, C, D, H, W] to a given output depth, height and width."""
    return adaptive_average("{layer}", 3, input, output_size)


@function(example=("adaptive_max_pool1d(8)", "16x50"))
def adaptive_max_pool1d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """Max-pools [N, C, L] to a given output length."""
    return adaptive_largest(1, input, check_output_size("{layer}", 1, output_size), return_indices)


@function(example=("adaptive_max_pool2d(4)", "16x28x28"))
def adaptive_max_pool2d(input: Tensor, output_size: SizesOrNone, return_indices: bool = False) -> Any:
    """Max-pools [N, C, H, W] to a given output height and width."""
    return adaptive_largest(2, input, check_output_size("{layer}", 2, output_size), return_indices)


@function(example=("adaptive_max_pool3d((4, None, 4))", "16x8x8x8"))
def adaptive_max_pool3d(input: Tensor, output_size: SizesOrNone, return_indices: bool = False) -> Any:
    """Max-pools [N, C, D, H, W] to a given output depth, height and width."""
    return adaptive_largest(3, input, check_output_size("{layer}", 3, output_size), return_indices)
