"""Recurrent layers, attention and Transformers.

With `batch_first=True` torch computes in the order [T, N, E] and transposes the result, which is not contiguous then.
"""

from __future__ import annotations

from nnshape.shapes.dtypes import is_floating
from nnshape.shapes.layers import find_layer
from nnshape.shapes.layouts.applied import Applied, UnknownLayout, lays_out
from nnshape.shapes.layouts.gradients import has_gradient
from nnshape.shapes.layouts.iterating import dense_like
from nnshape.shapes.layouts.layout import (
    Layout,
    contiguous_layout,
    dense_strides,
    is_empty,
    is_one,
    is_plain,
    new_layout,
    same,
)
from nnshape.shapes.tensor import Tensor

#: The order of a contiguous [T, N, E] that was transposed to [N, T, E], the innermost dimension first.
_TIME_OUTERMOST = (2, 0, 1)


def _transposed(output: Tensor) -> Layout:
    return new_layout(output.shape, output.dtype, dense_strides(output.shape, _TIME_OUTERMOST))


@lays_out("RNN LSTM GRU", regardless=True)
def recurrent(applied: Applied) -> list[Layout]:
    """The output of each step is transposed with batch_first; the states are contiguous."""
    output, *states = applied.outputs
    turned = applied["batch_first"] and output.ndim == 3
    return [_transposed(output) if turned else contiguous_layout(output), *map(contiguous_layout, states)]


@lays_out("pad_packed_sequence", regardless=True)
def padded(applied: Applied) -> list[Layout]:
    """The output is transposed with batch_first, unless torch puts the sequences into another order."""
    output, lengths = applied.outputs
    turned = applied["batch_first"] and applied["sequence"].unsorted_indices is None
    order = (*range(output.ndim - 1, 1, -1), 0, 1)
    layout = new_layout(output.shape, output.dtype, dense_strides(output.shape, order)) if turned else None
    return [layout or contiguous_layout(output), contiguous_layout(lengths)]


@lays_out("MultiheadAttention", regardless=True)
def multihead_attention(applied: Applied) -> list[Layout]:
    """The output is transposed with batch_first, but for the fast path of evaluation without gradients."""
    output, *weights = applied.outputs
    turned = applied["batch_first"] and output.ndim == 3 and not _takes_fast_path(applied)
    return [_transposed(output) if turned else contiguous_layout(output), *map(contiguous_layout, weights)]


def _takes_fast_path(applied: Applied) -> bool:
    """Whether torch calls `_native_multi_head_attention`: see `MultiheadAttention.forward`."""
    query, key, value = applied["query"], applied["key"], applied["value"]
    masks = (applied["attn_mask"], applied["key_padding_mask"])
    return (
        applied.mode == "evaluation without gradients"
        and query is key is value
        and not any(isinstance(mask, Tensor) and is_floating(mask.dtype) for mask in masks)
        and bool(applied["bias"])
        and applied["num_heads"] % 2 == 0
        and not applied["add_bias_kv"]
        and not applied["add_zero_attn"]
        and applied["kdim"] in (None, applied["embed_dim"])
        and applied["vdim"] in (None, applied["embed_dim"])
    )


@lays_out("scaled_dot_product_attention")
def scaled_dot_product_attention(applied: Applied) -> Layout:
    """As the query in the flash kernel, contiguous in the other."""
    query, output = applied["query"], applied.result
    strides = applied.layout(query).strides
    if is_empty(output.shape):
        raise UnknownLayout
    if is_plain(query.shape, strides) or not _takes_flash(applied):
        return contiguous_layout(output)
    return new_layout(output.shape, output.dtype, dense_like(query.shape, strides))


def _takes_flash(applied: Applied) -> bool:
    """Whether torch takes the flash kernel of the CPU: `use_flash_attention_cpp` in sdp_utils_cpp.cpp."""
    query, key, value = tensors = applied["query"], applied["key"], applied["value"]
    if query.ndim != 4 or applied["dropout_p"]:
        return False
    return (
        all(tensor.ndim == 4 and same(applied.layout(tensor).strides[-1], 1) for tensor in tensors)
        and same(query.shape[-1], value.shape[-1])
        and all(same(query.shape[0], tensor.shape[0]) for tensor in (key, value))
        and same(key.shape[1], value.shape[1])
        and (applied["enable_gqa"] or same(query.shape[1], key.shape[1]))
        and not any(type(size) is int and size == 0 for tensor in tensors for size in tensor.shape)
        and (applied["attn_mask"] is None or _takes_mask(applied, applied["attn_mask"]))
    )


def _takes_mask(applied: Applied, mask: Tensor) -> bool:
    """Whether the flash kernel takes this mask: one without a gradient, of two or four dimensions."""
    batch, heads, length, _ = applied["query"].shape
    whole = (batch, heads, length, applied["key"].shape[2])
    if mask.ndim not in (2, 4):
        return False
    if not all(
        size == wanted or is_one(size) or same(size, wanted)
        for size, wanted in zip(mask.shape, whole[-mask.ndim :], strict=True)
    ):
        return False
    learned = has_gradient(mask, applied.mode)
    if learned is None:
        raise UnknownLayout
    return not learned


@lays_out("TransformerEncoderLayer TransformerDecoderLayer")
def transformer_layer(applied: Applied) -> Layout:
    """Contiguous after a norm; with `norm_first` the sum with what arrives, and so laid out as that is."""
    output = applied.result
    if not applied["norm_first"]:
        return contiguous_layout(output)
    first = applied.operands[0]
    strides = applied.layout(first).strides
    if is_plain(first.shape, strides):
        return contiguous_layout(output)
    if applied.name == "TransformerEncoderLayer" and applied.mode == "evaluation without gradients":
        raise UnknownLayout  # its fast path gives a contiguous result
    if 1 in first.shape or 0 in strides:
        raise UnknownLayout  # the order of such a dimension is that of one or the other operand of the sum
    return new_layout(output.shape, output.dtype, dense_like(first.shape, strides))


@lays_out("TransformerEncoder TransformerDecoder")
def transformer_stack(applied: Applied) -> Layout:
    """As the last layer's, or contiguous after a LayerNorm."""
    norm = applied["norm"]
    layer = applied["encoder_layer" if applied.name == "TransformerEncoder" else "decoder_layer"]
    if isinstance(norm, find_layer("LayerNorm")):  # type: ignore[arg-type]
        return contiguous_layout(applied.result)
    if norm is not None:
        raise UnknownLayout
    arguments = {**vars(layer), **applied.arguments}
    return transformer_layer(Applied(type(layer).__name__, arguments, applied.result, applied.mode))


@lays_out("Transformer", regardless=True)
def transformer(applied: Applied) -> Layout:
    """Contiguous after the norms that end it."""
    if applied["custom_decoder"] is not None:
        raise UnknownLayout
    return contiguous_layout(applied.result)
