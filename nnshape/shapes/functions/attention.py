"""Attention: https://pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from nnshape.shapes.broadcasting import broadcast, must_expand
from nnshape.shapes.constraints import assume_divisible, assume_equal
from nnshape.shapes.dims import Size, equal
from nnshape.shapes.dtype_names import c_name
from nnshape.shapes.dtypes import FLOAT32, DType, is_floating, promote
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Shape, Tensor, product
from nnshape.shapes.values import number, require_floating
from nnshape.shapes.windows import torch_size


def _bracketed(shape: Shape) -> str:
    return f"[{', '.join(map(str, shape))}]"


@function(example=("scaled_dot_product_attention(x, x, x, is_causal=True)", "[N, 8, T, 64]"))
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Computes softmax(query @ key.T * scale + mask) @ value, scaled dot-product attention.

    dropout_p: the dropout probability of the attention weights.
    scale: the factor of the products; 1 / sqrt(features) if None.
    enable_gqa: whether groups of query heads share one key and value head.
    """
    for name, tensor in (("query", query), ("key", key), ("value", value)):
        if tensor.ndim < 2:
            raise Refusal(
                "wrong-rank", f"{{layer}} wants a {name} of [..., length, features], but {tensor} arrives", name
            )
        require_floating(tensor, name)
        if tensor.dtype != query.dtype:
            message = f"{{layer}} wants one dtype, but query is {query.dtype} and {name} is {tensor.dtype}"
            names = (c_name(one.dtype) for one in (query, key, value))
            note = (
                "Expected query, key, and value to have the same dtype, but got "
                "query.dtype: {} key.dtype: {} and value.dtype: {} instead.".format(*names)
            )
            raise Refusal("wrong-dtype", message, name, note=note)
    if not assume_equal(query.shape[-1], key.shape[-1]):
        message = f"query has {query.shape[-1]} features, but key has {key.shape[-1]}: their product needs as many"
        raise Refusal("size-mismatch", message, "key")
    if not assume_equal(key.shape[-2], value.shape[-2]):
        message = f"key is {key.shape[-2]} long, but value is {value.shape[-2]}: each key needs its value"
        raise Refusal("size-mismatch", message, "value")
    ahead, key_ahead, value_ahead = query.shape[:-2], key.shape[:-2], value.shape[:-2]
    if enable_gqa:
        key_ahead, value_ahead = _grouped(query, key, "key"), _grouped(query, value, "value")
    scores = broadcast(ahead, key_ahead, "match the queries and keys of", "key")
    result = broadcast(scores, value_ahead, "weigh the values of", "value")
    number(dropout_p, "dropout_p")
    fused = _is_fused(query, key, value, attn_mask, dropout_p, enable_gqa)
    whole = (*scores, query.shape[-2], key.shape[-2])
    if attn_mask is not None:
        if attn_mask.dtype not in ("bool", "float32", query.dtype):
            message = f"{{layer}} wants a mask of bool or {query.dtype}, but attn_mask is {attn_mask.dtype}"
            raise Refusal("wrong-dtype", message, "attn_mask")
        if is_causal and not _is_fused(query, key, value, attn_mask, dropout_p, enable_gqa, assume_equal):
            note = "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"
            message = "{layer} is given attn_mask and is_causal=True: a causal mask is made only where none is given"
            raise Refusal("invalid-argument", message, "is_causal", note=note)
        must_expand(attn_mask.shape, whole, "spread the mask", "attn_mask")
        if fused and attn_mask.ndim < 2:
            message = f"{{layer}} wants a mask of [..., {whole[-2]}, {whole[-1]}], but {attn_mask} arrives"
            raise Refusal("wrong-rank", message, "attn_mask")
    if dropout_p < 0 or (dropout_p > 1 and 0 not in whole):
        message = f"`dropout_p` (={dropout_p}) must be a share from 0 to 1"
        raise Refusal("invalid-argument", message, "dropout_p")
    return query.like((*result, query.shape[-2], value.shape[-1]))


def _grouped(query: Tensor, other: Tensor, name: str) -> Shape:
    """The leading sizes of a key or value, whose heads are repeated for each group of query heads."""
    if query.ndim < 3 or other.ndim < 3:
        raise Refusal("wrong-rank", f"enable_gqa wants [..., heads, length, features], but {name} is {other}", name)
    heads, own = query.shape[-3], other.shape[-3]
    if not assume_divisible(heads, own):
        message = f"query's {heads} heads must be divisible by {name}'s {own}"
        note = "Number of heads in key and value must divide the number of heads in "
        raise Refusal("not-divisible", message, name, note=note)
    return (*other.shape[:-3], heads)


def _maybe_equal(one: Size, two: Size) -> bool:
    return equal(one, two) is not False


