"""Sums, means and other reductions: https://pytorch.org/docs/stable/torch.html#reduction-ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nnshape.shapes.arguments import described
from nnshape.shapes.axes import axes, axis
from nnshape.shapes.broadcasting import broadcast
from nnshape.shapes.dtype_names import scalar_name
from nnshape.shapes.dtypes import (
    BOOL,
    DTYPES,
    INT64,
    REAL_OF,
    DType,
    category,
    default_dtype,
    is_complex,
    promote,
    result_type,
)
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Shape, Tensor

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Flag, Number, Whole, Wholes


_LOW = ("float16", "bfloat16")


class _All:
    """The default of `dim`: all dimensions. torch accepts keepdim only with an explicit dim."""

    def __repr__(self) -> str:
        return "None"


ALL: Any = _All()


def reduced(shape: Shape, places: tuple[int, ...], keepdim: bool) -> Shape:
    """The shape without these dimensions, or with size 1 in their place if `keepdim`."""
    if keepdim:
        return tuple(1 if place in places else size for place, size in enumerate(shape))
    return tuple(size for place, size in enumerate(shape) if place not in places)


def reduce(input: Tensor, dim: Any, keepdim: bool, dtype: DType) -> Tensor:
    """The tensor after a reduction over `dim`; over all dimensions for None.

    Raises Refusal for `keepdim` without `dim`, as torch does.
    """
    if dim is ALL:
        if keepdim:
            raise Refusal("missing-argument", "{layer} takes keepdim only with a dim", "keepdim")
        dim = None
    return Tensor(reduced(input.shape, axes(dim, input.shape), keepdim), dtype)


def require_kinds(input: Tensor, allowed: str, verb: str, note: str = "") -> None:
    """Raise Refusal (wrong-dtype) unless the dtype's category is in `allowed`: b(ool), i(nt), f(loat), c(omplex)."""
    kind = "bifc"[category(input.dtype)]
    if kind not in allowed:
        wants = " and ".join(name for letter, name in _KIND_NAMES.items() if letter in allowed)
        raise Refusal("wrong-dtype", f"{{layer}} {verb} {wants}, but {input.dtype} arrives", "input", note=note)


_KIND_NAMES = {"b": "bools", "i": "whole numbers", "f": "floats", "c": "complex numbers"}


def require_elements(input: Tensor, places: tuple[int, ...], name: str, given: Any = None) -> None:
    """Raise Refusal (empty-output) if one of these dimensions is empty; torch's message has the `given` numbers."""
    numbers = given if isinstance(given, (tuple, list)) else (given,)
    for at, place in enumerate(places):
        if input.shape and input.shape[place] == 0:
            number = place if given is None else numbers[at]
            note = f"{name}: Expected reduction dim {number} to have non-zero size."
            raise Refusal(
                "empty-output", f"{{layer}} has nothing to choose from: dimension {place} is 0", "input", note=note
            )


def require_any(input: Tensor, name: str, remedy: str = " Specify the reduction dim with the 'dim' argument.") -> None:
    """Raise Refusal (empty-output) for an empty tensor; `remedy` ends torch's message."""
    if 0 in input.shape:
        note = f"{name}(): Expected reduction dim to be specified for input.numel() == 0.{remedy}"
        raise Refusal("empty-output", f"{{layer}} has nothing to choose from: {input} arrives", "input", note=note)


def summed_dtype(input: Tensor, dtype: DType | None) -> DType:
    """The dtype of a sum: int64 for whole numbers and bools."""
    if dtype is not None:
        return DTYPES[dtype]
    return INT64 if category(input.dtype) < 2 else input.dtype


def averaged_dtype(input: Tensor, dtype: DType | None, name: str) -> DType:
    """The dtype of a mean. Raises Refusal (wrong-dtype) for whole numbers."""
    chosen = DTYPES[dtype or input.dtype]
    if category(chosen) < 2:
        note = (
            f"{name}(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {scalar_name(chosen)}"
            if dtype is None and name == "mean"
            else ""
        )
        raise Refusal("wrong-dtype", f"{name} takes floats, but {chosen} arrives: float() converts", "input", note=note)
    return chosen


def _require_real(dtype: DType | None, name: str) -> None:
    if dtype is not None and is_complex(dtype):
        note = f"{name}: not implemented for '{dtype}'"
        raise Refusal("wrong-dtype", f"{name} cannot compute in {dtype}", "dtype", note=note)


@function(name="sum", method=True, example=("sum(1)", "6x5x5"))
def sum_(input: Tensor, dim: Wholes | None = ALL, keepdim: Flag = False, *, dtype: DType | None = None) -> Tensor:
    """Sums over dimensions, or over all elements.

    dim: the dimensions to sum over; all if None.
    keepdim: whether to keep the reduced dimensions, with size 1.
    dtype: the dtype to sum in.
    """
    return reduce(input, dim, keepdim, summed_dtype(input, dtype))


