"""Embeddings and linear layers: https://pytorch.org/docs/stable/nn.functional.html#sparse-functions.

The layers of the same names share these rules.
"""

from __future__ import annotations

from typing import Any

from nnshape.shapes.broadcasting import must_expand
from nnshape.shapes.constraints import assume_at_least, assume_equal
from nnshape.shapes.dims import Dim, Size, substitute
from nnshape.shapes.dtype_names import c_name, scalar_name, tensor_type
from nnshape.shapes.dtypes import INT64, category, is_floating, promote
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Shape, Tensor, product, shape_text
from nnshape.shapes.values import number, require_floating


def require_indices(input: Tensor, owner: str, renorms: bool) -> None:
    """Raise Refusal (wrong-dtype) if a tensor's dtype cannot index a table.

    `owner` is the function in torch's message, `renorms` whether it limits the norm of the rows first.
    """
    name = "input"
    if input.dtype != "int64" and input.dtype != "int32":
        kind = "whole numbers" if category(input.dtype) > 1 else "int64 or int32 indices"
        wanted = ", ".join(map(str, input.shape))
        raise Refusal(
            "wrong-dtype",
            f"{{layer}} looks up {kind}, but {{{name}}} is {input.dtype}",
            name,
            note=f"Expected tensor for argument #{2 if renorms else 1} 'indices' to have one of the following scalar "
            f"types: Long, Int; but got {tensor_type(input.dtype)} instead (while checking arguments for "
            f"{'embedding_renorm_' if renorms else owner})",
            tensor=input,
            names={name: (input, name)},
            help=f"declare it as int64[{wanted}]",
        )


def require_in_table(input: Tensor, rows: Size, name: str = "input") -> None:
    """Raise Refusal (index-error) if an index is known to be outside a table of so many rows."""
    if input.span is None:
        if 0 not in input.shape and not assume_at_least(rows, 1):
            message = f"{{layer}} has no rows to look up, but {input} arrives"
            raise Refusal("index-error", message, "num_embeddings")
        return
    low, high = input.span
    if not (assume_at_least(low, 0) and assume_at_least(rows - 1, high)):
        reaches = f"reaches {high}" if assume_at_least(low, 0) else f"goes down to {low}"
        message = f"{{layer}} has {rows} rows (0 to {rows - 1}), but {{indices}} {reaches}"
        names = {"indices": (input, name)}
        raise Refusal("index-error", message, "num_embeddings", note="index out of range in self", names=names)


def require_padding(padding_idx: int | None, rows: Size, note: str = "") -> None:
    """Raise Refusal (index-error) if the padding row lies outside the table; `note` is torch's message."""
    if padding_idx is None:
        return
    padding = number(padding_idx, "padding_idx")
    if padding != 0 and not assume_at_least(rows, padding + 1 if padding > 0 else -padding):
        message = f"`padding_idx` (={padding}) must be a row of the table's {rows}"
        raise Refusal("index-error", message, "padding_idx", note=note)


