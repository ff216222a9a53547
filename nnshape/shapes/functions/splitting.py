"""Splitting: https://pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.shapes.arguments import described
from nnshape.shapes.axes import axis, plain_int
from nnshape.shapes.constraints import assume_at_least, assume_divisible, assume_equal, fresh_symbol
from nnshape.shapes.dims import Dim, Size, ceil_div, maximum
from nnshape.shapes.function import Function, Rule, function
from nnshape.shapes.functions.slicing import part_of, sliced_size
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import Tensor

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Whole, Wholes, WholeTuple

#: The maximum number of tensors from one split.
MAX_PIECES = 10_000


def _pieces(input: Tensor, place: int, sizes: list[Size]) -> tuple[Tensor, ...]:
    head, tail = input.shape[:place], input.shape[place + 1 :]
    return tuple(part_of(input, (*head, size, *tail)) for size in sizes)


def _countable(count: Size, input: Tensor, dim: Size, name: str, help: str = "") -> int:
    """The number of pieces. Raises Refusal if it depends on a symbol or is over the limit."""
    if isinstance(count, Dim):
        message = f"{{layer}} gives {count} tensors from dimension {dim} of {input}: give the size a value"
        raise Refusal("unknown-value", message, name, help=help)
    if count > MAX_PIECES:
        raise Refusal("too-large", f"{{layer}} gives {count} tensors: {MAX_PIECES} are the limit", name)
    return count


def _splittable(input: Tensor, dim: Size) -> int:
    if not input.shape:
        raise Refusal("wrong-rank", "{layer} splits a dimension, but a single number arrives", "input")
    return axis(dim, input.shape)


@function(method=True, example=("chunk(2, 1)", "6x5x5"))
def chunk(input: Tensor, chunks: Whole, dim: Whole = 0) -> tuple[Tensor, ...]:
    """Splits a dimension into at most `chunks` equal pieces; the last may be smaller.

    chunks: the number of pieces.
    dim: the dimension to split.
    """
    number = plain_int(chunks, "chunks")
    if number < 1:
        note = f"chunk expects `chunks` to be greater than 0, got: {number}" if input.shape else ""
        raise Refusal("invalid-argument", f"chunks must be 1 or more, not {number}", "chunks", note=note)
    place = _splittable(input, dim)
    size = input.shape[place]
    piece = ceil_div(size, number)
    if type(piece) is int and type(size) is int:
        if piece == 0:
            return _pieces(input, place, [0] * _countable(number, input, dim, "chunks"))
        number = ceil_div(size, piece)  # type: ignore[assignment]
    _countable(number, input, dim, "chunks")
    last = size - (number - 1) * piece
    # torch returns fewer pieces of a smaller size: the model needs all of them.
    assume_at_least(*((size, 2) if number == 2 else (last, 1)))
    return _pieces(input, place, [piece] * (number - 1) + [last])


@function(method=True, example=("split(2, 1)", "6x5x5"))
def split(tensor: Tensor, split_size_or_sections: Wholes, dim: Whole = 0) -> tuple[Tensor, ...]:
    """Splits a dimension into pieces of one size, the last possibly smaller, or of the given sizes.

    split_size_or_sections: the size of each piece, or a list of the sizes.
    dim: the dimension to split.
    """
    name = "split_size_or_sections"
    if isinstance(split_size_or_sections, (tuple, list)):
        return _with_sizes(tensor, split_size_or_sections, dim, name)
    piece = split_size_or_sections
    if tensor.shape and not assume_at_least(piece, 0):
        note = f"split expects split_size be non-negative, but got split_size={piece}"
        raise Refusal("invalid-argument", f"the pieces' size must be 0 or more, not {piece}", name, note=note)
    place = _splittable(tensor, dim)
    size = tensor.shape[place]
    if piece == 0:
        if size == 0:
            return _pieces(tensor, place, [0])
        note = f"split_size can only be 0 if dimension size is 0, but got dimension size of {size}"
        raise Refusal("invalid-argument", f"pieces of size 0 do not add up to {size}", name, note=note)
    ahead = ":, " * place
    help = f"write slices for the first pieces: [{ahead}:{piece}], [{ahead}{piece}:{2 * piece}]"
    count = _countable(maximum(ceil_div(size, piece), 1), tensor, dim, name, help)
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
            f"(input tensor's size at dimension {dim}), but got split_sizes={list(sizes)}"
        )
        message = f"the pieces {described(list(sizes))} add up to {total}, but dimension {dim} is {tensor.shape[place]}"
        raise Refusal("size-mismatch", message, name, note=note)
    return _pieces(tensor, place, list(sizes))


@function(method=True, example=("split_with_sizes([2, 4], 1)", "6x5x5"))
def split_with_sizes(input: Tensor, split_sizes: WholeTuple, dim: Whole = 0) -> tuple[Tensor, ...]:
    """Splits a dimension into pieces of the given sizes.

    split_sizes: the size of each piece.
    """
    return _with_sizes(input, split_sizes, dim, "split_sizes")


def _given(name: str, **values: Any) -> tuple[str, Any]:
    """The one argument among these that was given, and its value."""
    given = [(key, value) for key, value in values.items() if value is not None]
    if len(given) != 1:
        message = f"{name} takes the number of sections, or the indices to split at"
        raise Refusal("missing-argument", message, given[1][0] if given else None)
    return given[0]


@function(method=True, example=("tensor_split(4, 1)", "6x5x5"), by_place=("indices_or_sections",))
def tensor_split(
    input: Tensor, indices_or_sections: Wholes | Tensor | None = None, dim: Whole = 0, *, sections: Whole | None = None,
    indices: WholeTuple | None = None, tensor_indices_or_sections: Tensor | None = None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Splits a dimension into nearly equal pieces, or at the given indices.

    indices_or_sections: the number of pieces, or the indices to split at, as a tuple or a vector.
    dim: the dimension to split.
    sections, indices, tensor_indices_or_sections: its names for a number, a tuple and a tensor.
    """
    name, cuts = _given(
        "tensor_split", indices_or_sections=indices_or_sections, sections=sections, indices=indices,
        tensor_indices_or_sections=tensor_indices_or_sections,
    )  # fmt: skip
    return _split(input, cuts, dim, name)


