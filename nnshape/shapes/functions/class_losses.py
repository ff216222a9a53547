"""Classification losses: https://pytorch.org/docs/stable/nn.functional.html#loss-functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.records import dataclass
from nnshape.shapes.broadcasting import broadcast
from nnshape.shapes.constraints import assume_at_least, assume_equal
from nnshape.shapes.dims import Size
from nnshape.shapes.dtype_names import scalar_name
from nnshape.shapes.dtypes import is_complex, is_floating, promote, result_type
from nnshape.shapes.function import function
from nnshape.shapes.functions.losses import alike, bracketed
from nnshape.shapes.loss_reduction import chosen, reduced, reduction_lines, require_reduction
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Shape, Tensor, product
from nnshape.shapes.values import number, require_fit, require_floating

if TYPE_CHECKING:
    from nnshape.problems.kinds import KindName

_OLD = "elementwise_mean"


@dataclass(frozen=True, slots=True)
class ClassesLast:
    """What is wrong with scores of so many dimensions: the classes are last, where the target's shape tells."""

    dimensions: int


def _indices_text(shape: Shape) -> str:
    return f"int64{bracketed(shape)}" if shape else "a single int64"


def _require_class_weights(
    input: Tensor, weight: Tensor | None, classes: Size, loose: bool, same_dtype: bool = True, owner: str = ""
) -> None:
    """Raise Refusal if there is not one weight per class; torch's message may begin with its `owner`."""
    if weight is None:
        return
    if not ((loose or weight.ndim == 1) and assume_equal(weight.numel(), classes)):
        message = f"{{layer}} wants a weight for each of {classes} classes, but weight is {bracketed(weight.shape)}"
        note = (
            f"{owner}weight tensor should be defined either for all {classes} classes or no classes "
            f"but got weight tensor of shape: {bracketed(weight.shape)}"
        )
        if input.ndim > 2 and not owner:
            note = "weight tensor should be defined either for all or no classes"
        raise Refusal("size-mismatch", message, "weight", note=note)
    if same_dtype and weight.dtype != input.dtype:
        message = f"{{layer}} wants weights of {input.dtype}, as its input, but weight is {weight.dtype}"
        note = f"expected scalar type {scalar_name(input.dtype)} but found {scalar_name(weight.dtype)}"
        raise Refusal("wrong-dtype", message, "weight", note=note)


def _indices_sentence(input: Tensor, target: Tensor, wanted: Shape) -> str:
    """torch's message for scores and class indices that do not match; it asks in this order."""
    scores, indices = input.shape, target.shape
    if len(scores) > 1 and scores[0] != (indices[0] if indices else 0):
        return f"Expected input batch_size ({scores[0]}) to match target batch_size ({indices[0] if indices else 0})."
    if len(scores) < 3:
        if len(indices) > 1:
            return "0D or 1D target tensor expected, multi-target not supported"
        if target.dtype not in ("int64", "uint8"):
            return f"expected target dtype to be Long or Byte, but got {scalar_name(target.dtype)}"
        return f"For 1D input, 1D target must have size 1, but got target size: {indices[0]}" if indices else ""
    if len(scores) == 4 and len(indices) != 3:
        return f"only batches of spatial targets supported (3D tensors) but got targets of dimension: {len(indices)}"
    if indices != wanted:
        return "" if len(scores) == 4 else f"Expected target size {bracketed(wanted)}, got {bracketed(indices)}"
    if target.dtype == "uint8":  # refused by a kernel
        return ""
    return f"expected target dtype to be Long or Byte, but got {scalar_name(target.dtype)}"


