"""One layer of a Transformer: https://pytorch.org/docs/stable/nn.html#transformer-layers.

Stacks of these layers are in `transformer`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.dims import Size
from nnshape.shapes.dtypes import DType
from nnshape.shapes.functions.attention import Heads, attend
from nnshape.shapes.layer_base import Device, Layer
from nnshape.shapes.layers.attention import MultiheadAttention
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, product
from nnshape.shapes.values import number
from nnshape.shapes.windows import torch_shape

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Activation

Parameters = dict[str, Tensor]

#: The arguments of attention, and their names in the enclosing layer.
_ENCODER = {"query": "src", "key": "src", "attn_mask": "src_mask", "key_padding_mask": "src_key_padding_mask"}
_DECODER = {"query": "tgt", "key": "tgt", "attn_mask": "tgt_mask", "key_padding_mask": "tgt_key_padding_mask"}
_MEMORY = {"query": "tgt", "key": "memory", "attn_mask": "memory_mask", "key_padding_mask": "memory_key_padding_mask"}


def renamed(refusal: Refusal, names: Mapping[str, str], masks: Mapping[str, str] = MappingProxyType({})) -> Refusal:
    """The refusal, with its argument renamed to that of the enclosing layer.

    `masks` are the names that torch's message has for the masks, where the enclosing layer checks them itself.
    """
    message = re.sub(r"\w+", lambda word: names.get(word[0], word[0]), str(refusal))
    argument = None if refusal.argument is None else names.get(refusal.argument, refusal.argument)
    note = re.sub(r"types of (\w+)", lambda word: f"types of {masks.get(word[1], word[1])}", refusal.note)
    return Refusal(refusal.problem, message, argument, note=note, division=refusal.division)


def named(prefix: str, parameters: Parameters) -> Iterable[tuple[str, Tensor]]:
    """The parameters of a submodule, with their full names."""
    return ((f"{prefix}.{name}", tensor) for name, tensor in parameters.items())


def _alike(one: Tensor, two: Tensor) -> bool:
    return one.ndim == two.ndim and all(map(assume_equal, one.shape, two.shape))


class _TransformerLayer(Layer):
    """Base of the encoder layer and the decoder layer."""

    if TYPE_CHECKING:
        d_model: Size
        nhead: Size
        dim_feedforward: Size
        dropout: float
        activation: Any
        batch_first: bool
        norm_first: bool
        bias: bool
        device: Device | None
        dtype: DType | None

    auto = {"d_model": (0, -1)}
    #: The attention submodules by torch's names; each has a norm, and the feed-forward network another.
    attentions: ClassVar[tuple[str, ...]] = ("self_attn",)

    def check(self) -> None:
        self._attention()
        self.require_sizes("dim_feedforward")
        if isinstance(self.activation, str) and self.activation not in ("relu", "gelu"):
            message = f"`activation` must be 'relu', 'gelu' or a function, not {self.activation!r}"
            note = f"activation should be relu/gelu, not {self.activation}"
            raise Refusal("invalid-argument", message, "activation", note=note)
        if not 0 <= number(self.dropout, "dropout") <= 1:
            message = f"`dropout` (={self.dropout}) must be a share from 0 to 1"
            raise Refusal("invalid-argument", message, "dropout")

    def _attention(self) -> MultiheadAttention:
        try:
            return MultiheadAttention(
                self.d_model,
                self.nhead,
                dropout=self.dropout,
                bias=self.bias,
                batch_first=self.batch_first,
                dtype=self.dtype,
            )
        except Refusal as refusal:
            names = {"embed_dim": "d_model", "num_heads": "nhead", "MultiheadAttention": type(self).__name__}
            raise renamed(refusal, names) from None

    def attend(
        self,
        names: Mapping[str, str],
        query: Tensor,
        source: Tensor,
        mask: Tensor | None,
        padding: Tensor | None,
        is_causal: bool | None,
    ) -> None:
        """Raise Refusal if these inputs do not match; the result has the query's shape."""
        heads = Heads(self.d_model, self.nhead, dropout=self.dropout)
        causal = is_causal is not None and bool(is_causal)
        try:
            attend(heads, query, source, source, padding, False, mask, False, causal, self.batch_first)
        except Refusal as refusal:
            masks = _ENCODER if names is _ENCODER else {}
            raise renamed(refusal, {**names, "embed_dim": "d_model", "value": names["key"]}, masks) from None

    def require_features(self, input: Tensor, name: str) -> None:
        """Raise Refusal if an input's width or dtype differs from the layer's."""
        arrives = input.shape[-1] if input.shape else 1
        if not assume_equal(arrives, self.d_model):
            verb = "arrives" if arrives == 1 else "arrive"
            message = f"{{layer}} works on {self.d_model} features, but {arrives} {verb} as {name}"
            note = f"was expecting embedding dimension of {self.d_model}, but got {arrives}"
            if self.norm_first:
                note = (
                    f"Given normalized_shape=[{self.d_model}], expected input with shape [*, {self.d_model}], "
                    f"but got input of size{torch_shape(input)}"
                )
            if input.dtype != self.parameter_dtype:
                note = ""  # torch makes the masks first, in the input's dtype
            raise Refusal("size-mismatch", message, "d_model", note=note)
        self.require_dtype(input, name)

    def feed(self, x: Tensor) -> None:
        """Apply the activation to the hidden layer, since it may be any function."""
        if isinstance(self.activation, str):
            return
        wide = x.like((*x.shape[:-1], self.dim_feedforward))
        after = self.activation.apply((wide,), {})
        if not isinstance(after, Tensor) or after.dtype != x.dtype or not _alike(after, wide):
            message = f"{{layer}} wants an activation that keeps its input's shape, but {wide} becomes {after}"
            raise Refusal("size-mismatch", message, "activation")

    def parameters(self) -> Parameters:
        dtype, width, hidden = self.parameter_dtype, self.d_model, self.dim_feedforward
        found: Parameters = {}
        attention = self._attention().parameters()
        for name in self.attentions:
            found.update(named(name, attention))
        vector = {"bias": Tensor((width,), dtype)} if self.bias else {}
        found["linear1.weight"] = Tensor((hidden, width), dtype)
        if self.bias:
            found["linear1.bias"] = Tensor((hidden,), dtype)
        found["linear2.weight"] = Tensor((width, hidden), dtype)
        found.update(named("linear2", vector))
        for index in range(len(self.attentions) + 1):
            found[f"norm{index + 1}.weight"] = Tensor((width,), dtype)
            found.update(named(f"norm{index + 1}", vector))
        if isinstance(self.activation, Layer):
            found.update(named("activation", self.activation.parameters()))
        return found

    def feed_macs(self, input: Tensor) -> Size:
        """MACs of the two linear layers."""
        return product(input.shape) * self.dim_feedforward * 2

    def derivation(self, *inputs: Any, **others: Any) -> tuple[str, ...]:
        return (
            f"each head: {self.d_model} / {self.nhead} = {self.d_model // self.nhead} features",
            f"feed-forward: {self.d_model} -> {self.dim_feedforward} -> {self.d_model}",
        )


