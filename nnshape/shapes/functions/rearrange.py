"""Flips, shifts, windows and grids: https://pytorch.org/docs/stable/torch.html and torch.Tensor's methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.shapes.arguments import described
from nnshape.shapes.axes import axes, axis, plain_int
from nnshape.shapes.constraints import assume_at_least
from nnshape.shapes.dims import Size
from nnshape.shapes.dtypes import result_type
from nnshape.shapes.function import function
from nnshape.shapes.functions.joining import with_rank
from nnshape.shapes.functions.shape import of_shape
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, product
from nnshape.shapes.windows import torch_shape

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Whole, Wholes, WholeTuple


@function(method=True, example=("flip(1)", "6x5x5"))
def flip(input: Tensor, *dims: Whole) -> Tensor:
    """Reverses the order of elements along dimensions."""
    axes(dims, input.shape, "dims", every=False)
    return of_shape(input, input.shape)


def _flipped(name: str, rank: int, doc: str) -> None:
    def rule(input: Tensor) -> Tensor:
        if len(input.shape) < rank:
            note = f"Input must be >= {rank}-d."
            raise Refusal(
                "wrong-rank", f"{{layer}} wants {rank} dimensions or more, but {input} arrives", "input", note=note
            )
        return of_shape(input, input.shape)

    rule.__doc__ = doc
    function(name=name, method=True, example=(f"{name}()", "6x5x5"))(rule)


_flipped("fliplr", 2, "Flips columns: reverses dimension 1.")
_flipped("flipud", 1, "Flips rows: reverses dimension 0.")


@function(method=True, example=("roll(1, 2)", "6x5x5"))
def roll(input: Tensor, shifts: Wholes, dims: Wholes = ()) -> Tensor:
    """Shifts elements along dimensions; elements shifted past the end reappear at the start.

    shifts: the number of places to shift by, per dimension.
    dims: the dimensions to roll; if empty, the tensor is flattened, rolled and restored.
    """
    distances = shifts if isinstance(shifts, (tuple, list)) else (shifts,)
    places = dims if isinstance(dims, (tuple, list)) else (dims,)
    if not distances:
        raise Refusal("invalid-argument", "roll wants one or more shifts", "shifts", note="`shifts` required")
    if len(distances) != len(places) and not (len(distances) == 1 and not places):
        note = f"shifts and dimensions must align. shifts: {len(distances)}, dims:{len(places)}"
        raise Refusal("invalid-argument", f"{len(distances)} shifts do not match {len(places)} dims", "dims", note=note)
    for place in places if 0 not in input.shape else ():  # torch does not check dims for an empty tensor
        if not input.shape:
            raise Refusal("index-error", "a single number has no dimension to roll", "dims")
        axis(place, input.shape, "dims")
    return of_shape(input, input.shape)


@function(method=True, example=("rot90(1, (1, 2))", "6x5x5"))
def rot90(input: Tensor, k: Whole = 1, dims: WholeTuple = (0, 1)) -> Tensor:
    """Rotates a tensor by 90 degrees in the plane of two dimensions.

    k: the number of rotations; negative values rotate the other way.
    dims: the two dimensions of the plane.
    """
    if len(dims) != 2:
        raise Refusal("invalid-argument", f"rot90 turns two dimensions, not {described(tuple(dims))}", "dims")
    if len(input.shape) < 2:
        raise Refusal("wrong-rank", f"{{layer}} wants two dimensions or more, but {input} arrives", "input")
    one, two = (axis(place, input.shape, "dims") for place in dims)
    if one == two:
        raise Refusal(
            "invalid-argument", f"rot90 turns two dimensions, but dims (={tuple(dims)}) names one twice", "dims"
        )
    if plain_int(k, "k") % 2 == 0:
        return of_shape(input, input.shape)
    shape = list(input.shape)
    shape[one], shape[two] = shape[two], shape[one]
    return of_shape(input, tuple(shape))


@function(only_method=True, example=("x.unfold(1, 3, 1)", "6x5x5"))
def unfold(input: Tensor, dimension: Whole, size: Whole, step: Whole) -> Tensor:
    """Returns all slices of `size` elements along a dimension, as a new last dimension.

    dimension: the dimension to unfold.
    size: the size of each slice.
    step: the step between slices.
    """
    place = axis(dimension, input.shape, "dimension")
    own = input.shape[place] if input.shape else 1
    if not assume_at_least(size, 0):
        raise Refusal(
            "invalid-argument", f"size must be 0 or more, not {size}", "size", note=f"size is {size} but must be >= 0"
        )
    if not assume_at_least(own, size):
        note = f"maximum size for tensor at dimension {place} is {own} but size is {size}"
        raise Refusal(
            "empty-output",
            f"a window of {size} does not fit into {own}, the size of dimension {dimension}",
            "size",
            note=note,
        )
    if not assume_at_least(step, 1):
        raise Refusal(
            "invalid-argument", f"step must be 1 or more, not {step}", "step", note=f"step is {step} but must be > 0"
        )
    if not input.shape:
        return input.like((size,))
    return input.like((*input.shape[:place], (own - size) // step + 1, *input.shape[place + 1 :], size))


@function(example=("meshgrid(x, x)", "[5]"))
def meshgrid(*tensors: Tensor, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Creates coordinate grids from vectors: one tensor per vector.

    indexing: 'ij' for matrix indexing, 'xy' to swap the first two dimensions.
    """
    if not tensors:
        raise Refusal("missing-argument", "meshgrid takes one or more vectors, but none arrives", "tensors")
    for tensor in tensors:
        if len(tensor.shape) > 1:
            raise Refusal("wrong-rank", f"{{layer}} takes vectors, but {tensor} arrives", "tensors")
        if tensor.dtype != tensors[0].dtype:
            message = f"{{layer}} takes vectors of one dtype, but {tensors[0].dtype} and {tensor.dtype} arrive"
            plain = all(len(each.shape) < 2 for each in tensors)
            note = "meshgrid expects all tensors to have the same dtype" if plain else ""
            raise Refusal("wrong-dtype", message, "tensors", note=note)
    if indexing not in (None, "ij", "xy"):
        raise Refusal("invalid-argument", f"indexing is 'ij' or 'xy', not {indexing!r}", "indexing")
    shape = [tensor.shape[0] if tensor.shape else 1 for tensor in tensors]
    if indexing == "xy" and len(shape) > 1:
        shape[0], shape[1] = shape[1], shape[0]
    return tuple(of_shape(tensor, tuple(shape)) for tensor in tensors)


