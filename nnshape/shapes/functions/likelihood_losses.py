"""Losses based on distributions: https://pytorch.org/docs/stable/nn.functional.html#loss-functions."""

from __future__ import annotations

from nnshape.shapes.broadcasting import broadcast
from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.dims import equal
from nnshape.shapes.dtypes import category, default_dtype, is_complex, is_integral, promote, result_type
from nnshape.shapes.function import function
from nnshape.shapes.functions.losses import alike, bracketed, require_difference, require_float_dtype
from nnshape.shapes.loss_reduction import chosen, reduced, require_reduction
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.values import require_fit


@function(example=("kl_div(x, target, reduction='batchmean')", "10", "target=10"))
def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Computes the Kullback-Leibler divergence of log-probabilities from a target distribution."""
    batchmean = reduction == "batchmean"
    reduction = chosen("sum" if batchmean else reduction, size_average, reduce)
    require_reduction(reduction, "elementwise_mean")
    require_float_dtype(input.dtype)
    require_float_dtype(target.dtype, "target")
    shape = broadcast(input.shape, target.shape, "compare", "target")
    return reduced(shape, result_type(input, target), reduction)


@function(example=("poisson_nll_loss(x, target)", "10", "target=10"))
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
    """Computes the negative log-likelihood of counts under Poisson rates."""
    reduction = chosen(reduction, size_average, reduce)
    require_reduction(reduction)
    for name, tensor in (("input", input), ("target", target)):
        if is_complex(tensor.dtype):
            raise Refusal("wrong-dtype", f"{{layer}} wants real numbers, but {name} is {tensor.dtype}", name)
    bools = [tensor.dtype == "bool" for tensor in (input, target)]
    if all(bools) or (bools[0] and not log_input) or (bools[1] and full):
        raise Refusal("wrong-dtype", "{layer} cannot subtract bool tensors", "target" if bools[1] else "input")
    shape = broadcast(input.shape, target.shape, "compare", "target")
    dtype = input.dtype if category(input.dtype) > 1 else default_dtype()
    product = Tensor(shape, result_type(input.like(dtype=None if log_input else dtype), target))
    return reduced(shape, result_type(input.like(dtype=dtype), product), reduction)


@function(example=("gaussian_nll_loss(x, target, var)", "10", "target=10", "var=10"))
def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-06,
    reduction: str = "mean",
) -> Tensor:
    """Computes the negative log-likelihood of targets under normal distributions of given means and variances."""
    if isinstance(var, Tensor):
        variance: Tensor = var
        if not (isinstance(eps, int) and is_integral(var.dtype)):  # torch clamps var in its own dtype
            require_float_dtype(var.dtype, "var")
        _require_variance(input, var)
        if len(var.shape) == len(input.shape) - 1 and alike(input.shape[:-1], var.shape):
            variance = var.like((*var.shape, 1))
    elif isinstance(var, float):
        if var < 0:
            raise Refusal(
                "invalid-argument", f"`var` (={var}) must be 0 or more", "var", note="var has negative entry/entries"
            )
        variance = input.like(dtype=promote(input.dtype, default_dtype()) if category(input.dtype) < 2 else None)
    else:
        raise Refusal("wrong-type", f"{{layer}} takes a tensor or a float such as 1.0 as var, not {var}", "var")
    require_fit(eps, "eps", variance.dtype)
    if is_integral(variance.dtype):
        variance = variance.like(dtype=default_dtype())  # the logarithm's dtype
    require_reduction(reduction, words="is not valid")
    both = broadcast(input.shape, target.shape, "compare", "target")
    shape = broadcast(both, variance.shape, "compare", "var")
    require_difference(input, target)
    ratio = result_type(Tensor(both, result_type(input, target)), variance)
    return reduced(shape, result_type(variance, Tensor(shape, ratio)), reduction)


def _require_variance(input: Tensor, var: Tensor) -> None:
    """Raise Refusal if the variance is neither per element nor per row of the last dimension."""
    one, two = input.shape, var.shape
    if len(one) == len(two):
        pairs = list(zip(one, two, strict=True))
        shared = [b == 1 and equal(a, 1) is not True for a, b in pairs]
        if sum(shared) < 2 and all(
            is_shared or assume_equal(*pair) for pair, is_shared in zip(pairs, shared, strict=True)
        ):
            return
    elif len(two) == len(one) - 1 and alike(one[:-1], two):
        return
    message = f"{{layer}} wants a var of {bracketed(one)} or with a last size of 1, but {bracketed(two)} arrives"
    raise Refusal("size-mismatch", message, "var", note="var is of incorrect size")
