"""Extremes, medians and sorting: https://pytorch.org/docs/stable/torch.html#comparison-ops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from nnshape.shapes.axes import axis
from nnshape.shapes.broadcasting import broadcast
from nnshape.shapes.constraints import assume_at_least
from nnshape.shapes.dims import Size
from nnshape.shapes.dtypes import INT64, result_type
from nnshape.shapes.function import function
from nnshape.shapes.functions.reduction import reduced, require_any, require_elements, require_kinds
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Tensor

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Flag, Whole


class Ranked(NamedTuple):
    """The values selected along a dimension, and their indices."""

    values: Tensor
    indices: Tensor


class Extremes(NamedTuple):
    """The result of aminmax."""

    min: Tensor
    max: Tensor


def _chosen(input: Tensor, dim: Size, keepdim: bool, name: str) -> Ranked:
    place = axis(dim, input.shape)
    require_elements(input, (place,), f"{name}()")
    shape = reduced(input.shape, (place,), keepdim)
    return Ranked(Tensor(shape, input.dtype), Tensor(shape, INT64))


def _extreme(name: str, doc: str) -> None:
    def rule(
        input: Tensor, dim: Whole | Tensor | None = None, keepdim: Flag = False, *, other: Tensor | None = None
    ) -> Any:
        require_kinds(input, "bif", "compares")
        second = dim if isinstance(dim, Tensor) else other
        if second is not None:
            require_kinds(second, "bif", "compares")
            return Tensor(broadcast(input.shape, second.shape, "compare"), result_type(input, second))
        if dim is None:
            if keepdim:
                raise Refusal("missing-argument", "{layer} takes keepdim only with a dim", "keepdim")
            require_any(input, name)
            return Tensor((), input.dtype)
        return _chosen(input, dim, keepdim, name)  # type: ignore[arg-type]

    rule.__doc__ = doc
    function(name=name, method=True, example=(f"{name}(1)", "6x5x5"))(rule)


_extreme("max", """Returns the maximum of all elements, maxima and indices along a dimension, or elementwise maxima.

    dim: the dimension to reduce, or a tensor to compare with elementwise; None reduces all dimensions.
    keepdim: whether to keep the reduced dimension, with size 1.
    """)  # fmt: skip
_extreme("min", """Returns the minimum of all elements, minima and indices along a dimension, or elementwise minima.

    dim: the dimension to reduce, or a tensor to compare with elementwise; None reduces all dimensions.
    keepdim: whether to keep the reduced dimension, with size 1.
    """)  # fmt: skip


@function(method=True, example=("aminmax()", "6x5x5"))
def aminmax(input: Tensor, *, dim: Whole | None = None, keepdim: Flag = False) -> Extremes:
    """Returns the minimum and the maximum, along a dimension or of all elements."""
    require_kinds(input, "bif", "compares")
    if dim is None:
        with in_other_words():
            require_any(input, "aminmax")
        places = tuple(range(len(input.shape)))
    else:
        places = (axis(dim, input.shape),)
        with in_other_words():
            require_elements(input, places, "aminmax()")
    one = Tensor(reduced(input.shape, places, keepdim), input.dtype)
    return Extremes(one, one.like())


def _place_of(name: str, doc: str) -> None:
    def rule(input: Tensor, dim: Whole | None = None, keepdim: Flag = False) -> Tensor:
        require_kinds(input, "if", "compares")
        if dim is None:
            require_any(input, name, "")
            return Tensor((1,) * len(input.shape) if keepdim else (), INT64)
        return Tensor(_chosen(input, dim, keepdim, name).values.shape, INT64)

    rule.__doc__ = doc
    function(name=name, method=True, example=(f"{name}(1)", "6x5x5"))(rule)


_place_of("argmax", "Returns the index of the maximum, along a dimension or in the flattened tensor.")
_place_of("argmin", "Returns the index of the minimum, along a dimension or in the flattened tensor.")


def _middle(name: str, doc: str, allowed: str) -> None:
    def rule(input: Tensor, dim: Whole | None = None, keepdim: Flag = False) -> Any:
        require_kinds(input, allowed, "orders")
        if dim is None:
            if keepdim:
                raise Refusal("missing-argument", "{layer} takes keepdim only with a dim", "keepdim")
            return Tensor((), input.dtype)
        return _chosen(input, dim, keepdim, name)

    rule.__doc__ = doc
    function(name=name, method=True, example=(f"{name}(1)", "6x5x5"))(rule)


_middle("median", "Returns the median of all elements, or medians and indices along a dimension.", "if")
_middle("nanmedian", "Returns the median of all elements, or medians and indices along a dimension, without NaN.", "if")


@function(method=True, example=("mode(1)", "6x5x5"))
def mode(input: Tensor, dim: Whole = -1, keepdim: Flag = False) -> Ranked:
    """Returns the most frequent value along a dimension and its last index."""
    require_kinds(input, "bif", "compares")
    return _chosen(input, dim, keepdim, "mode")


@function(method=True, example=("kthvalue(2, 1)", "6x5x5"))
def kthvalue(input: Tensor, k: Whole, dim: Whole = -1, keepdim: Flag = False) -> Ranked:
    """Returns the k-th smallest element along a dimension and its index.

    k: the rank of the value in ascending order, from 1.
    """
    place = axis(dim, input.shape)
    own = input.shape[place] if input.shape else 1
    if not (assume_at_least(k, 1) and assume_at_least(own, k)):
        note = "" if own == 0 else f"kthvalue(): selected number k out of range for dimension {place}"
        raise Refusal(
            "invalid-argument", f"k (={k}) must be from 1 to {own}, the size of dimension {dim}", "k", note=note
        )
    require_kinds(input, "if", "orders")
    return _chosen(input, dim, keepdim, "kthvalue")


@function(method=True, example=("topk(2)", "6x5x5"))
def topk(input: Tensor, k: Whole, dim: Whole = -1, largest: Flag = True, sorted: Flag = True) -> Ranked:
    """Returns the k largest elements along a dimension and their indices.

    k: the number of elements.
    dim: the dimension.
    largest: whether to return the largest elements instead of the smallest.
    sorted: whether to return the elements in order.
    """
    place = axis(dim, input.shape)
    own = input.shape[place] if input.shape else 1
    if not (assume_at_least(k, 0) and assume_at_least(own, k)):
        note = "selected index k out of range"
        raise Refusal(
            "invalid-argument", f"k (={k}) must be from 0 to {own}, the size of dimension {dim}", "k", note=note
        )
    require_kinds(input, "if", "orders")
    shape = (*input.shape[:place], k, *input.shape[place + 1 :]) if input.shape else ()
    return Ranked(Tensor(shape, input.dtype), Tensor(shape, INT64))


@function(method=True, example=("sort(1)", "6x5x5"))
def sort(input: Tensor, dim: Whole = -1, descending: Flag = False, *, stable: Flag = False) -> Ranked:
    """Sorts along a dimension and returns the values and their original indices."""
    axis(dim, input.shape)
    require_kinds(input, "bif", "orders")
    return Ranked(input.like(), input.like(dtype=INT64))


@function(method=True, example=("argsort(1)", "6x5x5"))
def argsort(input: Tensor, dim: Whole = -1, descending: Flag = False, *, stable: Flag = False) -> Tensor:
    """Returns the indices that sort the tensor along a dimension."""
    return sort.rule(input, dim).indices  # type: ignore[no-any-return]


@function(method=True, example=("msort()", "[6, 5]"))
def msort(input: Tensor) -> Tensor:
    """Sorts along the first dimension."""
    return sort.rule(input, 0).values  # type: ignore[no-any-return]


def _running(name: str, doc: str) -> None:
    def rule(input: Tensor, dim: Whole) -> Ranked:
        if 0 not in input.shape:  # torch does not check dim for an empty tensor
            with in_other_words(not input.shape):
                axis(dim, input.shape)
        require_kinds(input, "bif", "compares")
        return Ranked(input.like(), input.like(dtype=INT64))

    rule.__doc__ = doc
    function(name=name, method=True, example=(f"{name}(1)", "6x5x5"))(rule)


_running("cummax", "Returns the cumulative maxima along a dimension, and their indices.")
_running("cummin", "Returns the cumulative minima along a dimension, and their indices.")
