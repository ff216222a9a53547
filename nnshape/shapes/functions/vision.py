"""Resizing and rearranging images: https://pytorch.org/docs/stable/nn.functional.html#vision-functions.

The layers of the same names share these rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.shapes.arguments import described
from nnshape.shapes.constraints import assume_at_least, assume_divisible, assume_equal
from nnshape.shapes.dims import Dim, Size
from nnshape.shapes.dtypes import is_floating
from nnshape.shapes.function import function
from nnshape.shapes.functions.adaptive import adaptive_average
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.resizing import scaled
from nnshape.shapes.tensor import Tensor, shape_text, sizes_text
from nnshape.shapes.windows import each_at_least, torch_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnshape.shapes.arguments import Floats, Sizes, WholeTuple

#: The numbers of spatial dimensions that each mode accepts.
MODES = {
    "nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3), "linear": (1,), "bilinear": (2,),
    "bicubic": (2,), "trilinear": (3,), "lanczos": (2,),
}  # fmt: skip


def resized(
    input: Tensor, size: Any, scale_factor: Any, mode: str, align_corners: bool | None, recompute: bool | None,
    antialias: bool = False,
) -> Tensor:  # fmt: skip
    """The input resized by interpolation. Raises Refusal if torch refuses it."""
    if align_corners is not None and mode in ("nearest", "area", "nearest-exact"):
        note = (
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
        raise Refusal(
            "invalid-argument", f"{{layer}} has no corners to align in mode {mode!r}", "align_corners", note=note
        )
    rank = len(input.shape)
    if mode not in MODES:
        message = f"{{layer}} takes one of {', '.join(map(repr, MODES))} as mode, not {described(mode)}"
        raise Refusal("invalid-argument", message, "mode")
    with in_other_words(mode == "area"):
        sizes = _sizes(input, rank - 2, size, scale_factor)
    if rank - 2 not in MODES[mode]:
        wanted = " or ".join(f"{count + 2}D" for count in MODES[mode])
        what = shape_text(input.shape) if input.shape else "a single number"
        message = f"{{layer}} wants {wanted} input in mode {mode!r}, but {what} arrives"
        if rank in (3, 4, 5) and mode in ("linear", "bilinear", "trilinear"):
            note = f"Got {rank}D input, but {mode} mode needs {wanted} input"
        else:
            note = (
                f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {rank}D) for the modes: "
                "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact "
                f"(got {mode})"
            )
        raise Refusal("wrong-rank", message, "input", note="" if recompute or antialias else note)
    if recompute and size is not None:
        note = "recompute_scale_factor is not meaningful with an explicit size."
        message = "{layer} has no scale factor to recompute: size is given"
        raise Refusal("invalid-argument", message, "recompute_scale_factor", note=note)
    if antialias and mode not in ("bilinear", "bicubic", "lanczos"):
        note = (
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
        raise Refusal("invalid-argument", f"{{layer}} cannot antialias in mode {mode!r}", "antialias", note=note)
    if mode == "area":
        return adaptive_average("{layer}", rank - 2, input, sizes)
    if mode == "lanczos" and (align_corners or not antialias):
        message = "{layer} wants antialias=True in mode 'lanczos', and no align_corners"
        raise Refusal("invalid-argument", message, "antialias")
    _require_dtype(input, mode, rank - 2, antialias)
    _require_filled(input, sizes)
    return input.like((*input.shape[:2], *sizes))


def _sizes(input: Tensor, count: int, size: Any, scale_factor: Any) -> list[Size]:
    if (size is None) == (scale_factor is None):
        note = f"{'either' if size is None else 'only one of'} size or scale_factor should be defined"
        message = f"{{layer}} takes size or scale_factor, {'and neither is given' if size is None else 'not both'}"
        raise Refusal("missing-argument" if size is None else "invalid-argument", message, "size", note=note)
    name, given = ("size", size) if size is not None else ("scale_factor", scale_factor)
    if isinstance(given, (tuple, list)) and len(given) != count:
        message = f"{{layer}} wants {count} numbers as {name}, or one, not {described(given)}"
        wanted = "output" if name == "size" else name
        what, letter = ("output size of", "o") if name == "size" else ("scale_factor of shape", "s")
        note = (
            f"Input and {wanted} must have the same number of spatial dimensions, but got input with spatial "
            f"dimensions of {list(input.shape[2:])} and {what} {given}. Please provide input tensor in "
            f"(N, C, d1, d2, ...,dK) format and {'output size' if name == 'size' else name} in "
            f"({letter}1, {letter}2, ...,{letter}K) format."
        )
        raise Refusal("invalid-argument", message, name, note=note)
    values = tuple(given) if isinstance(given, (tuple, list)) else (given,) * count
    if size is not None:
        return list(values)
    return [scaled(length, factor, "scale_factor") for length, factor in zip(input.shape[2:], values, strict=True)]


def _require_dtype(input: Tensor, mode: str, count: int, antialias: bool) -> None:
    dtype = input.dtype
    bytes_too = count == 2 or mode.startswith("nearest")
    if not (is_floating(dtype) or (bytes_too and dtype == "uint8")) or (antialias and dtype in ("float16", "bfloat16")):
        message = f"{{layer}} has no rule for {dtype} in mode {mode!r}, the dtype of input"
        raise Refusal("wrong-dtype", message, "input")


def _sizes_sentence(before: Sequence[Size], after: Sequence[Size]) -> str:
    """torch's message for an empty input or output."""
    names = ("D", "H", "W")[3 - len(before) :]
    given, made = (
        ", ".join(f"{name}: {size}" for name, size in zip(names, sizes, strict=True)) for sizes in (before, after)
    )
    between = " and " if len(before) == 1 else " "
    return f"Input and output sizes should be greater than 0, but got input ({given}){between}output ({made})"