def _of_class_indices(input: Tensor, target: Tensor, weight: Tensor | None, smoothed: bool = False) -> Shape:
    """The shape of the losses from scores and class indices. Raises Refusal if their shapes do not match."""
    scores, indices = input.shape, target.shape
    if not scores:
        message = "{layer} wants scores of [N, classes], but a single number arrives"
        raise Refusal("wrong-rank", message, "input")
    wanted = () if len(scores) == 1 else (scores[0], *scores[2:])
    classes = scores[0] if len(scores) == 1 else scores[1]
    if len(scores) > 2 and scores[:-1] == indices != wanted:
        # Whatever free sizes are: at a chance T torch would take the steps for classes.
        message = f"{{layer}} reads the classes in dimension 1, but {bracketed(scores)} has them last"
        note = _indices_sentence(input, target, wanted)
        raise Refusal("size-mismatch", message, "input", note=note, wanted=ClassesLast(len(scores)), tensor=input)
    if len(scores) == 1 and len(indices) == 1 and not smoothed:
        fits = assume_equal(indices[0], 1)
    else:
        fits = alike(indices, wanted)
    if not fits:
        note = _indices_sentence(input, target, wanted)
        problem: KindName = "wrong-rank" if len(indices) != len(wanted) else "size-mismatch"
        given = f"{target.dtype}{bracketed(indices)}"
        message = f"{{layer}} wants class indices as {_indices_text(wanted)}, but target is {given}"
        raise Refusal(problem, message, "target", note=note, tensor=target)
    kinds = ("int64", "uint8") if len(scores) < 3 else ("int64",)
    if target.dtype not in kinds:
        message = f"{{layer}} wants class indices as {_indices_text(wanted)}, but target is {target.dtype}"
        note = _indices_sentence(input, target, wanted)
        raise Refusal("wrong-dtype", message, "target", note=note)
    require_floating(input)
    _require_class_weights(input, weight, classes, loose=len(scores) > 2 and not smoothed)
    if 0 not in indices:
        _require_classes(target, classes)
    return wanted


def _require_classes(target: Tensor, classes: Size) -> None:
    highest = target.span[1] if target.span is not None else 0
    if not assume_at_least(classes, highest + 1):
        message = f"{{layer}} scores {classes} classes, but target reaches {highest}"
        raise Refusal("index-error", message, "target", note=f"Target {highest} is out of bounds.")


@function(example=("nll_loss(x, target)", "10", "target=int64[N]"))
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Computes the negative log-likelihood of the target classes from log-probabilities."""
    reduction = chosen(reduction, size_average, reduce)
    require_reduction(reduction, _OLD)
    return reduced(_of_class_indices(input, target, weight), input.dtype, reduction)


@function(example=("cross_entropy(x, target)", "10", "target=int64[N]"))
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Computes the cross entropy of logits [N, C, ...] against class indices [N, ...] or probabilities [N, C, ...]."""
    reduction = chosen(reduction, size_average, reduce)
    require_reduction(reduction, _OLD)
    if number(label_smoothing, "label_smoothing") > 1:
        message = f"`label_smoothing` (={label_smoothing}) must be from 0 to 1"
        raise Refusal("invalid-argument", message, "label_smoothing")
    if not is_floating(target.dtype) or input.ndim != target.ndim:
        if input.shape == target.shape == (1,):
            message = f"{{layer}} takes a target of its input's shape for probabilities, but target is {target.dtype}"
            note = _no_probabilities(target)
            raise Refusal("wrong-dtype", message, "target", note=note)
        try:
            shape = _of_class_indices(input, target, weight, smoothed=label_smoothing > 0)
        except Refusal as refusal:
            if not is_floating(input.dtype) or (label_smoothing > 0 and refusal.argument != "weight"):
                refusal.note = ""  # the kernels of log_softmax and of smoothing come first
            if input.shape == target.shape:  # so torch takes the target for probabilities
                refusal.note = _no_probabilities(target)
            raise
        if label_smoothing > 0 and weight is not None and reduction == "mean" and target.dtype == "uint8":
            note = "gather(): Expected dtype int32/int64 for index"
            message = "{layer} wants class indices of int64 to smooth, but target is uint8"
            raise Refusal("wrong-dtype", message, "target", note=note)
        return reduced(shape, input.dtype, reduction)
    if not input.shape:
        raise Refusal("wrong-rank", "{layer} wants scores of [N, classes], but a single number arrives", "input")
    if not alike(input.shape, target.shape):
        message = (
            f"{{layer}} wants a probability for each score of {bracketed(input.shape)}, "
            f"but target is {bracketed(target.shape)}"
        )
        raise Refusal("size-mismatch", message, "target")
    if number(ignore_index, "ignore_index") >= 0:
        note = "ignore_index is not supported for floating point target"
        message = f"`ignore_index` (={ignore_index}) names a class, but target holds probabilities"
        raise Refusal("invalid-argument", message, "ignore_index", note=note)
    require_floating(input)
    place = 0 if input.ndim == 1 else 1
    classes = input.shape[place]
    _require_class_weights(input, weight, classes, loose=False, same_dtype=False, owner="cross_entropy: ")
    dtype = promote(input.dtype, target.dtype)
    shape = (*input.shape[:place], *input.shape[place + 1 :])
    return reduced(shape, dtype if weight is None else promote(dtype, weight.dtype), reduction)


