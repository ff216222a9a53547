"""Dimensions of a tensor in torch's numbering: from the front, or negative from the back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nnshape.shapes.dims import Dim
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, shape_text


def axis(dim: Any, shape: Shape, name: str = "dim", extra: int = 0) -> int:
    """The index of a dimension, counted from the front; a 0-dimensional tensor counts as having one.

    `extra` is 1 if a new dimension may follow the last. Raises Refusal (index-error).
    """
    if isinstance(dim, Dim):
        raise Refusal("unknown-value", f"{name} (={dim}) must be a number: give its symbols values", name)
    count = len(shape) + extra or 1
    if -count <= dim < count:
        return int(dim) % count
    where = shape_text(shape) if shape else "a single number"
    note = f"Dimension out of range (expected to be in range of [{-count}, {count - 1}], but got {dim})"
    message = f"{{layer}} has no dimension {dim} in {where}: it goes from {-count} to {count - 1}"
    raise Refusal("index-error", message, name, note=note)


def axes(dim: Any, shape: Shape, name: str = "dim", every: bool = True, twice: str | None = None) -> tuple[int, ...]:
    """The indices of one or several dimensions, in the given order; all of them for None, and for () if `every`.

    Raises Refusal if one is out of range (index-error) or repeated (invalid-argument); `twice` is torch's
    message for a repeated one, if it is its own.
    """
    if dim is None or (every and isinstance(dim, (tuple, list)) and not dim):
        return tuple(range(len(shape)))
    if not isinstance(dim, (tuple, list)):
        return (axis(dim, shape, name),)
    places: list[int] = []
    for one in dim:
        place = axis(one, shape, name)
        if place in places:
            note = f"dim {place} appears multiple times in the list of dims" if twice is None else twice
            raise Refusal("invalid-argument", f"{name} (={tuple(dim)}) names dimension {place} twice", name, note=note)
        places.append(place)
    return tuple(places)


def plain_int(value: Any, name: str) -> int:
    """The value as an int. Raises Refusal (unknown-value) for a symbolic size."""
    if isinstance(value, Dim):
        raise Refusal("unknown-value", f"{name} (={value}) must be a number: give its symbols values", name)
    return int(value)


def flat(sizes: Iterable[Any]) -> tuple[Any, ...]:
    """Sizes passed one by one or as one tuple, as one tuple."""
    found = tuple(sizes)
    if len(found) == 1 and isinstance(found[0], (tuple, list)):
        return tuple(found[0])
    return found
