"""Views with the dimensions in another order."""

from __future__ import annotations

from collections.abc import Sequence

from nnshape.shapes.axes import axes, axis
from nnshape.shapes.layouts.applied import Applied, lays_out
from nnshape.shapes.layouts.layout import Layout
from nnshape.shapes.tensor import Tensor


def _permuted(applied: Applied, order: Sequence[int]) -> Layout:
    layout = applied.layout(applied["input"])
    return layout.view([layout.strides[place] for place in order])


@lays_out("permute")
def permute(applied: Applied) -> Layout:
    """The strides in the new order."""
    return _permuted(applied, axes(applied["dims"], applied["input"].shape, "dims", every=False))


def swapped(rank: int, one: int, two: int) -> list[int]:
    """The dimensions with two of them swapped."""
    order = list(range(rank))
    if order:
        order[one], order[two] = order[two], order[one]
    return order


@lays_out("transpose swapdims swapaxes")
def transpose(applied: Applied) -> Layout:
    """Two strides swapped."""
    first, second = ("axis0", "axis1") if applied.name == "swapaxes" else ("dim0", "dim1")
    shape = applied["input"].shape
    return _permuted(applied, swapped(len(shape), axis(applied[first], shape), axis(applied[second], shape)))


@lays_out("t T")
def reversed_(applied: Applied) -> Layout:
    """All strides in reverse."""
    return _permuted(applied, range(applied["input"].ndim - 1, -1, -1))


@lays_out("mT mH H")
def matrices(applied: Applied) -> Layout:
    """The last two strides swapped."""
    rank = applied["input"].ndim
    return _permuted(applied, swapped(rank, rank - 2, rank - 1) if rank > 1 else range(rank))


@lays_out("movedim moveaxis")
def movedim(applied: Applied) -> Layout:
    """Strides moved with their dimensions."""
    input: Tensor = applied["input"]

    def places(name: str) -> tuple[int, ...]:
        given = applied[name]
        return axes(given if isinstance(given, (tuple, list)) else (given,), input.shape, name, every=False)

    if not input.shape:
        return applied.layout(input)
    moved = dict(zip(places("destination"), places("source"), strict=True))
    rest = iter(place for place in range(input.ndim) if place not in moved.values())
    return _permuted(applied, [moved[place] if place in moved else next(rest) for place in range(input.ndim)])
