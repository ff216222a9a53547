"""Whether torch writes into a tensor: `assert_no_internal_overlap` and its kin in ATen/MemoryOverlap.cpp."""

from __future__ import annotations

from collections.abc import Iterable

from nnshape.shapes.dims import TooLarge
from nnshape.shapes.layouts.finding import layout_of
from nnshape.shapes.layouts.layout import (
    MODES,
    Layout,
    Mode,
    Undecided,
    is_dense,
    is_empty,
    less,
    overlaps_itself,
    same,
)
from nnshape.shapes.layouts.viewing import told_modes
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, product, shape_text

#: Functions that write into a tensor that was expanded, too.
_UNCHECKED = frozenset({
    "addmv_", "baddbmm_", "conj_physical_", "fill_", "masked_fill_", "mvlgamma_", "requires_grad_", "threshold",
    "threshold_", "tril_", "triu_", "zero_",
})  # fmt: skip
#: Functions whose checks of what they read differ from those of the others: only what they write is checked here.
_READING = frozenset({
    "addmm_", "addr_", "index_add_", "masked_scatter_", "scatter_", "scatter_add_", "scatter_reduce_",
})  # fmt: skip
#: Functions that write into an expanded tensor, but not into the memory that they read.
_INTO_EXPANDED = frozenset({"index_put_"})
_CLONE = "Please clone() the tensor before performing the operation."


def require_writable(name: str, written: Tensor, operands: Iterable[Tensor]) -> None:
    """Raise Refusal (not-contiguous) where torch cannot write into a tensor while it reads the operands."""
    if name in _UNCHECKED:
        return
    operands = tuple(operands)
    refused: list[Mode] = []
    found: Refusal | None = None
    for mode in MODES:
        layout = layout_of(written, mode)
        try:
            refusal = None if layout is None else _refusal(name, written, layout, operands, mode)
        except (Undecided, TooLarge):
            refusal = None
        if refusal is not None:
            refused.append(mode)
            found = refusal
    if found is not None:
        found.message += told_modes(refused)
        raise found


def _refusal(name: str, written: Tensor, layout: Layout, operands: Iterable[Tensor], mode: Mode) -> Refusal | None:
    """What torch says in one mode, if it refuses. Raises Undecided."""
    if name not in _INTO_EXPANDED and overlaps_itself(written.shape, layout.strides):
        message = f"{{layer}} writes into {shape_text(written.shape)}, which was expanded"
        note = (
            "unsupported operation: more than one element of the written-to tensor refers to a single memory "
            f"location. {_CLONE}"
        )
        return Refusal("not-contiguous", message, note=note, tensor=written)
    for operand in () if name in _READING else operands:
        if name in _INTO_EXPANDED and product(operand.shape) == 1:
            continue  # with a mask, torch writes it as a number
        if operand is not written and _overlaps(written, layout, operand, layout_of(operand, mode)):
            message = f"{{layer}} reads a part of {shape_text(written.shape)} that it writes"
            note = (
                "unsupported operation: some elements of the input tensor and the written-to tensor refer to a "
                f"single memory location. {_CLONE}"
            )
            return Refusal("not-contiguous", message, note=note, tensor=operand)
    return None


def _overlaps(written: Tensor, one: Layout, operand: Tensor, other: Layout | None) -> bool:
    """Whether two tensors share a part of their memory, or all of it in another order. Torch checks dense ones only."""
    if other is None or one.storage.owner != other.storage.owner or is_empty(written.shape) or is_empty(operand.shape):
        return False
    if not is_dense(written.shape, one.strides) or not is_dense(operand.shape, other.strides):
        return False
    first, second = product(written.shape), product(operand.shape)
    if same(one.offset, other.offset) and same(first, second):
        return len(one.strides) != len(other.strides) or not all(map(same, one.strides, other.strides))
    return less(other.offset, one.offset + first) and less(one.offset, other.offset + second)
