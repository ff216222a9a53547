"""More creation functions, and tensors like others: https://pytorch.org/docs/stable/torch.html#creation-ops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.shapes.arguments import described
from nnshape.shapes.constraints import assume_at_least
from nnshape.shapes.dims import Dim, Size, maximum, minimum
from nnshape.shapes.dtypes import (
    DTYPES,
    INT64,
    DType,
    category,
    default_dtype,
    fits,
    is_complex,
    is_integral,
    scalar_dtype,
)
from nnshape.shapes.function import function
from nnshape.shapes.functions.creation import checked_size, drawable, require_fits, with_gradient
from nnshape.shapes.memory_formats import check_format
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, Tensor

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Flag, Number, Whole, WholeTuple
    from nnshape.shapes.layer_base import Device
    from nnshape.shapes.memory_formats import MemoryFormat


def _like(name: str, doc: str) -> None:
    draws = name.startswith("rand")

    def rule(
        input: Tensor, *, dtype: DType | None = None, device: Device | None = None, requires_grad: Flag = False,
        layout: Any = None, memory_format: MemoryFormat | None = None,
    ) -> Tensor:  # fmt: skip
        check_format(input, memory_format)
        chosen = with_gradient(dtype or input.dtype, requires_grad)
        return Tensor(input.shape, drawable(name, chosen) if draws else chosen)

    rule.__doc__ = doc
    function(name=name, example=(f"{name}()", "6x5x5"))(rule)


_like("zeros_like", "A tensor of zeros, of the input's shape and dtype.")
_like("ones_like", "A tensor of ones, of the input's shape and dtype.")
_like("empty_like", "An uninitialized tensor of the input's shape and dtype.")
_like("rand_like", "Random numbers, uniform in [0, 1), of the input's shape and dtype.")
_like("randn_like", "Random numbers from the standard normal distribution, of the input's shape and dtype.")


@function(example=("full_like(2)", "6x5x5"))
def full_like(
    input: Tensor, fill_value: Number, *, dtype: DType | None = None, device: Device | None = None,
    requires_grad: Flag = False, layout: Any = None, memory_format: MemoryFormat | None = None,
) -> Tensor:  # fmt: skip
    """A tensor filled with `fill_value`, of the input's shape and dtype."""
    check_format(input, memory_format)
    chosen = with_gradient(dtype or input.dtype, requires_grad)
    require_fits(fill_value, chosen, input.shape)
    return Tensor(input.shape, chosen)


def _new(name: str, doc: str) -> None:
    def rule(
        input: Tensor, *size: Whole, dtype: DType | None = None, device: Device | None = None,
        requires_grad: Flag = False, layout: Any = None, pin_memory: Flag = False,
    ) -> Tensor:  # fmt: skip
        return Tensor(checked_size(size), with_gradient(dtype or input.dtype, requires_grad))

    rule.__doc__ = doc
    function(name=name, only_method=True, example=(f"{name}(2, 3)", "6x5x5"))(rule)


_new("new_zeros", "A tensor of zeros of the given size, of the input's dtype.")
_new("new_ones", "A tensor of ones of the given size, of the input's dtype.")
_new("new_empty", "An uninitialized tensor of the given size, of the input's dtype.")


@function(only_method=True, example=("new_full((2, 3), 1)", "6x5x5"))
def new_full(
    input: Tensor, size: WholeTuple, fill_value: Number, *, dtype: DType | None = None, device: Device | None = None,
    requires_grad: Flag = False, layout: Any = None, pin_memory: Flag = False,
) -> Tensor:  # fmt: skip
    """A tensor of the given size filled with `fill_value`, of the input's dtype."""
    chosen, shape = with_gradient(dtype or input.dtype, requires_grad), checked_size(size)
    require_fits(fill_value, chosen, shape)
    return Tensor(shape, chosen)


