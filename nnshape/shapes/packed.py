"""The abstract value of a packed sequence: https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.PackedSequence.html."""

from __future__ import annotations

from nnshape.shapes.dims import Size
from nnshape.shapes.tensor import Tensor


class PackedSequence(tuple[Tensor | None, ...]):
    """Sequences of different lengths, packed into one tensor: a tuple of torch's four fields.

    `data` is [packed, features], one row per step of each sequence. `batch_sizes` is [longest], the number of sequences
    that have each step. The indices are [N], or None if the sequences were sorted already.
    """

    __slots__ = ()
    _fields = ("data", "batch_sizes", "sorted_indices", "unsorted_indices")

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Tensor,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        """Make one of its fields."""
        return super().__new__(cls, (data, batch_sizes, sorted_indices, unsorted_indices))

    @property
    def data(self) -> Tensor:
        """The rows of all sequences, step by step."""
        return self[0]  # type: ignore[return-value]

    @property
    def batch_sizes(self) -> Tensor:
        """The number of sequences at each step. Its span ends with the number of all, which have a first step."""
        return self[1]  # type: ignore[return-value]

    @property
    def sorted_indices(self) -> Tensor | None:
        """The order from the longest sequence to the shortest."""
        return self[2]

    @property
    def unsorted_indices(self) -> Tensor | None:
        """The order that undoes `sorted_indices`."""
        return self[3]

    @property
    def batch(self) -> Size | None:
        """The number of sequences; None if it is not known."""
        if self.unsorted_indices is not None:
            return self.unsorted_indices.shape[0]
        return None if self.batch_sizes.span is None else self.batch_sizes.span[1]

    @property
    def longest(self) -> Size:
        """The length of the longest sequence."""
        return self.batch_sizes.shape[0]

    def with_data(self, data: Tensor) -> PackedSequence:
        """The same sequences with other features."""
        return PackedSequence(data, *self[1:])  # type: ignore[arg-type]