def _no_probabilities(target: Tensor) -> str:
    return f"Expected floating point type for target with class probabilities, got {scalar_name(target.dtype)}"


def _require_margins(input: Tensor, target: Tensor) -> tuple[Size, Size]:
    """The number of samples and classes, for losses that torch computes in float32 and float64 only."""
    if input.ndim > 2 or not assume_at_least(input.shape[-1] if input.shape else 1, 1):
        message = f"{{layer}} wants scores of [N, classes] or [classes], but {bracketed(input.shape)} arrives"
        note = f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {bracketed(input.shape)}"
        raise Refusal("wrong-rank", message, "input", note=note)
    if input.dtype not in ("float32", "float64"):
        raise Refusal(
            "wrong-dtype", f"{{layer}} wants scores of float32 or float64, but input is {input.dtype}", "input"
        )
    if target.dtype != "int64":
        raise Refusal("wrong-dtype", f"{{layer}} wants class indices of int64, but target is {target.dtype}", "target")
    return (input.shape[0] if input.ndim == 2 else 1), (input.shape[-1] if input.shape else 1)


@function(example=("multi_margin_loss(x, target)", "10", "target=int64[N]"))
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Computes the multi-class hinge loss of scores [N, C] against class indices [N]."""
    reduction = chosen(reduction, size_average, reduce)
    require_reduction(reduction, _OLD)
    if number(p, "p") not in (1, 2):
        raise Refusal("invalid-argument", f"`p` (={p}) must be 1 or 2", "p", note="only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        message = f"{{layer}} wants a vector of one weight per class, but {bracketed(weight.shape)} arrives"
        raise Refusal("wrong-rank", message, "weight", note="weight must be one-dimensional")
    samples, classes = _require_margins(input, target)
    if target.ndim > 1 or not assume_equal(target.numel(), samples):
        wanted = _indices_text((samples,) if input.ndim == 2 else ())
        message = f"{{layer}} wants class indices as {wanted}, but target is {target.dtype}{bracketed(target.shape)}"
        raise Refusal("size-mismatch", message, "target")
    with in_other_words():
        _require_class_weights(input, weight, classes, loose=False)
    require_fit(margin, "margin", input.dtype)
    return reduced(target.shape, input.dtype, reduction)


@function(example=("multilabel_margin_loss(x, target)", "10", "target=int64[N, 10]"))
def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Computes the multi-label hinge loss of scores [N, C] against the class indices of each sample."""
    reduction = chosen(reduction, size_average, reduce)
    require_reduction(reduction, _OLD)
    _, classes = _require_margins(input, target)
    single = input.ndim < 2 and target.ndim < 2
    if not (assume_equal(target.numel(), classes) if single else alike(target.shape, input.shape)):
        message = (
            f"{{layer}} wants the true classes as {_indices_text(input.shape)}, but target is {bracketed(target.shape)}"
        )
        note = f"inconsistent target size: {bracketed(target.shape)} for input of size: {bracketed(input.shape)}"
        raise Refusal("size-mismatch", message, "target", note=note)
    return reduced(input.shape[:-1], input.dtype, reduction)