@function(factory=True, example=("randint(10, (2, 3))",))
def randint(
    low: Whole, high: Whole | WholeTuple, size: WholeTuple | None = None, *, dtype: DType | None = None,
    device: Device | None = None,
    requires_grad: Flag = False, generator: Any = None, layout: Any = None, pin_memory: Flag = False,
) -> Tensor:  # fmt: skip
    """A tensor of random integers, uniform in [low, high).

    low: the smallest integer; 0 by default.
    high: one above the largest integer.
    """
    if isinstance(high, (tuple, list)):
        if size is not None:
            raise Refusal("wrong-type", "randint takes low, high and size", "high")
        low, high, size = 0, low, high  # type: ignore[assignment]
    if size is None:
        raise Refusal("missing-argument", "randint is missing its size", "size")
    shape = checked_size(size)
    if not assume_at_least(high, low + 1):
        note = f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        raise Refusal("invalid-argument", f"there is no whole number in [{low}, {high})", "high", note=note)
    chosen = DTYPES[dtype] if dtype else INT64
    if category(chosen) == 3:
        raise Refusal("wrong-dtype", f"randint draws whole numbers, not {chosen}", "dtype")
    for name, value in (("low", low), ("high", high - 1)):
        if not isinstance(value, Dim) and not (0 <= value <= 1 if chosen == "bool" else fits(value, chosen)):
            raise Refusal("invalid-argument", f"{value} does not fit into {chosen}", name)
    span: Any = (low, high - 1) if is_integral(chosen) else None
    return Tensor(shape, with_gradient(chosen, requires_grad), span)


@function(factory=True, example=("randperm(5)",))
def randperm(
    n: Whole, *, dtype: DType | None = None, device: Device | None = None, requires_grad: Flag = False,
    generator: Any = None, layout: Any = None, pin_memory: Flag = False,
) -> Tensor:  # fmt: skip
    """A random permutation of the integers from 0 to n - 1.

    n: the upper bound (exclusive).
    """
    if not assume_at_least(n, 0):
        raise Refusal("invalid-argument", f"n must be 0 or more, not {n}", "n")
    chosen = DTYPES[dtype] if dtype else INT64
    if chosen == "bool" or category(chosen) == 3:
        raise Refusal("wrong-dtype", f"randperm counts in whole numbers or floats, not {chosen}", "dtype")
    return Tensor((n,), with_gradient(chosen, requires_grad), (0, n - 1) if is_integral(chosen) else None)


def _spaced(name: str, start: object, end: object, steps: Size, dtype: DType | None, requires_grad: bool) -> Tensor:
    tensors = {word: value for word, value in (("start", start), ("end", end)) if isinstance(value, Tensor)}
    if any(tensor.shape for tensor in tensors.values()):
        counts = " and ".join(f"{word} with {tensor.ndim} dimension(s)" for word, tensor in tensors.items())
        note = f"{name} only supports 0-dimensional start and end tensors, but got {counts}."
        word, tensor = next((word, tensor) for word, tensor in tensors.items() if tensor.shape)
        raise Refusal("wrong-rank", f"{{layer}} takes a single number as {word}, but {tensor} arrives", word, note=note)
    if not assume_at_least(steps, 0):
        note = "number of steps must be non-negative"
        raise Refusal("invalid-argument", f"steps must be 0 or more, not {steps}", "steps", note=note)
    complex_ends = any(
        is_complex(one.dtype) if isinstance(one, Tensor) else isinstance(one, complex) for one in (start, end)
    )
    natural = scalar_dtype(1j if complex_ends else 1.0)
    chosen = DTYPES[dtype] if dtype else natural
    if chosen == "bool" and (isinstance(steps, Dim) or steps > 1):
        raise Refusal("wrong-dtype", "bools have no evenly spaced values", "dtype")
    if is_complex(natural) and category(chosen) < 3:
        raise Refusal("wrong-dtype", f"complex ends do not fit {chosen}", "dtype")
    return Tensor((steps,), with_gradient(chosen, requires_grad))


@function(factory=True, example=("linspace(0, 1, 5)",))
def linspace(
    start: Number | Tensor, end: Number | Tensor, steps: Whole, *, dtype: DType | None = None,
    device: Device | None = None, requires_grad: Flag = False, layout: Any = None, pin_memory: Flag = False,
) -> Tensor:  # fmt: skip
    """A vector of `steps` values evenly spaced from `start` to `end`, inclusive.

    start, end: numbers or 0-dimensional tensors.
    """
    return _spaced("linspace", start, end, steps, dtype, requires_grad)


@function(factory=True, example=("logspace(0, 1, 5)",))
def logspace(
    start: Number | Tensor, end: Number | Tensor, steps: Whole, base: float = 10.0, *, dtype: DType | None = None,
    device: Device | None = None, requires_grad: Flag = False, layout: Any = None, pin_memory: Flag = False,
) -> Tensor:  # fmt: skip
    """A vector of `steps` values evenly spaced on a logarithmic scale from base**start to base**end.

    start, end: numbers or 0-dimensional tensors.
    base: the base of the logarithm.
    """
    return _spaced("logspace", start, end, steps, dtype, requires_grad)