def _at_least(name: str, rank: int) -> None:
    def rule(*tensors: Tensor) -> Any:

        found = tuple(of_shape(tensor, with_rank(tensor.shape, rank)) for tensor in tensors)
        return found[0] if len(found) == 1 else found

    rule.__doc__ = f"Adds dimensions of size 1 to tensors of fewer than {rank} dimensions."
    function(name=name, example=(f"{name}(x)", "[5]"))(rule)


for _rank in (1, 2, 3):
    _at_least(f"atleast_{_rank}d", _rank)


@function(example=("cartesian_prod(x, x)", "[5]"))
def cartesian_prod(*tensors: Tensor) -> Tensor:
    """Returns the Cartesian product of vectors, one combination per row."""
    if not tensors:
        raise Refusal("missing-argument", "cartesian_prod takes one or more vectors, but none arrives", "tensors")
    for tensor in tensors:
        if len(tensor.shape) != 1:
            raise Refusal(
                "wrong-rank",
                f"{{layer}} takes vectors, but {tensor} arrives",
                "tensors",
                note=f"Expect a 1D vector, but got shape {torch_shape(tensor)}",
            )
        if tensor.dtype != tensors[0].dtype:
            message = f"{{layer}} takes vectors of one dtype, but {tensors[0].dtype} and {tensor.dtype} arrive"
            plain = all(len(each.shape) == 1 for each in tensors)
            note = "meshgrid expects all tensors to have the same dtype" if plain else ""
            raise Refusal("wrong-dtype", message, "tensors", note=note)
    rows = product(tensor.shape[0] for tensor in tensors)
    return tensors[0].like((rows,) if len(tensors) == 1 else (rows, len(tensors)))


@function(example=("block_diag(x, x)", "[5, 5]"))
def block_diag(*tensors: Tensor) -> Tensor:
    """Creates a block-diagonal matrix from matrices."""
    rows: Size = 0
    columns: Size = 0
    for number, tensor in enumerate(tensors):
        if len(tensor.shape) > 2:
            note = (
                "torch.block_diag: Input tensors must have 2 or fewer dimensions. "
                f"Input {number} has {tensor.ndim} dimensions"
            )
            raise Refusal("wrong-rank", f"{{layer}} takes matrices, but {tensor} arrives", "tensors", note=note)
        height, width = with_rank(tensor.shape, 2)
        rows, columns = rows + height, columns + width
    return Tensor((rows, columns), result_type(*tensors)) if tensors else Tensor((1, 0))
