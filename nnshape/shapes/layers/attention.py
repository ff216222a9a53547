"""Multi-head attention: https://pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html."""

from __future__ import annotations

from typing import Any

from nnshape.shapes.constraints import assume_at_least, assume_divisible, assume_equal
from nnshape.shapes.dims import Size, equal
from nnshape.shapes.dtypes import DType, is_complex
from nnshape.shapes.functions.attention import Heads, attend
from nnshape.shapes.layer_base import Device, Layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, product
from nnshape.shapes.values import number


class MultiheadAttention(Layer):
    """Attends from each query to all keys in several heads and returns (output, weights).

    The output has the query's shape; the weights are None if need_weights is False.

    embed_dim: the number of features of the query and of the output; divisible by num_heads.
    num_heads: the number of attention heads; each has embed_dim / num_heads features.
    dropout: the dropout probability of the attention weights in training.
    bias: whether the projections have learnable biases.
    add_bias_kv: whether to append a learnable key and value to each sequence.
    add_zero_attn: whether to append a key and value of zeros to each sequence.
    kdim: the number of features of a key; embed_dim if None.
    vdim: the number of features of a value; embed_dim if None.
    batch_first: whether the inputs are [N, T, features] instead of [T, N, features].
    query: the query tensor [T, N, embed_dim], [N, T, embed_dim] with batch_first, or [T, embed_dim].
    key: the key tensor [S, N, kdim], [N, S, kdim] with batch_first, or [S, kdim].
    value: the value tensor [S, N, vdim], [N, S, vdim] with batch_first, or [S, vdim].
    key_padding_mask: the mask [N, S] or [S] of the keys to ignore (True).
    attn_mask: the mask [T, S] or [N * num_heads, T, S] of keys to ignore (bool), or terms of the scores (float).
    """

    embed_dim: Size
    num_heads: Size
    dropout: float = 0.0
    bias: bool = True
    add_bias_kv: bool = False
    add_zero_attn: bool = False
    kdim: Size | None = None
    vdim: Size | None = None
    batch_first: bool = False
    device: Device | None = None
    dtype: DType | None = None

    auto = {"embed_dim": (0, -1), "kdim": (1, -1), "vdim": (2, -1)}
    returns = "(attn_output, attn_output_weights)"
    example = ("MultiheadAttention(64, 8, batch_first=True)(x, x, x)", "[N, T, 64]")

    def check(self) -> None:
        embed_dim, heads = self.embed_dim, self.num_heads
        for name in ("embed_dim", "num_heads"):
            if not assume_at_least(vars(self)[name], 1):
                note = (
                    "embed_dim and num_heads must be greater than 0, "
                    f"got embed_dim={embed_dim} and num_heads={heads} instead"
                )
                message = f"MultiheadAttention wants {name} of 1 or more, not {vars(self)[name]}"
                raise Refusal("invalid-argument", message, name, note=note)
        if not assume_divisible(embed_dim, heads):
            message = f"`embed_dim` (={embed_dim}) must be divisible by `num_heads` (={heads})"
            note = "embed_dim must be divisible by num_heads"
            raise Refusal("not-divisible", message, "num_heads", note=note, division=(embed_dim, heads))
        for name in ("kdim", "vdim"):
            if vars(self)[name] is not None:
                self.require_sizes(name)
        self.require_learnable()
        if is_complex(self.parameter_dtype):
            raise Refusal("invalid-argument", f"MultiheadAttention cannot compute in {self.parameter_dtype}", "dtype")

    @property
    def same_width(self) -> bool:
        """Whether queries, keys and values have the same width, so that one matrix projects them all."""
        for name in ("kdim", "vdim"):
            width = vars(self)[name]
            if width is not None and width is not self.embed_dim:
                same = equal(width, self.embed_dim)
                if same is None:
                    number(width, name)
                if not same:
                    return False
        return True

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        output, weights = attend(
            Heads(self.embed_dim, self.num_heads, self.add_bias_kv, self.add_zero_attn, self.dropout),
            query,
            key,
            value,
            key_padding_mask,
            need_weights,
            attn_mask,
            average_attn_weights,
            is_causal,
            self.batch_first,
            self.same_width,
        )
        for name, tensor in (("query", query), ("key", key), ("value", value)):
            self.require_dtype(tensor, name)
        self._require_width("kdim", "keys", key)
        self._require_width("vdim", "values", value)
        return query.like(output), None if weights is None else query.like(weights)

    def _require_width(self, field: str, what: str, tensor: Tensor) -> None:
        given: Size | None = vars(self)[field]
        wanted = self.embed_dim if given is None else given
        arrives = tensor.shape[-1]
        if not assume_equal(arrives, wanted):
            message = f"{{layer}} reads {what} of {wanted} features, but {arrives} arrive{'s' if arrives == 1 else ''}"
            named = field if given is not None else "embed_dim"
            raise Refusal("size-mismatch", message, named, arrived=arrives, wanted=wanted, tensor=tensor, dims=(-1,))

    def expected_inputs(
        self, query: Tensor, key: Tensor, value: Tensor, *masks: Any, **others: Any
    ) -> tuple[Tensor, ...] | None:
        if query.ndim not in (2, 3):
            return None
        source = key if key.ndim == query.ndim else query
        widths = (self.embed_dim, self.kdim, self.vdim)
        return tuple(
            tensor.like((*tensor.shape[:-1], self.embed_dim if width is None else width), self.parameter_dtype)
            for tensor, width in zip((query, source, source), widths, strict=True)
        )

    def parameters(self) -> dict[str, Tensor]:
        dtype, width = self.parameter_dtype, self.embed_dim
        found = {}
        if self.same_width:
            found["in_proj_weight"] = Tensor((3 * width, width), dtype)
        else:
            found["q_proj_weight"] = Tensor((width, width), dtype)
            found["k_proj_weight"] = Tensor((width, width if self.kdim is None else self.kdim), dtype)
            found["v_proj_weight"] = Tensor((width, width if self.vdim is None else self.vdim), dtype)
        if self.bias:
            found["in_proj_bias"] = Tensor((3 * width,), dtype)
        if self.add_bias_kv:
            found["bias_k"] = Tensor((1, 1, width), dtype)
            found["bias_v"] = Tensor((1, 1, width), dtype)
        found["out_proj.weight"] = Tensor((width, width), dtype)
        if self.bias:
            found["out_proj.bias"] = Tensor((width,), dtype)
        return found

    def macs(self, output: Any, query: Tensor, key: Tensor, value: Tensor, *others: Any, **named: Any) -> Size:
        width = self.embed_dim
        targets, sources = product(query.shape[:-1]), product(key.shape[:-1])
        length = key.shape[1] if self.batch_first and key.ndim == 3 else key.shape[0]
        seen = length + bool(self.add_bias_kv) + bool(self.add_zero_attn)
        projected = targets * width * width * 2 + sources * width * (key.shape[-1] + value.shape[-1])
        return projected + targets * seen * width * 2

    def derivation(self, query: Tensor, *others: Any, **named: Any) -> tuple[str, ...]:
        return (f"each head: {self.embed_dim} / {self.num_heads} = {self.embed_dim // self.num_heads} features",)
