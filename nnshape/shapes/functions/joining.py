"""Joining and splitting: https://pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.shapes.arguments import described
from nnshape.shapes.axes import axis, plain_int
from nnshape.shapes.constraints import assume_at_least, assume_equal
from nnshape.shapes.dim import Dim, Size, ceil_div, maximum
from nnshape.shapes.dtypes import DType, result_type
from nnshape.shapes.function import function
from nnshape.shapes.functions.slicing import sliced_size
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, Tensor, product, shape_text

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Tensors, Whole, Wholes

#: The most tensors that one split may give.
MOST_PIECES = 10_000

_ORDINALS = ("first", "second", "third", "fourth", "fifth")


def _ordinal(place: int) -> str:
    return f"the {_ORDINALS[place]} tensor" if place < len(_ORDINALS) else f"tensor {place + 1}"


def _joined_dtype(tensors: tuple[Tensor, ...]) -> DType:
    first = tensors[0].dtype
    return first if all(tensor.dtype is first for tensor in tensors) else result_type(*tensors)


def _require_some(tensors: Any, name: str) -> tuple[Tensor, ...]:
    if not tensors:
        note = f"{name}(): expected a non-empty list of Tensors"
        raise Refusal("invalid-argument", "{layer} joins one or more tensors, but none arrives", "tensors", note=note)
    return tuple(tensors)


@function(example=("cat([x, x], 1)", "6x5x5"))
def cat(tensors: Tensors, dim: Whole = 0) -> Tensor:
    """Joins tensors along a dimension; all other sizes must be equal.

    tensors: the tensors to join.
    dim: the dimension along which their sizes add up.
    """
    tensors = _require_some(tensors, "torch.cat")
    # Torch skips an empty tensor of one dimension, whatever the others' shapes are.
    real = [(place, tensor) for place, tensor in enumerate(tensors) if tensor.shape != (0,)]
    dtype = _joined_dtype(tensors)
    for place, tensor in enumerate(tensors):
        if not tensor.shape:
            note = f"zero-dimensional tensor (at position {place}) cannot be concatenated"
            message = f"{{layer}} joins along a dimension, but {_ordinal(place)} is a single number: stack joins those"
            raise Refusal("wrong-rank", message, "tensors", note=note)
    if not real:  # and then it looks at no dim
        return Tensor((0,), dtype)
    first_place, first = real[0]
    shape = first.shape
    place = axis(dim, shape)
    total: Size = shape[place]
    sizes = list(shape)
    for number, tensor in real[1:]:
        if len(tensor.shape) != len(shape):
            note = f"Tensors must have same number of dimensions: got {len(shape)} and {len(tensor.shape)}"
            message = (
                f"{{layer}} joins tensors of equally many dimensions, but {_ordinal(first_place)} is {first} "
                f"and {_ordinal(number)} {tensor}"
            )
            raise Refusal("wrong-rank", message, "tensors", note=note)
        for other, size in enumerate(tensor.shape):
            if other == place:
                total = total + size
            elif size is not sizes[other] and size != sizes[other]:
                if not assume_equal(sizes[other], size):
                    raise _uneven(first_place, shape, number, tensor.shape, other, dim)
                if type(size) is int:
                    sizes[other] = size
    sizes[place] = total
    return Tensor(tuple(sizes), dtype)


def _uneven(first: int, shape: Shape, number: int, other: Shape, place: int, dim: Size) -> Refusal:
    """`the first tensor is 57 high, the second 56; cat joins dim 1 only`."""
    one, two = shape[place], other[place]
    words = {len(shape) - 2: " high", len(shape) - 1: " wide"} if len(shape) == 4 else {}
    word = words.get(place, f" in dim {place}")
    ordinal = _ordinal(number).removesuffix(" tensor")
    message = f"{_ordinal(first)} is {one}{word}, {ordinal} {two}; {{layer}} joins dim {dim} only"
    note = (
        f"Sizes of tensors must match except in dimension {dim}. "
        f"Expected size {one} but got size {two} for tensor number {number} in the list."
    )
    return Refusal("size-mismatch", message, "tensors", note=note)


for _name in ("concat", "concatenate"):
    function(name=_name, example=(f"{_name}([x, x], 1)", "6x5x5"))(cat.rule)


@function(example=("stack([x, x])", "6x5x5"))
def stack(tensors: Tensors, dim: Whole = 0) -> Tensor:
    """Joins tensors of one shape along a new dimension.

    tensors: the tensors to join.
    dim: the place of the new dimension.
    """
    tensors = _require_some(tensors, "stack")
    shape = _common_shape(tensors)
    place = axis(dim, shape, extra=1)
    return Tensor((*shape[:place], len(tensors), *shape[place:]), _joined_dtype(tensors))


def _common_shape(tensors: tuple[Tensor, ...]) -> Shape:
    shape = tensors[0].shape
    for number, tensor in enumerate(tensors[1:], 1):
        same = len(tensor.shape) == len(shape)
        if not same or not all(assume_equal(a, b) for a, b in zip(shape, tensor.shape, strict=True)):
            note = (
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 "
                f"and {list(tensor.shape)} at entry {number}"
            )
            message = f"{{layer}} wants tensors of one shape, but the first is {tensors[0]} and {_ordinal(number)} {tensor}"
            raise Refusal("size-mismatch" if same else "wrong-rank", message, "tensors", note=note)
    return shape


def _at_least(rank: int, tensors: Any, name: str) -> tuple[Tensor, ...]:
    """The tensors with as many dimensions as torch's atleast_1d, 2d, 3d give them."""
    return tuple(tensor.like(with_rank(tensor.shape, rank)) for tensor in _require_some(tensors, name))


