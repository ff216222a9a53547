"""Transformers: https://pytorch.org/docs/stable/nn.html#transformer-layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from nnshape.shapes.constraints import assume_at_least, assume_equal
from nnshape.shapes.dims import Size
from nnshape.shapes.dtypes import DType, is_floating
from nnshape.shapes.layer_base import Device, Layer
from nnshape.shapes.layers.transformer_layer import (
    Parameters,
    TransformerDecoderLayer,
    TransformerEncoderLayer,
    named,
    renamed,
)
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.values import number, require_few

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Activation

__all__ = [
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
]


class _Stack(Layer):
    """A stack of copies of one layer, each with its own parameters, and an optional final norm."""

    if TYPE_CHECKING:
        num_layers: int
        norm: Layer | None

    #: The argument that holds the layer, and the layer's class.
    part: ClassVar[str]
    part_type: ClassVar[type[Layer]]

    @property
    def layer(self) -> Any:
        """The stacked layer."""
        return vars(self)[self.part]

    def check(self) -> None:
        require_few(number(self.num_layers, "num_layers"), "num_layers")
        if not isinstance(self.layer, self.part_type):
            message = f"{type(self).__name__} stacks a {self.part_type.__name__}, not {type(self.layer).__name__}"
            raise Refusal("wrong-type", message, self.part)

    def resolve(self, inputs: Sequence[Tensor]) -> Layer:
        layer = self.layer.resolve(inputs)
        norm = None if self.norm is None else self.norm.resolve(inputs)
        if layer is self.layer and norm is self.norm:
            return self
        return type(self)(**{**vars(self), self.part: layer, "norm": norm})

    def require_layers(self) -> None:
        """Raise Refusal if the stack is empty."""
        if not assume_at_least(self.num_layers, 1):
            message = f"{{layer}} wants num_layers of 1 or more, not {self.num_layers}"
            raise Refusal("invalid-argument", message, "num_layers")

    def normalized(self, x: Tensor) -> Tensor:
        """The output after the final norm."""
        return x if self.norm is None else self.norm.apply((x,), {})

    def expected_inputs(self, *inputs: Any, **others: Any) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = self.layer.expected_inputs(*inputs, **others)
        return found

    def parameters(self) -> Parameters:
        one = self.layer.parameters()
        found: Parameters = {}
        for index in range(self.num_layers):
            found.update(named(f"layers.{index}", one))
        if self.norm is not None:
            found.update(named("norm", self.norm.parameters()))
        return found

    def buffers(self) -> Parameters:
        return {} if self.norm is None else dict(named("norm", self.norm.buffers()))

    def macs(self, output: Any, *inputs: Any, **others: Any) -> Size:
        size: Size = self.layer.macs(output, *inputs, **others)
        return size * self.num_layers

    def derivation(self, *inputs: Any, **others: Any) -> tuple[str, ...]:
        return (f"{self.num_layers} layers, each:", *(f"  {line}" for line in self.layer.derivation(*inputs, **others)))


class TransformerEncoder(_Stack):
    """Applies a stack of encoder layers, each with its own parameters.

    encoder_layer: the TransformerEncoderLayer to copy.
    num_layers: the number of layers.
    norm: a layer applied after the last, such as LayerNorm; no norm if None.
    enable_nested_tensor: whether to skip padding with nested tensors in evaluation.
    mask_check: whether to check first that the padding mask allows nested tensors.
    src: the source sequence [S, N, E], [N, S, E] with batch_first, or [S, E].
    mask: the attention mask [S, S] of the source.
    is_causal: a hint that mask is causal; None to detect it.
    """

    encoder_layer: Layer
    num_layers: int
    norm: Layer | None = None
    enable_nested_tensor: bool = True
    mask_check: bool = True

    part = "encoder_layer"
    part_type = TransformerEncoderLayer
    example = ("TransformerEncoder(TransformerEncoderLayer(64, 8, batch_first=True), 2)", "[N, T, 64]")

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        self.require_layers()
        try:
            x = self.layer.forward(src, mask, src_key_padding_mask, is_causal)
        except Refusal as refusal:
            raise renamed(refusal, {"src_mask": "mask"}, {"src_mask": "mask"}) from None
        return self.normalized(x)


class TransformerDecoder(_Stack):
    """Applies a stack of decoder layers, each with its own parameters.

    decoder_layer: the TransformerDecoderLayer to copy.
    num_layers: the number of layers.
    norm: a layer applied after the last, such as LayerNorm; no norm if None.
    tgt: the target sequence [T, N, E], [N, T, E] with batch_first, or [T, E].
    """

    decoder_layer: Layer
    num_layers: int
    norm: Layer | None = None

    part = "decoder_layer"
    part_type = TransformerDecoderLayer
    example = (
        "TransformerDecoder(TransformerDecoderLayer(64, 8, batch_first=True), 2)(x, memory)",
        "[N, T, 64]",
        "memory=[N, S, 64]",
    )

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        self.require_layers()
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
        with in_other_words(_asks_first(tgt, tgt_mask)):
            output = self.layer.forward(tgt, memory, *masks, tgt_is_causal, memory_is_causal)
        return self.normalized(output)


def _asks_first(tgt: Tensor, mask: Tensor | None) -> bool:
    """Whether the decoder of torch fails to compare the mask with a causal one, before its layers look at it."""
    return tgt.ndim < 2 or (mask is not None and mask.dtype != "bool" and not is_floating(mask.dtype))


class Transformer(Layer):
    """Encodes a source sequence, then decodes a target sequence that attends to it.

    d_model: the number of features per position.
    nhead: the number of attention heads; must divide d_model.
    num_encoder_layers: the number of encoder layers.
    num_decoder_layers: the number of decoder layers.
    dim_feedforward: the width of the feed-forward network.
    dropout: the dropout probability in training.
    activation: the feed-forward activation: 'relu', 'gelu' or a function of one tensor.
    custom_encoder: a layer to use as the encoder.
    custom_decoder: a layer to use as the decoder.
    layer_norm_eps: the eps of each layer norm.
    batch_first: whether the inputs are [N, T, features] instead of [T, N, features].
    norm_first: whether to normalize before attention and feed-forward instead of after.
    bias: whether linear layers and layer norms have learnable biases.
    src: the source sequence [S, N, E], [N, S, E] with batch_first, or [S, E].
    tgt: the target sequence [T, N, E], [N, T, E] with batch_first, or [T, E].
    """

    d_model: Size = 512
    nhead: Size = 8
    num_encoder_layers: int = 6
    num_decoder_layers: int = 6
    dim_feedforward: Size = 2048
    dropout: float = 0.1
    activation: str | Activation = "relu"
    custom_encoder: Layer | None = None
    custom_decoder: Layer | None = None
    layer_norm_eps: float = 1e-5
    batch_first: bool = False
    norm_first: bool = False
    bias: bool = True
    device: Device | None = None
    dtype: DType | None = None

    auto = {"d_model": (0, -1)}
    example = ("Transformer(64, 8, 2, 2, batch_first=True)(x, tgt)", "[N, S, 64]", "tgt=[N, T, 64]")

    def check(self) -> None:
        require_few(number(self.num_encoder_layers, "num_encoder_layers"), "num_encoder_layers")
        require_few(number(self.num_decoder_layers, "num_decoder_layers"), "num_decoder_layers")
        if self.custom_encoder is None:
            self._layer(TransformerEncoderLayer)
        if self.custom_decoder is None:
            self._layer(TransformerDecoderLayer)

    def _layer(self, kind: type[Any]) -> Any:
        names = ("d_model", "nhead", "dim_feedforward", "dropout", "activation")
        others = ("layer_norm_eps", "batch_first", "norm_first", "bias", "dtype")
        return kind(**{name: vars(self)[name] for name in names + others})

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        self._require_pair(src, tgt)
        if self.custom_encoder is None:
            self._require_layers("num_encoder_layers")
            layer = self._layer(TransformerEncoderLayer)
            try:
                memory = layer.forward(src, src_mask, src_key_padding_mask, src_is_causal)
            except Refusal as refusal:
                raise renamed(refusal, {}, {"src_mask": "mask"}) from None
        else:
            named_masks = {"mask": src_mask, "src_key_padding_mask": src_key_padding_mask, "is_causal": src_is_causal}
            memory = self.custom_encoder.apply((src,), named_masks)
        masks = {
            "tgt_mask": tgt_mask,
            "memory_mask": memory_mask,
            "tgt_key_padding_mask": tgt_key_padding_mask,
            "memory_key_padding_mask": memory_key_padding_mask,
            "tgt_is_causal": tgt_is_causal,
            "memory_is_causal": memory_is_causal,
        }
        if self.custom_decoder is not None:
            return self.custom_decoder.apply((tgt, memory), masks)
        self._require_layers("num_decoder_layers")
        with in_other_words(_asks_first(tgt, tgt_mask)):
            return self._layer(TransformerDecoderLayer).forward(tgt, memory, **masks)

    def _require_layers(self, name: str) -> None:
        if not assume_at_least(vars(self)[name], 1):
            message = f"{{layer}} wants {name} of 1 or more, not {vars(self)[name]}"
            raise Refusal("invalid-argument", message, name)

    def _require_pair(self, src: Tensor, tgt: Tensor) -> None:
        """Raise Refusal if source and target do not match."""
        if min(src.ndim, tgt.ndim) < 2 or src.ndim != tgt.ndim:
            message = (
                f"{{layer}} wants a source and a target, both with a batch or both without, but {src} and {tgt} arrive"
            )
            raise Refusal("wrong-rank", message, "tgt")
        for name, tensor in (("src", src), ("tgt", tgt)):
            arrives = tensor.shape[-1]
            if not assume_equal(arrives, self.d_model):
                message = f"{{layer}} works on {self.d_model} features, but {name} has {arrives}"
                note = "the feature number of src and tgt must be equal to d_model"
                raise Refusal("size-mismatch", message, "d_model", note=note)
        place = 0 if self.batch_first else 1
        if src.ndim == 3 and not assume_equal(src.shape[place], tgt.shape[place]):
            message = f"{{layer}} gets a batch of {src.shape[place]} in src, but of {tgt.shape[place]} in tgt"
            raise Refusal("size-mismatch", message, "tgt", note="the batch number of src and tgt must be equal")

    def expected_inputs(self, src: Tensor, tgt: Tensor, *masks: Any, **others: Any) -> tuple[Tensor, ...] | None:
        if src.ndim not in (2, 3):
            return None
        target = tgt if tgt.ndim == src.ndim else src
        return tuple(one.like((*one.shape[:-1], self.d_model), self.parameter_dtype) for one in (src, target))

    def parameters(self) -> Parameters:
        norm = {"norm.weight": Tensor((self.d_model,), self.parameter_dtype)}
        if self.bias:
            norm["norm.bias"] = norm["norm.weight"].like()
        found: Parameters = {}
        for side, kind in (("encoder", TransformerEncoderLayer), ("decoder", TransformerDecoderLayer)):
            custom: Layer | None = vars(self)[f"custom_{side}"]
            if custom is not None:
                found.update(named(side, custom.parameters()))
                continue
            one = self._layer(kind).parameters()
            for index in range(vars(self)[f"num_{side}_layers"]):
                found.update(named(f"{side}.layers.{index}", one))
            found.update(named(side, norm))
        return found

    def macs(self, output: Any, src: Tensor, tgt: Tensor, *masks: Any, **others: Any) -> Size:
        encoded: Size
        if self.custom_encoder is None:
            encoded = self._layer(TransformerEncoderLayer).macs(None, src) * self.num_encoder_layers
        else:
            encoded = self.custom_encoder.macs(None, src)
        if self.custom_decoder is not None:
            return encoded + self.custom_decoder.macs(output, tgt, src)
        decoded: Size = self._layer(TransformerDecoderLayer).macs(output, tgt, src)
        return encoded + decoded * self.num_decoder_layers

    def derivation(self, src: Tensor, *others: Any, **named: Any) -> tuple[str, ...]:
        lines: tuple[str, ...] = self._layer(TransformerEncoderLayer).derivation(src)
        return (f"{self.num_encoder_layers} encoder and {self.num_decoder_layers} decoder layers, each:", *lines)
