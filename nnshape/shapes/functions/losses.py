"""Regression and binary losses: https://pytorch.org/docs/stable/nn.functional.html#loss-functions.

Classification losses and losses on pairs are in `class_losses` and `pair_losses`.
"""

from __future__ import annotations

from nnshape.shapes.broadcasting import broadcast, must_expand
from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.dims import equal
from nnshape.shapes.dtype_names import scalar_name
from nnshape.shapes.dtypes import (
    INT64,
    REAL_OF,
    DType,
    category,
    default_dtype,
    is_complex,
    is_floating,
    promote,
    result_type,
)
from nnshape.shapes.function import function
from nnshape.shapes.loss_reduction import chosen, reduced, require_reduction
from nnshape.shapes.notices import notice
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Shape, Tensor
from nnshape.shapes.values import number, require_floating
from nnshape.shapes.windows import torch_size


def bracketed(shape: Shape) -> str:
    """A shape in full: `[N, 10]`."""
    return f"[{', '.join(map(str, shape))}]"


def alike(one: Shape, two: Shape) -> bool:
    """Whether two shapes are equal; an unproved equality is assumed and recorded."""
    return len(one) == len(two) and all(map(assume_equal, one, two))


def _compared(input: Tensor, target: Tensor) -> Shape:
    """The shape that both broadcast to, with a notice if they differ."""
    one, two = input.shape, target.shape
    shape = broadcast(one, two, "compare", "target")
    if len(one) != len(two) or any(equal(a, b) is False for a, b in zip(one, two, strict=True)):
        message = (
            f"{{layer}} compares {bracketed(one)} with {bracketed(two)}: torch broadcasts both to {bracketed(shape)}"
        )
        notice("silent-broadcast", message)
    return shape


def _weighted(loss: Tensor, input: Tensor, weight: Tensor | None, reduction: str, shared: bool = True) -> Tensor:
    """The losses after weighting each element."""
    if weight is None:
        return reduced(loss.shape, loss.dtype, reduction)
    if not alike(weight.shape, input.shape):
        message = f"{{layer}} wants a weight for each element of {bracketed(input.shape)}, but {weight} arrives"
        raise Refusal("size-mismatch", message, "weight", note="Weights and input must have the same size.")
    shape = broadcast(loss.shape, weight.shape, "weigh", "weight")
    dtype = result_type(loss, weight)
    if reduction == "mean" and shared:  # torch divides the sum by the sum of the weights
        sums = [one if category(one) > 1 else INT64 for one in (dtype, weight.dtype)]
        divided = promote(*sums)
        return Tensor((), divided if category(divided) > 1 else default_dtype())
    return reduced(shape, dtype, reduction)


def require_float_dtype(dtype: DType, name: str = "input") -> DType:
    """The dtype. Raises Refusal (wrong-dtype) unless it is floating-point (complex is not)."""
    if not is_floating(dtype):
        raise Refusal("wrong-dtype", f"{{layer}} computes with floats such as float32, but {name} is {dtype}", name)
    return dtype


def _same_shape(input: Tensor, target: Tensor, note: str) -> None:
    if not alike(target.shape, input.shape):
        one, two = bracketed(input.shape), bracketed(target.shape)
        message = f"{{layer}} wants a target of {one}, as its input, but target is {two}"
        raise Refusal("size-mismatch", message, "target", note=note)


def require_difference(input: Tensor, target: Tensor) -> DType:
    """The dtype of a difference. Raises Refusal (wrong-dtype) if torch cannot subtract the two."""
    if "bool" in (input.dtype, target.dtype):
        raise Refusal(
            "wrong-dtype", "{layer} cannot subtract bool tensors", "input" if input.dtype == "bool" else "target"
        )
    return promote(input.dtype, target.dtype)


@function(example=("mse_loss(x, target)", "10", "target=10"))
def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Computes the squared error (input - target)**2."""
    reduction = chosen(reduction, size_average, reduce)
    with in_other_words(weight is not None):
        require_reduction(reduction, *_OLD[weight is not None])
    shape = _compared(input, target)
    if weight is not None:
        return _weighted(Tensor(shape, require_difference(input, target)), input, weight, reduction)
    return reduced(shape, require_float_dtype(promote(input.dtype, target.dtype)), reduction)


#: torch's older name of 'mean', which its kernels still accept.
_OLD = {False: ("elementwise_mean",), True: ()}


@function(example=("l1_loss(x, target)", "10", "target=10"))
def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Computes the absolute error |input - target|."""
    reduction = chosen(reduction, size_average, reduce)
    with in_other_words(weight is not None):
        require_reduction(reduction, *_OLD[weight is not None])
    shape = _compared(input, target)
    dtype = require_difference(input, target)
    dtype = DType(REAL_OF.get(dtype, dtype))
    return _weighted(Tensor(shape, dtype), input, weight, reduction)