def with_rank(shape: Shape, rank: int) -> Shape:
    """The shape with dimensions of size 1 around it, up to so many."""
    if rank == 3 and len(shape) == 2:
        return (*shape, 1)
    if rank == 3 and len(shape) == 1:
        return (1, *shape, 1)
    return (1,) * (rank - len(shape)) + shape


@function(example=("hstack([x, x])", "6x5x5"))
def hstack(tensors: Tensors) -> Tensor:
    """Joins tensors side by side: along dimension 1, or 0 where they have only one."""
    tensors = _at_least(1, tensors, "hstack")
    return cat.rule(tensors, 0 if len(tensors[0].shape) == 1 else 1)  # type: ignore[no-any-return]


@function(example=("vstack([x, x])", "6x5x5"))
def vstack(tensors: Tensors) -> Tensor:
    """Joins tensors one below the other: along dimension 0, rows where they have one dimension."""
    return cat.rule(_at_least(2, tensors, "vstack"), 0)  # type: ignore[no-any-return]


function(name="row_stack", example=("row_stack([x, x])", "6x5x5"))(vstack.rule)


@function(example=("dstack([x, x])", "6x5x5"))
def dstack(tensors: Tensors) -> Tensor:
    """Joins tensors in depth: along dimension 2."""
    return cat.rule(_at_least(3, tensors, "dstack"), 2)  # type: ignore[no-any-return]


@function(example=("column_stack([x, x])", "6x5x5"))
def column_stack(tensors: Tensors) -> Tensor:
    """Joins tensors as columns: those of one dimension become columns first."""
    columns = tuple(
        tensor if len(tensor.shape) > 1 else tensor.like((product(tensor.shape), 1))
        for tensor in _require_some(tensors, "column_stack")
    )
    return cat.rule(columns, 1)  # type: ignore[no-any-return]


def _pieces(input: Tensor, place: int, sizes: list[Size]) -> tuple[Tensor, ...]:
    head, tail = input.shape[:place], input.shape[place + 1 :]
    return tuple(Tensor((*head, size, *tail), input.dtype, input.span) for size in sizes)


def _countable(count: Size, input: Tensor, dim: Size, name: str) -> int:
    """The number of pieces. Raises Refusal where it depends on a symbol, or is beyond the limit."""
    if isinstance(count, Dim):
        message = f"{{layer}} gives {count} tensors from dimension {dim} of {input}: give the size a value"
        raise Refusal("unknown-value", message, name)
    if count > MOST_PIECES:
        raise Refusal("too-large", f"{{layer}} gives {count} tensors: {MOST_PIECES} are the limit", name)
    return count


def _splittable(input: Tensor, dim: Size) -> int:
    if not input.shape:
        raise Refusal("wrong-rank", "{layer} splits a dimension, but a single number arrives", "input")
    return axis(dim, input.shape)


@function(method=True, example=("chunk(2, 1)", "6x5x5"))
def chunk(input: Tensor, chunks: Whole, dim: Whole = 0) -> tuple[Tensor, ...]:
    """Cuts a dimension into so many equal pieces; the last may be smaller, and there may be fewer.

    chunks: how many pieces.
    dim: the dimension to cut.
    """
    place = _splittable(input, dim)
    number = plain_int(chunks, "chunks")
    if number < 1:
        note = f"chunk expects `chunks` to be greater than 0, got: {number}"
        raise Refusal("invalid-argument", f"chunks must be 1 or more, not {number}", "chunks", note=note)
    size = input.shape[place]
    piece = ceil_div(size, number)
    if type(piece) is int and type(size) is int:
        if piece == 0:
            return _pieces(input, place, [0] * _countable(number, input, dim, "chunks"))
        number = ceil_div(size, piece)  # type: ignore[assignment]
    _countable(number, input, dim, "chunks")
    last = size - (number - 1) * piece
    # Torch gives fewer pieces of a symbolic size that is too small: the model needs all of them.
    assume_at_least(last, 1)
    return _pieces(input, place, [piece] * (number - 1) + [last])


