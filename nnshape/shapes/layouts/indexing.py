"""Indexing: numbers, slices and None give views; a tensor or a list copies what it looks up."""

from __future__ import annotations

from typing import Any

from nnshape.shapes.dims import Dim, Size
from nnshape.shapes.dtypes import category
from nnshape.shapes.functions.slicing import first_of
from nnshape.shapes.layouts.applied import Applied, UnknownLayout, lays_out
from nnshape.shapes.layouts.iterating import Operand, elementwise_strides
from nnshape.shapes.layouts.layout import Layout, contiguous_strides, is_empty, is_one, new_layout, same
from nnshape.shapes.layouts.viewing import view_strides
from nnshape.shapes.layouts.views import at_index
from nnshape.shapes.tensor import Shape, Tensor


@lays_out("getitem")
def getitem(applied: Applied) -> Layout:
    """A view, unless something is looked up."""
    input, index = applied["input"], applied["index"]
    parts = index if isinstance(index, tuple) else (index,)
    found = _Sliced(input.shape, applied.layout(input))
    used = sum(_covered(part) for part in parts)
    for part in parts:
        found.take(part, applied, len(input.shape) - used)
    view = found.view()
    return found.looked_up(applied.result, view) if found.lookups else view


def _covered(part: Any) -> int:
    """The number of dimensions of the input that a part of the index takes."""
    if part is None or part is Ellipsis or isinstance(part, bool):
        return 0
    return part.ndim if isinstance(part, Tensor) and part.dtype in _MASKS else 1


_MASKS = ("bool", "uint8")


class _Sliced:
    """The view that the parts of an index give, taken one after the other, and the dimensions to look up in it."""

    def __init__(self, shape: Shape, layout: Layout) -> None:
        self.shape = shape
        self.layout = layout
        self.place = 0  # the dimension of the input that comes next
        self.strides: list[Size] = []
        self.offset: Size = 0
        #: The dimension of the view, and the shape and strides of what is looked up in it.
        self.lookups: list[tuple[int, Operand]] = []

    def take(self, part: Any, applied: Applied, rest: int) -> None:
        """Take one part of the index; Ellipsis stands for `rest` dimensions. Raises UnknownLayout."""
        place = self.place
        if part is None:
            step: Size = 1 if place == len(self.shape) else self.shape[place] * self.layout.strides[place]
            self.strides.append(step)
        elif part is Ellipsis:
            self.strides += self.layout.strides[place : place + rest]
            self.place += rest
        elif isinstance(part, bool):
            raise UnknownLayout
        elif isinstance(part, slice):
            step = self.layout.strides[place]
            self.offset = self.offset + first_of(self.shape[place], part) * step
            self.strides.append(step if part.step is None else step * part.step)
            self.place += 1
        elif isinstance(part, (int, Dim)):
            self.offset = self.offset + at_index(part, self.shape[place]) * self.layout.strides[place]
            self.place += 1
        elif isinstance(part, Tensor):
            self._look_up(part, applied)
        elif isinstance(part, (list, range)) and part and all(type(item) in (int, Dim) for item in part):
            self._note(((len(part),), (1,)))
        else:
            raise UnknownLayout

    def _look_up(self, index: Tensor, applied: Applied) -> None:
        if index.dtype in _MASKS:
            for _ in index.shape:
                self._note(((2,), (1,)))  # as many places as the mask has, in a row
            if not index.shape:
                raise UnknownLayout
        elif not index.shape and category(index.dtype) == 1:
            raise UnknownLayout  # a view from a place that only the values tell
        else:
            # Torch reshapes it, to line it up with the rest.
            strides = view_strides(index.shape, applied.layout(index).strides, index.shape)
            self._note((index.shape, strides or contiguous_strides(index.shape)))

    def _note(self, operand: Operand) -> None:
        self.lookups.append((len(self.strides), operand))
        self.strides.append(self.layout.strides[self.place])
        self.place += 1

    def view(self) -> Layout:
        """The view, with the dimensions in which something is looked up still whole."""
        return self.layout.view((*self.strides, *self.layout.strides[self.place :]), self.offset)

    def looked_up(self, result: Tensor, view: Layout) -> Layout:
        """The copy: torch goes over the source, with stride 0 where something is looked up, and the indices."""
        if is_empty(self.shape) or is_empty(result.shape):
            raise UnknownLayout
        places = [place for place, _ in self.lookups]
        together = places == list(range(places[0], places[0] + len(places)))
        front = places[0] if together else 0
        wide = max(len(shape) for _, (shape, _) in self.lookups)
        kept = [step for place, step in enumerate(view.strides) if place not in places]
        source = (*kept[:front], *(0 for _ in range(wide)), *kept[front:])
        behind = len(kept) - front
        operands: list[Operand] = [(result.shape, source)]
        common = result.shape[front : front + wide]
        tail = (1,) * behind
        for _, (shape, strides) in self.lookups:
            # A mask has as many places as the result tells; a size of 1 is stretched.
            sizes = (
                1 if same(size, 1) else whole for size, whole in zip(shape, common[wide - len(shape) :], strict=True)
            )
            operands.append(((*sizes, *tail), (*strides, *tail)))
        strides = elementwise_strides(result.shape, operands)
        # Torch gives a dimension of size 1 the stride of a tensor that it first lines up with the others.
        if any(map(is_one, result.shape)) and strides != contiguous_strides(result.shape):
            raise UnknownLayout
        return new_layout(result.shape, result.dtype, strides)