class TransformerEncoderLayer(_TransformerLayer):
    """Applies self-attention, then a feed-forward network, each with a residual connection and a layer norm.

    d_model: the number of features per position.
    nhead: the number of attention heads; must divide d_model.
    dim_feedforward: the width of the feed-forward network.
    dropout: the dropout probability in training.
    activation: the feed-forward activation: 'relu', 'gelu' or a function of one tensor.
    layer_norm_eps: the eps of each layer norm.
    batch_first: whether the input is [N, T, features] instead of [T, N, features].
    norm_first: whether to normalize before attention and feed-forward instead of after.
    bias: whether linear layers and layer norms have learnable biases.
    src: the source sequence [S, N, E], [N, S, E] with batch_first, or [S, E].
    """

    d_model: Size
    nhead: Size
    dim_feedforward: Size = 2048
    dropout: float = 0.1
    activation: str | Activation = "relu"
    layer_norm_eps: float = 1e-5
    batch_first: bool = False
    norm_first: bool = False
    bias: bool = True
    device: Device | None = None
    dtype: DType | None = None

    example = ("TransformerEncoderLayer(64, 8, batch_first=True)", "[N, T, 64]")

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        self.require_features(src, "src")
        self.attend(_ENCODER, src, src, src_mask, src_key_padding_mask, is_causal)
        self.feed(src)
        return src.like()

    def expected_inputs(self, src: Tensor, *masks: Any, **others: Any) -> tuple[Tensor] | None:
        if src.ndim not in (2, 3):
            return None
        return (src.like((*src.shape[:-1], self.d_model), self.parameter_dtype),)

    def macs(self, output: Any, src: Tensor, *masks: Any, **others: Any) -> Size:
        return self._attention().macs(None, src, src, src) + self.feed_macs(src)


class TransformerDecoderLayer(_TransformerLayer):
    """Applies self-attention, cross-attention to memory and a feed-forward network, each with residual and norm.

    d_model: the number of features per position.
    nhead: the number of attention heads; must divide d_model.
    dim_feedforward: the width of the feed-forward network.
    dropout: the dropout probability in training.
    activation: the feed-forward activation: 'relu', 'gelu' or a function of one tensor.
    layer_norm_eps: the eps of each layer norm.
    batch_first: whether the inputs are [N, T, features] instead of [T, N, features].
    norm_first: whether to normalize before attention and feed-forward instead of after.
    bias: whether linear layers and layer norms have learnable biases.
    tgt: the target sequence [T, N, E], [N, T, E] with batch_first, or [T, E].
    """

    d_model: Size
    nhead: Size
    dim_feedforward: Size = 2048
    dropout: float = 0.1
    activation: str | Activation = "relu"
    layer_norm_eps: float = 1e-5
    batch_first: bool = False
    norm_first: bool = False
    bias: bool = True
    device: Device | None = None
    dtype: DType | None = None

    attentions = ("self_attn", "multihead_attn")
    example = ("TransformerDecoderLayer(64, 8, batch_first=True)(x, memory)", "[N, T, 64]", "memory=[N, S, 64]")

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        self.require_features(tgt, "tgt")
        self.attend(_DECODER, tgt, tgt, tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        self.require_features(memory, "memory")
        self.attend(_MEMORY, tgt, memory, memory_mask, memory_key_padding_mask, memory_is_causal)
        self.feed(tgt)
        return tgt.like()

    def expected_inputs(self, tgt: Tensor, memory: Tensor, *masks: Any, **others: Any) -> tuple[Tensor, ...] | None:
        if tgt.ndim not in (2, 3):
            return None
        source = memory if memory.ndim == tgt.ndim else tgt
        return tuple(one.like((*one.shape[:-1], self.d_model), self.parameter_dtype) for one in (tgt, source))

    def macs(self, output: Any, tgt: Tensor, memory: Tensor, *masks: Any, **others: Any) -> Size:
        attention = self._attention()
        attended = attention.macs(None, tgt, tgt, tgt) + attention.macs(None, tgt, memory, memory)
        return attended + self.feed_macs(tgt)