@function(example=("embedding(Parameter(1000, 64))", "int64[N, T]"))
def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Looks up a row of a table for each index: [...] -> [..., embedding_dim]."""
    if weight.ndim != 2:
        if padding_idx is not None and not weight.shape:
            raise Refusal(
                "wrong-rank", "{layer} wants a table of two dimensions, but a single number arrives", "weight"
            )
        raise Refusal("wrong-rank", f"{{layer}} wants a table of two dimensions, but {weight} arrives", "weight")
    require_padding(padding_idx, weight.shape[0], "Padding_idx must be within num_embeddings")
    require_indices(input, "embedding", max_norm is not None)
    if max_norm is not None and category(weight.dtype) < 2 and 0 not in input.shape:
        raise Refusal("wrong-dtype", f"{{layer}} cannot limit the norm of {weight.dtype} rows", "max_norm")
    require_in_table(input, weight.shape[0])
    return Tensor((*input.shape, weight.shape[1]), weight.dtype)


@function(example=("one_hot(10)", "int64[N]"), method=False)
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """One-hot encodes class indices: [...] -> [..., num_classes].

    num_classes: the number of classes; -1 infers it from the values.
    """
    if tensor.dtype != "int64":
        message = f"{{layer}} wants class indices of int64, but {tensor.dtype} arrives"
        note = "one_hot is only applicable to index tensor of type LongTensor."
        raise Refusal("wrong-dtype", message, "tensor", note=note)
    classes = num_classes
    if isinstance(classes, int) and classes <= 0 and 0 in tensor.shape:
        message = f"{{layer}} cannot infer the number of classes from no indices: give it num_classes, not {classes}"
        raise Refusal("invalid-argument", message, "num_classes")
    if isinstance(classes, int) and classes == -1:
        raise Refusal(
            "unknown-value", "{layer} infers the number of classes from the values: give it num_classes", "num_classes"
        )
    if not assume_at_least(classes, 1):
        message = f"{{layer}} wants num_classes of 1 or more, not {classes}"
        raise Refusal("invalid-argument", message, "num_classes", note="Class values must be smaller than num_classes.")
    if tensor.span is not None and not assume_at_least(classes - 1, tensor.span[1]):
        message = f"{{layer}} has {classes} classes (0 to {classes - 1}), but an index reaches {tensor.span[1]}"
        raise Refusal("index-error", message, "num_classes", note="Class values must be smaller than num_classes.")
    return Tensor((*tensor.shape, classes), INT64)


@function(example=("embedding_bag(Parameter(1000, 64))", "int64[N, T]"))
def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Sums, averages or takes the maximum of a table's rows over bags of indices.

    offsets: the start of each bag in a flat input.
    per_sample_weights: a factor per index, in mode 'sum'.
    """
    if weight.dtype == "int64" and is_floating(input.dtype):  # torch's old argument order
        input, weight = weight, input
    if weight.ndim != 2:
        raise Refusal("wrong-rank", f"{{layer}} wants a table of two dimensions, but {weight} arrives", "weight")
    _require_sample_weights(input, weight, per_sample_weights, mode)
    bags = _bags(input, offsets, include_last_offset)
    if mode not in ("sum", "mean", "max"):
        message = f"`mode` must be 'sum', 'mean' or 'max', not {mode!r}"
        raise Refusal("invalid-argument", message, "mode", note="mode has to be one of sum, mean or max")
    for name, given in (("scale_grad_by_freq", scale_grad_by_freq), ("sparse", sparse)):
        if mode == "max" and given:
            raise Refusal("invalid-argument", f"mode 'max' has no gradient for {name}=True", name)
    if max_norm is not None or offsets is None:
        indices = input
    else:
        indices = input.like(dtype=promote(input.dtype, offsets.dtype))
    with in_other_words(category(input.dtype) not in (1, 2)):  # torch counts the bags first, in the input's dtype
        require_indices(indices, "embedding_bag", max_norm is not None)
    require_floating(weight, "weight")
    if bags != 0:
        require_in_table(input, weight.shape[0])
    require_padding(padding_idx, weight.shape[0])
    if padding_idx == 0 and not assume_at_least(weight.shape[0], 1):
        raise Refusal("index-error", "`padding_idx` (=0) must be a row, but the table has none", "padding_idx")
    return Tensor((bags, weight.shape[1]), weight.dtype)


def _bags(input: Tensor, offsets: Tensor | None, include_last_offset: bool) -> Size:
    """The number of bags. Raises Refusal if indices and offsets do not match."""
    if input.ndim == 2:
        if offsets is not None:
            message = f"each row of {input} is a bag, so {{layer}} takes no offsets"
            note = (
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
                "sequences. However, found offsets of type <class 'torch.Tensor'>"
            )
            raise Refusal("invalid-argument", message, "offsets", note=note)
        if not assume_at_least(input.shape[1], 1):
            raise Refusal("empty-output", f"{{layer}} wants indices in each bag, but {input} arrives", "input")
        return input.shape[0]
    if input.ndim != 1:
        message = f"{{layer}} wants indices of [N, T], or [T] with offsets, but {input} arrives"
        note = f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}"
        raise Refusal("wrong-rank", message, "input", note=note)
    if offsets is None:
        message = f"{{layer}} wants offsets, the start of each bag, for the flat {input}"
        raise Refusal("missing-argument", message, "offsets", note="offsets has to be a 1D Tensor but got None")
    if offsets.ndim != 1:
        message = f"{{layer}} wants offsets of one dimension, but {offsets} arrives"
        raise Refusal("wrong-rank", message, "offsets", note="offsets has to be a 1D Tensor")
    if not include_last_offset:
        return offsets.shape[0]
    if not assume_at_least(offsets.shape[0], 1):
        note = "include_last_offset: number of offset should be at least 1"
        raise Refusal("empty-output", "{layer} wants the end of the last bag among its offsets", "offsets", note=note)
    return offsets.shape[0] - 1


