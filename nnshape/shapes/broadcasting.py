"""Broadcasting, as torch does it: https://pytorch.org/docs/stable/notes/broadcasting.html.

A symbol never counts as 1: `T` and 1 broadcast to `T`; `T` and 5 require `T == 5`.
"""

from __future__ import annotations

from collections.abc import Sequence

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


def broadcast(one: Shape, two: Shape, verb: str = "combine", argument: str = "other") -> Shape:
    """The shape that two operands broadcast to. Raises Refusal (size-mismatch): `cannot add 256x56x56 and 64x56x56`."""
    shape = shared_shape(one, two)
    if type(shape) is tuple:
        return shape
    raise _mismatch(one, two, shape, verb, argument)


def broadcast_all(shapes: Sequence[Shape], verb: str = "combine", arguments: Sequence[str] = ()) -> Shape:
    """The shape that all of these broadcast to. Raises Refusal for the first that does not fit."""
    found: Shape = ()
    for position, shape in enumerate(shapes):
        found = broadcast(found, shape, verb, arguments[position] if position < len(arguments) else "tensors")
    return found


def must_expand(shape: Shape, target: Shape, verb: str = "expand", argument: str = "other") -> None:
    """Raise Refusal if a shape does not broadcast to exactly `target`."""
    if shape == target:
        return
    if len(shape) > len(target):
        message = f"cannot {verb} {shape_text(shape)} to {shape_text(target)}: it has more dimensions"
        raise Refusal("wrong-rank", message, argument)
    ahead = len(target) - len(shape)
    for position, size in enumerate(shape, ahead):
        if size != 1 and not assume_equal(size, target[position]):
            message = f"cannot {verb} {shape_text(shape)} to {shape_text(target)}"
            raise Refusal("size-mismatch", message, argument, note=torch_sentence(target, shape, position))


def torch_sentence(one: Shape, two: Shape, position: int) -> str:
    """torch's message for two shapes that differ at `position` of the longer one."""
    longest = max(len(one), len(two))
    a, b = (shape[position - longest + len(shape)] for shape in (one, two))
    return f"The size of tensor a ({a}) must match the size of tensor b ({b}) at non-singleton dimension {position}"


def _mismatch(one: Shape, two: Shape, position: object, verb: str, argument: str) -> Refusal:
    assert isinstance(position, int)
    message = f"cannot {verb} {shape_text(one)} and {shape_text(two)}"
    return Refusal("size-mismatch", message, argument, note=torch_sentence(one, two, position))
