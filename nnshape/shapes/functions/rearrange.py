"""Repeating, expanding, turning and cutting out: https://pytorch.org/docs/stable/torch.html and torch.Tensor's methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.shapes.arguments import described
from nnshape.shapes.axes import axes, axis, plain_int
from nnshape.shapes.broadcasting import broadcast_all
from nnshape.shapes.constraints import assume_at_least, assume_equal, fresh_symbol
from nnshape.shapes.dim import Dim, Size, at_least, maximum, minimum
from nnshape.shapes.function import function
from nnshape.shapes.functions.shape import of_shape
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, Tensor, product, shape_text

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Whole, Wholes


def expanded(shape: Shape, target: tuple[Size, ...], name: str = "sizes") -> Shape:
    """The shape that an expansion gives: -1 keeps a size. Raises Refusal where another size than 1 would grow."""
    ahead = len(target) - len(shape)
    if ahead < 0:
        note = (
            f"expand(...): the number of sizes provided ({len(target)}) must be greater or equal to the number of "
            f"dimensions in the tensor ({len(shape)})"
        )
        message = f"{shape_text(shape)} has {len(shape)} dimensions, and cannot expand to {len(target)}"
        raise Refusal("wrong-rank", message, name, note=note)
    found = []
    for place, size in enumerate(target):
        own = shape[place - ahead] if place >= ahead else None
        if type(size) is int and size < 0:
            if size != -1 or own is None:
                message = f"{name} (={list(target)}) has {size} where there is no size to keep"
                raise Refusal("invalid-argument", message, name)
            found.append(own)
        elif own is None or own == 1:
            if type(size) is not int:
                assume_at_least(size, 0)
            found.append(size)
        elif assume_equal(own, size):
            found.append(size if type(size) is int else own)
        else:
            note = (
                f"The expanded size of the tensor ({size}) must match the existing size ({own}) "
                f"at non-singleton dimension {place}."
            )
            message = f"cannot expand {shape_text(shape)} to {list(target)}: only a size of 1 grows, and {own} is not {size}"
            raise Refusal("size-mismatch", message, name, note=note)
    return tuple(found)


@function(only_method=True, example=("expand(3, -1, 5)", "[1, 6, 5]"))
def expand(input: Tensor, *sizes: Whole) -> Tensor:
    """Repeats dimensions of size 1 without copying.

    sizes: the new sizes; -1 keeps one.
    """
    return of_shape(input, expanded(input.shape, sizes))


@function(only_method=True, example=("expand_as(x)", "6x5x5"))
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Repeats dimensions of size 1 to the shape of another tensor."""
    return of_shape(input, expanded(input.shape, other.shape, "other"))


@function(method=True, example=("broadcast_to((3, 6, 5))", "[6, 5]"))
def broadcast_to(input: Tensor, size: tuple) -> Tensor:
    """Repeats dimensions of size 1 to a shape."""
    return of_shape(input, expanded(input.shape, tuple(size), "size"))


