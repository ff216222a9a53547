"""Broadcasting, as torch does it: https://pytorch.org/docs/stable/notes/broadcasting.html.

A symbol never counts as 1: `T` and 1 broadcast to `T`; `T` and 5 require `T == 5`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.dims import Size
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, shape_text


def shared_size(one: Size, two: Size) -> Size | None:
    """The size that two dimensions broadcast to, or None."""
    if one == two or two == 1:
        return one
    if one == 1:
        return two
    if type(one) is int and type(two) is int:
        return None
    if not assume_equal(one, two):
        return None
    return two if type(two) is int else one


def shared_shape(one: Shape, two: Shape) -> Shape | int:
    """The shape that two shapes broadcast to, or the index (from the front) of the dimension that does not fit."""
    if one == two or not two:
        return one
    if not one:
        return two
    longer, shorter = (one, two) if len(one) >= len(two) else (two, one)
    ahead = len(longer) - len(shorter)
    shape = list(longer)
    for position, size in enumerate(shorter, ahead):
        common = shared_size(longer[position], size)
        if common is None:
            return position
        shape[position] = common
    return tuple(shape)


def broadcast(one: Shape, two: Shape, verb: str = "combine", argument: str = "other", swapped: bool = False) -> Shape:
    """The shape that two operands broadcast to. Raises Refusal (size-mismatch): `cannot add 256x56x56 and 64x56x56`.

    `swapped` says that torch's message names the second one first.
    """
    shape = shared_shape(one, two)
    if type(shape) is tuple:
        return shape
    message = f"cannot {verb} {shape_text(one)} and {shape_text(two)}"
    assert isinstance(shape, int)
    note = torch_sentence(two, one, shape) if swapped else torch_sentence(one, two, shape)
    raise Refusal("size-mismatch", message, argument, note=note)


def broadcast_all(shapes: Sequence[Shape], verb: str = "combine", arguments: Sequence[str] = ()) -> Shape:
    """The shape that all of these broadcast to. Raises Refusal for the first that does not fit."""
    found: Shape = ()
    for position, shape in enumerate(shapes):
        found = broadcast(found, shape, verb, arguments[position] if position < len(arguments) else "tensors")
    return found


def torch_sentence(one: Shape, two: Shape, position: int) -> str:
    """torch's message for two shapes that differ at `position` of the longer one."""
    longest = max(len(one), len(two))
    position = _last_misfit(one, two, position)
    a, b = (shape[position - longest + len(shape)] for shape in (one, two))
    return f"The size of tensor a ({a}) must match the size of tensor b ({b}) at non-singleton dimension {position}"


def _last_misfit(one: Shape, two: Shape, position: int) -> int:
    """The last of the dimensions that do not fit: torch compares from the back, and reports that one."""
    longest = max(len(one), len(two))
    for place in range(longest - 1, position, -1):
        a, b = (shape[place - longest + len(shape)] if place >= longest - len(shape) else 1 for shape in (one, two))
        if type(a) is type(b) is int and a != b and 1 not in (a, b):
            return place
    return position


def expand_sentence(target: Shape, shape: Shape, position: int) -> str:
    """torch's message for a shape that does not expand to another."""
    fits = [
        place
        for place in range(len(target) - len(shape), len(target))
        if type(own := shape[place - len(target) + len(shape)]) is type(target[place]) is int
        and target[place] != -1
        and own not in (1, target[place])
    ]
    position = max([position, *fits])  # torch compares from the back
    return (
        f"The expanded size of the tensor ({target[position]}) must match the existing size "
        f"({shape[position - len(target) + len(shape)]}) at non-singleton dimension {position}.  "
        f"Target sizes: {list(target)}.  Tensor sizes: {list(shape)}"
    )


def must_expand(
    shape: Shape,
    target: Shape,
    verb: str = "expand",
    argument: str = "other",
    sentence: Callable[[Shape, Shape, int], str] = torch_sentence,
) -> None:
    """Raise Refusal if a shape does not broadcast to exactly `target`; `sentence` makes torch's message."""
    if shape == target:
        return
    if len(shape) > len(target):
        message = f"cannot {verb} {shape_text(shape)} to {shape_text(target)}: it has more dimensions"
        raise Refusal("wrong-rank", message, argument)
    ahead = len(target) - len(shape)
    for position, size in enumerate(shape, ahead):
        if size != 1 and not assume_equal(size, target[position]):
            message = f"cannot {verb} {shape_text(shape)} to {shape_text(target)}"
            raise Refusal("size-mismatch", message, argument, note=sentence(target, shape, position))