@function(method=True, example=("split(2, 1)", "6x5x5"))
def split(tensor: Tensor, split_size_or_sections: Wholes, dim: Whole = 0) -> tuple[Tensor, ...]:
    """Cuts a dimension into pieces of a size, the last of which may be smaller, or of these sizes.

    split_size_or_sections: the size of each piece, or a list of the sizes.
    dim: the dimension to cut.
    """
    name = "split_size_or_sections"
    if isinstance(split_size_or_sections, (tuple, list)):
        return _with_sizes(tensor, split_size_or_sections, dim, name)
    place = _splittable(tensor, dim)
    size, piece = tensor.shape[place], split_size_or_sections
    if not assume_at_least(piece, 0):
        note = f"split expects split_size be non-negative, but got split_size={piece}"
        raise Refusal("invalid-argument", f"the pieces' size must be 0 or more, not {piece}", name, note=note)
    if piece == 0:
        if size == 0:
            return _pieces(tensor, place, [0])
        note = f"split_size can only be 0 if dimension size is 0, but got dimension size of {size}"
        raise Refusal("invalid-argument", f"pieces of size 0 do not make up {size}", name, note=note)
    count = _countable(maximum(ceil_div(size, piece), 1), tensor, dim, name)
    return _pieces(tensor, place, [piece] * (count - 1) + [size - (count - 1) * piece])


def _with_sizes(tensor: Tensor, sizes: Any, dim: Size, name: str) -> tuple[Tensor, ...]:
    place = _splittable(tensor, dim)
    total: Size = 0
    for size in sizes:
        if not assume_at_least(size, 0):
            raise Refusal("invalid-argument", f"{name} (={list(sizes)}) has a negative size", name)
        total = total + size
    if not assume_equal(total, tensor.shape[place]):
        note = (
            f"split_with_sizes expects split_sizes to sum exactly to {tensor.shape[place]} "
            f"(input tensor's size at dimension {place}), but got split_sizes={list(sizes)}"
        )
        message = f"the pieces {described(list(sizes))} add up to {total}, but dimension {dim} is {tensor.shape[place]}"
        raise Refusal("size-mismatch", message, name, note=note)
    return _pieces(tensor, place, list(sizes))


@function(method=True, example=("split_with_sizes([2, 4], 1)", "6x5x5"))
def split_with_sizes(input: Tensor, split_sizes: tuple, dim: Whole = 0) -> tuple[Tensor, ...]:
    """Cuts a dimension into pieces of these sizes."""
    return _with_sizes(input, split_sizes, dim, "split_sizes")


@function(method=True, example=("tensor_split(4, 1)", "6x5x5"))
def tensor_split(input: Tensor, indices_or_sections: Wholes, dim: Whole = 0) -> tuple[Tensor, ...]:
    """Cuts a dimension into so many nearly equal pieces, or at these places.

    indices_or_sections: the number of pieces, or a tuple of the places to cut at.
    dim: the dimension to cut.
    """
    name = "indices_or_sections"
    place = _splittable(input, dim)
    size = input.shape[place]
    if isinstance(indices_or_sections, (tuple, list)):
        ends = [*indices_or_sections, None]
        sizes = [sliced_size(size, slice(start, end)) for start, end in zip([None, *ends[:-1]], ends, strict=True)]
        return _pieces(input, place, sizes)
    number = _countable(plain_int(indices_or_sections, name), input, dim, name)
    if number < 1:
        note = f"number of sections must be larger than 0, got {number}"
        raise Refusal("invalid-argument", f"the number of pieces must be 1 or more, not {number}", name, note=note)
    return _pieces(input, place, [(size + number - 1 - piece) // number for piece in range(number)])


def _halves(name: str, rank: int, place: int, sentence: str) -> None:
    def rule(input: Tensor, indices_or_sections: Wholes) -> tuple[Tensor, ...]:
        where = 0 if name == "hsplit" and len(input.shape) == 1 else place
        if len(input.shape) < rank:
            note = f"torch.{name} requires a tensor with at least {rank} dimension"
            message = f"{{layer}} wants {rank} dimensions or more, but {input} arrives"
            raise Refusal("wrong-rank", message, "input", note=note)
        size = input.shape[where]
        if type(indices_or_sections) is int and indices_or_sections > 0 and size % indices_or_sections != 0:
            message = f"dimension {where} (={size}) must be divisible by {indices_or_sections}"
            raise Refusal("not-divisible", message, "indices_or_sections")
        return tensor_split.rule(input, indices_or_sections, where)  # type: ignore[no-any-return]

    rule.__doc__ = sentence
    function(name=name, method=True, example=(f"{name}([2])", "6x5x5"))(rule)


_halves("hsplit", 1, 1, "Cuts from left to right: dimension 1, or 0 where there is only one.")
_halves("vsplit", 2, 0, "Cuts from top to bottom: dimension 0.")
_halves("dsplit", 3, 2, "Cuts in depth: dimension 2.")


@function(method=True, example=("unbind(1)", "3x5x5"))
def unbind(input: Tensor, dim: Whole = 0) -> tuple[Tensor, ...]:
    """Takes a dimension apart into a tuple of its slices."""
    place = _splittable(input, dim)
    count = _countable(input.shape[place], input, dim, "dim")
    return tuple(Tensor(input.shape[:place] + input.shape[place + 1 :], input.dtype, input.span) for _ in range(count))