def _split(input: Tensor, cuts: Any, dim: Size, name: str) -> tuple[Tensor, ...]:
    """The pieces for a number of them, or for indices. Raises Refusal for those that torch refuses."""
    if isinstance(cuts, Tensor):
        return _split_by_value(input, cuts, dim, name)
    place = _splittable(input, dim)
    size = input.shape[place]
    if isinstance(cuts, (tuple, list)):
        ends = [*cuts, None]
        sizes = [sliced_size(size, slice(start, end)) for start, end in zip([None, *ends[:-1]], ends, strict=True)]
        return _pieces(input, place, sizes)
    number = _countable(plain_int(cuts, name), input, dim, name)
    if number < 1:
        note = f"number of sections must be larger than 0, got {number}"
        raise Refusal("invalid-argument", f"the number of pieces must be 1 or more, not {number}", name, note=note)
    return _pieces(input, place, [(size + number - 1 - piece) // number for piece in range(number)])


def _split_by_value(input: Tensor, cuts: Tensor, dim: Size, name: str) -> tuple[Tensor, ...]:
    """The pieces that a vector of indices cuts; their sizes depend on its values."""
    if cuts.ndim > 1:
        raise Refusal("wrong-rank", f"{{layer}} takes a number or a vector of indices, but {cuts} arrives", name)
    if cuts.dtype != "int64":
        raise Refusal("wrong-dtype", f"{{layer}} wants int64 indices, but {cuts.dtype} arrives", name)
    if not cuts.shape:
        raise Refusal("unknown-value", "the number of pieces is the value of a tensor: write it as a number", name)
    place = _splittable(input, dim)
    size = input.shape[place]
    count = _countable(cuts.shape[0], input, dim, name)
    return _pieces(input, place, [fresh_symbol("piece", size) for _ in range(count + 1)] if count else [size])


def _halves(name: str, rank: int, place: int, sentence: str) -> None:
    def rule(
        input: Tensor, indices_or_sections: Wholes | None = None, *, sections: Whole | None = None,
        indices: WholeTuple | None = None,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        given, cuts = _given(name, indices_or_sections=indices_or_sections, sections=sections, indices=indices)
        where = 0 if name == "hsplit" and len(input.shape) == 1 else place
        if len(input.shape) < rank:
            note = (
                f"torch.{name} requires a tensor with at least {rank} dimension, "
                f"but got a tensor with {input.ndim} dimensions!"
            )
            message = f"{{layer}} wants {rank} dimensions or more, but {input} arrives"
            raise Refusal("wrong-rank", message, "input", note=note)
        size = input.shape[where]
        if type(cuts) is int and cuts > 0:
            if not assume_divisible(size, cuts):
                message = f"dimension {where} (={size}) must be divisible by {cuts}"
                raise Refusal("not-divisible", message, given, division=(size, cuts))
            return _pieces(input, where, [size // cuts] * _countable(cuts, input, where, given))
        with in_other_words():
            return _split(input, cuts, where, given)

    rule.__doc__ = f"""{sentence}

    indices_or_sections: the number of equal pieces, or a tuple of the indices to split at.
    sections, indices: its names for a number and a tuple.
    """
    function(name=name, method=True, example=(f"{name}([2])", "6x5x5"), by_place=("indices_or_sections",))(rule)


_halves("hsplit", 1, 1, "Splits horizontally: along dimension 1, or 0 for 1D tensors.")
_halves("vsplit", 2, 0, "Splits vertically: along dimension 0.")
_halves("dsplit", 3, 2, "Splits in depth: along dimension 2.")


@function(method=True, example=("unbind(1)", "3x5x5"))
def unbind(input: Tensor, dim: Whole = 0) -> tuple[Tensor, ...]:
    """Removes a dimension and returns a tuple of its slices."""
    place = _splittable(input, dim)
    count = _countable(input.shape[place], input, dim, "dim")
    return tuple(part_of(input, input.shape[:place] + input.shape[place + 1 :]) for _ in range(count))


def _pieces_of_one_size(tensor: Tensor, split_size: Whole, dim: Whole = 0) -> tuple[Tensor, ...]:
    """Splits a dimension into pieces of one size, the last possibly smaller.

    split_size: the size of each piece.
    """
    return split.rule(tensor, split_size, dim)  # type: ignore[no-any-return]


def _copied(name: str, twin: Function, method: bool, rule: Rule | None = None) -> None:
    example = (twin.example[0].replace(twin.name, name), *twin.example[1:])
    function(name=name, method=method, example=example)(rule or twin.rule)


# Their results do not share memory with the input.
_copied("unsafe_chunk", chunk, method=True)
_copied("unsafe_split", split, method=True, rule=_pieces_of_one_size)
_copied("unsafe_split_with_sizes", split_with_sizes, method=True)
_copied("split_copy", split, method=False, rule=_pieces_of_one_size)
_copied("split_with_sizes_copy", split_with_sizes, method=False)
_copied("unbind_copy", unbind, method=False)
