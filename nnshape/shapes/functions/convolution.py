"""Convolutions: https://pytorch.org/docs/stable/nn.functional.html#convolution-functions.

The layers of the same names share these rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nnshape.shapes.arguments import described
from nnshape.shapes.constraints import assume_at_least, assume_divisible, assume_equal
from nnshape.shapes.dims import Dim, Size, at_least
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import N, Tensor, product, shape_text, sizes_text
from nnshape.shapes.windows import (
    arriving,
    each_at_least,
    layout,
    named_lines,
    per_dimension,
    torch_shape,
    transposed,
    transposed_formula,
    window_span,
    windows_formula,
)

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Sizes


def require_map(input: Tensor, dimensions: int, owner: str = "") -> bool:
    """Whether the input is batched. Raises Refusal (wrong-rank) if its rank is wrong.

    `owner` is the name in torch's message, `conv2d` by default.
    """
    rank = len(input.shape)
    if rank == dimensions + 2:
        return True
    if rank != dimensions + 1:
        note = (
            f"Expected {dimensions + 1}D (unbatched) or {dimensions + 2}D (batched) input to "
            f"{owner or f'conv{dimensions}d'}, but got input of size: {torch_shape(input)}"
        )
        message = f"{{layer}} wants {layout(dimensions)}, but {arriving(input)} arrives"
        raise Refusal("wrong-rank", message, "input", note=note)
    if isinstance(input.shape[0], Dim) and input.shape[0] == N:
        message = f"{{layer}} wants {layout(dimensions)}, but {shape_text(input.shape)} arrives, which has no channels"
        # torch takes the batch for the channels: the trace asks again for a batch of two, and quotes that answer.
        note = f"expected input[1, {', '.join(map(str, input.shape))}]"
        raise Refusal("wrong-rank", message, "input", note=note)
    return False


def require_channels(
    input: Tensor, dimensions: int, channels: Size, weight: tuple[Size, ...], groups: Size, argument: str, note: str
) -> None:
    """Raise Refusal (size-mismatch) if the number of channels differs from the weight's."""
    arrives = input.shape[-1 - dimensions]
    if arrives == channels if type(arrives) is int else assume_equal(arrives, channels):
        return
    plural = "" if channels == 1 else "s"
    message = f"{{layer}} reads {channels} channel{plural}, but {arrives} arrive{'s' if arrives == 1 else ''}"
    batched = input.shape if len(input.shape) == dimensions + 2 else (1, *input.shape)
    sentence = (
        f"Given {note}, weight of size [{', '.join(map(str, weight))}], expected input"
        f"[{', '.join(map(str, batched))}] to have {channels} channels, but got {arrives} channels instead"
    )
    raise Refusal(
        "size-mismatch", message, argument, note=sentence,
        arrived=arrives, wanted=channels, tensor=input, dims=(-1 - dimensions,),
    )  # fmt: skip