@function(method=True, example=("nansum(1)", "6x5x5"))
def nansum(input: Tensor, dim: Wholes | None = None, keepdim: Flag = False, *, dtype: DType | None = None) -> Tensor:
    """Sums over dimensions, or over all elements, treating NaN as 0."""
    require_kinds(input, "bif", "adds up")
    _require_real(dtype, "nansum")
    return reduce(input, dim, keepdim, summed_dtype(input, dtype))


@function(method=True, example=("mean(1)", "6x5x5"))
def mean(input: Tensor, dim: Wholes | None = ALL, keepdim: Flag = False, *, dtype: DType | None = None) -> Tensor:
    """Computes the mean over dimensions, or over all elements.

    dim: the dimensions to average over; all if None.
    keepdim: whether to keep the reduced dimensions, with size 1.
    dtype: the dtype to compute in.
    """
    return reduce(input, dim, keepdim, averaged_dtype(input, dtype, "mean"))


@function(method=True, example=("nanmean(1)", "6x5x5"))
def nanmean(input: Tensor, dim: Wholes | None = None, keepdim: Flag = False, *, dtype: DType | None = None) -> Tensor:
    """Computes the mean over dimensions, or over all elements, ignoring NaN."""
    require_kinds(input, "f", "averages")
    _require_real(dtype, "nanmean")
    return reduce(input, dim, keepdim, averaged_dtype(input, dtype, "nanmean"))


@function(method=True, example=("prod(1)", "6x5x5"))
def prod(input: Tensor, dim: Whole | None = ALL, keepdim: Flag = False, *, dtype: DType | None = None) -> Tensor:
    """Multiplies over a dimension, or over all elements."""
    return reduce(input, dim, keepdim, summed_dtype(input, dtype))


def _truth(name: str, doc: str) -> None:
    def rule(input: Tensor, dim: Wholes | None = None, keepdim: Flag = False) -> Tensor:
        # torch keeps uint8, its former bool; an empty tuple of dimensions reduces none of them.
        places = axes(dim, input.shape, every=False)
        dtype = input.dtype if input.dtype == "uint8" else BOOL
        return Tensor(reduced(input.shape, places, keepdim), dtype)

    rule.__doc__ = doc
    function(name=name, method=True, example=(f"{name}(1)", "bool[6, 5]"))(rule)


_truth("any", "Tests whether any element is true, over dimensions or over all elements.")
_truth("all", "Tests whether all elements are true, over dimensions or over all elements.")


@function(method=True, example=("count_nonzero(1)", "6x5x5"))
def count_nonzero(input: Tensor, dim: Wholes | None = None) -> Tensor:
    """Counts the nonzero elements, over dimensions or over all elements."""
    return reduce(input, dim, False, INT64)


@function(method=True, example=("logsumexp(1)", "6x5x5"))
def logsumexp(input: Tensor, dim: Wholes, keepdim: Flag = False) -> Tensor:
    """Computes log(sum(exp(x))) over dimensions."""
    with in_other_words(isinstance(dim, (tuple, list))):
        return reduce(input, dim, keepdim, default_dtype() if category(input.dtype) < 2 else input.dtype)


def _extreme(name: str, doc: str) -> None:
    def rule(input: Tensor, dim: Wholes | None = (), keepdim: Flag = False) -> Tensor:
        require_kinds(input, "bif", "compares")
        whole = dim is None or dim == ()
        with in_other_words(0 in input.shape):
            places = axes(dim, input.shape)
            if not whole:
                require_elements(input, places, f"{name}()", dim)
        if whole:
            require_any(input, name)
        return Tensor(reduced(input.shape, places, keepdim), input.dtype)

    rule.__doc__ = doc
    function(name=name, method=True, example=(f"{name}(1)", "6x5x5"))(rule)


_extreme("amax", "Computes the maximum over dimensions, or over all elements.")
_extreme("amin", "Computes the minimum over dimensions, or over all elements.")


def _spread_dtype(input: Tensor, name: str) -> DType:
    if category(input.dtype) < 2:
        both = name if name.endswith("_mean") else "std and var"
        note = f"{both} only support floating point and complex dtypes"
        raise Refusal(
            "wrong-dtype", f"{name} takes floats, but {input.dtype} arrives: float() converts", "input", note=note
        )
    return DTYPES[REAL_OF[input.dtype]] if is_complex(input.dtype) else input.dtype


def _spread(name: str, doc: str, answer: Callable[[Tensor, Tensor], Any]) -> None:
    def rule(
        input: Tensor, dim: Wholes | Flag | None = ALL, unbiased: Flag | None = None, keepdim: Flag = False, *,
        correction: Number | None = None,
    ) -> Any:  # fmt: skip
        if isinstance(dim, bool):  # var(False): the older signature, `unbiased` alone
            if unbiased is not None or correction is not None or keepdim:
                raise Refusal("wrong-type", f"{name} takes dimensions as dim, not {dim}", "dim")
            dim = None
        elif dim is ALL:
            if keepdim and unbiased is not None:
                raise Refusal("missing-argument", f"{name} takes unbiased and keepdim only with a dim", "keepdim")
            dim = None
        if unbiased is not None and correction is not None:
            raise Refusal("unknown-argument", f"{name} takes unbiased or correction, not both", "correction")
        dtype = _spread_dtype(input, name)
        spread = reduce(input, dim, keepdim, dtype)
        return answer(spread, Tensor(spread.shape, input.dtype))

    rule.__doc__ = doc
    function(name=name, method=not name.endswith("_mean"), example=(f"{name}(1)", "6x5x5"))(rule)