@function(example=("broadcast_tensors(x, x)", "6x5x5"))
def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Repeats dimensions of size 1 until all tensors have one shape."""
    shape = broadcast_all([tensor.shape for tensor in tensors])
    return tuple(of_shape(tensor, shape) for tensor in tensors)


@function(only_method=True, example=("repeat(2, 1, 1)", "[6, 5]"))
def repeat(input: Tensor, *repeats: Whole) -> Tensor:
    """Copies the tensor side by side.

    repeats: how often along each dimension; new dimensions come in front.
    """
    ahead = len(repeats) - len(input.shape)
    if ahead < 0:
        note = "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor"
        message = f"{{layer}} wants a number for each dimension of {shape_text(input.shape)}, not {len(repeats)}"
        raise Refusal("wrong-rank", message, "repeats", note=note)
    return of_shape(input, _repeated((1,) * ahead + input.shape, repeats, "repeats"))


def _repeated(shape: Shape, times: tuple[Size, ...], name: str) -> Shape:
    found = tuple(size * time for size, time in zip(shape, times, strict=True))
    for size in found:
        if not assume_at_least(size, 0):
            note = f"Trying to create tensor with negative dimension: {list(found)}"
            raise Refusal("invalid-argument", f"{name} (={list(times)}) has a negative number", name, note=note)
    return found


@function(method=True, example=("tile(2, 1)", "[6, 5]"))
def tile(input: Tensor, *dims: Whole) -> Tensor:
    """Copies the tensor side by side; numbers that are missing in front count as 1."""
    longest = max(len(dims), len(input.shape))
    shape = (1,) * (longest - len(input.shape)) + input.shape
    return of_shape(input, _repeated(shape, (1,) * (longest - len(dims)) + tuple(dims), "dims"))


@function(method=True, example=("repeat_interleave(2, 1)", "6x5x5"))
def repeat_interleave(
    input: Tensor, repeats: Whole | Tensor, dim: Whole | None = None, *, output_size: Whole | None = None
) -> Tensor:
    """Repeats each element of a dimension.

    repeats: how often; or a tensor with a number for each element.
    dim: the dimension; None flattens first.
    output_size: the resulting size of the dimension, where a tensor says how often.
    """
    shape = (product(input.shape),) if dim is None else input.shape
    if not shape:
        raise Refusal("index-error", "a single number has no dimension to repeat along", "dim")
    place = axis(0 if dim is None else dim, shape)
    if isinstance(repeats, Tensor):
        return of_shape(input, _repeated_each(shape, place, repeats, output_size))
    if not assume_at_least(repeats, 0):
        raise Refusal("invalid-argument", f"repeats must be 0 or more, not {repeats}", "repeats")
    size = shape[place] * repeats
    if output_size is not None and not assume_equal(size, output_size):
        raise Refusal("size-mismatch", f"output_size is {output_size}, but the repeats give {size}", "output_size")
    return of_shape(input, (*shape[:place], size, *shape[place + 1 :]))


def _repeated_each(shape: Shape, place: int, repeats: Tensor, output_size: Size | None) -> Shape:
    if repeats.dtype not in ("int64", "int32"):
        raise Refusal("wrong-dtype", f"{{layer}} wants repeats as int64 or int32, not {repeats.dtype}", "repeats")
    if len(repeats.shape) > 1:
        raise Refusal("wrong-rank", f"{{layer}} wants repeats of one dimension, but {repeats} arrives", "repeats")
    if repeats.shape and repeats.shape[0] != 1 and not assume_equal(repeats.shape[0], shape[place]):
        message = f"{{layer}} wants a repeat for each of {shape[place]} elements, but {repeats.shape[0]} arrive"
        raise Refusal("size-mismatch", message, "repeats", note="repeats must have the same size as input along dim")
    size = fresh_symbol("repeated", 1 << 62) if output_size is None else output_size
    return (*shape[:place], size, *shape[place + 1 :])


@function(method=True, example=("flip(1)", "6x5x5"))
def flip(input: Tensor, *dims: Whole) -> Tensor:
    """Turns dimensions round."""
    axes(dims, input.shape, "dims", every=False)
    return of_shape(input, input.shape)


def _flipped(name: str, rank: int, doc: str) -> None:
    def rule(input: Tensor) -> Tensor:
        if len(input.shape) < rank:
            note = f"Input must be >= {rank}-d."
            raise Refusal("wrong-rank", f"{{layer}} wants {rank} dimensions or more, but {input} arrives", "input", note=note)
        return of_shape(input, input.shape)

    rule.__doc__ = doc
    function(name=name, method=True, example=(f"{name}()", "6x5x5"))(rule)


_flipped("fliplr", 2, "Turns dimension 1 round, left to right.")
_flipped("flipud", 1, "Turns dimension 0 round, top to bottom.")


@function(method=True, example=("roll(1, 2)", "6x5x5"))
def roll(input: Tensor, shifts: Wholes, dims: Wholes = ()) -> Tensor:
    """Shifts elements along dimensions; what falls out comes in at the other end.

    shifts: how far, for each dimension.
    dims: the dimensions; without any, the tensor is rolled as if it were flat.
    """
    distances = shifts if isinstance(shifts, (tuple, list)) else (shifts,)
    places = dims if isinstance(dims, (tuple, list)) else (dims,)
    if not distances:
        raise Refusal("invalid-argument", "roll wants one or more shifts", "shifts", note="`shifts` required")
    if len(distances) != len(places) and not (len(distances) == 1 and not places):
        note = f"shifts and dimensions must align. shifts: {len(distances)}, dims:{len(places)}"
        raise Refusal("invalid-argument", f"{len(distances)} shifts do not go with {len(places)} dims", "dims", note=note)
    for place in places if 0 not in input.shape else ():  # torch looks at nothing where there is nothing
        if not input.shape:
            raise Refusal("index-error", "a single number has no dimension to roll", "dims")
        axis(place, input.shape, "dims")
    return of_shape(input, input.shape)


@function(method=True, example=("rot90(1, (1, 2))", "6x5x5"))
def rot90(input: Tensor, k: Whole = 1, dims: tuple = (0, 1)) -> Tensor:
    """Turns a plane by 90 degrees, k times.

    k: how often; minus turns the other way.
    dims: the two dimensions of the plane.
    """
    if len(dims) != 2:
        raise Refusal("invalid-argument", f"rot90 turns two dimensions, not {described(tuple(dims))}", "dims")
    if len(input.shape) < 2:
        raise Refusal("wrong-rank", f"{{layer}} wants two dimensions or more, but {input} arrives", "input")
    one, two = (axis(place, input.shape, "dims") for place in dims)
    if one == two:
        raise Refusal("invalid-argument", f"rot90 turns two dimensions, but dims (={tuple(dims)}) names one twice", "dims")
    if plain_int(k, "k") % 2 == 0:
        return of_shape(input, input.shape)
    shape = list(input.shape)
    shape[one], shape[two] = shape[two], shape[one]
    return of_shape(input, tuple(shape))


def _triangle(name: str, doc: str) -> None:
    def rule(input: Tensor, diagonal: Whole = 0) -> Tensor:
        if len(input.shape) < 2:
            note = f"{name}: input tensor must have at least 2 dimensions"
            raise Refusal("wrong-rank", f"{{layer}} takes matrices, but {input} arrives", "input", note=note)
        return input.like()

    rule.__doc__ = doc
    function(name=name, method=True, example=(f"{name}()", "[5, 5]"))(rule)


_triangle("tril", "Keeps the lower triangle of matrices, up to a diagonal, and puts 0 above it.")
_triangle("triu", "Keeps the upper triangle of matrices, from a diagonal on, and puts 0 below it.")


def diagonal_size(rows: Size, columns: Size, offset: Size) -> Size:
    """The length of a diagonal: 0 where it lies outside."""
    if isinstance(offset, Dim) and not at_least(offset, 0):
        raise Refusal("unknown-value", f"offset (={offset}) must be a number: give its symbols values", "offset")
    above = isinstance(offset, Dim) or offset >= 0
    return maximum(minimum(rows, columns - offset) if above else minimum(rows + offset, columns), 0)


@function(method=True, example=("diagonal(0, 1, 2)", "6x5x5"))
def diagonal(input: Tensor, offset: Whole = 0, dim1: Whole = 0, dim2: Whole = 1) -> Tensor:
    """The diagonal of two dimensions, as a last dimension.

    offset: how far above the main diagonal it lies; below with a minus.
    dim1, dim2: the two dimensions.
    """
    one, two = axis(dim1, input.shape, "dim1"), axis(dim2, input.shape, "dim2")
    if one == two:
        note = f"diagonal dimensions cannot be identical {dim1}, {dim2}"
        raise Refusal("invalid-argument", f"a diagonal needs two dimensions, but dim1 and dim2 are both {one}", "dim2", note=note)
    rest = tuple(size for place, size in enumerate(input.shape) if place not in (one, two))
    return of_shape(input, (*rest, diagonal_size(input.shape[one], input.shape[two], offset)))


@function(method=True, example=("diag()", "[5, 5]"))
def diag(input: Tensor, diagonal: Whole = 0) -> Tensor:
    """The diagonal of a matrix, or a matrix with a vector on its diagonal."""
    if len(input.shape) == 2:
        return of_shape(input, (diagonal_size(*input.shape, diagonal),))
    if len(input.shape) != 1:
        note = f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D"
        raise Refusal("wrong-rank", f"{{layer}} takes a vector or a matrix, but {input} arrives", "input", note=note)
    side = input.shape[0] + abs(plain_int(diagonal, "diagonal"))
    return input.like((side, side))


@function(method=True, example=("diag_embed()", "[6, 5]"))
def diag_embed(input: Tensor, offset: Whole = 0, dim1: Whole = -2, dim2: Whole = -1) -> Tensor:
    """Matrices with the last dimension on their diagonals.

    offset: how far above the main diagonal; below with a minus.
    dim1, dim2: where the two dimensions of the matrices stand.
    """
    if not input.shape:
        raise Refusal("wrong-rank", "{layer} wants one dimension or more, but a single number arrives", "input")
    one, two = (axis(dim, input.shape, name, extra=1) for name, dim in (("dim1", dim1), ("dim2", dim2)))
    if one == two:
        raise Refusal("invalid-argument", f"a diagonal needs two dimensions, but dim1 and dim2 are both {one}", "dim2")
    side = input.shape[-1] + abs(plain_int(offset, "offset"))
    shape = list(input.shape[:-1])
    for place in sorted((one, two)):
        shape.insert(place, side)
    return input.like(tuple(shape))


@function(only_method=True, example=("unfold(1, 3, 1)", "6x5x5"))
def unfold(input: Tensor, dimension: Whole, size: Whole, step: Whole) -> Tensor:
    """Slides a window along a dimension; what it shows becomes a last dimension.

    dimension: the dimension.
    size: the length of the window.
    step: how far it moves.
    """
    place = axis(dimension, input.shape, "dimension")
    own = input.shape[place] if input.shape else 1
    if not assume_at_least(size, 0):
        raise Refusal("invalid-argument", f"size must be 0 or more, not {size}", "size", note=f"size is {size} but must be >= 0")
    if not assume_at_least(own, size):
        note = f"maximum size for tensor at dimension {place} is {own} but size is {size}"
        raise Refusal("empty-output", f"a window of {size} does not fit into {own}, the size of dimension {dimension}", "size", note=note)
    if not assume_at_least(step, 1):
        raise Refusal("invalid-argument", f"step must be 1 or more, not {step}", "step", note=f"step is {step} but must be > 0")
    if not input.shape:
        return of_shape(input, (size,))
    return of_shape(input, (*input.shape[:place], (own - size) // step + 1, *input.shape[place + 1 :], size))


@function(example=("meshgrid(x, x)", "[5]"))
def meshgrid(*tensors: Tensor, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinates of a grid over vectors: a tensor for each of them.

    indexing: "ij" as a matrix's, "xy" with the first two dimensions swapped.
    """
    if not tensors:
        raise Refusal("missing-argument", "meshgrid takes one or more vectors, but none arrives", "tensors")
    for tensor in tensors:
        if len(tensor.shape) > 1:
            note = f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {list(tensor.shape)}"
            raise Refusal("wrong-rank", f"{{layer}} takes vectors, but {tensor} arrives", "tensors", note=note)
        if tensor.dtype != tensors[0].dtype:
            message = f"{{layer}} takes vectors of one dtype, but {tensors[0].dtype} and {tensor.dtype} arrive"
            raise Refusal("wrong-dtype", message, "tensors", note="torch.meshgrid expects all tensors to have the same dtype")
    if indexing not in (None, "ij", "xy"):
        raise Refusal("invalid-argument", f"indexing is 'ij' or 'xy', not {indexing!r}", "indexing")
    shape = [tensor.shape[0] if tensor.shape else 1 for tensor in tensors]
    if indexing == "xy" and len(shape) > 1:
        shape[0], shape[1] = shape[1], shape[0]
    return tuple(of_shape(tensor, tuple(shape)) for tensor in tensors)


