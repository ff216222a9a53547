"""Indexing, masks and selection: https://pytorch.org/docs/stable/tensor_view.html and NumPy's indexing rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.shapes.arguments import described
from nnshape.shapes.broadcasting import broadcast, shared_shape
from nnshape.shapes.constraints import assume_at_least, assume_equal, fresh_symbol
from nnshape.shapes.dims import Dim, Size, at_least
from nnshape.shapes.dtype_names import c_name, element_name, scalar_name
from nnshape.shapes.dtypes import BOOL, INT64, category, fits, result_type
from nnshape.shapes.function import function
from nnshape.shapes.functions.slicing import part_of, sliced_size
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, Tensor, product, shape_text

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Number


#: The dtypes of an index tensor that is a mask.
MASKS = ("bool", "uint8")


def require_index(
    index: Any, size: Size, place: int, shape: Shape, name: str = "index", note: str | None = None
) -> None:
    """Raise Refusal (index-error) if an index lies outside a dimension; `note` is torch's message, if it is its own."""
    if type(index) is int and type(size) is int:
        inside = -size <= index < size
    elif isinstance(index, Dim) and not at_least(index, 0):
        # It counts from the back if it is always negative; otherwise it must be 0 or more.
        inside = (
            assume_at_least(size + index, 0)
            if at_least(-index, 1)
            else assume_at_least(index, 0) and assume_at_least(size, index + 1)
        )
    else:
        inside = assume_at_least(size, index + 1 if not isinstance(index, int) or index >= 0 else -index)
    if not inside:
        # torch meets an index of an empty dimension in many ways, each with words of its own.
        if note is None:
            note = "" if size == 0 else f"index {index} is out of bounds for dimension {place} with size {size}"
        message = f"index {index} is outside dimension {place} of {shape_text(shape)}, which has {size}"
        raise Refusal("index-error", message, name, note=note)


def require_reach(index: Tensor, size: Size, place: int, shape: Shape, note: str = "") -> None:
    """Raise Refusal (index-error) if an index tensor is known to reach beyond a dimension, as `arange` may."""
    if index.span is not None and not assume_at_least(size, index.span[1] + 1):
        message = f"the index reaches {index.span[1]}, but dimension {place} of {shape_text(shape)} has {size}"
        raise Refusal("index-error", message, "index", note=note)


def _as_tensor(index: Any) -> Tensor | None:
    """A list of whole numbers or bools as an index tensor; None for another list."""
    shape: list[Size] = []
    item = index
    while isinstance(item, (list, tuple, range)):
        shape.append(len(item))
        if not item:
            return Tensor(tuple(shape), INT64)
        item = item[0]
    if isinstance(item, bool):
        return Tensor(tuple(shape), BOOL)
    return Tensor(tuple(shape), INT64) if isinstance(item, (int, Dim)) else None


def _numbers(index: Any) -> list[Any]:
    """The numbers of a nested list. Raises Refusal if its rows differ in length or hold other values."""
    if not isinstance(index, (list, tuple, range)):
        return [index]
    found = [_numbers(item) for item in index]
    if len({(len(row), isinstance(item, (list, tuple, range))) for row, item in zip(found, index, strict=True)}) > 1:
        raise Refusal("invalid-argument", f"the rows of an index differ in length: {described(index)}", "index")
    return [number for row in found for number in row]


