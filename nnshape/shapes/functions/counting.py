"""Quantiles, bins and counts: https://pytorch.org/docs/stable/torch.html#comparison-ops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.shapes.axes import axis
from nnshape.shapes.constraints import assume_at_least, assume_equal, fresh_symbol
from nnshape.shapes.dtype_names import scalar_name
from nnshape.shapes.dtypes import BOOL, DTYPES, INT64
from nnshape.shapes.function import function
from nnshape.shapes.functions.reduction import reduced, require_any, require_kinds
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Tensor, product

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Flag, Number, Whole


def _quantiles(name: str, doc: str) -> None:
    def rule(
        input: Tensor,
        q: float | Tensor,
        dim: Whole | None = None,
        keepdim: Flag = False,
        *,
        interpolation: str = "linear",
    ) -> Tensor:
        if input.dtype not in ("float32", "float64"):
            # torch looks first at how many elements there are, and at q.
            known = q.ndim < 2 if isinstance(q, Tensor) else isinstance(q, (int, float)) and 0 <= q <= 1
            plain = known and 0 not in input.shape
            note = "quantile() input tensor must be either float or double dtype" if plain else ""
            raise Refusal(
                "wrong-dtype", f"{{layer}} takes float32 or float64, but {input.dtype} arrives", "input", note=note
            )
        if isinstance(q, Tensor) and q.dtype != input.dtype:
            raise Refusal("wrong-dtype", f"{{layer}} wants q as {input.dtype}, but it is {q.dtype}", "q")
        if isinstance(q, Tensor) and len(q.shape) > 1:
            raise Refusal("wrong-rank", f"{{layer}} wants q as a number or a vector, but it is {q}", "q")
        if isinstance(q, (int, float)) and not 0 <= q <= 1:
            raise Refusal("invalid-argument", f"q must lie between 0 and 1, not at {q}", "q")
        if interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
            raise Refusal("invalid-argument", f"there is no interpolation {interpolation!r}", "interpolation")
        with in_other_words():
            require_any(input, name)
        places = tuple(range(len(input.shape))) if dim is None else (axis(dim, input.shape),)
        several = q.shape if isinstance(q, Tensor) else ()
        return Tensor(several + reduced(input.shape, places, keepdim), input.dtype)

    rule.__doc__ = doc
    function(name=name, method=True, example=(f"{name}(0.5, 1)", "6x5x5"))(rule)


_quantiles("quantile", "Computes the q-th quantiles along a dimension, or of all elements.")
_quantiles("nanquantile", "Computes the q-th quantiles along a dimension, ignoring NaN.")


@function(example=("searchsorted(x, x)", "[5]"))
def searchsorted(
    sorted_sequence: Tensor, input: Tensor | Number, *, out_int32: Flag = False, right: Flag = False,
    side: str | None = None, sorter: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Finds the insertion index of each value in a sorted sequence.

    sorted_sequence: the sequence, in ascending order along the last dimension.
    side: 'right' for right=True, 'left' for right=False.
    sorter: indices that sort an unsorted sequence.
    """
    shape = input.shape if isinstance(input, Tensor) else ()
    edges = sorted_sequence.shape
    if not edges:
        raise Refusal("wrong-rank", "{layer} wants a sorted sequence of one dimension or more", "sorted_sequence")
    require_kinds(sorted_sequence, "if", "orders")
    if side not in (None, "left", "right") or (side == "left" and right):
        raise Refusal("invalid-argument", f"side (={side!r}) must be 'left' or 'right', as `right`", "side")
    if len(edges) > 1:
        ahead = edges[:-1]
        if len(shape) != len(edges) or not all(assume_equal(a, b) for a, b in zip(ahead, shape, strict=False)):
            both = f"{sorted_sequence} and {input}"
            message = f"{{layer}} wants a sequence and values of one shape except in the last dimension, not {both}"
            raise Refusal("size-mismatch", message, "input")
    return Tensor(shape, DTYPES["int32"] if out_int32 else INT64)