def _at_least(name: str, rank: int) -> None:
    def rule(*tensors: Tensor) -> Any:
        from nnshape.shapes.functions.joining import with_rank

        found = tuple(of_shape(tensor, with_rank(tensor.shape, rank)) for tensor in tensors)
        return found[0] if len(found) == 1 else found

    rule.__doc__ = f"Adds dimensions of size 1 until there are {rank}."
    function(name=name, example=(f"{name}(x)", "[5]"))(rule)


for _rank in (1, 2, 3):
    _at_least(f"atleast_{_rank}d", _rank)


@function(example=("cartesian_prod(x, x)", "[5]"))
def cartesian_prod(*tensors: Tensor) -> Tensor:
    """Every combination of one element of each vector, as rows."""
    for tensor in tensors:
        if len(tensor.shape) != 1:
            raise Refusal("wrong-rank", f"{{layer}} takes vectors, but {tensor} arrives", "tensors", note="Expect a 1D vector")
    rows = product(tensor.shape[0] for tensor in tensors)
    return tensors[0].like((rows,) if len(tensors) == 1 else (rows, len(tensors)))


@function(example=("block_diag(x, x)", "[5, 5]"))
def block_diag(*tensors: Tensor) -> Tensor:
    """A matrix with these matrices on its diagonal."""
    from nnshape.shapes.dtypes import result_type
    from nnshape.shapes.functions.joining import with_rank

    rows: Size = 0
    columns: Size = 0
    for tensor in tensors:
        if len(tensor.shape) > 2:
            note = f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input has {tensor.ndim} dimensions"
            raise Refusal("wrong-rank", f"{{layer}} takes matrices, but {tensor} arrives", "tensors", note=note)
        height, width = with_rank(tensor.shape, 2)
        rows, columns = rows + height, columns + width
    return Tensor((rows, columns), result_type(*tensors)) if tensors else Tensor((1, 0))


