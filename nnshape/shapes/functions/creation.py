"""Tensor creation: https://pytorch.org/docs/stable/torch.html#creation-ops."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nnshape.shapes.constraints import assume_at_least
from nnshape.shapes.dims import Dim, Size, ceil_div
from nnshape.shapes.dtype_names import element_name
from nnshape.shapes.dtypes import (
    DTYPES,
    INT64,
    DType,
    default_dtype,
    fits,
    is_complex,
    is_floating,
    is_integral,
    scalar_dtype,
)
from nnshape.shapes.function import function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Shape, Tensor

if TYPE_CHECKING:
    from nnshape.shapes.arguments import Flag, Number, Whole, WholeTuple
    from nnshape.shapes.layer_base import Device


def checked_size(sizes: Any, name: str = "size", note: str | None = None) -> Shape:
    """The sizes as a shape. Raises Refusal for a negative one; `note` is torch's message, if it is its own."""
    sizes = tuple(sizes) if isinstance(sizes, (tuple, list)) else (sizes,)
    for size in sizes:
        if not assume_at_least(size, 0):
            if note is None:
                note = f"Trying to create tensor with negative dimension {size}: {list(sizes)}"
            raise Refusal("invalid-argument", f"a size cannot be negative: {list(sizes)}", name, note=note)
    return tuple(sizes)


def _filled(name: str, doc: str) -> None:
    def rule(
        *size: Whole, dtype: DType | None = None, device: Device | None = None, requires_grad: Flag = False,
        layout: Any = None, pin_memory: Flag = False,
    ) -> Tensor:  # fmt: skip
        return Tensor(checked_size(size, note=note), with_gradient(dtype or default_dtype(), requires_grad))

    note = "zeros: Dimension size must be non-negative." if name == "zeros" else None
    rule.__doc__ = doc
    function(name=name, factory=True, example=(f"{name}(2, 3)",))(rule)


def with_gradient(dtype: DType, requires_grad: bool) -> DType:
    """The dtype. Raises Refusal (wrong-dtype) if requires_grad is set and the dtype has no gradients."""
    if requires_grad and not (is_floating(dtype) or is_complex(dtype)):
        note = "Only Tensors of floating point and complex dtype can require gradients"
        raise Refusal("wrong-dtype", f"only floats have gradients, not {dtype}", "requires_grad", note=note)
    return DTYPES[dtype]


_filled("zeros", "Creates a tensor of zeros.")
_filled("ones", "Creates a tensor of ones.")
_filled("empty", "Creates an uninitialized tensor.")


def _random(name: str, doc: str, complex_too: bool = True) -> None:
    def rule(
        *size: Whole, dtype: DType | None = None, device: Device | None = None, requires_grad: Flag = False,
        generator: Any = None, layout: Any = None, pin_memory: Flag = False,
    ) -> Tensor:  # fmt: skip
        shape = checked_size(size)
        return Tensor(shape, drawable(name, dtype or default_dtype()))

    rule.__doc__ = doc
    function(name=name, factory=True, example=(f"{name}(2, 3)",))(rule)


def drawable(name: str, dtype: DType) -> DType:
    """The dtype. Raises Refusal (wrong-dtype) if torch cannot draw random numbers in it."""
    if not is_floating(dtype) and not is_complex(dtype):
        raise Refusal("wrong-dtype", f"{name} draws floats, not {dtype}", "dtype")
    return DTYPES[dtype]


_random("rand", "Creates random numbers, uniform in [0, 1).")
_random("randn", "Creates random numbers from the standard normal distribution.")


@function(factory=True, example=("full((2, 3), 1.5)",))
def full(
    size: WholeTuple, fill_value: Number, *, dtype: DType | None = None, device: Device | None = None,
    requires_grad: Flag = False, layout: Any = None, pin_memory: Flag = False,
) -> Tensor:  # fmt: skip
    """Creates a tensor filled with one value, by default in the value's dtype."""
    shape, chosen = checked_size(size), with_gradient(dtype or scalar_dtype(fill_value), requires_grad)
    require_fits(fill_value, chosen, shape)
    return Tensor(shape, chosen)