def _is_fused(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    dropout: float,
    grouped: bool,
    same: Callable[[Size, Size], bool] = _maybe_equal,
) -> bool:
    """Whether torch's CPU uses its fused kernel, which checks masks less strictly."""
    shapes = (query.shape, key.shape, value.shape)
    return (
        dropout <= 0
        and all(len(shape) == 4 for shape in shapes)
        and all(same(shapes[0][d], shape[d]) for shape in shapes[1:] for d in (0, 3))
        and same(shapes[1][1], shapes[2][1])
        and (grouped or same(shapes[0][1], shapes[1][1]))
        and shapes[0][2] != 0
        and shapes[1][2] != 0
        and (mask is None or mask.ndim in (0, 1, 2, 4))
    )


@scaled_dot_product_attention.counts
def _(output: Tensor, query: Tensor, key: Tensor, value: Tensor, *args: Any, **keywords: Any) -> Size:
    return product(output.shape[:-1]) * key.shape[-2] * (query.shape[-1] + value.shape[-1])


class Heads(NamedTuple):
    """The configuration of multi-head attention."""

    embed_dim: Size
    num_heads: Size
    #: Additional keys and values per sample: one each for add_bias_kv and add_zero_attn.
    bias_kv: bool = False
    zero: bool = False
    dropout: float = 0.0