def same_padding(kernel: Sequence[Size], dilation: Sequence[Size]) -> list[tuple[Size, Size]]:
    """The padding before and after each dimension for padding='same'."""
    totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return [(total // 2, total - total // 2) for total in totals]


def convolve(
    dimensions: int, input: Tensor, weight: tuple[Size, ...], stride: Sequence[Size], padding: str | Sequence[Size],
    dilation: Sequence[Size], groups: Size, argument: str,
) -> Tensor:  # fmt: skip
    """The output of a convolution with a weight of this shape; `argument` names the source of its channels.

    Raises Refusal if torch refuses the input.
    """
    require_map(input, dimensions)
    channels = weight[1] * groups
    with in_other_words(
        padding == "same" and any(k % 2 == 0 for k in weight[2:] if type(k) is int)
    ):  # torch pads first
        require_channels(input, dimensions, channels, weight, groups, argument, f"groups={groups}")
    shape = input.shape
    maps = shape[-dimensions:]
    kernel = weight[2:]
    sizes: list[Size] = []
    if padding == "same":
        sizes += maps
        for size in maps:
            if not assume_at_least(size, 1):
                with in_other_words():  # torch names the padded sizes, which depend on how it splits the padding
                    raise _does_not_fit(maps, kernel, maps, dilation)
    else:
        pads = (0,) * dimensions if isinstance(padding, str) else padding
        for size, k, s, p, d in zip(maps, kernel, stride, pads, dilation, strict=True):
            least = d * (k - 1) + 1 - 2 * p
            if (size < least or size < 1) if type(size) is type(least) is int else not assume_at_least(size, least):
                raise _does_not_fit(maps, kernel, [m + 2 * q for m, q in zip(maps, pads, strict=True)], dilation)
            sizes.append((size - least) // s + 1)
    return Tensor((*shape[: -1 - dimensions], weight[0], *sizes), input.dtype)


def _does_not_fit(
    maps: Sequence[Size], kernel: Sequence[Size], room: Sequence[Size], dilation: Sequence[Size]
) -> Refusal:
    spans = [window_span(k, d) for k, d in zip(kernel, dilation, strict=True)]
    reach = "" if all(d == 1 for d in dilation) else f", spread over {sizes_text(spans)},"
    wide = "" if list(room) == list(maps) else f", padded to {sizes_text(room)}"
    what = "map" if len(maps) > 1 else "values that arrive"
    message = f"{{layer}}'s {sizes_text(kernel)} kernel{reach} does not fit the {sizes_text(maps)} {what}{wide}"
    if len(maps) == 1:
        message = f"{{layer}}'s kernel of {kernel[0]}{reach} does not fit the {maps[0]} {what}{wide}"
    note = (
        f"Calculated padded input size per channel: ({' x '.join(map(str, room))}). "
        f"Kernel size: ({' x '.join(map(str, spans))}). Kernel size can't be greater than actual input size"
    )
    return Refusal("empty-output", message, "kernel_size", note=note, dims=tuple(range(-len(maps), 0)))


def convolve_transposed(
    dimensions: int, input: Tensor, weight: tuple[Size, ...], stride: Sequence[Size], padding: Sequence[Size],
    output_padding: Sequence[Size], dilation: Sequence[Size], groups: Size, argument: str,
) -> Tensor:  # fmt: skip
    """The output of a transposed convolution with a weight of this shape.

    Raises Refusal if torch refuses the input.
    """
    require_map(input, dimensions, f"conv_transpose{dimensions}d")
    require_channels(input, dimensions, weight[0], weight, groups, argument, "transposed=1")
    shape = input.shape
    sizes = [
        transposed(size, *window)
        for size, *window in zip(
            shape[-dimensions:], weight[2:], stride, padding, output_padding, dilation, strict=True
        )
    ]
    for size, made in zip(shape[-dimensions:], sizes, strict=True):
        if not assume_at_least(made, 1) or not assume_at_least(size, 1):
            before, after = sizes_text(shape[-dimensions:]), sizes_text(sizes)
            message = f"{{layer}} leaves nothing of {before}: its output would be {after}"
            note = (
                f"Given input size per channel: ({' x '.join(map(str, shape[-dimensions:]))}). "
                f"Calculated output size per channel: ({' x '.join(map(str, sizes))}). Output size is too small"
                if 0 not in shape and all(at_least(each, 0) for each in sizes)
                else ""
            )
            raise Refusal("empty-output", message, "padding", note=note)
    return Tensor((*shape[: -1 - dimensions], weight[1] * groups, *sizes), input.dtype)


def check_window(
    owner: str, dimensions: int, stride: Any, padding: Any, dilation: Any
) -> tuple[tuple[Size, ...], str | tuple[Size, ...], tuple[Size, ...]]:
    """Stride, padding and dilation per dimension. Raises Refusal for invalid ones."""
    strides = per_dimension(stride, dimensions, "stride", owner)
    each_at_least(strides, 1, "stride", owner)
    dilations = per_dimension(dilation, dimensions, "dilation", owner)
    each_at_least(dilations, 1, "dilation", owner)
    if isinstance(padding, str):
        check_padding_name(owner, padding, strides)
        return strides, padding, dilations
    pads = per_dimension(padding, dimensions, "padding", owner)
    each_at_least(pads, 0, "padding", owner)
    return strides, pads, dilations


def check_padding_name(owner: str, padding: str, strides: Sequence[Size]) -> None:
    """Raise Refusal if the padding is neither 'same' nor 'valid', or is 'same' with a stride."""
    if padding not in ("same", "valid"):
        message = f"{owner} takes a size, 'same' or 'valid' as padding, not {described(padding)}"
        raise Refusal("invalid-argument", message, "padding")
    if padding == "same" and not all(assume_equal(stride, 1) for stride in strides):
        alike = all(stride == strides[0] for stride in strides)
        written = str(strides[0]) if alike else sizes_text(strides)
        message = f"{owner} keeps the size of its input with padding='same', so `stride` (={written}) must be 1"
        note = "padding='same' is not supported for strided convolutions"
        raise Refusal("invalid-argument", message, "stride", note=note)


def check_output_padding(
    owner: str, output_padding: Sequence[Size], strides: Sequence[Size], dilations: Sequence[Size]
) -> None:
    """Raise Refusal if an output padding is not smaller than the stride or the dilation."""
    each_at_least(output_padding, 0, "output_padding", owner)
    for extra, stride, dilation in zip(output_padding, strides, dilations, strict=True):
        wide = stride if assume_bigger(stride, dilation) else dilation
        if not assume_at_least(wide - 1, extra):
            message = (
                f"`output_padding` (={extra}) must be smaller than `stride` (={stride}) or `dilation` (={dilation})"
            )
            raise Refusal(
                "invalid-argument",
                message,
                "output_padding",
                note=_wide_output_padding(output_padding, strides, dilations),
            )


def _wide_output_padding(output_padding: Sequence[Size], strides: Sequence[Size], dilations: Sequence[Size]) -> str:
    """torch's message for an output padding that is too wide; a convolution of one dimension is one of a row."""
    numbers = []
    for name, given, ahead in (
        ("output_padding", output_padding, 0),
        ("stride", strides, 1),
        ("dilation", dilations, 1),
    ):
        sizes = (ahead, *given) if len(given) == 1 else tuple(given)
        names = ("depth", "height", "width")[-len(sizes) :]
        numbers += [f"{name}_{axis}: {size}" for axis, size in zip(names, sizes, strict=True)]
    return f"output padding must be smaller than either stride or dilation, but got {' '.join(numbers)}"


def assume_bigger(one: Size, two: Size) -> bool:
    """Whether one number is larger than another; assumed and recorded for symbolic sizes."""
    return one >= two if type(one) is int and type(two) is int else True


def _weight(input: Tensor, weight: Tensor, bias: Tensor | None, dimensions: int, groups: Size, transpose: bool) -> None:
    if len(weight.shape) != dimensions + 2:
        letters = "in_channels, out_channels/groups" if transpose else "out_channels, in_channels/groups"
        message = f"{{layer}} wants a weight [{letters}, {'kernel, ' * dimensions}".removesuffix(", ") + (
            f"], but {torch_shape(weight)} arrives"
        )
        raise Refusal("wrong-rank", message, "weight")
    for name, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and tensor.dtype != input.dtype:
            raise Refusal(
                "wrong-dtype", f"{{layer}} wants one dtype, but input is {input.dtype} and {name} {tensor.dtype}", name
            )
    each_at_least((groups,), 1, "groups", "{layer}")
    if not assume_at_least(weight.shape[0], groups) or not assume_divisible(weight.shape[0], groups):
        message = f"the first size of weight (={weight.shape[0]}) must be divisible by `groups` (={groups})"
        raise Refusal("not-divisible", message, "groups", division=(weight.shape[0], groups))
    makes = weight.shape[1] * groups if transpose else weight.shape[0]
    if bias is not None and (len(bias.shape) != 1 or not assume_equal(bias.shape[0], makes)):
        message = f"{{layer}} makes {makes} channels, but bias is {torch_shape(bias)}"
        raise Refusal("size-mismatch", message, "bias")
    each_at_least(weight.shape[2:], 1, "a kernel", "{layer}")
    each_at_least(weight.shape[:2], 1, "channels", "{layer}")


def _forward(
    dimensions: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any,
    groups: Size,
) -> Tensor:  # fmt: skip
    strides, pads, dilations = check_window("{layer}", dimensions, stride, padding, dilation)
    require_map(input, dimensions)
    _weight(input, weight, bias, dimensions, groups, False)
    return convolve(dimensions, input, weight.shape, strides, pads, dilations, groups, "weight")


def _backward(
    dimensions: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, output_padding: Any,
    groups: Size, dilation: Any,
) -> Tensor:  # fmt: skip
    strides, pads, dilations = check_window("{layer}", dimensions, stride, padding, dilation)
    assert not isinstance(pads, str)
    extra = per_dimension(output_padding, dimensions, "output_padding", "{layer}")
    with in_other_words(len(input.shape) != dimensions + 2 or input.shape[1:2] != weight.shape[:1]):
        check_output_padding("{layer}", extra, strides, dilations)
    require_map(input, dimensions, f"conv_transpose{dimensions}d")
    _weight(input, weight, bias, dimensions, groups, True)
    return convolve_transposed(dimensions, input, weight.shape, strides, pads, extra, dilations, groups, "weight")


def _macs(output: Tensor, input: Tensor, weight: Tensor, *_: Any, **__: Any) -> Size:
    return output.numel() * product(weight.shape[1:])


def _macs_transposed(output: Tensor, input: Tensor, weight: Tensor, *_: Any, **__: Any) -> Size:
    return input.numel() * product(weight.shape[1:])


def _lines(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: Size
) -> tuple[str, ...]:
    count = len(weight.shape) - 2
    strides, pads, dilations = check_window("{layer}", count, stride, padding, dilation)
    maps = input.shape[-count:]
    if pads == "same":
        return named_lines(count, [f"{size}, kept by padding='same'" for size in maps])
    sides = (0,) * count if isinstance(pads, str) else pads
    slides = zip(maps, weight.shape[2:], strides, sides, dilations, strict=True)
    return named_lines(count, [windows_formula(*slide) for slide in slides])


def _lines_transposed(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, output_padding: Any, groups: Size,
    dilation: Any,
) -> tuple[str, ...]:  # fmt: skip
    count = len(weight.shape) - 2
    strides, pads, dilations = check_window("{layer}", count, stride, padding, dilation)
    extra = per_dimension(output_padding, count, "output_padding", "{layer}")
    slides = zip(input.shape[-count:], weight.shape[2:], strides, pads, extra, dilations, strict=True)
    return named_lines(count, [transposed_formula(*slide) for slide in slides])


@function(example=("conv1d(x, weight)", "3x32", "[6, 3, 5]"))
def conv1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes | str = 0,
    dilation: Sizes = 1, groups: Size = 1,
) -> Tensor:  # fmt: skip
    """Applies a 1D convolution to [N, C, L]."""
    return _forward(1, input, weight, bias, stride, padding, dilation, groups)


@function(example=("conv2d(x, weight)", "3x32x32", "[6, 3, 5, 5]"))
def conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes | str = 0,
    dilation: Sizes = 1, groups: Size = 1,
) -> Tensor:  # fmt: skip
    """Applies a 2D convolution to [N, C, H, W]."""
    return _forward(2, input, weight, bias, stride, padding, dilation, groups)


@function(example=("conv3d(x, weight)", "3x8x8x8", "[6, 3, 5, 5, 5]"))
def conv3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes | str = 0,
    dilation: Sizes = 1, groups: Size = 1,
) -> Tensor:  # fmt: skip
    """Applies a 3D convolution to [N, C, D, H, W]."""
    return _forward(3, input, weight, bias, stride, padding, dilation, groups)


