"""Views: operations whose result has the same memory with other strides.

https://docs.pytorch.org/docs/stable/tensor_view.html
"""

from __future__ import annotations

from nnshape.shapes.arguments import is_size
from nnshape.shapes.axes import axes, axis
from nnshape.shapes.dims import Size, at_least
from nnshape.shapes.dtypes import ITEM_BYTES, DType, is_complex
from nnshape.shapes.layouts.applied import Applied, lays_out
from nnshape.shapes.layouts.layout import (
    Layout,
    Undecided,
    contiguous_layout,
    contiguous_strides,
    is_contiguous,
    is_one,
    same,
)
from nnshape.shapes.layouts.viewing import view_strides
from nnshape.shapes.tensor import Tensor


@lays_out("Identity detach cpu resolve_conj resolve_neg requires_grad_ conj")
def itself(applied: Applied) -> Layout:
    """The argument, or a view of all of it."""
    return applied.layout(applied.operands[0])


def _in_shape(applied: Applied, input: Tensor) -> Layout:
    """A view if torch allows one, or else a contiguous copy."""
    layout = applied.layout(input)
    strides = view_strides(input.shape, layout.strides, applied.result.shape)
    return contiguous_layout(applied.result) if strides is None else layout.view(strides)


@lays_out("view view_as reshape reshape_as")
def reshaped(applied: Applied) -> Layout:
    """A view, or a contiguous copy; `view` itself refuses the copy."""
    if not isinstance(applied.result, Tensor):
        raise Undecided
    input: Tensor = applied["input"]
    if any(isinstance(size, DType) for size in applied.arguments.get("shape", ())):
        return _as_dtype(applied, input)
    return _in_shape(applied, input)


