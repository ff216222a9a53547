"""Losses that compare numbers: https://pytorch.org/docs/stable/nn.functional.html#loss-functions.

Those that compare classes, or pairs of samples, stand in `class_losses` and `pair_losses`.
"""

from __future__ import annotations

from nnshape.shapes.broadcasting import broadcast, must_expand
from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.dim import equal
from nnshape.shapes.dtypes import FLOAT32, INT64, REAL_OF, DType, category, is_complex, is_floating, promote, result_type
from nnshape.shapes.function import function
from nnshape.shapes.notices import notice
from nnshape.shapes.reduction import chosen, reduced, require_reduction
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, Tensor
from nnshape.shapes.values import number, require_floating


def bracketed(shape: Shape) -> str:
    """Write a shape in full: `[N, 10]`."""
    return f"[{', '.join(map(str, shape))}]"


def alike(one: Shape, two: Shape) -> bool:
    """Say whether two shapes are the same; what cannot be proved is assumed."""
    return len(one) == len(two) and all(map(assume_equal, one, two))


def _compared(input: Tensor, target: Tensor) -> Shape:
    """The shape that both are stretched to, with a notice where they differ."""
    one, two = input.shape, target.shape
    shape = broadcast(one, two, "compare", "target")
    if len(one) != len(two) or any(equal(a, b) is False for a, b in zip(one, two, strict=True)):
        message = f"{{layer}} compares {bracketed(one)} with {bracketed(two)}: torch stretches both to {bracketed(shape)}"
        notice("silent-broadcast", message)
    return shape


def _weighted(loss: Tensor, input: Tensor, weight: Tensor | None, reduction: str, shared: bool = True) -> Tensor:
    """The loss once each element is multiplied by its weight."""
    if weight is None:
        return reduced(loss.shape, loss.dtype, reduction)
    if not alike(weight.shape, input.shape):
        message = f"{{layer}} wants a weight for each element of {bracketed(input.shape)}, but {weight} arrives"
        raise Refusal("size-mismatch", message, "weight", note="Weights and input must have the same size.")
    shape = broadcast(loss.shape, weight.shape, "weigh", "weight")
    dtype = result_type(loss, weight)
    if reduction == "mean" and shared:  # torch divides the sum by the weights' own
        sums = [one if category(one) > 1 else INT64 for one in (dtype, weight.dtype)]
        divided = promote(*sums)
        return Tensor((), divided if category(divided) > 1 else FLOAT32)
    return reduced(shape, dtype, reduction)


def _floating(dtype: DType, name: str = "input") -> DType:
    if not is_floating(dtype):
        raise Refusal("wrong-dtype", f"{{layer}} computes with floats such as float32, but {name} is {dtype}", name)
    return dtype


def _same_shape(input: Tensor, target: Tensor) -> None:
    if not alike(target.shape, input.shape):
        message = f"{{layer}} wants a target of {bracketed(input.shape)}, as its input, but target is {bracketed(target.shape)}"
        note = f"Target size ({target.shape}) must be the same as input size ({input.shape})"
        raise Refusal("size-mismatch", message, "target", note=note)


def _difference(input: Tensor, target: Tensor) -> DType:
    if "bool" in (input.dtype, target.dtype):
        raise Refusal("wrong-dtype", "{layer} cannot subtract bool tensors", "input" if input.dtype == "bool" else "target")
    return promote(input.dtype, target.dtype)


@function(example=("mse_loss(target)", "10", "target=10"))
def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Squares the difference of each element from its target."""
    reduction = chosen(reduction, size_average, reduce)
    require_reduction(reduction, *_OLD[weight is not None])
    shape = _compared(input, target)
    if weight is not None:
        return _weighted(Tensor(shape, _difference(input, target)), input, weight, reduction)
    return reduced(shape, _floating(promote(input.dtype, target.dtype)), reduction)


#: torch's older name of 'mean', which its own kernels still take.
_OLD = {False: ("elementwise_mean",), True: ()}


@function(example=("l1_loss(target)", "10", "target=10"))
def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Takes the size of each element's difference from its target."""
    reduction = chosen(reduction, size_average, reduce)
    require_reduction(reduction, *_OLD[weight is not None])
    shape = _compared(input, target)
    dtype = _difference(input, target)
    dtype = DType(REAL_OF.get(dtype, dtype))
    return _weighted(Tensor(shape, dtype), input, weight, reduction)


@function(example=("smooth_l1_loss(target)", "10", "target=10"))
def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Squares each difference below beta, and takes the size of those above."""
    if number(beta, "beta") == 0:
        result: Tensor = l1_loss.rule(input, target, size_average, reduce, reduction)
        return result
    reduction = chosen(reduction, size_average, reduce)
    require_reduction(reduction, "elementwise_mean")
    shape = _compared(input, target)
    if beta < 0:
        note = "smooth_l1_loss does not support negative values for beta."
        raise Refusal("invalid-argument", f"`beta` (={beta}) must be 0 or more", "beta", note=note)
    return reduced(shape, _floating(promote(input.dtype, target.dtype)), reduction)


@function(example=("huber_loss(target)", "10", "target=10"))
def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Squares each difference below delta, and takes the size of those above times delta."""
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


@function(example=("soft_margin_loss(target)", "10", "target=10"))
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


