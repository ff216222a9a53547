"""Activations along a dimension: https://pytorch.org/docs/stable/nn.functional.html#non-linear-activation-functions.

The layers of the same names share these rules.
"""

from __future__ import annotations

from nnshape.shapes.axes import axis
from nnshape.shapes.constraints import assume_divisible
from nnshape.shapes.dtypes import DTYPES, DType, category, default_dtype, is_floating
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.values import require_floating


@function(example=("glu()", "20"))
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Splits a dimension in half into a and b and computes a * sigmoid(b), the gated linear unit."""
    if not input.shape:
        note = "glu does not support scalars because halving size must be even"
        raise Refusal("wrong-rank", "{layer} halves a dimension, but a single number arrives", "input", note=note)
    along = axis(dim, input.shape)
    size = input.shape[along]
    if not assume_divisible(size, 2):
        message = f"{{layer}} halves dimension {along}, but its size is {size}, an odd number"
        note = f"Halving dimension must be even, but dimension {along} is size {size}"
        raise Refusal("not-divisible", message, "input", note=note)
    require_floating(input)
    return input.like((*input.shape[:along], size // 2, *input.shape[along + 1 :]))


def _softmax(input: Tensor, dim: int | None, dtype: DType | None) -> Tensor:
    if dim is not None:
        axis(dim, input.shape)
    empty = 0 in input.shape  # torch does not check the dtype of an empty tensor
    if dtype is None:
        if not empty:
            require_floating(input)
        return input.like()
    if not is_floating(dtype) and not empty:
        raise Refusal("wrong-dtype", f"{{layer}} computes with floats such as float32, but dtype is {dtype}", "dtype")
    return input.like(dtype=DTYPES[dtype])


@function(method=True, example=("softmax(-1)", "10"))
def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """Computes exp(x) / sum(exp(x)) along a dimension."""
    return _softmax(input, dim, dtype)


@function(example=("softmin(-1)", "10"))
def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """Computes the softmax of -x along a dimension."""
    if input.dtype == "bool":
        raise Refusal("wrong-dtype", "{layer} cannot negate a bool input", "input")
    return _softmax(input, dim, dtype)


@function(method=True, example=("log_softmax(-1)", "10"))
def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """Computes the logarithm of the softmax along a dimension."""
    return _softmax(input, dim, dtype)


@function(example=("gumbel_softmax(1.0, True)", "10"))
def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """Samples from the Gumbel-Softmax distribution along a dimension.

    logits: the unnormalized log-probabilities.
    tau: the temperature; low values approach one-hot samples.
    hard: whether to return one-hot samples.
    """
    with in_other_words(not is_floating(logits.dtype)):
        along = axis(dim, logits.shape)
    if (
        0 not in logits.shape or logits.dtype == "complex32"
    ):  # otherwise torch draws nothing, and its division makes floats
        require_floating(logits, "logits")
        return logits.like()
    if hard and logits.shape[along] == 0:
        raise Refusal("empty-output", f"{{layer}} cannot choose along dimension {along}, whose size is 0", "logits")
    return logits.like(dtype=default_dtype()) if category(logits.dtype) < 2 else logits.like()