class _Index:
    """The state of indexing: the dimensions indexed so far, and the index tensors."""

    def __init__(self, shape: Shape, count: Size | None = None) -> None:
        self.count = count  # the number of elements that a mask selects; None for a fresh symbol
        self.left = list(shape)  # the dimensions not yet reached
        self.whole = shape
        self.done: list[Size] = []  # sizes of the dimensions passed
        self.lookups: list[tuple[int, Shape]] = []  # the position in `done`, and the index's shape
        self.place = 0  # the next dimension of the input
        self.empty: int | None = None  # a dimension of size 0 that a tensor indexes
        self.beyond = False  # a second Ellipsis went past the end

    def next_size(self) -> Size:
        self.beyond = self.beyond or not self.left
        self.require_place()
        self.place += 1
        return self.left.pop(0)

    def require_place(self) -> None:
        """Raise Refusal after a second Ellipsis: no dimensions are left to index."""
        if self.beyond:
            raise Refusal("index-error", "an index takes one Ellipsis (...) before its last number", "index")

    def skip(self, count: int) -> None:
        """Pass the dimensions of an Ellipsis: those that no other part of the index consumes."""
        for _ in range(count):
            if not self.left:
                self.beyond = True
                return
            self.done.append(self.next_size())

    def look_up(self, index: Tensor, numbers: list[Any]) -> None:
        """Apply an index tensor to one dimension, or a mask to as many as it has."""
        if index.dtype in MASKS:
            self._mask(index, numbers)
            return
        if index.dtype not in ("int64", "int32"):
            note = "tensors used as indices must be long, int, byte or bool tensors"
            raise Refusal("wrong-dtype", f"an index is int64, int32 or bool, not {index.dtype}", "index", note=note)
        place, size = self.place, self.next_size()
        if size == 0:
            self.empty = place
        if 0 not in self.whole:  # torch checks no index of an empty tensor
            for number in numbers:
                require_index(number, size, place, self.whole)
            require_reach(index, size, place, self.whole)
        self.lookups.append((len(self.done), index.shape))
        self.done.append(1)

    def _mask(self, index: Tensor, numbers: list[Any]) -> None:
        covered: Size = 1
        alone = not self.done  # torch numbers the dimensions that the parts ahead leave
        for size in index.shape:
            place, own = self.place, self.next_size()
            if not assume_equal(size, own):
                note = (
                    f"The shape of the mask {list(index.shape)} at index {place} does not match the shape of the "
                    f"indexed tensor {list(self.whole)} at index {place}"
                    if alone
                    else ""
                )
                message = f"the mask is {shape_text(index.shape)}, but the tensor is {shape_text(self.whole)}"
                raise Refusal("size-mismatch", message, "index", note=note)
            covered = covered * size
        count = sum(map(bool, numbers)) if numbers else self.count
        if count is None:
            count = fresh_symbol("nonzero", covered)
        for _ in index.shape or (0,):
            self.lookups.append((len(self.done), (count,)))
            self.done.append(1)

    def result(self) -> Shape:
        """The sizes of the result; those of index tensors replace theirs if adjacent, and come first otherwise."""
        done = self.done + self.left
        if not self.lookups:
            return tuple(done)
        common: Shape = ()
        for _, shape in self.lookups:
            joined = shared_shape(common, shape)
            if isinstance(joined, int):
                listed = ", ".join(str(list(shape)) for _, shape in self.lookups)
                note = f"shape mismatch: indexing tensors could not be broadcast together with shapes {listed}"
                message = f"index tensors must broadcast with one another, but {listed} arrive"
                raise Refusal("size-mismatch", message, "index", note=note)
            common = joined
        if self.empty is not None and 0 not in common:
            require_index(0, 0, self.empty, self.whole)
        places = [place for place, _ in self.lookups]
        together = places == list(range(places[0], places[0] + len(places)))
        kept = [size for place, size in enumerate(done) if place not in places]
        front = places[0] if together else 0
        return (*kept[:front], *common, *kept[front:])


def consumed(index: Any) -> int:
    """The number of dimensions that one part of an index consumes."""
    if index is None or index is Ellipsis or isinstance(index, bool):
        return 0
    if isinstance(index, Tensor):
        return len(index.shape) if index.dtype in MASKS else 1
    if isinstance(index, (list, tuple, range)):
        tensor = _as_tensor(index)
        return len(tensor.shape) if tensor is not None and tensor.dtype == "bool" else 1
    return 1


@function(name="getitem", example=("x[:, 0]", "6x5x5"))
def getitem(input: Tensor, index: Any) -> Tensor:
    """Indexes with integers, slices, None, Ellipsis, tensors and masks, as torch does."""
    # torch treats a short list that holds slices or lists as a tuple, as NumPy did once.
    tuple_like = isinstance(index, list) and len(index) < 32 and any(map(_is_no_number, index))
    parts = tuple(index) if isinstance(index, tuple) or tuple_like else (index,)
    shape = selected(input.shape, parts)
    looked_up = any(isinstance(part, (bool, Tensor, list, tuple, range)) for part in parts)
    return input.like(shape) if looked_up else part_of(input, shape)


def selected(shape: Shape, parts: tuple[Any, ...], count: Size | None = None) -> Shape:
    """The shape that an index of these parts selects. Raises Refusal.

    `count` is the number of elements that a mask selects; by default, a fresh symbol.
    """
    used = sum(map(consumed, parts))
    if used > len(shape):
        if not shape:
            message = "a single number has no dimensions to index"
            note = ""
        else:
            message = f"{shape_text(shape)} has {len(shape)} dimensions, but {used} are indexed"
            note = f"too many indices for tensor of dimension {len(shape)}"
        raise Refusal("index-error", message, "index", note=note)
    state = _Index(shape, count)
    for number, part in enumerate(parts):
        if part is Ellipsis:
            state.skip(len(shape) - used)
        else:
            _apply_part(state, part, number)
    return state.result()


