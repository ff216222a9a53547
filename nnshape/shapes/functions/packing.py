"""Packed sequences: https://pytorch.org/docs/stable/nn.html#utility-functions, under torch.nn.utils.rnn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.shapes.arguments import described
from nnshape.shapes.constraints import assume_at_least, assume_equal, fresh_symbol
from nnshape.shapes.dims import Size
from nnshape.shapes.dtypes import INT64
from nnshape.shapes.function import function
from nnshape.shapes.packed import PackedSequence
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.values import number

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Flag, Number, Whole, WholeTuple


@function(example=("pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)", "[N, T, 8]", "int64[N]"))
def pack_padded_sequence(
    input: Tensor, lengths: Tensor | WholeTuple, batch_first: Flag = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Packs padded sequences, for LSTM, GRU and RNN, so that they skip the padding.

    input: the sequences [T, N, features], or [N, T, features] with batch_first.
    lengths: the length of each sequence [N], from 1 to T. A built model moves them to the CPU, where torch wants them.
    batch_first: whether the batch comes first.
    enforce_sorted: whether the sequences are sorted by length already, the longest first.
    """
    if input.ndim < 2:
        wanted = "[N, T, features]" if batch_first else "[T, N, features]"
        raise Refusal("wrong-rank", f"{{layer}} wants {wanted}, but {input} arrives", "input")
    steps, batch = (input.shape[1], input.shape[0]) if batch_first else (input.shape[0], input.shape[1])
    count = _count(lengths, enforce_sorted, 0 in input.shape)
    turned = count == steps and count != batch  # as in [N, T, features] without batch_first
    if turned or not assume_equal(count, batch):
        note = f"Expected `len(lengths)` to be equal to batch_size, but got {count} (batch_size={batch})"
        note = note if enforce_sorted and 0 not in input.shape else ""
        message = f"{{layer}} wants a length for each of {batch} sequences, but {count} lengths arrive"
        help = f"write batch_first={not batch_first}, since the sequences are {list(map(str, input.shape))}"
        raise Refusal("size-mismatch", message, "lengths", note=note, help=help.replace("'", "") if turned else "")
    if 0 in input.shape:
        note = "Cannot pack empty tensors." if enforce_sorted else ""
        raise Refusal("empty-output", f"{{layer}} has nothing to pack: {input} arrives", "input", note=note)
    if isinstance(lengths, Tensor):
        packed, longest = fresh_symbol("packed", batch * steps), fresh_symbol("longest", steps)
    else:
        packed, longest = _known(lengths, steps, enforce_sorted)
    order = None if enforce_sorted else Tensor((batch,), INT64)
    sizes = Tensor((longest,), INT64, (1, batch))
    return PackedSequence(Tensor((packed, *input.shape[2:]), input.dtype, input.span), sizes, order, order)


def _count(lengths: Tensor | WholeTuple, enforce_sorted: bool, empty: bool) -> Size:
    """The number of the lengths. Raises Refusal (wrong-rank) unless they are a vector."""
    if not isinstance(lengths, Tensor):
        return len(lengths)
    if lengths.ndim != 1:
        note = f"'lengths' argument should be a 1D CPU int64 tensor, but got {lengths.ndim}D cpu Long tensor"
        message = f"{{layer}} wants lengths [N], but {lengths} arrives"
        raise Refusal("wrong-rank", message, "lengths", note=note if enforce_sorted and not empty else "")
    return lengths.shape[0]


def _known(lengths: WholeTuple, steps: Size, enforce_sorted: bool) -> tuple[Size, Size]:
    """The sum and the largest of given lengths. Raises Refusal if torch cannot pack them."""
    given: list[int] = [number(length, "lengths") for length in lengths]
    if min(given) < 1:
        note = "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        message = f"{{layer}} wants lengths of 1 or more, not {min(given)}"
        raise Refusal("invalid-argument", message, "lengths", note=note)
    if enforce_sorted and given != sorted(given, reverse=True):
        note = (
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you "
            "do not need ONNX exportability."
        )
        message = f"{{layer}} wants the longest sequence first, but lengths is {given}"
        raise Refusal("invalid-argument", message, "lengths", note=note, help="write enforce_sorted=False")
    if not assume_at_least(steps, max(given)):
        message = f"{{layer}} reads {max(given)} steps of a sequence, but there are {steps}"
        raise Refusal("index-error", message, "lengths")
    return sum(given), max(given)


@function(example=("pad_packed_sequence(pack_padded_sequence(x, lengths), total_length=T)", "[T, N, 8]", "int64[N]"))
def pad_packed_sequence(
    sequence: PackedSequence | tuple,  # type: ignore[type-arg]  # the kind of a rule
    batch_first: Flag = False,
    padding_value: Number = 0.0,
    total_length: Whole | None = None,
) -> tuple[Tensor, Tensor]:
    """Pads a packed sequence, and returns (padded, lengths).

    `padded` is [T, N, features], or [N, T, features] with batch_first; `lengths` is int64[N].

    sequence: the packed sequence, such as the first output of an LSTM.
    batch_first: whether the batch comes first.
    padding_value: the value of the padding.
    total_length: the number of steps T; by default the longest length, which only a run knows.
    """
    if not isinstance(sequence, PackedSequence):
        help = "a layer returns (output, state): write [0]" if sequence and type(sequence[0]) is PackedSequence else ""
        message = f"{{layer}} takes a packed sequence, but {described(sequence)} arrives"
        raise Refusal("wrong-type", message, "sequence", help=help)
    batch, longest = sequence.batch, sequence.longest
    if batch is None:
        raise Refusal("unknown-value", "{layer} does not know how many sequences were packed", "sequence")
    if total_length is not None and not assume_at_least(total_length, longest):
        note = (
            "Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {longest}"
        )
        message = f"{{layer}} pads to {total_length} steps, but the longest sequence has {longest}"
        raise Refusal("invalid-argument", message, "total_length", note=note)
    steps = longest if total_length is None else total_length
    ahead = (batch, steps) if batch_first else (steps, batch)
    data = sequence.data
    return Tensor((*ahead, *data.shape[1:]), data.dtype), Tensor((batch,), INT64)
