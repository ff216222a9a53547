"""Sliding blocks as columns, and back: fold and unfold.

Source: https://pytorch.org/docs/stable/generated/torch.nn.Unfold.html and torch.nn.Fold.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nnshape.shapes.constraints import assume_at_least, assume_divisible, assume_equal
from nnshape.shapes.dims import Size
from nnshape.shapes.dtypes import category
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, product, shape_text, sizes_text
from nnshape.shapes.windows import each_at_least, least_size, per_dimension, torch_shape, windows

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Sizes

Block = tuple[tuple[Size, ...], tuple[Size, ...], tuple[Size, ...], tuple[Size, ...]]


def check_block(owner: str, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Block:
    """Kernel, stride, padding and dilation of a block. Raises Refusal for invalid ones."""
    kernel, strides, pads, dilations = (
        per_dimension(value, 2, name, owner, spread=False)
        for name, value in (
            ("kernel_size", kernel_size),
            ("stride", stride),
            ("padding", padding),
            ("dilation", dilation),
        )
    )
    each_at_least(kernel, 1, "kernel_size", owner)
    each_at_least(strides, 1, "stride", owner)
    each_at_least(pads, 0, "padding", owner)
    each_at_least(dilations, 1, "dilation", owner)
    return kernel, strides, pads, dilations


def _require_dtype(input: Tensor) -> None:
    if category(input.dtype) == 1 or input.dtype == "complex32":
        raise Refusal("wrong-dtype", f"{{layer}} wants floats, but input is {input.dtype}", "input")


def places(maps: Sequence[Size], block: Block) -> list[Size]:
    """The number of blocks in each dimension."""
    return [windows(size, k, s, p, d) for size, k, s, p, d in zip(maps, *block, strict=True)]


def unfolded(input: Tensor, block: Block) -> Tensor:
    """The sliding blocks of an image as columns. Raises Refusal if torch refuses it."""
    shape = input.shape
    if len(shape) not in (3, 4) or 0 in shape[len(shape) - 3 :]:
        what = shape_text(shape) if shape else "a single number"
        raise Refusal("wrong-rank", f"{{layer}} wants [N, C, H, W], but {what} arrives", "input")
    _require_dtype(input)
    maps = shape[-2:]
    for size, k, s, p, d in zip(maps, *block, strict=True):
        if not assume_at_least(size, least_size(k, s, p, d)):
            message = f"{{layer}}'s {sizes_text(block[0])} blocks do not fit the {sizes_text(maps)} map"
            raise Refusal("empty-output", message, "kernel_size")
    return input.like((*shape[:-3], shape[-3] * product(block[0]), product(places(maps, block))))


def _pair(sizes: Sequence[Size]) -> str:
    return f"({', '.join(map(str, sizes))})"


def folded(input: Tensor, output_size: Sequence[Size], block: Block) -> Tensor:
    """The image that sums these columns where blocks overlap. Raises Refusal if torch refuses it."""
    shape = input.shape
    if len(shape) not in (2, 3) or 0 in shape[len(shape) - 2 :]:
        what = shape_text(shape) if shape else "a single number"
        note = (
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input, but got: {torch_shape(input)}"
        )
        raise Refusal("wrong-rank", f"{{layer}} wants [N, C * block, blocks], but {what} arrives", "input", note=note)
    size = product(block[0])
    if not assume_divisible(shape[-2], size):
        message = f"{{layer}} makes blocks of {sizes_text(block[0])} = {size}, but columns of {shape[-2]} arrive"
        note = (
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, "
            f"but got input.size(1)={shape[-2]} and kernel_size=({', '.join(map(str, block[0]))})."
        )
        raise Refusal("not-divisible", message, "kernel_size", note=note, division=(shape[-2], size))
    counts = places(output_size, block)
    count = product(counts)
    for each in counts:
        if not assume_at_least(each, 1):
            message = f"{{layer}}'s {sizes_text(block[0])} blocks do not fit the {sizes_text(output_size)} map"
            raise Refusal("empty-output", message, "output_size")
    if not assume_equal(shape[-1], count):
        arrive = f"{shape[-1]} arrive{'s' if shape[-1] == 1 else ''}"
        message = (
            f"{{layer}} lays {' * '.join(map(str, counts))} = {count} blocks on {sizes_text(output_size)}, but {arrive}"
        )
        note = (
            f"Given output_size={_pair(output_size)}, kernel_size={_pair(block[0])}, dilation={_pair(block[3])}, "
            f"padding={_pair(block[2])}, stride={_pair(block[1])}, expected size of input's dimension 2 to match the "
            f"calculated number of sliding blocks {' * '.join(map(str, counts))} = {count}, "
            f"but got input.size(2)={shape[-1]}."
        )
        raise Refusal("size-mismatch", message, "output_size", note=note)
    _require_dtype(input)
    return input.like((*shape[:-2], shape[-2] // size, *output_size))


def check_output_size(owner: str, output_size: Any) -> tuple[Size, ...]:
    """The height and width of the output. Raises Refusal for invalid ones."""
    sizes = per_dimension(output_size, 2, "output_size", owner, spread=False)
    each_at_least(sizes, 1, "output_size", owner)
    return sizes


@function(example=("unfold((3, 3))", "3x32x32"))
def unfold(input: Tensor, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> Tensor:
    """Extracts sliding blocks as columns: [N, C, H, W] -> [N, C*block size, number of blocks]."""
    return unfolded(input, check_block("{layer}", kernel_size, dilation, padding, stride))


@function(example=("fold((32, 32), (3, 3))", "27x900"))
def fold(
    input: Tensor, output_size: Sizes, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Tensor:
    """Sums columns back into overlapping blocks: [N, C*block size, number of blocks] -> [N, C, H, W]."""
    block = check_block("{layer}", kernel_size, dilation, padding, stride)
    return folded(input, check_output_size("{layer}", output_size), block)
