"""Whether a tensor can be viewed in another shape without a copy: the rule of torch's `view`.

https://docs.pytorch.org/docs/stable/generated/torch.Tensor.view.html, and `computeStride` in ATen/TensorUtils.cpp.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nnshape.shapes.dims import Size, TooLarge, divisible
from nnshape.shapes.dtypes import ITEM_BYTES, DType
from nnshape.shapes.layouts.finding import is_surely_contiguous, layout_of
from nnshape.shapes.layouts.layout import MODES, Layout, Mode, Undecided, is_empty, is_one, less, same
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, Tensor, shape_text


def view_strides(shape: Shape, strides: Shape, target: Shape) -> Shape | None:
    """The strides of a view in another shape; None if torch refuses it. Raises Undecided."""
    if not shape:
        return (1,) * len(target)
    if is_empty(shape):
        return strides if shape == target else _of_nothing(target)
    found: list[Size] = [0] * len(target)
    at = len(target) - 1
    step = strides[-1]
    elements: Size = 1
    seen: Size = 1
    for place in range(len(shape) - 1, -1, -1):
        elements = elements * shape[place]
        if place and (is_one(shape[place - 1]) or same(strides[place - 1], elements * step)):
            continue
        # The dimensions since the last gap are one run of memory, which some sizes of the target must fill.
        while at >= 0:
            if not less(seen, elements):
                if not same(seen, elements):
                    return None
                if not is_one(target[at]):
                    break
            found[at] = seen * step
            seen = seen * target[at]
            at -= 1
        if not same(seen, elements):
            return None
        if place:
            step = strides[place - 1]
            elements = seen = 1
    return tuple(found) if at < 0 else None


def _of_nothing(target: Shape) -> Shape:
    found: list[Size] = [1] * len(target)
    for place in range(len(target) - 2, -1, -1):
        size = target[place + 1]
        found[place] = found[place + 1] * (1 if size == 0 else size)
    return tuple(found)


def require_view(input: Tensor, target: Shape) -> None:
    """Raise Refusal (not-contiguous) if torch refuses a view in this shape, in some mode."""

    def fits(layout: Layout) -> bool:
        return view_strides(input.shape, layout.strides, target) is not None

    _require(input, shape_text(target), VIEW_NOTE, fits)


def require_view_as(input: Tensor, dtype: DType) -> None:
    """Raise Refusal (not-contiguous) if torch refuses a view as this dtype of another size, in some mode."""
    before, after = ITEM_BYTES[input.dtype], ITEM_BYTES[dtype]

    def fits(layout: Layout) -> bool:
        if not same(layout.strides[-1], 1):
            return False
        ratio = after // before
        return ratio < 2 or all(divisible(step, ratio) is not False for step in (*layout.strides[:-1], layout.offset))

    note = f"self.stride(-1) must be 1 to view {input.dtype} as {dtype} (different element sizes)"
    _require(input, dtype, note, fits)


def _require(input: Tensor, wanted: str, note: str, fits: Callable[[Layout], bool]) -> None:
    if is_surely_contiguous(input):
        return
    refused: list[Mode] = []
    strides: Shape = ()
    for mode in MODES:
        layout = layout_of(input, mode)
        if layout is None:
            continue
        try:
            if not fits(layout):
                refused.append(mode)
                strides = layout.strides
        except (Undecided, TooLarge):
            continue
    if refused:
        told = f"{shape_text(input.shape)} with strides ({', '.join(map(str, strides))})"
        message = f"{told} cannot be viewed as {wanted} without a copy"
        raise Refusal("not-contiguous", message + told_modes(refused), note=note, tensor=input)


def told_modes(refused: Sequence[Mode]) -> str:
    """The modes that refuse, in words; nothing where all do."""
    return _WHEN[tuple(refused)]


VIEW_NOTE = (
    "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
    "contiguous subspaces). Use .reshape(...) instead."
)
#: The modes that refuse, as the end of a message.
_WHEN: dict[tuple[Mode, ...], str] = {
    MODES: "",
    MODES[:1]: " in training",
    MODES[1:2]: " in evaluation with gradients",
    MODES[2:]: " in evaluation without gradients",
    MODES[1:]: " in evaluation",
    MODES[:2]: " where there are gradients",
    (MODES[0], MODES[2]): " in training and in evaluation without gradients",
}