@function(example=("binary_cross_entropy(target)", "10", "target=10"))
def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Measures how well probabilities foretell targets between 0 and 1."""
    reduction = chosen(reduction, size_average, reduce)
    require_reduction(reduction, "elementwise_mean")
    _same_shape(input, target)
    require_floating(input)
    if target.dtype != input.dtype:
        message = f"{{layer}} wants a target of {input.dtype}, as its input, but target is {target.dtype}"
        note = f"Found dtype {target.dtype} but expected {input.dtype}"
        raise Refusal("wrong-dtype", message, "target", note=note)
    if weight is not None:
        must_expand(weight.shape, input.shape, "weigh", "weight")
    return reduced(input.shape, input.dtype, reduction)


@function(example=("binary_cross_entropy_with_logits(target)", "10", "target=10"))
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Measures how well the sigmoid of scores foretells targets between 0 and 1."""
    reduction = chosen(reduction, size_average, reduce)
    require_reduction(reduction, "elementwise_mean")
    _same_shape(input, target)
    require_floating(input)
    _floating(target.dtype, "target")
    if pos_weight is not None:
        if pos_weight.dtype == "bool" or is_complex(pos_weight.dtype):
            message = f"{{layer}} cannot subtract 1 from pos_weight, which is {pos_weight.dtype}"
            raise Refusal("wrong-dtype", message, "pos_weight")
        must_expand(pos_weight.shape, input.shape, "weigh", "pos_weight")
    if weight is not None:
        _real_target(weight)
        must_expand(weight.shape, input.shape, "weigh", "weight")
    return reduced(target.shape, target.dtype, reduction)


@function(example=("kl_div(target, reduction='batchmean')", "10", "target=10"))
def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Measures how far a distribution, given as logarithms, is from a target's."""
    batchmean = reduction == "batchmean"
    reduction = chosen("sum" if batchmean else reduction, size_average, reduce)
    require_reduction(reduction, "elementwise_mean")
    _floating(input.dtype)
    _floating(target.dtype, "target")
    shape = broadcast(input.shape, target.shape, "compare", "target")
    return reduced(shape, result_type(input, target), reduction)


@function(example=("poisson_nll_loss(target)", "10", "target=10"))
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-08,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Measures how well a rate, or its logarithm, foretells counts by a Poisson distribution."""
    reduction = chosen(reduction, size_average, reduce)
    require_reduction(reduction)
    for name, tensor in (("input", input), ("target", target)):
        if is_complex(tensor.dtype):
            raise Refusal("wrong-dtype", f"{{layer}} wants real numbers, but {name} is {tensor.dtype}", name)
    bools = [tensor.dtype == "bool" for tensor in (input, target)]
    if all(bools) or (bools[0] and not log_input) or (bools[1] and full):
        raise Refusal("wrong-dtype", "{layer} cannot subtract bool tensors", "target" if bools[1] else "input")
    shape = broadcast(input.shape, target.shape, "compare", "target")
    dtype = input.dtype if category(input.dtype) > 1 else FLOAT32
    product = Tensor(shape, result_type(input.like(dtype=None if log_input else dtype), target))
    return reduced(shape, result_type(input.like(dtype=dtype), product), reduction)


@function(example=("gaussian_nll_loss(target, var)", "10", "target=10", "var=10"))
def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-06,
    reduction: str = "mean",
) -> Tensor:
    """Measures how well a mean and a variance foretell targets by a normal distribution."""
    if isinstance(var, Tensor):
        variance: Tensor = var
        _floating(var.dtype, "var")
        _require_variance(input, var)
        if len(var.shape) == len(input.shape) - 1 and alike(input.shape[:-1], var.shape):
            variance = var.like((*var.shape, 1))
    elif isinstance(var, float):
        if var < 0:
            raise Refusal("invalid-argument", f"`var` (={var}) must be 0 or more", "var", note="var has negative entry/entries")
        variance = input.like(dtype=promote(input.dtype, FLOAT32) if category(input.dtype) < 2 else None)
    else:
        raise Refusal("wrong-type", f"{{layer}} takes a tensor or a float such as 1.0 as var, not {var}", "var")
    require_reduction(reduction)
    both = broadcast(input.shape, target.shape, "compare", "target")
    shape = broadcast(both, variance.shape, "compare", "var")
    _difference(input, target)
    ratio = result_type(Tensor(both, result_type(input, target)), variance)
    return reduced(shape, result_type(variance, Tensor(shape, ratio)), reduction)


def _require_variance(input: Tensor, var: Tensor) -> None:
    """Raise Refusal where the variance is neither for each element nor for each last dimension."""
    one, two = input.shape, var.shape
    if len(one) == len(two):
        pairs = list(zip(one, two, strict=True))
        shared = [b == 1 and equal(a, 1) is not True for a, b in pairs]
        if sum(shared) < 2 and all(is_shared or assume_equal(*pair) for pair, is_shared in zip(pairs, shared, strict=True)):
            return
    elif len(two) == len(one) - 1 and alike(one[:-1], two):
        return
    message = f"{{layer}} wants a var of {bracketed(one)} or with a last size of 1, but {bracketed(two)} arrives"
    raise Refusal("size-mismatch", message, "var", note="var is of incorrect size")

