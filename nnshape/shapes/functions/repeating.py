"""Expanding, repeating and tiling: https://pytorch.org/docs/stable/generated/torch.Tensor.expand.html and others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.shapes.axes import axis
from nnshape.shapes.broadcasting import broadcast_all, expand_sentence
from nnshape.shapes.constraints import assume_at_least, assume_equal, fresh_symbol
from nnshape.shapes.dims import Size
from nnshape.shapes.dtype_names import tensor_type
from nnshape.shapes.function import function
from nnshape.shapes.functions.shape import of_shape
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, Tensor, product, shape_text

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Whole, WholeTuple


def expanded(input: Tensor, target: tuple[Size, ...], name: str = "sizes") -> Shape:
    """The shape after an expansion; -1 keeps a size. Raises Refusal if a size other than 1 would grow."""
    shape = input.shape
    ahead = len(target) - len(shape)
    if ahead < 0:
        note = (
            f"expand({tensor_type(input.dtype)}{{{list(shape)}}}, size={list(target)}): the number of sizes provided "
            f"({len(target)}) must be greater or equal to the number of dimensions in the tensor ({len(shape)})"
        )
        message = f"{shape_text(shape)} has {len(shape)} dimensions, and cannot expand to {len(target)}"
        raise Refusal("wrong-rank", message, name, note=note)
    found = []
    for place, size in enumerate(target):
        own = shape[place - ahead] if place >= ahead else None
        if type(size) is int and size < 0:
            if size != -1 or own is None:
                message = f"{name} (=[{', '.join(map(str, target))}]) has {size} for a new dimension"
                raise Refusal("invalid-argument", message, name)
            found.append(own)
        elif own is None or own == 1:
            if type(size) is not int and not assume_at_least(size, 0):
                message = f"{name} (=[{', '.join(map(str, target))}]) has {size}, which is below 0"
                raise Refusal("invalid-argument", message, name)
            found.append(size)
        elif assume_equal(own, size):
            found.append(size if type(size) is int else own)
        else:
            note = expand_sentence(target, shape, place)
            message = (
                f"cannot expand {shape_text(shape)} to {list(target)}: only a size of 1 grows, and {own} is not {size}"
            )
            raise Refusal("size-mismatch", message, name, note=note)
    return tuple(found)


@function(only_method=True, example=("expand(3, -1, 5)", "[1, 6, 5]"))
def expand(input: Tensor, *sizes: Whole) -> Tensor:
    """Expands dimensions of size 1 without copying.

    sizes: the new sizes; -1 keeps the size of a dimension.
    """
    return of_shape(input, expanded(input, sizes))


@function(only_method=True, example=("expand_as(x, y)", "1x5x5", "6x5x5"))
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Expands dimensions of size 1 to the shape of another tensor."""
    return of_shape(input, expanded(input, other.shape, "other"))


@function(method=True, example=("broadcast_to((3, 6, 5))", "[6, 5]"))
def broadcast_to(input: Tensor, size: WholeTuple) -> Tensor:
    """Broadcasts a tensor to a shape."""
    return of_shape(input, expanded(input, tuple(size), "size"))


@function(example=("broadcast_tensors(x, x)", "6x5x5"))
def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Broadcasts tensors to a common shape."""
    shape = broadcast_all([tensor.shape for tensor in tensors])
    return tuple(of_shape(tensor, shape) for tensor in tensors)


@function(only_method=True, example=("repeat(2, 1, 1)", "[6, 5]"))
def repeat(input: Tensor, *repeats: Whole) -> Tensor:
    """Repeats a tensor along each dimension, copying its elements.

    repeats: the number of repetitions per dimension; extra leading ones add dimensions.
    """
    ahead = len(repeats) - len(input.shape)
    if ahead < 0:
        note = "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor"
        message = f"{{layer}} wants one number per dimension of {shape_text(input.shape)}, not {len(repeats)}"
        raise Refusal("wrong-rank", message, "repeats", note=note)
    return of_shape(input, _repeated((1,) * ahead + input.shape, repeats, "repeats"))


def _repeated(shape: Shape, times: tuple[Size, ...], name: str) -> Shape:
    found = tuple(size * time for size, time in zip(shape, times, strict=True))
    for size in found:
        if not assume_at_least(size, 0):
            note = f"Trying to create tensor with negative dimension {size}: {list(found)}"
            raise Refusal("invalid-argument", f"{name} (={list(times)}) has a negative number", name, note=note)
    return found


@function(method=True, example=("tile(2, 1)", "[6, 5]"))
def tile(input: Tensor, *dims: Whole) -> Tensor:
    """Repeats a tensor along its last dimensions; missing leading repetitions count as 1."""
    longest = max(len(dims), len(input.shape))
    shape = (1,) * (longest - len(input.shape)) + input.shape
    return of_shape(input, _repeated(shape, (1,) * (longest - len(dims)) + tuple(dims), "dims"))


@function(method=True, example=("repeat_interleave(2, 1)", "6x5x5"))
def repeat_interleave(
    input: Tensor, repeats: Whole | Tensor, dim: Whole | None = None, *, output_size: Whole | None = None
) -> Tensor:
    """Repeats each element along a dimension.

    repeats: the number of repetitions, or a tensor with one number per element.
    dim: the dimension to repeat along; None flattens the input first.
    output_size: the resulting size of the dimension, if repeats is a tensor.
    """
    shape = (product(input.shape),) if dim is None else input.shape
    if not shape:
        raise Refusal("index-error", "a single number has no dimension to repeat along", "dim")
    place = axis(0 if dim is None else dim, shape)
    if isinstance(repeats, Tensor):
        return of_shape(input, _repeated_each(shape, place, repeats, output_size))
    if not assume_at_least(repeats, 0):
        raise Refusal("invalid-argument", f"repeats must be 0 or more, not {repeats}", "repeats")
    size = shape[place] * repeats
    if output_size is not None and not assume_equal(size, output_size):
        raise Refusal("size-mismatch", f"output_size is {output_size}, but the repeats give {size}", "output_size")
    return of_shape(input, (*shape[:place], size, *shape[place + 1 :]))


def _repeated_each(shape: Shape, place: int, repeats: Tensor, output_size: Size | None) -> Shape:
    if repeats.dtype not in ("int64", "int32"):
        raise Refusal("wrong-dtype", f"{{layer}} wants repeats as int64 or int32, not {repeats.dtype}", "repeats")
    if len(repeats.shape) > 1:
        raise Refusal("wrong-rank", f"{{layer}} wants repeats of one dimension, but {repeats} arrives", "repeats")
    if repeats.shape and repeats.shape[0] != 1 and not assume_equal(repeats.shape[0], shape[place]):
        message = f"{{layer}} wants one number for each of {shape[place]} elements, but {repeats.shape[0]} arrive"
        raise Refusal("size-mismatch", message, "repeats", note="repeats must have the same size as input along dim")
    size = fresh_symbol("repeated", 1 << 62) if output_size is None else output_size
    return (*shape[:place], size, *shape[place + 1 :])
