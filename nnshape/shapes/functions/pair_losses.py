"""Losses on pairs and triplets of samples, and CTC.

Source: https://pytorch.org/docs/stable/nn.functional.html#loss-functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.shapes.broadcasting import broadcast, broadcast_all
from nnshape.shapes.constraints import assume_at_least, assume_equal
from nnshape.shapes.dims import Size
from nnshape.shapes.dtypes import DType, category, default_dtype, is_complex, is_integral, promote
from nnshape.shapes.function import function
from nnshape.shapes.functions.creation import require_fits
from nnshape.shapes.functions.losses import bracketed
from nnshape.shapes.loss_reduction import chosen, reduced, require_reduction
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, Tensor
from nnshape.shapes.values import number
from nnshape.shapes.windows import torch_size

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Activation

_OLD = "elementwise_mean"


def _floats(dtype: DType) -> DType:
    return dtype if category(dtype) > 1 else default_dtype()


def _require_reals(**tensors: Tensor) -> None:
    for name, tensor in tensors.items():
        if is_complex(tensor.dtype):
            raise Refusal("wrong-dtype", f"{{layer}} wants real numbers, but {name} is {tensor.dtype}", name)


@function(example=("hinge_embedding_loss(x, target)", "10", "target=10"))
def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Computes x for targets of 1, and max(0, margin - x) for -1."""
    reduction = chosen(reduction, size_average, reduce)
    require_reduction(reduction, _OLD)
    if input.dtype == "bool" or is_complex(input.dtype):
        raise Refusal("wrong-dtype", f"{{layer}} wants distances, but input is {input.dtype}", "input")
    require_fits(float(number(margin, "margin")), input.dtype, input.shape, "margin")  # torch adds it in place
    return reduced(broadcast(input.shape, target.shape, "compare", "target"), input.dtype, reduction)


@function(example=("cosine_embedding_loss(x, y, target)", "10", "y=10", "target=[N]"))
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Computes 1 - cos for targets of 1, and max(0, cos - margin) for -1, from pairs [N, D]."""
    reduction = chosen(reduction, size_average, reduce)
    require_reduction(reduction, _OLD)
    if target.ndim > 1 or not input1.ndim == input2.ndim == target.ndim + 1:
        message = (
            f"{{layer}} wants two inputs of [N, features] and a target of [N], or without N, "
            f"but {bracketed(input1.shape)}, {bracketed(input2.shape)} and {bracketed(target.shape)} arrive"
        )
        note = "0D or 1D target tensor expected, multi-target not supported"
        if target.ndim < 2:
            note = (
                f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found inputs with sizes "
                f"{bracketed(input1.shape)} and {bracketed(input2.shape)}."
            )
        raise Refusal("wrong-rank", message, "target", note=note)
    _require_reals(input1=input1, input2=input2)
    both = broadcast(input1.shape, input2.shape, "compare", "input2")
    shape = broadcast(both[:-1], target.shape, "compare", "target")
    return reduced(shape, promote(_floats(input1.dtype), _floats(input2.dtype)), reduction)


@function(example=("margin_ranking_loss(x, y, target)", "10", "y=10", "target=10"))
def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Computes max(0, -target * (input1 - input2) + margin), for targets of 1 or -1."""
    reduction = chosen(reduction, size_average, reduce)
    require_reduction(reduction, _OLD)
    if not input1.ndim == input2.ndim == target.ndim:
        shapes = [bracketed(tensor.shape) for tensor in (input1, input2, target)]
        message = f"{{layer}} wants two inputs and a target of one rank, but {', '.join(shapes)} arrive"
        sizes = [torch_size(tensor) for tensor in (input1, input2, target)]
        note = (
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {sizes[0]}, input2: {sizes[1]}, target: {sizes[2]}"
        )
        raise Refusal("wrong-rank", message, "target", note=note)
    _require_reals(input1=input1, input2=input2, target=target)
    for name, tensor in (("input1", input1), ("input2", input2), ("target", target)):
        if tensor.dtype == "bool":
            raise Refusal("wrong-dtype", f"{{layer}} cannot subtract bool tensors, and {name} is one", name)
    shape = broadcast_all((input1.shape, input2.shape, target.shape), "compare", ("input1", "input2", "target"))
    dtype = promote(promote(input1.dtype, input2.dtype), target.dtype)
    return reduced(shape, _floats(dtype), reduction)


def _require_triplet(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float) -> None:
    if number(margin, "margin") <= 0:
        note = f"margin must be greater than 0, got {margin}"
        raise Refusal("invalid-argument", f"`margin` (={margin}) must be above 0", "margin", note=note)
    if not anchor.ndim == positive.ndim == negative.ndim:
        shapes = [bracketed(tensor.shape) for tensor in (anchor, positive, negative)]
        message = f"{{layer}} wants three inputs of one rank, but {', '.join(shapes)} arrive"
        note = (
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.ndim}D, positive {positive.ndim}D, and negative {negative.ndim}D inputs"
        )
        raise Refusal("wrong-rank", message, "positive", note=note)