def attend(
    heads: Heads,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
    batch_first: bool = False,
    same_width: bool = True,
) -> tuple[Shape, Shape | None]:
    """The shapes of the output and of the attention weights of multi-head attention."""
    for name, mask in (("key_padding_mask", key_padding_mask), ("attn_mask", attn_mask)):
        if mask is not None and mask.dtype != "bool" and not is_floating(mask.dtype):
            message = f"{{layer}} wants a mask of bool or floats, but {name} is {mask.dtype}"
            note = f"only bool and floating types of {name} are supported"
            raise Refusal("wrong-dtype", message, name, note=note)
    batched = _require_ranks(query, key, value, key_padding_mask, attn_mask, batch_first)
    if is_causal and attn_mask is None:
        note = (
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
        message = "is_causal=True is only a hint about attn_mask, and no attn_mask is given"
        raise Refusal("missing-argument", message, "attn_mask", note=note)
    length, batch = _length_and_batch(query, batched, batch_first)
    source, key_batch = _length_and_batch(key, batched, batch_first)
    embed_dim, count = heads.embed_dim, heads.num_heads
    if not assume_equal(query.shape[-1], embed_dim):
        arrives = query.shape[-1]
        message = f"{{layer}} works on {embed_dim} features, but {arrives} arrive{'s' if arrives == 1 else ''} as query"
        note = f"was expecting embedding dimension of {embed_dim}, but got {arrives}"
        raise Refusal(
            "size-mismatch",
            message,
            "embed_dim",
            note=note,
            arrived=arrives,
            wanted=embed_dim,
            tensor=query,
            dims=(-1,),
        )
    compared = (key.shape, value.shape) if same_width else (key.shape[:-1], value.shape[:-1])
    if not all(map(assume_equal, *compared)):
        keys, values = _bracketed(key.shape), _bracketed(value.shape)
        message = f"{{layer}} needs a value for each key, but key is {keys} and value {values}"
        sizes = [_time_first(tensor, batched, batch_first) for tensor in (key, value)]
        note = (
            f"key shape torch.Size({sizes[0]}) does not match value shape torch.Size({sizes[1]})"
            if same_width
            else f"key's sequence and batch dims torch.Size({sizes[0][:2]}) do not match value's "
            f"torch.Size({sizes[1][:2]})"
        )
        raise Refusal("size-mismatch", message, "value", note=note)
    if source != 0 and not assume_equal(key_batch, batch):
        message = f"{{layer}} gets a batch of {batch} in query, but of {key_batch} in key and value"
        raise Refusal("size-mismatch", message, "key")
    seen = source + heads.bias_kv + heads.zero
    if attn_mask is not None and is_causal and key_padding_mask is None and not need_weights:
        if not batched and attn_mask.ndim == 3:
            _require_mask_shape(attn_mask, (length, source), count, batched)
        attn_mask = None  # the fused kernel builds its own causal mask
    sizes3 = (length, batch, source)
    with in_other_words(len({query.dtype, key.dtype, value.dtype}) > 1):  # then torch's projections fail first
        merged = _require_masks(heads, sizes3, key_padding_mask, attn_mask, query.dtype, need_weights, batched)
    if not need_weights and merged and (batch == 0 or seen == 0) and batch * count != 1:
        message = f"{{layer}} cannot apply its mask to nothing: {query} and {key} arrive"
        raise Refusal("empty-output", message, "key")
    share = number(heads.dropout, "dropout")
    unused = not need_weights and 0 in (length, batch, seen)
    if (share > 1 and not unused) or (share < 0 and not need_weights and not unused):
        raise Refusal("invalid-argument", f"`dropout` (={share}) must be a share from 0 to 1", "dropout")
    if not need_weights:
        return query.shape, None
    weights = (length, seen) if average_attn_weights else (count, length, seen)
    return query.shape, (batch, *weights) if batched else weights


def _time_first(tensor: Tensor, batched: bool, batch_first: bool) -> list[Size]:
    """The sizes in torch's order of work: the length, the batch, the features."""
    return [*_length_and_batch(tensor, batched, batch_first), tensor.shape[-1]]


def _length_and_batch(tensor: Tensor, batched: bool, batch_first: bool) -> tuple[Size, Size]:
    if not batched:
        return tensor.shape[0], 1
    return (tensor.shape[1], tensor.shape[0]) if batch_first else (tensor.shape[0], tensor.shape[1])


def _require_ranks(
    query: Tensor, key: Tensor, value: Tensor, padding: Tensor | None, mask: Tensor | None, batch_first: bool
) -> bool:
    """Whether the inputs are batched. Raises Refusal (wrong-rank) if their ranks do not match."""
    rank = query.ndim
    if rank not in (2, 3):
        order = "[N, T, features]" if batch_first else "[T, N, features]"
        message = f"{{layer}} wants {order}, or [T, features] without a batch, but {query} arrives as query"
        note = f"query should be unbatched 2D or batched 3D tensor but received {rank}-D query tensor"
        raise Refusal("wrong-rank", message, "query", note=note)
    for name, tensor in (("key", key), ("value", value)):
        if tensor.ndim != rank:
            message = f"query has {rank} dimensions, so {name} must too, but {tensor} arrives"
            note = (
                f"For {'batched (3-D)' if rank == 3 else 'unbatched (2-D)'} `query`, expected `key` and `value` to be"
                f" {rank}-D but found {key.ndim}-D and {value.ndim}-D tensors respectively"
            )
            raise Refusal("wrong-rank", message, name, note=note)
    if padding is not None and padding.ndim != rank - 1:
        wanted = "[N, S]" if rank == 3 else "[S]"
        message = f"{{layer}} wants key_padding_mask of {wanted}, but {_bracketed(padding.shape)} arrives"
        raise Refusal("wrong-rank", message, "key_padding_mask")
    if mask is not None and mask.ndim not in (2, 3):
        message = f"{{layer}} wants attn_mask of [T, S] or [N * heads, T, S], but {_bracketed(mask.shape)} arrives"
        raise Refusal("wrong-rank", message, "attn_mask")
    return rank == 3


def _require_mask_shape(mask: Tensor, places: Shape, rows: Size, batched: bool) -> None:
    wanted = places if mask.ndim == 2 else (rows, *places)
    if not all(map(assume_equal, mask.shape, wanted)):
        message = f"{{layer}} wants attn_mask of {_bracketed(wanted)}, but {_bracketed(mask.shape)} arrives"
        note = (
            f"The shape of the {mask.ndim}D attn_mask is {torch_size(mask)}, but should be {_tuple(wanted)}."
            if batched or mask.ndim == 2
            else f"Expected `attn_mask` shape to be {_tuple(wanted)} but got {torch_size(mask)}"
        )
        raise Refusal("size-mismatch", message, "attn_mask", note=note)


def _tuple(sizes: Shape) -> str:
    return f"({', '.join(map(str, sizes))})"


def _require_masks(
    heads: Heads,
    sizes: tuple[Size, Size, Size],
    padding: Tensor | None,
    mask: Tensor | None,
    dtype: DType,
    need_weights: bool,
    batched: bool,
) -> bool:
    """Whether the merged mask is 3D. Raises Refusal if a mask does not fit."""
    length, batch, source = sizes
    used: DType | None = None
    if mask is not None:
        _require_mask_shape(mask, (length, source), batch * heads.num_heads, batched)
        used = dtype if mask.dtype == "bool" else mask.dtype
    if padding is not None:
        wanted = (batch, source)[2 - padding.ndim :]
        if not all(map(assume_equal, padding.shape, wanted)):
            message = (
                f"{{layer}} wants key_padding_mask of {_bracketed(wanted)}, but {_bracketed(padding.shape)} arrives"
            )
            raise Refusal("size-mismatch", message, "key_padding_mask")
        own = dtype if padding.dtype == "bool" else padding.dtype
        used = own if used is None else promote(used, own)
    if used is not None and used != dtype and (need_weights or used != FLOAT32):
        name = "attn_mask" if mask is not None and mask.dtype != "bool" else "key_padding_mask"
        raise Refusal("wrong-dtype", f"{{layer}} wants a mask of bool or {dtype}, but {name} adds {used}", name)
    return padding is not None or (mask is not None and mask.ndim == 3)