@function(example=("multilabel_soft_margin_loss(x, target)", "10", "target=10"))
def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Computes the binary cross entropy of logits [N, C] against 0/1 targets, averaged over the classes."""
    reduction = chosen(reduction, size_average, reduce)
    if not input.shape:
        raise Refusal("wrong-rank", "{layer} averages over classes, but a single number arrives", "input")
    require_floating(input)
    if target.dtype == "bool" or is_complex(target.dtype):
        raise Refusal("wrong-dtype", f"{{layer}} cannot subtract target from 1: it is {target.dtype}", "target")
    shape, dtype = broadcast(input.shape, target.shape, "compare", "target", swapped=True), result_type(input, target)
    if weight is not None:
        dtype = result_type(Tensor(shape, dtype), weight)
        shape = broadcast(shape, weight.shape, "weigh", "weight")
    require_reduction(reduction, words="is not valid")
    place = input.ndim - 1
    return reduced((*shape[:place], *shape[place + 1 :]), dtype, reduction)


@function(example=("linear_cross_entropy(x, weight, target)", "20", "weight=[10, 20]", "target=int64[N]"))
def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: None = None,
) -> Tensor:
    """Computes the cross entropy of the logits that a linear layer computes from features.

    linear_weight: the weight of the linear layer, [classes, features].
    linear_bias: the bias of the linear layer.
    ignore_index: the class index to ignore in the targets.
    label_smoothing: the share of each target to spread over all classes, from 0 to 1.
    options: torch's chunking options; the result is the same.
    """
    if input.ndim not in (1, 2):
        message = f"{{layer}} wants features of [N, features] or [features], but {input} arrives"
        note = f"expected input with dimensionality 1 or 2, got {input.ndim}"
        raise Refusal("wrong-rank", message, "input", note=note)
    if linear_weight.ndim < 2:
        message = f"{{layer}} wants a linear_weight of [classes, ..., features], but {linear_weight} arrives"
        raise Refusal("wrong-rank", message, "linear_weight")
    features, wanted = input.shape[-1], linear_weight.shape[-1]
    if not assume_equal(features, wanted):
        raise Refusal("size-mismatch", f"{{layer}} wants {wanted} features, but {features} arrive", "linear_weight")
    outputs = linear_weight.shape[:-1]
    if linear_bias is not None and not alike(linear_bias.shape, outputs):
        message = f"{{layer}} wants a linear_bias of {bracketed(outputs)}, but {bracketed(linear_bias.shape)} arrives"
        raise Refusal("size-mismatch", message, "linear_bias")
    if len(outputs) > 1 and input.ndim == 1:
        raise Refusal("wrong-rank", "{layer} with more outputs wants a batch: [N, features]", "input")
    for name, tensor in (("linear_weight", linear_weight), ("linear_bias", linear_bias)):
        if tensor is not None and tensor.dtype != input.dtype:
            message = f"{{layer}} wants one dtype, but input is {input.dtype} and {name} is {tensor.dtype}"
            raise Refusal("wrong-dtype", message, name)
    scores = input.like((*input.shape[:-1], *outputs))
    if ignore_index is not None and len(scores.shape) == target.ndim and alike(scores.shape, target.shape):
        message = f"`ignore_index` (={ignore_index}) names a class, but target holds probabilities"
        note = "ignore_index cannot be specified when target contains probabilities"
        raise Refusal("invalid-argument", message, "ignore_index", note=note)
    ignored = -100 if ignore_index is None else ignore_index
    result: Tensor = cross_entropy.rule(
        scores, target, weight, ignore_index=ignored, reduction=reduction, label_smoothing=label_smoothing
    )
    return result


@linear_cross_entropy.derives
def _(*arguments: Any, **keywords: Any) -> tuple[str, ...]:
    losses = linear_cross_entropy.rule(*arguments, **{**keywords, "reduction": "none"})
    return reduction_lines(keywords["reduction"], losses)


@linear_cross_entropy.counts
def _(output: Tensor, input: Tensor, linear_weight: Tensor, *others: object, **named: object) -> Size:
    return product(input.shape[:-1]) * linear_weight.numel()