def _require_filled(input: Tensor, sizes: list[Size]) -> None:
    if 0 in input.shape[1:]:
        message = f"{{layer}} wants no empty dimension, but {torch_shape(input)} arrives"
        note = (
            _sizes_sentence(input.shape[2:], sizes)
            if any(type(size) is int and size < 1 for size in (*input.shape[2:], *sizes))
            else f"Non-empty {input.ndim}D data tensor expected but got a tensor with sizes {torch_shape(input)}"
        )
        raise Refusal("empty-output", message, "input", note=note)
    for size in sizes:
        if not assume_at_least(size, 1):
            before, after = sizes_text(input.shape[2:]), sizes_text(sizes)
            note = _sizes_sentence(input.shape[2:], sizes)
            raise Refusal(
                "empty-output", f"{{layer}} scales {before} to {after}: nothing is left", "scale_factor", note=note
            )


@function(example=("interpolate(scale_factor=2)", "16x14x14"))
def interpolate(
    input: Tensor, size: Sizes | None = None, scale_factor: Floats | None = None, mode: str = "nearest",
    align_corners: bool | None = None, recompute_scale_factor: bool | None = None, antialias: bool = False,
) -> Tensor:  # fmt: skip
    """Resizes the spatial dimensions of [N, C, ...] by interpolation.

    size: the spatial size of the output.
    mode: 'nearest', 'linear', 'bilinear', 'bicubic', 'trilinear', 'area' or 'nearest-exact'.
    scale_factor: a factor for the input size, instead of size.
    recompute_scale_factor: whether to interpolate with the factor computed from the rounded output size.
    """
    return resized(input, size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)