def _require_sample_weights(input: Tensor, weight: Tensor, given: Tensor | None, mode: str) -> None:
    if given is None:
        return
    if given.ndim != input.ndim or not all(map(assume_equal, given.shape, input.shape)):
        message = f"{{layer}} wants a weight for each index of {input}, but {given} arrives"
        raise Refusal("size-mismatch", message, "per_sample_weights")
    if mode != "sum":
        message = f"{{layer}} weighs its samples with mode 'sum' only, not {mode!r}"
        raise Refusal("invalid-argument", message, "per_sample_weights")
    if given.dtype != weight.dtype:
        message = f"{{layer}} wants weights of {weight.dtype}, but per_sample_weights is {given.dtype}"
        raise Refusal("wrong-dtype", message, "per_sample_weights")


def dtypes_sentence(input: Tensor, weight: str, bias: bool) -> str:
    """torch's message for a linear map whose input and weight differ in dtype."""
    if bias:
        names = f"{scalar_name(input.dtype)} and {scalar_name(weight)}"
        return f"mat1 and mat2 must have the same dtype, but got {names}"
    return f"expected m1 and m2 to have the same dtype, but got: {c_name(input.dtype)} != {c_name(weight)}"


def _require_one_dtype(first: Tensor, **others: Tensor | None) -> None:
    """Raise Refusal if the tensors of a matrix product differ in dtype, or torch has no product for it."""
    if first.dtype in ("bool", "complex32"):
        raise Refusal("wrong-dtype", f"{{layer}} cannot multiply {first.dtype}, the dtype of input", "input")
    for name, tensor in others.items():
        if tensor is not None and tensor.dtype != first.dtype:
            message = f"{{layer}} wants one dtype, but input is {first.dtype} and {name} is {tensor.dtype}"
            raise Refusal("wrong-dtype", message, name)


def mapped(input: Tensor, weight: Shape, argument: str) -> Tensor:
    """The output of a linear map [*, in] -> [*, out] with a weight [out, in]; `argument` is at fault for a mismatch."""
    if not input.shape:
        note = f"both arguments to linear need to be at least 1D, but they are 0D and {len(weight)}D"
        raise Refusal("wrong-rank", "{layer} wants a last dimension, but a single number arrives", "input", note=note)
    arrives, wanted = input.shape[-1], weight[-1]
    if not assume_equal(arrives, wanted):
        raise Refusal(
            "size-mismatch",
            f"{{layer}} wants {wanted} features, but {_features_text(input)}",
            argument,
            note=_torch_sentence(input, weight),
            arrived=arrives,
            wanted=wanted,
            tensor=input,
            dims=(-1,),
        )
    if input.dtype in ("bool", "complex32"):
        message = f"{{layer}} has no product of {input.dtype}, the dtype of input"
        raise Refusal("wrong-dtype", message, "input")
    return input.like((*input.shape[:-1], *weight[:-1]))


def _features_text(input: Tensor) -> str:
    arrives = input.shape[-1]
    if input.ndim == 4:
        return f"a {shape_text(input.shape)} map arrives: its last dimension is {arrives}"
    if input.ndim > 2:
        return f"{arrives} arrive, the last of {shape_text(input.shape)}"
    return f"{arrives} arrive{'s' if arrives == 1 else ''}"


def _torch_sentence(input: Tensor, weight: Shape) -> str:
    """torch's message for a batch of two; empty if other sizes are symbolic too."""
    rows, arrives = (substitute(size, {"N": 2}) for size in (product(input.shape[:-1]), input.shape[-1]))
    if isinstance(rows, Dim) or isinstance(arrives, Dim) or len(weight) < 2:
        return ""
    return f"mat1 and mat2 shapes cannot be multiplied ({rows}x{arrives} and {weight[-1]}x{weight[0]})"


def mapping_lines(input: Tensor, made: Size) -> tuple[str, ...]:
    """The derivation of the sizes of a linear map."""
    return (f"last dimension: {input.shape[-1]} -> {made}",)