def _distance(one: Tensor, two: Tensor, name: str) -> Tensor:
    """The pairwise distance along the last dimension."""
    _require_reals(anchor=one, **{name: two})
    if "bool" in (one.dtype, two.dtype):
        raise Refusal("wrong-dtype", "{layer} cannot subtract bool tensors", name)
    shape = broadcast(one.shape, two.shape, "compare", name)
    return Tensor(shape[:-1], _floats(promote(one.dtype, two.dtype)))


def _triplet(near: Tensor, far: Tensor, swapped: Tensor | None, reduction: str) -> Tensor:
    shape, dtype = far.shape, far.dtype
    if swapped is not None:
        shape, dtype = broadcast(shape, swapped.shape, "compare", "negative"), promote(dtype, swapped.dtype)
    return reduced(broadcast(near.shape, shape, "compare", "negative"), promote(near.dtype, dtype), reduction)


@function(example=("triplet_margin_loss(x, positive, negative)", "10", "positive=10", "negative=10"))
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Computes max(0, d(anchor, positive) - d(anchor, negative) + margin) with the p-norm distance d."""
    reduction = chosen(reduction, size_average, reduce)
    require_reduction(reduction, _OLD)
    _require_triplet(anchor, positive, negative, margin)
    near, far = _distance(anchor, positive, "positive"), _distance(anchor, negative, "negative")
    swapped = _distance(positive, negative, "negative") if swap else None
    return _triplet(near, far, swapped, reduction)


@function(example=("triplet_margin_with_distance_loss(x, positive, negative)", "10", "positive=10", "negative=10"))
def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Activation | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """Computes max(0, d(anchor, positive) - d(anchor, negative) + margin) with a given distance d."""
    require_reduction(reduction)
    _require_triplet(anchor, positive, negative, margin)

    def distance(one: Tensor, two: Tensor, name: str) -> Tensor:
        found = _distance(one, two, name) if distance_function is None else distance_function.apply((one, two), {})
        if not isinstance(found, Tensor):
            raise Refusal("wrong-type", f"the distance is {found}, not a tensor", "distance_function")
        return found

    near, far = distance(anchor, positive, "positive"), distance(anchor, negative, "negative")
    swapped = distance(positive, negative, "negative") if swap else None
    return _triplet(near, far, swapped, reduction)


@function(
    example=(
        "ctc_loss(x, targets, input_lengths, target_lengths)",
        "[T, N, 20]",
        "targets=int64[N, S]",
        "input_lengths=int64[N]",
        "target_lengths=int64[N]",
    )
)
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | tuple,  # type: ignore[type-arg]
    target_lengths: Tensor | tuple,  # type: ignore[type-arg]
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Computes the connectionist temporal classification loss of log-probabilities [T, N, C] against labels."""
    require_reduction(reduction, _OLD)
    if log_probs.ndim not in (2, 3):
        message = f"{{layer}} wants log_probs of [T, N, classes] or [T, classes], but {log_probs} arrives"
        raise Refusal("wrong-rank", message, "log_probs")
    if log_probs.dtype not in ("float32", "float64"):
        message = f"{{layer}} computes in float32 or float64, but log_probs is {log_probs.dtype}"
        raise Refusal("wrong-dtype", message, "log_probs")
    if not all(assume_at_least(size, 1) for size in log_probs.shape):
        message = f"{{layer}} wants log_probs of at least one step, but {log_probs} arrives"
        raise Refusal("empty-output", message, "log_probs", note="log_probs tensor must not be empty")
    batched = log_probs.ndim == 3
    batch = log_probs.shape[1] if batched else 1
    _require_targets(targets.shape, batch, batched)
    classes = log_probs.shape[-1]
    if not (assume_at_least(number(blank, "blank"), 0) and assume_at_least(classes, blank + 1)):
        message = f"`blank` (={blank}) must be one of the {classes} classes, from 0"
        raise Refusal("index-error", message, "blank")
    for name, lengths in (("input_lengths", input_lengths), ("target_lengths", target_lengths)):
        if not isinstance(lengths, Tensor):
            count: Size = len(lengths)
        else:
            if not is_integral(lengths.dtype):
                raise Refusal("wrong-dtype", f"{{layer}} wants {name} of int64, but it is {lengths.dtype}", name)
            count = lengths.numel()
        if not assume_equal(count, batch):
            message = f"{{layer}} wants {name} for each of {batch} samples, but {count} arrive"
            note = f"{name} must be of size batch_size"
            raise Refusal("size-mismatch", message, name, note=note)
    return reduced((batch,) if batched else (), log_probs.dtype, reduction)


def _require_targets(shape: Shape, batch: Size, batched: bool) -> None:
    """Raise Refusal unless the targets are one row per sample, or concatenated."""
    if len(shape) == 2:
        if assume_equal(shape[0], batch):
            return
    elif len(shape) == 1:
        return
    wanted = f"[{batch}, S] or [sum of lengths]" if batched else "[S]"
    message = f"{{layer}} wants targets of {wanted}, but {bracketed(shape)} arrives"
    raise Refusal("wrong-rank" if len(shape) != 2 else "size-mismatch", message, "targets")