def _is_no_number(item: Any) -> bool:
    return item is None or item is Ellipsis or isinstance(item, (slice, list, tuple, range, Tensor))


def _apply_part(state: _Index, part: Any, number: int) -> None:
    if part is None:
        state.require_place()
        state.done.append(1)
    elif isinstance(part, bool):
        state.look_up(Tensor((), BOOL), [part])
    elif isinstance(part, (int, Dim)):
        place, size = state.place, state.next_size()
        note = f"index {part} is out of bounds for dimension {number} with size {size}"  # torch counts the parts
        require_index(part, size, place, state.whole, note="" if size == 0 else note)
    elif isinstance(part, slice):
        if not state.left and part == slice(None):  # torch accepts `:` after a second Ellipsis
            return
        state.done.append(sliced_size(state.next_size(), part))
    elif isinstance(part, Tensor):
        if not part.shape and category(part.dtype) == 1 and part.dtype != "uint8":
            place, size = state.place, state.next_size()
            require_index(0, size, place, state.whole)
        else:
            state.look_up(part, [])
    elif isinstance(part, (list, tuple, range)):
        _apply_list(state, part)
    else:
        message = f"an index is a whole number, a slice, None, ... or an index tensor, not {described(part)}"
        raise Refusal("wrong-type", message, "index")


def _apply_list(state: _Index, part: Any) -> None:
    tensor = _as_tensor(part)
    if tensor is None:
        message = f"an index is a list of whole numbers or bools, not {described(part)}"
        raise Refusal("wrong-type", message, "index")
    state.look_up(tensor, _numbers(part))


@function(method=True, example=("masked_fill(x, x > 0, 0)", "6x5x5"))
def masked_fill(input: Tensor, mask: Tensor, value: Number | Tensor) -> Tensor:
    """Fills elements with a value where a mask is True.

    mask: a bool tensor that broadcasts with the input.
    value: a number or a 0-dimensional tensor.
    """
    shape = broadcast(input.shape, mask.shape, "mask", "mask", swapped=True)
    if mask.dtype != "bool":
        note = f"masked_fill_ only supports boolean masks, but got mask with dtype {c_name(mask.dtype)}"
        raise Refusal("wrong-dtype", f"{{layer}} wants a bool mask, but {mask.dtype} arrives", "mask", note=note)
    if isinstance(value, Tensor) and value.shape:
        note = (
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )
        message = f"{{layer}} fills in one number, but {value} arrives: where takes a tensor"
        raise Refusal("wrong-rank", message, "value", note=note)
    _require_fits(input, value)
    return Tensor(shape, input.dtype)


def _require_fits(input: Tensor, value: Any) -> None:
    if isinstance(value, (Tensor, Dim)) or fits(value, input.dtype):
        return
    note = f"value cannot be converted to type {element_name(input.dtype)} without overflow"
    raise Refusal("invalid-argument", f"{value} does not fit into {input.dtype}", "value", note=note)


@function(example=("where(x > 0, x, 0)", "6x5x5"))
def where(condition: Tensor, input: Tensor | Number | None = None, other: Tensor | Number | None = None) -> Any:
    """Selects elements from `input` where the condition is True, and from `other` elsewhere.

    condition: a bool tensor; if given alone, returns the indices of its True elements, one tensor per dimension.
    input, other: tensors or numbers that broadcast with the condition.
    """
    if input is None and other is None:
        count = fresh_symbol("nonzero", product(condition.shape))
        return tuple(Tensor((count,), INT64) for _ in condition.shape or (1,))
    if input is None or other is None:
        raise Refusal("missing-argument", "where takes two operands after its condition, or none", "other")
    if condition.dtype not in MASKS:
        name = scalar_name(condition.dtype)
        note = f"where expected condition to be a boolean tensor, but got a tensor with dtype {name}"
        raise Refusal(
            "wrong-dtype", f"{{layer}} wants a bool condition, but {condition.dtype} arrives", "condition", note=note
        )
    one = input.shape if isinstance(input, Tensor) else ()
    two = other.shape if isinstance(other, Tensor) else ()
    shape = broadcast(condition.shape, one, "choose between", "condition")
    shape = broadcast(shape, two, "choose between")
    return Tensor(shape, result_type(input, other))


@function(name="where", only_method=True, example=("x.where(x > 0, 0)", "6x5x5"))
def keep_where(input: Tensor, condition: Tensor, other: Tensor | Number) -> Tensor:
    """Keeps elements where the condition is True, and takes those of `other` elsewhere.

    condition: a bool tensor.
    other: a tensor or number that broadcasts with the condition.
    """
    chosen: Tensor = where.rule(condition, input, other)
    return chosen