@function(example=("bucketize(x, boundaries)", "6x5", "[8]"))
def bucketize(input: Tensor | Number, boundaries: Tensor, *, out_int32: Flag = False, right: Flag = False) -> Tensor:
    """Finds the index of the bucket, between boundaries, of each element."""
    if len(boundaries.shape) != 1:
        note = f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})"
        raise Refusal(
            "wrong-rank",
            f"{{layer}} wants boundaries of one dimension, but {boundaries} arrives",
            "boundaries",
            note=note,
        )
    return searchsorted.rule(boundaries, input, out_int32=out_int32)  # type: ignore[no-any-return]


@function(example=("isin(x, x)", "[5]"))
def isin(
    elements: Tensor | Number, test_elements: Tensor | Number, *, assume_unique: Flag = False, invert: Flag = False
) -> Tensor:
    """Tests whether each element is among the test elements.

    elements: the elements to test.
    test_elements: the elements to compare with.
    assume_unique: whether both contain no duplicates, which is faster.
    invert: whether to negate the result.
    """
    for name, operand in (("elements", elements), ("test_elements", test_elements)):
        if isinstance(operand, Tensor):
            note = f"Unsupported input type encountered for isin(): {scalar_name(operand.dtype)}"
            require_kinds(operand, "if", "compares", note)
        elif isinstance(operand, (bool, complex)):
            raise Refusal("wrong-dtype", f"{{layer}} compares whole numbers and floats, not {operand}", name)
    return Tensor(elements.shape if isinstance(elements, Tensor) else (), BOOL)


@function(method=True, example=("unique()", "[5]"))
def unique(
    input: Tensor,
    sorted: Flag = True,
    return_inverse: Flag = False,
    return_counts: Flag = False,
    dim: Whole | None = None,
) -> Any:
    """Returns the unique elements, and optionally their inverse indices and counts.

    sorted: whether to sort the unique elements.
    return_inverse: whether to return the index of each input element among them too.
    return_counts: whether to return the count of each too.
    """
    return _distinct(input, return_inverse, return_counts, dim)


@function(method=True, example=("unique_consecutive()", "[5]"))
def unique_consecutive(
    input: Tensor, return_inverse: Flag = False, return_counts: Flag = False, dim: Whole | None = None
) -> Any:
    """Drops all but the first of each run of equal elements.

    return_inverse: whether to return the index of each input element among the kept ones too.
    return_counts: whether to return the length of each run too.
    """
    return _distinct(input, return_inverse, return_counts, dim)


def _distinct(input: Tensor, return_inverse: bool, return_counts: bool, dim: Whole | None) -> Any:
    if dim is not None and not input.shape:
        note = f"Dimension specified as {dim} but tensor has no dimensions"
        raise Refusal("index-error", f"{{layer}} gets a single number, which has no dim {dim}", "dim", note=note)
    require_kinds(input, "bif", "compares")
    place = None if dim is None else axis(dim, input.shape)
    empty = input.shape.count(0)
    if place is not None and empty > (input.shape[place] == 0):
        note = (
            "Number of zero sized dimensions is more than one, so unique cannot be applied "
            if input.shape[place] == 0
            else "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied"
        )
        raise Refusal("empty-output", f"{{layer}} compares slices without elements along dim {dim}", "dim", note=note)
    whole = product(input.shape) if place is None else input.shape[place]
    count = fresh_symbol("unique", whole)
    shape = (count,) if place is None else (*input.shape[:place], count, *input.shape[place + 1 :])
    found = [Tensor(shape, input.dtype)]
    if return_inverse:
        found.append(Tensor(input.shape if place is None else (whole,), INT64))
    if return_counts:
        found.append(Tensor((count,), INT64))
    return found[0] if len(found) == 1 else tuple(found)


@function(method=True, example=("histc(10)", "[50]"))
def histc(input: Tensor, bins: Whole = 100, min: float = 0, max: float = 0) -> Tensor:
    """Computes a histogram with equal-width bins.

    bins: the number of bins.
    min: the lower end of the range.
    max: the upper end of the range; min = max = 0 takes the range of the data.
    """
    require_kinds(input, "f", "counts")
    if not assume_at_least(bins, 1):
        raise Refusal("invalid-argument", f"bins must be 1 or more, not {bins}", "bins")
    return Tensor((bins,), input.dtype)