@function(example=("linear(x, weight, bias)", "20", "[30, 20]", "[30]"))
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Applies input @ weight.T + bias to the last dimension: [..., in_features] -> [..., out_features]."""
    if weight.ndim not in (1, 2):
        raise Refusal("wrong-rank", f"{{layer}} wants a weight of [out, in], but {weight} arrives", "weight")
    with in_other_words(len({tensor.dtype for tensor in (input, weight, bias) if tensor is not None}) > 1):
        result = mapped(input, weight.shape, "weight")
    _require_one_dtype(input, weight=weight, bias=bias)
    if bias is not None:
        if weight.ndim == 1 and input.ndim == 2:
            raise Refusal("wrong-rank", "{layer} adds a bias only where weight is [out, in]", "bias")
        row = input.ndim == 1 and bias.ndim == 2 and bias.shape[0] == 1  # torch also adds a row to a vector
        with in_other_words():
            must_expand(bias.shape[1:] if row else bias.shape, result.shape, "add a bias of", "bias")
    return result


@linear.counts
def _(output: Tensor, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Size:
    return output.numel() * weight.shape[-1]


@linear.derives
def _(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> tuple[str, ...]:
    made = weight.shape[0] if weight.ndim == 2 else None
    return () if made is None else mapping_lines(input, made)


def mapped_together(input1: Tensor, input2: Tensor, weight: Shape, arguments: tuple[str, str]) -> Tensor:
    """The output of a bilinear map with a weight [out, in1, in2]; `arguments` are at fault for a mismatch."""
    alike = f"{{layer}} wants two inputs of one shape except in the last dimension, but {input1} and {input2} arrive"
    if input1.ndim != input2.ndim or not input1.shape:
        raise Refusal("wrong-rank", alike, "input2")
    for one, two in zip(input1.shape[:-1], input2.shape[:-1], strict=True):
        if not assume_equal(one, two):
            raise Refusal("size-mismatch", alike, "input2")
    for argument, input, wanted in zip(arguments, (input1, input2), weight[1:], strict=True):
        arrives = input.shape[-1]
        if not assume_equal(arrives, wanted):
            message = f"{{layer}} wants {wanted} features as {argument}, but {_features_text(input)}"
            raise Refusal("size-mismatch", message, argument, arrived=arrives, wanted=wanted, tensor=input, dims=(-1,))
    return input1.like((*input1.shape[:-1], weight[0]))


def mapping_lines_together(input1: Tensor, input2: Tensor, made: Size) -> tuple[str, ...]:
    """The derivation of the sizes of a bilinear map."""
    return (f"last dimension: {input1.shape[-1]} and {input2.shape[-1]} -> {made}",)


@function(example=("bilinear(x, y, weight)", "20", "30", "[40, 20, 30]"))
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Applies a bilinear map to the last dimensions of two inputs: x1 @ weight @ x2 + bias."""
    if weight.ndim != 3 or (bias is not None and bias.ndim != 1):
        message = f"{{layer}} wants a weight of [out, in1, in2] and a bias of [out], but weight is {weight}"
        raise Refusal("wrong-rank", message, "weight" if weight.ndim != 3 else "bias")
    result = mapped_together(input1, input2, weight.shape, ("input1", "input2"))
    if bias is not None and not assume_equal(bias.shape[0], weight.shape[0]):
        message = f"{{layer}} adds a bias of {bias.shape[0]} to {weight.shape[0]} features"
        raise Refusal("size-mismatch", message, "bias")
    _require_one_dtype(input1, input2=input2, weight=weight, bias=bias)
    return result


@bilinear.counts
def _(output: Tensor, input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Size:
    return output.numel() * weight.shape[1] * weight.shape[2]


@bilinear.derives
def _(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> tuple[str, ...]:
    return mapping_lines_together(input1, input2, weight.shape[0])


def embedding_lines(input: Tensor, weight: Tensor, **_: object) -> tuple[str, ...]:
    """The derivation of the sizes of a look-up."""
    row = weight.shape[1]
    return (f"each index becomes a row of {row}: {input} -> {Tensor((*input.shape, row), weight.dtype)}",)


def bag_lines(bags: Size, row: Size) -> tuple[str, ...]:
    """The derivation of the sizes of bags of rows."""
    return (f"{bags} bags of indices, each becomes a row of {row}",)


@embedding_bag.derives
def _(*arguments: Any, **keywords: Any) -> tuple[str, ...]:
    return bag_lines(*embedding_bag.rule(*arguments, **keywords).shape)


embedding.derives(embedding_lines)
