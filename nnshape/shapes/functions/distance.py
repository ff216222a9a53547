"""Distances and norms: https://pytorch.org/docs/stable/nn.functional.html#distance-functions.

The layers of the same names share these rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.shapes.axes import axes, axis
from nnshape.shapes.broadcasting import broadcast
from nnshape.shapes.dtype_names import scalar_name
from nnshape.shapes.dtypes import (
    DTYPES,
    REAL_OF,
    category,
    default_dtype,
    is_complex,
    is_floating,
    promote,
    result_type,
)
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.values import COMPUTED_IN, number, require_fit

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Sizes


@function(example=("cosine_similarity(x, other)", "128", "128"))
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-08) -> Tensor:
    """Computes the cosine similarity of two tensors along a dimension."""
    shape = broadcast(x1.shape, x2.shape, "compare", "x2")
    dtype = promote(x1.dtype, x2.dtype)
    if not is_floating(dtype):
        common = result_type(x1, x2)
        message = f"{{layer}} wants floats, but x1 is {x1.dtype} and x2 {x2.dtype}"
        note = f"expected common dtype to be floating point, yet common dtype is {scalar_name(common)}"
        raise Refusal("wrong-dtype", message, "x1", note=note)
    if not number(eps, "eps") >= 0:
        raise Refusal("invalid-argument", f"`eps` (={eps}) must be 0 or more", "eps")
    require_fit(eps, "eps", COMPUTED_IN.get(dtype, dtype))
    at = axis(dim, shape)
    return Tensor((*shape[:at], *shape[at + 1 :]), dtype)


@function(example=("pairwise_distance(x, other)", "128", "128"))
def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-06, keepdim: bool = False) -> Tensor:
    """Computes the p-norm distance between two tensors along the last dimension."""
    with in_other_words("bool" in (x1.dtype, x2.dtype)):
        shape = broadcast(x1.shape, x2.shape, "compare", "x2")
    dtype = result_type(x1, x2)
    for name, tensor in (("x1", x1), ("x2", x2)):
        if tensor.dtype == "bool":
            raise Refusal("wrong-dtype", f"{{layer}} subtracts numbers, but {name} is bool", name)
    dtype = DTYPES[REAL_OF.get(dtype, dtype)] if category(dtype) > 1 else default_dtype()
    return Tensor((*shape[:-1], 1) if keepdim and shape else shape[:-1], dtype)


@function(example=("normalize()", "128"))
def normalize(input: Tensor, p: float = 2.0, dim: Sizes = 1, eps: float = 1e-12) -> Tensor:
    """Divides the input by its p-norm along a dimension.

    p: the degree of the norm.
    dim: the dimension to normalize.
    """
    if not is_floating(input.dtype) and (not is_complex(input.dtype) or input.dtype == "complex32"):
        raise Refusal("wrong-dtype", f"{{layer}} wants floats, but input is {input.dtype}", "input")
    axes(dim, input.shape)
    require_fit(eps, "eps", input.dtype)
    return input.like()