@function(example=("smooth_l1_loss(x, target)", "10", "target=10"))
def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Computes a squared error below beta and an absolute error above it."""
    if number(beta, "beta") == 0:
        result: Tensor = l1_loss.rule(input, target, size_average, reduce, reduction)
        return result
    reduction = chosen(reduction, size_average, reduce)
    require_reduction(reduction, "elementwise_mean")
    shape = _compared(input, target)
    if not beta >= 0:  # also refuses nan
        note = "smooth_l1_loss does not support negative values for beta."
        raise Refusal("invalid-argument", f"`beta` (={beta}) must be 0 or more", "beta", note=note)
    return reduced(shape, require_float_dtype(promote(input.dtype, target.dtype)), reduction)


@function(example=("huber_loss(x, target)", "10", "target=10"))
def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Computes a squared error below delta and delta times the absolute error above it."""
    with in_other_words(weight is not None):
        require_reduction(reduction, *_OLD[weight is not None])
    shape = _compared(input, target)
    if not number(delta, "delta") > 0:
        note = "huber_loss does not support non-positive values for delta."
        raise Refusal("invalid-argument", f"`delta` (={delta}) must be above 0", "delta", note=note)
    require_floating(input)
    _real_target(target)
    return _weighted(Tensor(shape, input.dtype), input, weight, reduction, shared=False)


def _real_target(target: Tensor) -> None:
    if is_complex(target.dtype):
        raise Refusal("wrong-dtype", f"{{layer}} wants a real target, but target is {target.dtype}", "target")


@function(example=("soft_margin_loss(x, target)", "10", "target=10"))
def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Computes log(1 + exp(-target * input)), for targets of 1 and -1."""
    reduction = chosen(reduction, size_average, reduce)
    require_reduction(reduction, "elementwise_mean")
    require_floating(input)
    _real_target(target)
    must_expand(target.shape, input.shape, "compare", "target")
    return reduced(input.shape, input.dtype, reduction)


@function(example=("binary_cross_entropy(x, target)", "10", "target=10"))
def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Computes the binary cross entropy of probabilities against targets between 0 and 1."""
    reduction = chosen(reduction, size_average, reduce)
    require_reduction(reduction, "elementwise_mean")
    one, two = torch_size(input), torch_size(target)
    _same_shape(
        input,
        target,
        f"Using a target size ({two}) that is different to the input size ({one}) is deprecated. "
        "Please ensure they have the same size.",
    )
    require_floating(input)
    if target.dtype != input.dtype:
        message = f"{{layer}} wants a target of {input.dtype}, as its input, but target is {target.dtype}"
        note = f"Found dtype {scalar_name(target.dtype)} but expected {scalar_name(input.dtype)}"
        raise Refusal("wrong-dtype", message, "target", note=note)
    if weight is not None:
        must_expand(weight.shape, input.shape, "weigh", "weight")
    return reduced(input.shape, input.dtype, reduction)


@function(example=("binary_cross_entropy_with_logits(x, target)", "10", "target=10"))
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Computes the binary cross entropy of logits against targets between 0 and 1.

    pos_weight: weights of the positive targets, per class.
    """
    reduction = chosen(reduction, size_average, reduce)
    require_reduction(reduction, "elementwise_mean")
    note = f"Target size ({torch_size(target)}) must be the same as input size ({torch_size(input)})"
    _same_shape(input, target, note)
    require_floating(input)
    require_float_dtype(target.dtype, "target")
    if pos_weight is not None:
        if pos_weight.dtype == "bool" or is_complex(pos_weight.dtype):
            message = f"{{layer}} cannot subtract 1 from pos_weight, which is {pos_weight.dtype}"
            raise Refusal("wrong-dtype", message, "pos_weight")
        must_expand(pos_weight.shape, input.shape, "weigh", "pos_weight")
    if weight is not None:
        _real_target(weight)
        must_expand(weight.shape, input.shape, "weigh", "weight")
    return reduced(target.shape, target.dtype, reduction)
