"""Scattering: https://pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.shapes.axes import axis
from nnshape.shapes.broadcasting import broadcast
from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.dims import Dim, Size
from nnshape.shapes.dtypes import fits, is_complex
from nnshape.shapes.function import function
from nnshape.shapes.functions.gathering import require_indices, require_same_rank, require_within
from nnshape.shapes.functions.indexing import require_index
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.values import require_room

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Flag, Number, Whole


def _put(input: Tensor, dim: Size, index: Tensor, src: Any) -> Tensor:
    """The input with the source at the positions of the index. Raises Refusal if torch refuses them."""
    place = axis(dim, input.shape)
    if isinstance(src, Tensor) and src.dtype != input.dtype:
        words = "scatter(): Expected self.dtype to be equal to src.dtype"
        note = words if index.dtype in ("int64", "int32") else ""
        raise Refusal(
            "wrong-dtype", f"{{layer}} puts {src.dtype} into {input.dtype}: they must be equal", "src", note=note
        )
    if not isinstance(src, (Tensor, Dim)) and not fits(src, input.dtype):
        raise Refusal("invalid-argument", f"{src} does not fit into {input.dtype}", "value")
    if 0 in index.shape:  # torch skips the checks when the index is empty
        return input.like()
    require_indices(index)
    require_same_rank(input, index)
    if isinstance(src, Tensor):
        require_same_rank(src, index)
        require_within(index.shape, src.shape, None, "src")
    require_within(index.shape, input.shape, place, "the input")
    if input.shape and input.shape[place] == 0:
        require_index(0, 0, place, input.shape)
    return input.like()


_SHAPES = ("6x5x5", "int64[N, 3, 5, 5]", "3x5x5")


@function(method=True, example=("scatter(x, 1, index, src)", *_SHAPES))
def scatter(
    input: Tensor, dim: Whole, index: Tensor, src: Tensor | Number | None = None, *, value: Number | None = None,
    reduce: str | None = None,
) -> Tensor:  # fmt: skip
    """Writes source elements to the positions of an index tensor, along a dimension.

    src: the values to write.
    value: a number to write instead of src.
    reduce: how to combine the values with those that are there: 'add' or 'multiply'; None replaces them.
    """
    if (src is None) == (value is None):
        raise Refusal("missing-argument", "scatter takes src, or a value", "src")
    result = _put(input, dim, index, src if src is not None else value)
    if reduce not in (None, "add", "multiply"):
        note = "reduce argument must be either add or multiply."
        raise Refusal("invalid-argument", f"scatter combines by add or multiply, not {reduce!r}", "reduce", note=note)
    return result


@function(method=True, example=("scatter_add(x, 1, index, src)", *_SHAPES))
def scatter_add(input: Tensor, dim: Whole, index: Tensor, src: Tensor) -> Tensor:
    """Adds source elements at the positions of an index tensor, along a dimension.

    src: the values to add.
    """
    return _put(input, dim, index, src)


@function(method=True, example=('scatter_reduce(x, 1, index, src, "sum")', *_SHAPES))
def scatter_reduce(
    input: Tensor, dim: Whole, index: Tensor, src: Tensor, reduce: str, *, include_self: Flag = True
) -> Tensor:
    """Reduces source elements into the positions of an index tensor, along a dimension.

    reduce: the reduction: 'sum', 'prod', 'mean', 'amax' or 'amin'.
    include_self: whether the reduction includes the input's own values.
    """
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise Refusal(
            "invalid-argument", f"scatter_reduce combines by sum, prod, mean, amax or amin, not {reduce!r}", "reduce"
        )
    if (is_complex(input.dtype) and reduce in ("amax", "amin")) or (input.dtype == "bool" and reduce == "mean"):
        raise Refusal("wrong-dtype", f"scatter_reduce has no {reduce} of {input.dtype}", "input")
    return _put(input, dim, index, src)


@function(method=True, example=("index_add(x, 0, arange(6), x)", "[6, 5]"))
def index_add(input: Tensor, dim: Whole, index: Tensor, source: Tensor, *, alpha: Number = 1) -> Tensor:
    """Adds slices of a source at the given indices of a dimension."""
    place = axis(dim, input.shape)
    require_indices(index)
    if len(index.shape) > 1:
        raise Refusal("wrong-rank", f"{{layer}} wants a vector of indices, but {index} arrives", "index")
    if source.dtype != input.dtype:
        raise Refusal("wrong-dtype", f"{{layer}} puts {source.dtype} into {input.dtype}: they must be equal", "source")
    count = index.shape[0] if index.shape else 1
    wanted = (*input.shape[:place], count, *input.shape[place + 1 :]) if input.shape else ()
    given = source.shape
    if len(given) != len(wanted) or not all(assume_equal(a, b) for a, b in zip(given, wanted, strict=True)):
        raise Refusal("size-mismatch", f"{{layer}} wants a source of {list(wanted)}, but {source} arrives", "source")
    require_room(input.dtype, alpha=alpha)
    return input.like()


@function(method=True, example=("masked_scatter(x, x > 0, x)", "6x5x5"))
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Copies consecutive source elements to the positions where a mask is true."""
    if mask.dtype != "bool":
        raise Refusal("wrong-dtype", f"{{layer}} wants a bool mask, but {mask.dtype} arrives", "mask")
    if source.dtype != input.dtype:
        raise Refusal("wrong-dtype", f"{{layer}} puts {source.dtype} into {input.dtype}: they must be equal", "source")
    return Tensor(broadcast(input.shape, mask.shape, "mask", "mask", swapped=True), input.dtype)