def _windowed(name: str, doc: str) -> None:
    def rule(
        window_length: Whole, periodic: Flag = True, *, dtype: DType | None = None, device: Device | None = None,
        requires_grad: Flag = False, layout: Any = None, pin_memory: Flag = False,
    ) -> Tensor:  # fmt: skip
        chosen = DTYPES[dtype] if dtype else default_dtype()
        if category(chosen) != 2:
            raise Refusal("wrong-dtype", f"{name} computes floats, not {chosen}", "dtype")
        if not assume_at_least(window_length, 0):
            note = f"{name} requires non-negative window_length, got window_length={window_length}"
            raise Refusal(
                "invalid-argument", f"window_length must be 0 or more, not {window_length}", "window_length", note=note
            )
        return Tensor((window_length,), chosen)

    rule.__doc__ = doc
    function(name=name, factory=True, example=(f"{name}(16)",))(rule)


_windowed("hann_window", "A Hann window of `window_length` values.")
_windowed("hamming_window", "A Hamming window of `window_length` values.")
_windowed("blackman_window", "A Blackman window of `window_length` values.")
_windowed("bartlett_window", "A Bartlett window of `window_length` values.")


def _triangle_indices(name: str, doc: str) -> None:
    def rule(
        row: Whole,
        col: Whole,
        offset: Whole = 0,
        *,
        dtype: DType | None = None,
        device: Device | None = None,
        layout: Any = None,
    ) -> Tensor:
        (rows,) = checked_size(row, "row", f"row must be non-negative, got{row}")
        (columns,) = checked_size(col, "col", f"col must be non-negative, got{col}")
        lower = _lower_triangle(rows, columns, offset if name == "tril_indices" else offset - 1)
        chosen = DTYPES[dtype] if dtype else INT64
        if chosen not in ("int32", "int64"):
            raise Refusal("wrong-dtype", f"{name} gives int32 or int64, not {chosen}", "dtype")
        return Tensor((2, lower if name == "tril_indices" else rows * columns - lower), chosen)

    rule.__doc__ = doc
    function(name=name, factory=True, example=(f"{name}(3, 3)",))(rule)


def _lower_triangle(rows: Size, columns: Size, offset: Size) -> Size:
    """The number of elements on or below a diagonal of a matrix: its cut rows, then the full rows below."""
    first = minimum(maximum(offset + 1, 0), columns)  # elements of row 0
    # Row r holds offset + 1 + r of them, from 0 up to the number of columns.
    start = minimum(maximum(-offset, 0), rows)
    full = minimum(maximum(columns - offset - 1, start), rows)  # the first full row
    cut = full - start
    least = maximum(first, 1)
    return cut * least + cut * (cut - 1) // 2 + (rows - full) * columns


_triangle_indices(
    "tril_indices", "The indices of a matrix's lower triangle: a row of row indices and a row of column indices."
)
_triangle_indices(
    "triu_indices", "The indices of a matrix's upper triangle: a row of row indices and a row of column indices."
)


def _shape_of_data(data: Any, depth: int = 0) -> tuple[Shape, list[object]]:
    if not isinstance(data, (tuple, list)):
        if not isinstance(data, (int, float, complex, Dim, Tensor)):
            raise Refusal("wrong-type", f"tensor takes numbers and lists of them, not {described(data)}", "data")
        return (data.shape if isinstance(data, Tensor) else ()), [data]
    parts = [_shape_of_data(item, depth + 1) for item in data]
    shapes = {shape for shape, _ in parts}
    if len(shapes) > 1:
        raise Refusal("invalid-argument", f"the rows differ in length: {described(data)}", "data")
    return (len(data), *(parts[0][0] if parts else ())), [number for _, numbers in parts for number in numbers]


@function(name="tensor", factory=True, example=("tensor([1, 2, 3])",))
def tensor_(
    data: Any,
    *,
    dtype: DType | None = None,
    device: Device | None = None,
    requires_grad: Flag = False,
    pin_memory: Flag = False,
) -> Tensor:
    """Creates a tensor from data.

    data: a number or a nested list of numbers.
    """
    shape, numbers = _shape_of_data(data)
    natural = default_dtype()
    if numbers:
        natural = max((n.dtype if isinstance(n, Tensor) else scalar_dtype(n) for n in numbers), key=category)
    if dtype is not None and category(natural) == 3 > category(dtype):
        message, note = f"a complex number does not fit into {dtype}", "must be real number, not complex"
        raise Refusal("wrong-dtype", message, "dtype", note=note)
    return Tensor(shape, with_gradient(dtype or natural, requires_grad))