_spread("var", "Computes the variance over dimensions, or over all elements.", lambda spread, mean: spread)
_spread("std", "Computes the standard deviation over dimensions, or over all elements.", lambda spread, mean: spread)
_spread("var_mean", "Returns (variance, mean) over dimensions, or over all.", lambda spread, mean: (spread, mean))
_spread(
    "std_mean", "Returns (standard deviation, mean) over dimensions, or over all.", lambda spread, mean: (spread, mean)
)


@function(method=True, example=("norm(2, 1)", "6x5x5"))
def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: Wholes | None = None,
    keepdim: Flag = False,
    dtype: DType | None = None,
) -> Tensor:
    """Computes the norm over dimensions, or over all elements.

    p: the order of the norm: a number, "fro" or "nuc".
    dim: the dimensions to reduce; all if None.
    """
    if isinstance(p, str) and p not in ("fro", "nuc"):
        raise Refusal("invalid-argument", f"norm takes a number, 'fro' or 'nuc' as p, not {described(p)}", "p")
    if p == "fro" and isinstance(dim, (tuple, list)) and len(dim) > 2:
        raise Refusal(
            "invalid-argument", f"the Frobenius norm takes one or two dimensions, not {described(dim)}", "dim"
        )
    chosen = DTYPES[dtype or input.dtype]
    if category(chosen) < 2 or category(input.dtype) < 2 or is_complex(input.dtype) != is_complex(chosen):
        raise Refusal("wrong-dtype", f"{{layer}} takes floats, but {chosen} arrives: float() converts", "input")
    if dtype is not None and promote(input.dtype, chosen) != chosen:
        message = f"{{layer}} cannot compute {input.dtype} in a narrower dtype such as {chosen}"
        raise Refusal("wrong-dtype", message, "dtype")
    places = axes(dim, input.shape)
    if isinstance(p, (int, float)) and (p < 0 or p == float("inf")):
        with in_other_words():
            require_elements(input, places, "linalg.vector_norm")
    if p == "nuc" and (chosen in _LOW or input.dtype in _LOW):
        note = f"linalg.matrix_norm: Low precision dtypes not supported. Got {chosen}"
        raise Refusal("wrong-dtype", f"the nuclear norm takes float32 or float64, not {chosen}", "input", note=note)
    if p == "nuc" and (len(places) != 2 or dim == ()):
        raise Refusal("wrong-rank", f"the nuclear norm takes two dimensions, but {input} has {len(places)}", "dim")
    return Tensor(reduced(input.shape, places, keepdim), DTYPES[REAL_OF[chosen]] if is_complex(chosen) else chosen)


@function(method=True, example=("dist(x, x)", "6x5x5"))
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """Computes the p-norm of input - other.

    p: the order of the norm.
    """
    dtype = result_type(input, other)
    if "bool" in (input.dtype, other.dtype):
        raise Refusal("wrong-dtype", "cannot subtract with a bool", "input")
    broadcast(input.shape, other.shape, "subtract")
    if category(dtype) < 2:
        raise Refusal("wrong-dtype", f"{{layer}} takes floats, but {dtype} arrives", "input")
    return Tensor((), DTYPES[REAL_OF[dtype]] if is_complex(dtype) else dtype)


def _running(name: str, doc: str) -> None:
    def rule(input: Tensor, dim: Whole, *, dtype: DType | None = None) -> Tensor:
        axis(dim, input.shape)
        if dtype == "bool" and input.shape and 0 not in input.shape:
            raise Refusal("wrong-dtype", f"{name} cannot compute in bool", "dtype")
        return Tensor(input.shape, summed_dtype(input, dtype))

    rule.__doc__ = doc
    function(name=name, method=True, example=(f"{name}(1)", "6x5x5"))(rule)


_running("cumsum", "Computes the cumulative sum along a dimension.")
_running("cumprod", "Computes the cumulative product along a dimension.")


@function(method=True, example=("logcumsumexp(1)", "6x5x5"))
def logcumsumexp(input: Tensor, dim: Whole) -> Tensor:
    """Computes the logarithm of the cumulative sum of exp(x) along a dimension."""
    axis(dim, input.shape)
    require_kinds(input, "fc", "sums up")
    return input.like()


@function(method=True, example=("trace()", "[5, 5]"))
def trace(input: Tensor) -> Tensor:
    """Computes the sum of the diagonal of a matrix."""
    if len(input.shape) != 2:
        note = "" if input.dtype == "bool" else f"trace: expected a matrix, but got tensor with dim {input.ndim}"
        raise Refusal("wrong-rank", f"{{layer}} wants a matrix, but {input} arrives", "input", note=note)
    require_kinds(input, "ifc", "adds up")
    return Tensor((), summed_dtype(input, None))
