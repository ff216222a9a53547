"""Gathering: https://pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.shapes.axes import axis
from nnshape.shapes.broadcasting import broadcast
from nnshape.shapes.constraints import assume_at_least, assume_equal, fresh_symbol
from nnshape.shapes.dtypes import INT64
from nnshape.shapes.function import function
from nnshape.shapes.functions.indexing import require_index, require_reach
from nnshape.shapes.functions.slicing import part_of
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, Tensor, product

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Flag, Whole


def require_indices(
    index: Tensor, name: str = "index", allowed: tuple[str, ...] = ("int64", "int32"), note: str = ""
) -> None:
    """Raise Refusal (wrong-dtype) unless the index holds whole numbers of these dtypes."""
    if index.dtype not in allowed:
        wanted = " or ".join(allowed)
        raise Refusal("wrong-dtype", f"{{layer}} wants {name} as {wanted}, but it is {index.dtype}", name, note=note)


@function(method=True, example=("select(1, 0)", "6x5x5"))
def select(input: Tensor, dim: Whole, index: Whole) -> Tensor:
    """Selects one index of a dimension and removes the dimension."""
    if not input.shape:
        note = "select() cannot be applied to a 0-dim tensor."
        raise Refusal("index-error", "a single number has no dimension to select from", "input", note=note)
    place = axis(dim, input.shape)
    note = f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension {place}"
    require_index(index, input.shape[place], place, input.shape, note=note)
    return part_of(input, input.shape[:place] + input.shape[place + 1 :])


@function(method=True, example=("narrow(1, 0, 2)", "6x5x5"))
def narrow(input: Tensor, dim: Whole, start: Whole | Tensor, length: Whole) -> Tensor:
    """Selects a contiguous range of a dimension.

    dim: the dimension to narrow.
    start: the first index; negative counts from the end.
    length: the number of elements.
    """
    if not input.shape:
        note = "narrow() cannot be applied to a 0-dim tensor."
        raise Refusal("wrong-rank", "a single number has no dimension to narrow", "input", note=note)
    if not assume_at_least(length, 0):
        note = "narrow(): length must be non-negative."
        raise Refusal("invalid-argument", f"length must be 0 or more, not {length}", "length", note=note)
    place = axis(dim, input.shape)
    size = input.shape[place]
    if not isinstance(start, Tensor):
        first = size + start if type(start) is int and start < 0 else start
        if not assume_at_least(first, 0) or not assume_at_least(size, first):
            note = f"start out of range (expected to be in range of [{-size}, {size}], but got {start})"
            raise Refusal(
                "index-error", f"start (={start}) lies outside {size}, the size of dimension {dim}", "start", note=note
            )
        if not assume_at_least(size, first + length):
            note = f"start ({first}) + length ({length}) exceeds dimension size ({size})."
            message = f"{length} from {first} on go beyond {size}, the size of dimension {dim}"
            raise Refusal("index-error", message, "length", note=note)
    return part_of(input, (*input.shape[:place], length, *input.shape[place + 1 :]))


@function(method=True, example=("index_select(0, arange(3))", "[6, 5]"))
def index_select(input: Tensor, dim: Whole, index: Tensor) -> Tensor:
    """Selects the given indices of a dimension.

    dim: the dimension to select from.
    index: the indices, a vector of int64 or int32.
    """
    place = axis(dim, input.shape)
    if len(index.shape) > 1:
        note = "index_select(): Index is supposed to be a vector"
        raise Refusal("wrong-rank", f"{{layer}} wants a vector of indices, but {index} arrives", "index", note=note)
    require_indices(index, note="index_select(): Expected dtype int32 or int64 for index")
    count = index.shape[0] if index.shape else 1
    if not input.shape:
        if not assume_equal(count, 1):
            raise Refusal("size-mismatch", f"{{layer}} takes one index of a single number, not {count}", "index")
        return input.like(())
    if input.shape[place] == 0 and count != 0:
        require_index(0, 0, place, input.shape)
    require_reach(index, input.shape[place], place, input.shape, note="index out of range in self")
    return input.like((*input.shape[:place], count, *input.shape[place + 1 :]))


def require_same_rank(input: Tensor, index: Tensor, name: str = "index", note: str = "") -> None:
    """Raise Refusal (wrong-rank) unless both have the same number of dimensions; a single number counts as one."""
    if max(len(input.shape), 1) != max(len(index.shape), 1):
        message = f"{{layer}} wants {name} of the input's rank, but {input} and {index} arrive"
        raise Refusal("wrong-rank", message, name, note=note)


def require_within(index: Shape, other: Shape, skip: int | None, name: str) -> None:
    """Raise Refusal (size-mismatch) if the index is larger than a tensor, in a dimension other than `skip`."""
    for place, (size, most) in enumerate(zip(index or (1,), other or (1,), strict=True)):
        if place != skip and not assume_at_least(most, size):
            message = f"index has size {size} in dimension {place}, but {name} has only {most}"
            raise Refusal("size-mismatch", message, "index")


@function(method=True, example=("gather(x, 1, index)", "6x5x5", "int64[N, 3, 5, 5]"))
def gather(input: Tensor, dim: Whole, index: Tensor, *, sparse_grad: Flag = False) -> Tensor:
    """Gathers elements along a dimension at the positions of an index tensor, into a tensor of its shape.

    dim: the dimension to gather from.
    index: int64 indices, with the rank of the input and no larger in its other dimensions.
    """
    place = axis(dim, input.shape)
    if 0 not in index.shape:
        require_indices(index, note="gather(): Expected dtype int32/int64 for index")
        words = "Index tensor must have the same number of dimensions as input tensor"
        require_same_rank(input, index, note=words)
        require_within(index.shape, input.shape, place, "the input")
        if input.shape and input.shape[place] == 0:
            require_index(0, 0, place, input.shape)
    return input.like(index.shape)


@function(method=True, example=("take_along_dim(x, x.argsort(1), 1)", "6x5x5"))
def take_along_dim(input: Tensor, indices: Tensor, dim: Whole | None = None) -> Tensor:
    """Gathers elements along a dimension at the positions of an index tensor; other dimensions broadcast."""
    require_indices(indices, "indices", ("int64", "int32") if dim is None else ("int64",))
    if dim is None:
        if 0 in input.shape and 0 not in indices.shape:
            require_index(0, 0, 0, (0,), "indices")
        return Tensor((product(indices.shape),), input.dtype)
    if not input.shape:
        raise Refusal("index-error", "a single number has no dimension to take along", "dim")
    place = axis(dim, input.shape)
    if len(input.shape) != len(indices.shape):
        note = (
            "torch.take_along_dim(): input and indices should have the same number of dimensions, "
            f"but got {input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
        )
        message = f"{{layer}} wants indices of the input's rank, but {input} and {indices} arrive"
        raise Refusal("wrong-rank", message, "indices", note=note)
    ahead = broadcast(
        (*input.shape[:place], 1, *input.shape[place + 1 :]),
        (*indices.shape[:place], 1, *indices.shape[place + 1 :]),
        "look up",
        "indices",
    )
    shape = (*ahead[:place], indices.shape[place], *ahead[place + 1 :])
    if input.shape[place] == 0 and 0 not in shape:
        require_index(0, 0, place, input.shape, "indices")
    return Tensor(shape, input.dtype)


@function(method=True, example=("take(x, x.long())", "[5]"))
def take(input: Tensor, index: Tensor) -> Tensor:
    """Gathers elements by their index into the flattened tensor."""
    require_indices(index, allowed=("int64",))
    if 0 in input.shape and 0 not in index.shape:
        require_index(0, 0, 0, input.shape)
    return Tensor(index.shape, input.dtype)


@function(method=True, example=("masked_select(x, x > 0)", "6x5x5"))
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """Selects the elements where a mask is true, as a vector whose length depends on the values."""
    if mask.dtype != "bool":
        note = "masked_select: expected BoolTensor for mask"
        raise Refusal("wrong-dtype", f"{{layer}} wants a bool mask, but {mask.dtype} arrives", "mask", note=note)
    shape = broadcast(input.shape, mask.shape, "mask", "mask", swapped=True)
    return Tensor((fresh_symbol("nonzero", product(shape)),), input.dtype)


@function(method=True, example=("nonzero()", "6x5x5"))
def nonzero(input: Tensor, *, as_tuple: Flag = False) -> Any:
    """Returns the indices of nonzero elements, one row each; the number of rows depends on the values."""
    count = fresh_symbol("nonzero", product(input.shape))
    if as_tuple:
        return tuple(Tensor((count,), INT64) for _ in input.shape or (1,))
    return Tensor((count, len(input.shape)), INT64)


@function(method=True, example=("argwhere()", "6x5x5"))
def argwhere(input: Tensor) -> Tensor:
    """Returns the indices of nonzero elements, one row each."""
    return nonzero.rule(input)  # type: ignore[no-any-return]
