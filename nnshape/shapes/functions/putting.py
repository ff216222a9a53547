"""Writing to indexed elements: https://pytorch.org/docs/stable/generated/torch.Tensor.index_put_.html."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.shapes.broadcasting import must_expand
from nnshape.shapes.dtype_names import scalar_name
from nnshape.shapes.dtypes import is_complex
from nnshape.shapes.function import function
from nnshape.shapes.functions.indexing import MASKS, consumed, selected
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Shape, Tensor, shape_text

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Flag, Tensors
    from nnshape.shapes.dims import Size


@function(method=True, example=("index_put(x, (x > 0,), y)", "6x5x5", "[1]"))
def index_put(input: Tensor, indices: Tensors, values: Tensor, accumulate: Flag = False) -> Tensor:
    """Writes values to the elements that `input[indices]` selects, as `x[indices] = values` does.

    indices: a tuple of index tensors, one per dimension from the first on: int64 or int32 indices, or bool masks.
    values: the values to write, of the input's dtype; they broadcast to the shape of `input[indices]`.
    accumulate: whether to add the values to the elements in place of overwriting them.
    """
    if not indices:
        raise Refusal("missing-argument", "{layer} wants one index tensor or more, such as (index,)", "indices")
    if len(indices) > input.ndim:
        note = f"too many indices for tensor of dimension {input.ndim} (got {len(indices)})"
        message = f"{shape_text(input.shape)} has {input.ndim} dimensions, but {len(indices)} are indexed"
        raise Refusal("index-error", message, "indices", note=note)
    masked = any(index.dtype in MASKS for index in indices)
    wanted = selected(input.shape, tuple(indices), _count_of_values(input, indices, values))
    if not accumulate and _fills(indices, values):
        _require_fillable(input, indices, values)
        return input.like()
    with in_other_words(masked):  # torch counts the elements of a mask
        must_expand(values.shape, wanted, "write", "values", _sentence)
    if values.dtype != input.dtype:
        note = (
            "Index put requires the source and destination dtypes match, got "
            f"{scalar_name(input.dtype)} for the destination and {scalar_name(values.dtype)} for the source."
        )
        message = f"{{layer}} puts {values.dtype} into {input.dtype}: they must be equal"
        raise Refusal("wrong-dtype", message, "values", note=note)
    return input.like()


def _count_of_values(input: Tensor, indices: Tensors, values: Tensor) -> Size:
    """The number of elements that a mask must select: as many as there are values, which only a run can check."""
    kept = input.ndim - sum(map(consumed, indices))
    return values.shape[-kept - 1] if values.ndim > kept >= 0 else 1


def _fills(indices: Tensors, values: Tensor) -> bool:
    """Whether torch writes one number by masked_fill_, which converts it: for one mask, and one element."""
    return len(indices) == 1 and indices[0].dtype in MASKS and all(size == 1 for size in values.shape)


def _require_fillable(input: Tensor, indices: Tensors, values: Tensor) -> None:
    if indices[0].dtype != "bool":
        note = "masked_fill_ only supports boolean masks, but got mask with dtype unsigned char"
        raise Refusal("wrong-dtype", "{layer} wants a bool mask, but uint8 arrives", "indices", note=note)
    if is_complex(values.dtype) and not is_complex(input.dtype):
        message = f"{{layer}} cannot write a complex number into {input.dtype}"
        raise Refusal("wrong-dtype", message, "values")


def _sentence(wanted: Shape, values: Shape, position: int) -> str:
    return (
        f"shape mismatch: value tensor of shape {list(values)} cannot be broadcast to indexing result of shape "
        f"{list(wanted)}"
    )
