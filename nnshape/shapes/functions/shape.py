"""Views and reshapes: https://pytorch.org/docs/stable/tensor_view.html.

A view keeps its elements, and therefore the known bounds of their values.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Any

from nnshape.shapes.arguments import described
from nnshape.shapes.axes import axes, axis
from nnshape.shapes.constraints import assume_at_least, assume_divisible, assume_equal
from nnshape.shapes.dims import Dim, Size, divisible, shape_part
from nnshape.shapes.dtypes import ITEM_BYTES, DType
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal, in_other_words
from nnshape.shapes.tensor import N, Shape, Tensor, product, shape_text, sizes_text

if TYPE_CHECKING:
    from nnshape.problems.kinds import KindName
    from nnshape.shapes.arguments import Whole, Wholes, WholeTuple


def of_shape(input: Tensor, shape: Shape) -> Tensor:
    """Returns the same elements in another shape."""
    return Tensor(shape, input.dtype, input.span)


def reshaped(shape: Shape, target: tuple[Size, ...], name: str = "shape") -> Shape:
    """The sizes of a reshape, with -1 inferred. Raises Refusal if the elements do not fit."""
    unknown = None
    for position, size in enumerate(target):
        if type(size) is int and size < 0:
            if size != -1 or unknown is not None:
                told = "-1 twice" if size == -1 else str(size)
                raise Refusal("invalid-argument", f"{name} (={_listed(target)}) has {told}: one size may be -1", name)
            unknown = position
        elif type(size) is not int and not assume_at_least(size, 0):
            raise Refusal("invalid-argument", f"{name} (={_listed(target)}) has {size}, which is below 0", name)
    elements = product(shape)
    if unknown is None:
        wanted = product(target)
        if not assume_equal(elements, wanted):
            raise _does_not_fit(shape, target, None, name)
        return target
    wanted = product(target[:unknown] + target[unknown + 1 :])
    if wanted == 0:
        if elements != 0:
            raise _does_not_fit(shape, target, unknown, name)
        message = f"{name} (={_listed(target)}) does not determine -1: {shape_text(shape)} has no elements"
        raise Refusal("invalid-argument", message, name)
    if not _divides(shape, target, elements, wanted):
        raise _does_not_fit(shape, target, unknown, name)
    return (*target[:unknown], elements // wanted, *target[unknown + 1 :])


def _divides(shape: Shape, target: tuple[Size, ...], elements: Size, wanted: Size) -> bool:
    """Whether -1 gives a whole number. The batch may be any number, so the other sizes must divide a sample."""
    if type(elements) is int and type(wanted) is int:
        return elements % wanted == 0
    if shape and shape[0] == N and divisible(elements, wanted) is None:
        sample = product(shape[1:])
        rest = wanted // N if N in target else wanted
        if not (type(sample) is int and type(rest) is int and rest % sample == 0):
            return assume_divisible(sample, rest)
    return assume_divisible(elements, wanted)


def _does_not_fit(shape: Shape, target: tuple[Size, ...], unknown: int | None, name: str) -> Refusal:
    note = f"shape '{_listed(target)}' is invalid for input of size {product(shape)}"
    problem: KindName = "size-mismatch"
    of_a_sample = len(shape) > 1 and shape[0] == N and bool(target) and (target[0] == N or unknown == 0)
    if of_a_sample:
        holds, wanted = product(shape[1:]), product(target[1:])
        message = f"a sample holds {holds} values, not {wanted}: {shape_text(shape)} does not fit {_listed(target)}"
        if unknown == 0 and wanted != 0:
            problem = "swallows-batch"
            if type(holds) is int and type(wanted) is int:
                samples = wanted // gcd(holds, wanted)
                rows = _listed((samples * holds // wanted, *target[1:]))
                message = f"a sample holds {holds} values, not {wanted}: -1 takes the batch in, "
                message += f"and N = {samples} gives {rows}"
    elif unknown is None:
        message = f"{shape_text(shape)} holds {product(shape)} values, but {_listed(target)} takes {product(target)}"
    else:
        rest = sizes_text(size for position, size in enumerate(target) if position != unknown)
        message = f"{shape_text(shape)} holds {product(shape)} values, which {rest} does not divide"
    arrived, needed = (holds, wanted) if of_a_sample else (None, None)
    return Refusal(problem, message, name, note=note, arrived=arrived, wanted=needed)


def _listed(sizes: tuple[Size, ...]) -> str:
    return f"[{', '.join(map(str, sizes))}]"


@function(only_method=True, example=("view(N, -1)", "6x5x5"))
def view(input: Tensor, *shape: Whole | DType) -> Tensor:
    """Returns the same elements in another shape, or their bytes as another dtype.

    shape: the new shape, with at most one -1, which is inferred; or a dtype.
    """
    if len(shape) == 1 and isinstance(shape[0], DType):
        return _viewed_as(input, shape[0])
    if any(isinstance(size, DType) for size in shape):
        raise Refusal("wrong-type", f"view takes sizes or one dtype, not {described(shape)}", "shape")
    return of_shape(input, reshaped(input.shape, shape))  # type: ignore[arg-type]


def _viewed_as(input: Tensor, dtype: DType) -> Tensor:
    before, after = ITEM_BYTES[input.dtype], ITEM_BYTES[dtype]
    if before == after:
        return input.like(dtype=dtype)
    if not input.shape:
        raise Refusal("wrong-rank", f"a single number of {input.dtype} cannot be viewed as {dtype}", "shape")
    if before > after:
        return input.like((*input.shape[:-1], input.shape[-1] * (before // after)), dtype)
    last, ratio = input.shape[-1], after // before
    if not assume_divisible(last, ratio):
        message = f"the last dimension (={last}) must be divisible by {ratio} to be viewed as {dtype}"
        raise Refusal("not-divisible", message, "shape")
    return input.like((*input.shape[:-1], last // ratio), dtype)


@function(method=True, example=("reshape(N, -1)", "6x5x5"))
def reshape(input: Tensor, *shape: Whole) -> Tensor:
    """Returns the same elements in another shape.

    shape: the new shape, with at most one -1, which is inferred.
    """
    return of_shape(input, reshaped(input.shape, shape))


@view.derives
@reshape.derives
def _(input: Tensor, *shape: Any) -> tuple[str, ...]:
    """The derivation of -1; empty if all sizes are given."""
    if -1 not in shape:
        return ()
    place = shape.index(-1)
    made = reshaped(input.shape, shape)[place]
    rest = " * ".join(shape_part(size) for at, size in enumerate(shape) if at != place)
    every = " * ".join(map(shape_part, input.shape)) or "1"
    return (f"-1: {every} / {f'({rest})' if ' ' in rest else rest} = {made}" if rest else f"-1: {every} = {made}",)


@function(only_method=True, example=("view_as(x, y)", "6x5x5", "30x5"))
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """Returns the same elements in the shape of another tensor."""
    return of_shape(input, reshaped(input.shape, other.shape, "other"))


function(name="reshape_as", only_method=True, example=("reshape_as(x, y)", "6x5x5", "30x5"))(view_as.rule)


@function(method=True, example=("flatten(1)", "6x5x5"))
def flatten(input: Tensor, start_dim: Whole = 0, end_dim: Whole = -1) -> Tensor:
    """Flattens a range of dimensions into one.

    start_dim, end_dim: the first and the last dimension to flatten.
    """
    shape = input.shape
    start, end = axis(start_dim, shape, "start_dim"), axis(end_dim, shape, "end_dim")
    if not shape:
        return of_shape(input, (1,))
    if start > end:
        note = "flatten() has invalid args: start_dim cannot come after end_dim"
        message = f"start_dim (={start_dim}) comes after end_dim (={end_dim}) in {shape_text(shape)}"
        raise Refusal("invalid-argument", message, "start_dim", note=note)
    return of_shape(input, (*shape[:start], product(shape[start : end + 1]), *shape[end + 1 :]))


@function(method=True, example=("ravel()", "6x5x5"))
def ravel(input: Tensor) -> Tensor:
    """Flattens all dimensions into one."""
    return of_shape(input, (product(input.shape),))


@function(method=True, example=("unflatten(1, (2, 3))", "6x5x5"))
def unflatten(input: Tensor, dim: Whole, sizes: WholeTuple) -> Tensor:
    """Splits a dimension into several.

    dim: the dimension to split.
    sizes: the sizes to split it into; one may be -1, which is inferred.
    """
    return of_shape(input, unflattened(input.shape, dim, sizes))


def factor_text(size: Size) -> str:
    """A size as a factor in a product."""
    text = str(size)
    return text if text.isalnum() else f"({text})"


def splitting_lines(input: Tensor, dim: int, made: Tensor) -> tuple[str, ...]:
    """The derivation of the sizes of a split dimension."""
    at = axis(dim, input.shape)
    parts = made.shape[at : at + 1 + made.ndim - input.ndim]
    return (f"{input.shape[at]} = {' * '.join(map(factor_text, parts))}",)


@unflatten.derives
def _(input: Tensor, dim: int, sizes: WholeTuple) -> tuple[str, ...]:
    return splitting_lines(input, dim, unflatten.rule(input, dim, sizes))


def unflattened(shape: Shape, dim: Size, sizes: Any, name: str = "sizes") -> Shape:
    """The shape with one dimension split. Raises Refusal if the sizes do not multiply up to it."""
    if not sizes:
        raise Refusal("invalid-argument", f"unflatten wants one or more {name}", name)
    place = axis(dim, shape)
    if not shape:
        raise Refusal("wrong-rank", "{layer} splits a dimension, but a single number arrives", "dim")
    if not all(type(size) is int or isinstance(size, Dim) for size in sizes):
        raise Refusal("wrong-type", f"unflatten takes whole numbers as {name}, not {described(tuple(sizes))}", name)
    size = shape[place]
    try:
        parts = reshaped((size,), tuple(sizes), name)
    except Refusal as refusal:
        note = (
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {place} ({size}) "
            "in the input tensor"
        )
        message = f"{_listed(tuple(sizes))} does not multiply up to {size}, the size of dimension {dim}"
        if refusal.problem != "size-mismatch":
            raise
        raise Refusal("size-mismatch", message, name, note=note) from None
    return (*shape[:place], *parts, *shape[place + 1 :])


@function(method=True, example=("permute(0, 2, 3, 1)", "6x5x5"))
def permute(input: Tensor, *dims: Whole) -> Tensor:
    """Reorders the dimensions.

    dims: every dimension once, in the new order.
    """
    shape = input.shape
    if len(dims) != len(shape):
        message = f"{{layer}} orders {len(dims)} dimensions, but {shape_text(shape)} has {len(shape)}"
        note = (
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {len(shape)} is not equal to len(dims) = {len(dims)}"
        )
        raise Refusal("wrong-rank", message, "dims", note=note)
    order = axes(dims, shape, "dims", every=False, twice="permute(): duplicate dims are not allowed.")
    return of_shape(input, tuple(shape[place] for place in order))


@function(method=True, example=("transpose(1, 2)", "6x5x5"))
def transpose(input: Tensor, dim0: Whole, dim1: Whole) -> Tensor:
    """Swaps two dimensions.

    dim0, dim1: the two dimensions.
    """
    one, two = axis(dim0, input.shape, "dim0"), axis(dim1, input.shape, "dim1")
    shape = list(input.shape)
    if shape:
        shape[one], shape[two] = shape[two], shape[one]
    return of_shape(input, tuple(shape))


@function(method=True, example=("swapaxes(1, 2)", "6x5x5"))
def swapaxes(input: Tensor, axis0: Whole, axis1: Whole) -> Tensor:
    """Swaps two dimensions; alias of transpose.

    axis0, axis1: the two dimensions.
    """
    return transpose.rule(input, axis0, axis1)  # type: ignore[no-any-return]


function(name="swapdims", method=True, example=("swapdims(1, 2)", "6x5x5"))(transpose.rule)


@function(method=True, example=("t()", "[6, 5]"))
def t(input: Tensor) -> Tensor:
    """Transposes a matrix; returns a vector or a scalar unchanged."""
    if len(input.shape) > 2:
        message = f"{{layer}} transposes a matrix, but {input} arrives: transpose(-2, -1) swaps its last two"
        note = f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D"
        raise Refusal("wrong-rank", message, "input", note=note)
    return of_shape(input, input.shape[::-1])


@function(method=True, example=("movedim(1, -1)", "6x5x5"))
def movedim(input: Tensor, source: Wholes, destination: Wholes) -> Tensor:
    """Moves dimensions to new positions; the others keep their order.

    source: the dimensions to move.
    destination: their new positions.
    """
    if isinstance(source, (tuple, list)) != isinstance(destination, (tuple, list)):
        raise Refusal("wrong-type", "movedim takes two numbers, or two tuples of them", "destination")
    moved_from = tuple(source) if isinstance(source, (tuple, list)) else (source,)
    moved_to = tuple(destination) if isinstance(destination, (tuple, list)) else (destination,)
    if len(moved_from) != len(moved_to):
        message = f"{{layer}} moves {len(moved_from)} dimensions to {len(moved_to)} places"
        note = (
            f"movedim: Invalid source or destination dims: source ({list(moved_from)} dims) should contain the same "
            f"number of dims as destination ({list(moved_to)} dims)"
        )
        raise Refusal("invalid-argument", message, "destination", note=note)
    with in_other_words():
        sources = axes(moved_from, input.shape, "source", every=False)
        targets = axes(moved_to, input.shape, "destination", every=False)
    if not input.shape:
        return input
    moved = dict(zip(targets, sources, strict=True))
    rest = iter(place for place in range(input.ndim) if place not in sources)
    order = [moved[place] if place in moved else next(rest) for place in range(input.ndim)]
    return of_shape(input, tuple(input.shape[place] for place in order))


function(name="moveaxis", method=True, example=("moveaxis(1, -1)", "6x5x5"))(movedim.rule)


@function(method=True, example=("squeeze(1)", "1x28x28"))
def squeeze(input: Tensor, dim: Wholes | None = None) -> Tensor:
    """Removes dimensions of size 1.

    dim: the dimensions to remove if their size is 1; all if None.
    """
    shape = input.shape
    if dim is None:
        places: Any = range(len(shape))
    else:
        places = axes(dim, shape, every=False)
    return of_shape(input, tuple(size for place, size in enumerate(shape) if place not in places or size != 1))


@function(method=True, example=("unsqueeze(1)", "28x28"))
def unsqueeze(input: Tensor, dim: Whole) -> Tensor:
    """Inserts a dimension of size 1 at an index."""
    place = axis(dim, input.shape, extra=1)
    return of_shape(input, (*input.shape[:place], 1, *input.shape[place:]))