def _as_dtype(applied: Applied, input: Tensor) -> Layout:
    layout = applied.layout(input)
    before, after = ITEM_BYTES[input.dtype], ITEM_BYTES[applied.result.dtype]
    if before == after:
        return layout
    *ahead, _ = layout.strides
    if before > after:
        times = before // after
        return Layout((*(step * times for step in ahead), 1), layout.offset * times, layout.storage)
    ratio = after // before
    return Layout((*(step // ratio for step in ahead), 1), layout.offset // ratio, layout.storage)


@lays_out("flatten Flatten ravel")
def flattened(applied: Applied) -> Layout:
    """The argument if there is nothing to join, otherwise as `reshape`."""
    input = applied.operands[0]
    if applied.name == "ravel":
        layout = applied.layout(input)
        if not is_contiguous(input.shape, layout.strides):
            return contiguous_layout(applied.result)
    elif applied.result.shape == input.shape:
        return applied.layout(input)
    return _in_shape(applied, input)


@lays_out("unflatten Unflatten")
def unflattened(applied: Applied) -> Layout:
    """A dimension split in place."""
    return _in_shape(applied, applied.operands[0])


@lays_out("as_strided")
def as_strided(applied: Applied) -> Layout:
    """The strides and the offset that are given."""
    layout, offset = applied.layout(applied["input"]), applied["storage_offset"]
    return Layout(tuple(applied["stride"]), layout.offset if offset is None else offset, layout.storage)


@lays_out("squeeze")
def squeeze(applied: Applied) -> Layout:
    """The strides of the remaining dimensions."""
    input: Tensor = applied["input"]
    layout = applied.layout(input)
    dim = applied["dim"]
    places = range(input.ndim) if dim is None else axes(dim, input.shape, every=False)
    gone = {place for place in places if input.shape and input.shape[place] == 1}
    return layout.view([step for place, step in enumerate(layout.strides) if place not in gone])


@lays_out("unsqueeze")
def unsqueeze(applied: Applied) -> Layout:
    """A new dimension with the stride of the dimension that follows it."""
    input: Tensor = applied["input"]
    return inserted(input, applied.layout(input), axis(applied["dim"], input.shape, extra=1))


def inserted(input: Tensor, layout: Layout, place: int) -> Layout:
    """A view with a new dimension of size 1."""
    step: Size = 1 if place >= input.ndim else input.shape[place] * layout.strides[place]
    return layout.view((*layout.strides[:place], step, *layout.strides[place:]))


@lays_out("expand expand_as broadcast_to")
def expand(applied: Applied) -> Layout:
    """Stride 0 in each dimension of size 1 that is expanded."""
    input: Tensor = applied["input"]
    return expanded(input, applied.layout(input), applied.result)


def expanded(input: Tensor, layout: Layout, result: Tensor) -> Layout:
    """A view of a tensor, expanded to the shape of a result."""
    shape = result.shape
    ahead = len(shape) - input.ndim
    strides: list[Size] = [0] * len(shape)
    if not input.shape:
        return layout.view(strides)
    for place in range(len(shape) - 1, -1, -1):
        if place < ahead:
            size: Size = 1
            step = shape[place + 1] * strides[place + 1] if place + 1 < len(shape) else 1
        else:
            size, step = input.shape[place - ahead], layout.strides[place - ahead]
        strides[place] = 0 if is_one(size) and not is_one(shape[place]) else step
    return layout.view(strides)


@lays_out("broadcast_tensors")
def broadcast_tensors(applied: Applied) -> list[Layout]:
    """Each argument, expanded."""
    tensors = zip(applied.operands, applied.outputs, strict=True)
    return [expanded(tensor, applied.layout(tensor), output) for tensor, output in tensors]


def at_index(index: Size, size: Size) -> Size:
    """The place of an index, counted from the front. Raises Undecided."""
    front = at_least(index, 0)
    if front is None:
        raise Undecided
    return index if front else size + index


def selected(layout: Layout, place: int, start: Size) -> Layout:
    """A view at one index of a dimension, without that dimension."""
    rest = (*layout.strides[:place], *layout.strides[place + 1 :])
    return layout.view(rest, start * layout.strides[place])


@lays_out("select")
def select(applied: Applied) -> Layout:
    """The strides without the one of the selected dimension."""
    input: Tensor = applied["input"]
    place = axis(applied["dim"], input.shape)
    return selected(applied.layout(input), place, at_index(applied["index"], input.shape[place]))


@lays_out("narrow")
def narrow(applied: Applied) -> Layout:
    """The same strides, with an offset."""
    input: Tensor = applied["input"]
    layout, place = applied.layout(input), axis(applied["dim"], input.shape)
    start = applied["start"]
    if isinstance(start, Tensor):
        raise Undecided
    return layout.view(layout.strides, at_index(start, input.shape[place]) * layout.strides[place])


@lays_out(
    "chunk split split_with_sizes tensor_split hsplit vsplit dsplit unsafe_chunk unsafe_split unsafe_split_with_sizes"
)
def split(applied: Applied) -> list[Layout]:
    """Pieces with the same strides, one after the other."""
    input = applied.operands[0]
    layout = applied.layout(input)
    if applied.name == "tensor_split" and not (is_size(applied["indices_or_sections"]) or is_size(applied["sections"])):
        raise Undecided  # the pieces may overlap
    place = _split_place(applied, input)
    layouts: list[Layout] = []
    start: Size = 0
    for output in applied.outputs:
        layouts.append(layout.view(layout.strides, start * layout.strides[place]))
        start = start + output.shape[place]
    return layouts


def _split_place(applied: Applied, input: Tensor) -> int:
    if applied.name in _HALVES:
        return 0 if applied.name == "hsplit" and input.ndim == 1 else _HALVES[applied.name]
    return axis(applied["dim"], input.shape)


_HALVES = {"hsplit": 1, "vsplit": 0, "dsplit": 2}


@lays_out("unbind")
def unbind(applied: Applied) -> list[Layout]:
    """A selection at each place."""
    input: Tensor = applied["input"]
    place = axis(applied["dim"], input.shape)
    return [selected(applied.layout(input), place, at) for at in range(len(applied.outputs))]


@lays_out("diagonal")
def diagonal(applied: Applied) -> Layout:
    """The strides of both dimensions in one."""
    input: Tensor = applied["input"]
    one, two = axis(applied["dim1"], input.shape), axis(applied["dim2"], input.shape)
    layout, offset = applied.layout(input), applied["offset"]
    strides = layout.strides
    rest = [step for place, step in enumerate(strides) if place not in (one, two)]
    shift = at_least(offset, 0)
    if shift is None:
        raise Undecided
    start: Size = offset * strides[two] if shift else -offset * strides[one]
    if same(applied.result.shape[-1], 0):
        start = 0
    return layout.view((*rest, strides[one] + strides[two]), start)


@lays_out("Tensor.unfold")
def unfold(applied: Applied) -> Layout:
    """Windows along a dimension of the same memory."""
    input: Tensor = applied["input"]
    layout = applied.layout(input)
    if not input.shape:
        return layout.view((1,))
    place = axis(applied["dimension"], input.shape)
    strides = list(layout.strides)
    strides[place] = strides[place] * applied["step"]
    return layout.view((*strides, layout.strides[place]))


@lays_out("view_as_real")
def view_as_real(applied: Applied) -> Layout:
    """Each stride doubled, and a last stride of 1."""
    layout = applied.layout(applied["input"])
    return Layout((*(2 * step for step in layout.strides), 1), 2 * layout.offset, layout.storage)


@lays_out("view_as_complex")
def view_as_complex(applied: Applied) -> Layout:
    """Each stride halved, without the last."""
    layout = applied.layout(applied["input"])
    return Layout(tuple(step // 2 for step in layout.strides[:-1]), layout.offset // 2, layout.storage)


@lays_out("real imag")
def part(applied: Applied) -> Layout:
    """Each stride doubled: one number of each pair."""
    input: Tensor = applied["input"]
    layout = applied.layout(input)
    if not is_complex(input.dtype):
        return layout
    start = 2 * layout.offset + (1 if applied.name == "imag" else 0)
    return Layout(tuple(2 * step for step in layout.strides), start, layout.storage)


@lays_out("atleast_1d atleast_2d atleast_3d")
def at_least_rank(applied: Applied) -> list[Layout]:
    """New dimensions of size 1 in front or behind."""
    return [_at_least(applied, one, two) for one, two in zip(applied.operands, applied.outputs, strict=True)]


def _at_least(applied: Applied, tensor: Tensor, output: Tensor) -> Layout:
    layout = applied.layout(tensor)
    if tensor.shape == output.shape:
        return layout
    if not tensor.shape:
        return layout.view(contiguous_strides(output.shape))
    if tensor.ndim == 1:
        layout, tensor = inserted(tensor, layout, 0), Tensor((1, *tensor.shape), tensor.dtype)
    return inserted(tensor, layout, tensor.ndim) if applied.name == "atleast_3d" else layout
