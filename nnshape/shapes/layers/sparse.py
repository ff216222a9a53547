"""Embedding tables: https://pytorch.org/docs/stable/nn.html#sparse-layers."""

from __future__ import annotations

from typing import Any

from nnshape.shapes.constraints import assume_at_least, assume_equal
from nnshape.shapes.dims import Size
from nnshape.shapes.dtypes import INT64, DType, category, is_complex
from nnshape.shapes.functions import network as functions
from nnshape.shapes.layer_base import Device, Layer
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Tensor


class _Table(Layer):
    """Base of layers with a learnable embedding table."""

    num_embeddings: Size
    embedding_dim: Size

    def check(self) -> None:
        given: Tensor | None = vars(self)["_weight"]
        frozen = vars(self).get("_freeze", False)
        word = "Padding_idx" if isinstance(self, Embedding) else "padding_idx"
        note = f"{word} must be within num_embeddings"
        functions.require_padding(vars(self)["padding_idx"], self.num_embeddings, note)
        if given is None:
            self.require_sizes("num_embeddings", "embedding_dim")
            with in_other_words(frozen):
                self.require_learnable()
            if vars(self)["padding_idx"] == 0 and not assume_at_least(self.num_embeddings, 1):
                raise Refusal("index-error", "`padding_idx` (=0) must be a row, but the table has none", "padding_idx")
        elif given.ndim != 2 or not (
            assume_equal(given.shape[0], self.num_embeddings) and assume_equal(given.shape[1], self.embedding_dim)
        ):
            name, rows, columns = type(self).__name__, self.num_embeddings, self.embedding_dim
            message = f"{name} of {rows} rows of {columns} was given a table of {given}"
            note = "Shape of weight does not match num_embeddings and embedding_dim"
            raise Refusal("size-mismatch", message, "_weight", note=note)
        elif category(given.dtype) < 2 and not frozen:
            message = f"{type(self).__name__} learns its table, and {given.dtype} numbers cannot learn"
            raise Refusal("invalid-argument", message, "_weight")
        table = self.parameters()["weight"]
        if is_complex(table.dtype) and not frozen:
            message = f"{type(self).__name__} cannot learn a table of {table.dtype}"
            raise Refusal("invalid-argument", message, "dtype")

    def parameters(self) -> dict[str, Tensor]:
        given: Tensor | None = vars(self)["_weight"]
        shape = (self.num_embeddings, self.embedding_dim)
        return {"weight": Tensor(shape, self.parameter_dtype if given is None else given.dtype)}


class Embedding(_Table):
    """Looks up a learnable row for each index: [...] -> [..., embedding_dim].

    num_embeddings: the number of rows; indices run from 0 to num_embeddings - 1.
    embedding_dim: the number of features per row.
    padding_idx: the index of padding; its row starts as zeros and is not trained.
    max_norm: the largest norm of a row; longer rows are rescaled on lookup.
    norm_type: the p of the p-norm for max_norm.
    scale_grad_by_freq: whether to divide gradients by each index's frequency in the batch.
    sparse: whether the weight's gradient is a sparse tensor.
    input: the tensor of indices [*], int64 or int32.
    """

    num_embeddings: Size
    embedding_dim: Size
    padding_idx: int | None = None
    max_norm: float | None = None
    norm_type: float = 2.0
    scale_grad_by_freq: bool = False
    sparse: bool = False
    _weight: Tensor | None = None
    _freeze: bool = False
    device: Device | None = None
    dtype: DType | None = None

    functional = functions.embedding
    example = ("Embedding(1000, 64)", "int64[N, T]")

    def forward(self, input: Tensor) -> Tensor:
        table = self.parameters()["weight"]
        result: Tensor = functions.embedding.rule(input, table, None, self.max_norm)
        return result

    def expected_inputs(self, input: Tensor) -> tuple[Tensor]:
        return (Tensor(input.shape, INT64),)

    def derivation(self, input: Tensor) -> tuple[str, ...]:
        return functions.embedding_lines(input, self.parameters()["weight"])


class EmbeddingBag(_Table):
    """Sums, averages or takes the maximum of embedding rows over bags of indices: [N, ...] -> [N, embedding_dim].

    num_embeddings: the number of rows; indices run from 0 to num_embeddings - 1.
    embedding_dim: the number of features per row.
    max_norm: the largest norm of a row; longer rows are rescaled on lookup.
    norm_type: the p of the p-norm for max_norm.
    scale_grad_by_freq: whether to divide gradients by each index's frequency in the batch; not with 'max'.
    mode: 'sum', 'mean' or 'max'.
    sparse: whether the weight's gradient is a sparse tensor; not with 'max'.
    include_last_offset: whether the last offset is the end of the last bag.
    padding_idx: the index of padding, excluded from every bag.
    input: the indices, [B, N] for B bags of equal length, or [N] with offsets.
    """

    num_embeddings: Size
    embedding_dim: Size
    max_norm: float | None = None
    norm_type: float = 2.0
    scale_grad_by_freq: bool = False
    mode: str = "mean"
    sparse: bool = False
    _weight: Tensor | None = None
    include_last_offset: bool = False
    padding_idx: int | None = None
    device: Device | None = None
    dtype: DType | None = None

    functional = functions.embedding_bag
    example = ("EmbeddingBag(1000, 64)", "int64[N, T]")

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        result: Tensor = functions.embedding_bag.rule(
            input,
            self.parameters()["weight"],
            offsets,
            self.max_norm,
            scale_grad_by_freq=self.scale_grad_by_freq,
            mode=self.mode,
            sparse=self.sparse,
            per_sample_weights=per_sample_weights,
            include_last_offset=self.include_last_offset,
        )
        return result

    def expected_inputs(self, input: Tensor, *others: Any, **named: Any) -> tuple[Any, ...]:
        return (Tensor(input.shape, INT64), *others)

    def derivation(self, input: Tensor, *others: Any, **named: Any) -> tuple[str, ...]:
        return functions.bag_lines(*self.forward(input, *others, **named).shape)
