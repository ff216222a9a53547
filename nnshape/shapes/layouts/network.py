"""Layers of maps: the result is contiguous, or channels-last where the input is."""

from __future__ import annotations

from nnshape.shapes.dtypes import is_complex
from nnshape.shapes.layouts.applied import Applied, UnknownLayout, lays_out
from nnshape.shapes.layouts.convolving import takes_onednn
from nnshape.shapes.layouts.formats import (
    channels_last_strides,
    is_channels_last,
    is_channels_last_contiguous,
    suggested_strides,
)
from nnshape.shapes.layouts.iterating import dense_like, elementwise_strides
from nnshape.shapes.layouts.layout import (
    Layout,
    contiguous_layout,
    contiguous_strides,
    is_contiguous,
    is_empty,
    is_one,
    is_plain,
    new_layout,
)
from nnshape.shapes.tensor import Tensor

_MAPS = """
    adaptive_avg_pool2d adaptive_max_pool2d avg_pool2d channel_shuffle group_norm interpolate max_pool2d max_pool3d
    max_unpool2d pixel_shuffle pixel_unshuffle upsample upsample_bilinear upsample_nearest
"""


@lays_out(_MAPS)
def suggested(applied: Applied) -> list[Layout]:
    """Each result is in the memory format that torch suggests for the input."""
    first = applied.operands[0]
    strides = applied.layout(first).strides
    if is_plain(first.shape, strides):
        return [contiguous_layout(output) for output in applied.outputs]
    if (first.ndim != 4 and applied.name not in ("max_pool3d", "group_norm")) or is_empty(applied.outputs[0].shape):
        raise UnknownLayout
    last = is_channels_last(first.shape, strides)
    return [
        new_layout(output.shape, output.dtype, suggested_strides(output.shape, last and output.ndim == first.ndim))
        for output in applied.outputs
    ]


@lays_out("pad")
def pad(applied: Applied) -> Layout:
    """In the memory format of the input, where a constant fills what is added."""
    first, output = applied["input"], applied.result
    strides = applied.layout(first).strides
    if applied.arguments.get("mode", "constant") != "constant":
        if is_plain(first.shape, strides):
            return contiguous_layout(output)
        raise UnknownLayout
    amounts = applied.arguments.get("pad", applied.arguments.get("padding"))
    amounts = amounts if isinstance(amounts, (tuple, list)) else (amounts,)
    if all(type(amount) is int and amount <= 0 for amount in amounts):  # a copy of a part
        return new_layout(output.shape, output.dtype, dense_like(output.shape, strides))
    return new_layout(
        output.shape, output.dtype, suggested_strides(output.shape, is_channels_last(first.shape, strides))
    )


@lays_out(
    "conv2d conv3d conv_transpose2d conv_transpose3d LazyConv2d LazyConv3d LazyConvTranspose2d LazyConvTranspose3d"
)
def convolution(applied: Applied) -> Layout:
    """Channels-last where the input or the weight is, if the kernel keeps it; an input without a batch gets one."""
    output: Tensor = applied.result
    tensors = [tensor for tensor in applied.operands if tensor.ndim > 2]
    if not any(_suggests_channels_last(tensor, applied) for tensor in tensors):
        return contiguous_layout(output)
    places = 3 if "3d" in applied.name else 2
    if output.ndim != places + 2 or all(map(is_one, output.shape[-places:])):
        raise UnknownLayout  # a map of one place fits both formats
    if is_complex(output.dtype):
        raise UnknownLayout  # torch joins two real convolutions
    if places == 3 and not takes_onednn(applied):
        return contiguous_layout(output)
    return new_layout(output.shape, output.dtype, channels_last_strides(output.shape))


@lays_out("conv1d conv_transpose1d LazyConv1d LazyConvTranspose1d")
def convolution_of_sequences(applied: Applied) -> Layout:
    """Contiguous: torch makes a sequence so, before it runs the kernel of maps."""
    first, *weights = applied.operands
    strides = applied.layout(first).strides
    if is_contiguous(first.shape, strides) and not is_plain(first.shape, strides):
        raise UnknownLayout  # nothing is copied, and a sequence of one channel fits both formats of a map
    for weight in weights:  # of the function
        if not is_plain(weight.shape, applied.layout(weight).strides):
            raise UnknownLayout
    return contiguous_layout(applied.result)


def _suggests_channels_last(tensor: Tensor, applied: Applied) -> bool:
    shape, strides = tensor.shape, applied.layout(tensor).strides
    if len(shape) == 3 or (len(shape) == 4 and "3d" in applied.name):
        shape, strides = (1, *shape), (shape[0] * strides[0], *strides)
    return is_channels_last(shape, strides)


@lays_out("batch_norm LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d")
def batch_norm(applied: Applied) -> Layout:
    """Channels-last where the input is so, and not contiguous as well."""
    first, output = applied.operands[0], applied.outputs[0]
    strides = applied.layout(first).strides
    if is_empty(output.shape):
        raise UnknownLayout
    last = is_channels_last_contiguous(first.shape, strides) or is_channels_last(first.shape, strides)
    if is_contiguous(first.shape, strides) or not last:
        return contiguous_layout(output)
    return new_layout(output.shape, output.dtype, channels_last_strides(output.shape))


_FEATURES = "dropout1d dropout2d dropout3d feature_alpha_dropout"


@lays_out(f"dropout alpha_dropout {_FEATURES}")
def dropout(applied: Applied) -> Layout:
    """The input itself in evaluation; in training, its product with the mask."""
    first, output = applied.operands[0], applied.outputs[0]
    layout = applied.layout(first)
    training = applied.arguments.get("training", applied.mode == "training")
    rate = applied["p"]
    if not training or rate == 0 or is_empty(first.shape):
        return layout
    if (
        rate == 1
        or "alpha" in applied.name
        or (applied.name != "dropout" and not is_plain(first.shape, layout.strides))
    ):
        raise UnknownLayout
    if applied.name == "dropout":
        mask = (first.shape, dense_like(first.shape, layout.strides))
    elif first.ndim < 2:
        raise UnknownLayout
    else:
        shape = (*first.shape[:2], *(1 for _ in first.shape[2:]))
        mask = (shape, contiguous_strides(shape))
    return new_layout(
        output.shape, output.dtype, elementwise_strides(output.shape, [(first.shape, layout.strides), mask])
    )


@lays_out("local_response_norm")
def local_response_norm(applied: Applied) -> Layout:
    """The quotient of the input and a contiguous norm."""
    input, output = applied.operands[0], applied.outputs[0]
    strides = applied.layout(input).strides
    if is_plain(input.shape, strides):
        return contiguous_layout(output)
    if input.ndim < 4 or is_empty(input.shape):
        raise UnknownLayout
    operands = [(input.shape, strides), (input.shape, contiguous_strides(input.shape))]
    return new_layout(output.shape, output.dtype, elementwise_strides(output.shape, operands))
