"""Memory formats by torch's names: https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch.memory_format."""

from __future__ import annotations

from nnshape.records import dataclass
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor


@dataclass(frozen=True, slots=True)
class MemoryFormat:
    """A memory format, as its name in torch: `channels_last`."""

    name: str

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__


MEMORY_FORMATS = {
    name: MemoryFormat(name) for name in ("contiguous_format", "channels_last", "channels_last_3d", "preserve_format")
}
#: The rank of the tensors that a format is for.
RANKS = {"channels_last": 4, "channels_last_3d": 5}


def check_format(input: Tensor, memory_format: MemoryFormat | None) -> None:
    """Raise Refusal (wrong-rank) if a tensor of this rank has no such format."""
    rank = None if memory_format is None else RANKS.get(memory_format.name)
    if rank is None or input.ndim == rank:
        return
    sizes = "[N, C, H, W]" if rank == 4 else "[N, C, D, H, W]"
    note = f"required rank {rank} tensor to use {memory_format} format"
    raise Refusal("wrong-rank", f"{memory_format} is a format of {sizes}, but {input} arrives", "input", note=note)