def require_fits(value: Any, dtype: DType, shape: Shape, name: str = "fill_value") -> None:
    """Raise Refusal if a fill value overflows the dtype.

    A single element of half precision becomes infinite instead.
    """
    if isinstance(value, Dim):
        return
    if dtype in ("float16", "bfloat16") and not isinstance(value, complex) and set(shape) <= {1}:
        return
    if not fits(value, dtype):
        note = f"value cannot be converted to type {element_name(dtype)} without overflow"
        raise Refusal("invalid-argument", f"{value} does not fit into {dtype}", name, note=note)


@function(factory=True, example=("eye(3)",))
def eye(
    n: Whole, m: Whole | None = None, *, dtype: DType | None = None, device: Device | None = None,
    requires_grad: Flag = False, layout: Any = None, pin_memory: Flag = False,
) -> Tensor:  # fmt: skip
    """Creates a matrix with ones on the diagonal and zeros elsewhere.

    n: the number of rows.
    m: the number of columns; n if None.
    """
    sizes = checked_size(n, "n", f"n must be greater or equal to 0, got {n}")
    if m is not None:
        sizes += checked_size(m, "m", f"m must be greater or equal to 0, got {m}")
    return Tensor(sizes if m is not None else sizes * 2, with_gradient(dtype or default_dtype(), requires_grad))


@function(factory=True, example=("arange(5)",))
def arange(
    start: Number = None, end: Number | None = None, step: Number = 1, *, dtype: DType | None = None,  # type: ignore[assignment]
    device: Device | None = None, requires_grad: Flag = False, layout: Any = None, pin_memory: Flag = False,
) -> Tensor:  # fmt: skip
    """Creates the values from `start` (0 by default) up to but excluding `end`, in steps of `step`.

    step: the difference between two values.
    """
    first, end = (start, end) if end is not None else (None, start)
    if end is None:
        message = "arange is missing 1 required argument: end"
        raise Refusal("missing-argument", message, note="arange() received an invalid combination of arguments")
    start = 0 if first is None else first
    for name, value in (("start", start), ("end", end), ("step", step)):
        if isinstance(value, complex):
            raise Refusal("wrong-type", f"arange takes real numbers, not {value}", name)
        if isinstance(value, float) and not math.isfinite(value):
            raise Refusal("invalid-argument", f"{name} (={value}) must be finite", name, note="unsupported range")
    whole = not any(isinstance(value, float) for value in (start, end, step))
    chosen = DTYPES[dtype] if dtype else INT64 if whole else default_dtype()
    if not whole and chosen == "int64":  # torch truncates the arguments before it counts
        start, end, step = (int(value) if isinstance(value, float) else value for value in (start, end, step))
        whole = True
    if step == 0:
        raise Refusal("invalid-argument", "arange cannot step by 0", "step", note="step must be nonzero")
    count = _steps_whole(start, end, step) if whole else _steps(start, end, step)
    if chosen in ("bool", "complex32", "complex64", "complex128"):
        raise Refusal("wrong-dtype", f"arange counts in whole numbers or floats, not {chosen}", "dtype")
    span = None
    if whole and is_integral(chosen):
        last = start + (count - 1) * step  # type: ignore[operator]
        span = (start, last) if isinstance(step, Dim) or step > 0 else (last, start)  # type: ignore[operator]
    return Tensor((count,), with_gradient(chosen, requires_grad), span)  # type: ignore[arg-type]


def _steps_whole(start: Any, end: Any, step: Any) -> Size:
    if isinstance(step, Dim):
        assume_at_least(step, 1)
    down = not isinstance(step, Dim) and step < 0
    if not (assume_at_least(start, end) if down else assume_at_least(end, start)):
        raise _wrong_way(start, end, step)
    return ceil_div(start - end, -step) if down else ceil_div(end - start, step)


def _steps(start: Any, end: Any, step: Any) -> Size:
    for name, value in (("start", start), ("end", end), ("step", step)):
        if isinstance(value, Dim):
            raise Refusal("unknown-value", f"{name} (={value}) must be a number next to floats: give it a value", name)
    if (end - start) * step < 0:
        raise _wrong_way(start, end, step)
    ratio = (end - start) / step
    count = math.ceil(ratio) if math.isfinite(ratio) else 1 << 63
    if count >= 1 << 63:
        raise Refusal("too-large", f"arange from {start} to {end} by {step} is too long", "end")
    return count


def _wrong_way(start: Any, end: Any, step: Any) -> Refusal:
    note = "upper bound and lower bound inconsistent with step sign"
    return Refusal("invalid-argument", f"steps of {step} do not lead from {start} to {end}", "step", note=note)