@function(example=("upsample(scale_factor=2)", "16x14x14"))
def upsample(
    input: Tensor, size: Sizes | None = None, scale_factor: Floats | None = None, mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:  # fmt: skip
    """Resizes by interpolation; deprecated name of interpolate."""
    return resized(input, size, scale_factor, mode, align_corners, None)


@function(example=("upsample_nearest(scale_factor=2)", "16x14x14"))
def upsample_nearest(input: Tensor, size: Sizes | None = None, scale_factor: Floats | None = None) -> Tensor:
    """Resizes by nearest-neighbor interpolation; deprecated, use interpolate.

    size: the spatial size of the output.
    scale_factor: a factor for the input size, instead of size.
    """
    return resized(input, size, scale_factor, "nearest", None, None)


@function(example=("upsample_bilinear(scale_factor=2)", "16x14x14"))
def upsample_bilinear(input: Tensor, size: Sizes | None = None, scale_factor: Floats | None = None) -> Tensor:
    """Resizes by bilinear interpolation; deprecated, use interpolate.

    size: the spatial size of the output.
    scale_factor: a factor for the input size, instead of size.
    """
    return resized(input, size, scale_factor, "bilinear", True, None)


def check_factor(owner: str, name: str, factor: Size, note: str = "") -> None:
    """Raise Refusal if a factor is not positive; `note` is torch's message."""
    each_at_least((factor,), 1, name, owner, note)


def _require_image(input: Tensor, what: str) -> None:
    if input.dtype == "complex32":
        raise Refusal("wrong-dtype", "{layer} has no rule for complex32, the dtype of input", "input")
    if len(input.shape) < 3:
        arrives = shape_text(input.shape) if input.shape else "a single number"
        note = f"{what} expects input to have at least 3 dimensions, but got input with {len(input.shape)} dimension(s)"
        raise Refusal("wrong-rank", f"{{layer}} wants [N, C, H, W], but {arrives} arrives", "input", note=note)


def shuffled(input: Tensor, factor: Size) -> Tensor:
    """The output of a pixel shuffle: [N, C*r*r, H, W] -> [N, C, H*r, W*r]."""
    _require_image(input, "pixel_shuffle")
    *ahead, channels, height, width = input.shape
    if not assume_divisible(channels, factor * factor):
        message = f"{{layer}} turns {factor} * {factor} channels into one, but {channels} arrive"
        note = (
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={channels} is not divisible by {factor * factor}"
        )
        raise Refusal("not-divisible", message, "upscale_factor", note=note, division=(channels, factor * factor))
    return input.like((*ahead, channels // (factor * factor), height * factor, width * factor))


def unshuffled(input: Tensor, factor: Size) -> Tensor:
    """The output of a pixel unshuffle: [N, C, H*r, W*r] -> [N, C*r*r, H, W]."""
    _require_image(input, "pixel_unshuffle")
    *ahead, channels, height, width = input.shape
    for name, word, at, size in (("high", "height", -2, height), ("wide", "width", -1, width)):
        if not assume_divisible(size, factor):
            message = f"{{layer}} merges {factor}x{factor} pixels into one, but the input is {size} {name}"
            note = (
                f"pixel_unshuffle expects {word} to be divisible by downscale_factor, but input.size({at})={size} "
                f"is not divisible by {factor}"
            )
            raise Refusal("not-divisible", message, "downscale_factor", note=note, division=(size, factor))
    return input.like((*ahead, channels * factor * factor, height // factor, width // factor))


def channels_shuffled(input: Tensor, groups: Size) -> Tensor:
    """The output of a channel shuffle, which has the input's shape."""
    if input.dtype == "complex32":
        raise Refusal("wrong-dtype", "{layer} has no rule for complex32, the dtype of input", "input")
    if len(input.shape) < 3:
        arrives = shape_text(input.shape) if input.shape else "a single number"
        note = f"channel_shuffle expects input with > 2 dims, but got input with sizes {torch_shape(input)}"
        raise Refusal("wrong-rank", f"{{layer}} wants [N, C, H, W], but {arrives} arrives", "input", note=note)
    if not assume_divisible(input.shape[1], groups):
        message = f"{{layer}} makes {groups} groups, but {input.shape[1]} channels arrive"
        note = f"Number of channels must be divisible by groups. Got {input.shape[1]} channels and {groups} groups."
        raise Refusal("not-divisible", message, "groups", note=note, division=(input.shape[1], groups))
    return input.like()


@function(example=("pixel_shuffle(2)", "16x14x14"))
def pixel_shuffle(input: Tensor, upscale_factor: Size) -> Tensor:
    """Rearranges channels into space: [N, C*r*r, H, W] -> [N, C, H*r, W*r]."""
    _require_image(input, "pixel_shuffle")
    note = f"pixel_shuffle expects a positive upscale_factor, but got {upscale_factor}"
    check_factor("{layer}", "upscale_factor", upscale_factor, note)
    return shuffled(input, upscale_factor)


@function(example=("pixel_unshuffle(2)", "16x14x14"))
def pixel_unshuffle(input: Tensor, downscale_factor: Size) -> Tensor:
    """Rearranges space into channels: [N, C, H*r, W*r] -> [N, C*r*r, H, W]."""
    check_factor("{layer}", "downscale_factor", downscale_factor)
    return unshuffled(input, downscale_factor)


@function(example=("channel_shuffle(2)", "16x14x14"))
def channel_shuffle(input: Tensor, groups: Size) -> Tensor:
    """Interleaves the channels of all groups."""
    check_factor("{layer}", "groups", groups)
    return channels_shuffled(input, groups)


@function(example=("grid_sample(x, grid)", "3x32x32", "[N, 8, 8, 2]"))
def grid_sample(
    input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Tensor:
    """Samples the input at the positions of a grid.

    grid: the sampling positions [N, H, W, 2] or [N, D, H, W, 3], normalized to -1 to 1, in the order x, y, z.
    mode: 'bilinear', 'nearest' or 'bicubic'.
    """
    for name, value, known in (
        ("mode", mode, ("bilinear", "nearest", "bicubic")),
        ("padding_mode", padding_mode, ("zeros", "border", "reflection")),
    ):
        if value not in known:
            message = f"{{layer}} takes one of {', '.join(map(repr, known))} as {name}, not {described(value)}"
            raise Refusal("invalid-argument", message, name)
    count = len(input.shape) - 2
    if count not in (2, 3) or len(grid.shape) != count + 2:
        message = f"{{layer}} wants [N, C, H, W] and a grid [N, H, W, 2], but {input} and {grid} arrive"
        raise Refusal("wrong-rank", message, "grid")
    if not assume_equal(input.shape[0], grid.shape[0]):
        message = f"{{layer}} wants a grid for each sample, but {input.shape[0]} and {grid.shape[0]} arrive"
        note = (
            "grid_sampler(): expected grid and input to have same batch size, but got input with sizes "
            f"{torch_shape(input)} and grid with sizes {torch_shape(grid)}"
        )
        raise Refusal("size-mismatch", message, "grid", note=note)
    if not assume_equal(grid.shape[-1], count):
        message = f"{{layer}} wants {count} numbers per position, but the grid ends in {grid.shape[-1]}"
        note = (
            f"grid_sampler(): expected grid to have size {count} in last dimension, "
            f"but got grid with sizes {torch_shape(grid)}"
        )
        raise Refusal("size-mismatch", message, "grid", note=note)
    if 0 in input.shape[2:]:
        raise Refusal("empty-output", f"{{layer}} has nothing to read: {torch_shape(input)} arrives", "input")
    if count == 3 and mode == "bicubic":
        note = "grid_sampler(): bicubic interpolation only supports 4D input"
        raise Refusal("invalid-argument", "{layer} has no mode 'bicubic' for 5D input", "mode", note=note)
    if not is_floating(input.dtype) or input.dtype != grid.dtype:
        message = f"{{layer}} wants floats of one dtype, but input is {input.dtype} and grid {grid.dtype}"
        raise Refusal("wrong-dtype", message, "grid")
    return input.like((*input.shape[:2], *grid.shape[1:-1]))


@function(example=("affine_grid((1, 3, 32, 32))", "[1, 2, 3]"))
def affine_grid(theta: Tensor, size: WholeTuple, align_corners: bool | None = None) -> Tensor:
    """Generates the sampling grid of affine transformations, for grid_sample.

    theta: the affine matrices, [N, 2, 3] or [N, 3, 4].
    """
    count = len(size) - 2
    if not is_floating(theta.dtype):
        note = f"Expected theta to have floating point type, but got torch.{theta.dtype}"
        raise Refusal("wrong-dtype", f"{{layer}} wants floats, but theta is {theta.dtype}", "theta", note=note)
    if not all(isinstance(length, (int, Dim)) for length in size):
        raise Refusal("wrong-type", f"{{layer}} takes whole numbers as size, not {described(size)}", "size")
    if count not in (2, 3):
        note = (
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. "
            f"Got size {tuple(size)}."
        )
        raise Refusal(
            "invalid-argument", f"{{layer}} wants 4 or 5 numbers as size, not {described(size)}", "size", note=note
        )
    wanted = (size[0], count, count + 1)
    if len(theta.shape) != 3:
        raise Refusal("wrong-rank", f"{{layer}} wants theta {_list(wanted)}, but {torch_shape(theta)} arrives", "theta")
    if not all(map(assume_equal, theta.shape, wanted)):
        raise Refusal(
            "size-mismatch", f"{{layer}} wants theta {_list(wanted)}, but {torch_shape(theta)} arrives", "theta"
        )
    for length in size:
        if not assume_at_least(length, 1):
            note = f"Expected non-zero, positive output size. Got {tuple(size)}"
            raise Refusal("invalid-argument", f"{{layer}} wants sizes of 1 or more, not {length}", "size", note=note)
    return theta.like((size[0], *size[2:], count))


def _list(sizes: tuple[Size, ...]) -> str:
    return f"[{', '.join(map(str, sizes))}]"