@function(example=("conv_transpose1d(x, weight, stride=2)", "6x16", "[6, 3, 2]"))
def conv_transpose1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes = 0,
    output_padding: Sizes = 0, groups: Size = 1, dilation: Sizes = 1,
) -> Tensor:  # fmt: skip
    """Applies a 1D transposed convolution to [N, C, L], which upsamples by its stride."""
    return _backward(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


@function(example=("conv_transpose2d(x, weight, stride=2)", "6x16x16", "[6, 3, 2, 2]"))
def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes = 0,
    output_padding: Sizes = 0, groups: Size = 1, dilation: Sizes = 1,
) -> Tensor:  # fmt: skip
    """Applies a 2D transposed convolution to [N, C, H, W], which upsamples by its stride."""
    return _backward(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


@function(example=("conv_transpose3d(x, weight, stride=2)", "6x4x4x4", "[6, 3, 2, 2, 2]"))
def conv_transpose3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes = 0,
    output_padding: Sizes = 0, groups: Size = 1, dilation: Sizes = 1,
) -> Tensor:  # fmt: skip
    """Applies a 3D transposed convolution to [N, C, D, H, W], which upsamples by its stride."""
    return _backward(3, input, weight, bias, stride, padding, output_padding, groups, dilation)


for _declared in (conv1d, conv2d, conv3d):
    _declared.counts(_macs)
    _declared.derives(_lines)
for _declared in (conv_transpose1d, conv_transpose2d, conv_transpose3d):
    _declared.counts(_macs_transposed)
    _declared.derives(_lines_transposed)
