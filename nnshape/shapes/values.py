"""Checks of single arguments that many rules share: a number must fit a dtype, a tensor must be floating-point."""

from __future__ import annotations

from typing import Any, NoReturn

from nnshape.shapes.dims import Dim
from nnshape.shapes.dtypes import fits, is_floating
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor

#: The wider dtype that torch computes in on the CPU, for each narrow one.
COMPUTED_IN = {"float16": "float32", "bfloat16": "float32"}


#: The maximum number of layers in one stack.
MAX_LAYERS = 10_000


def undecided(size: object, name: str) -> NoReturn:
    """Raise Refusal (unknown-value): the form of the result depends on this number."""
    raise Refusal("unknown-value", f"{{layer}} needs a number as {name}, and {size} has no value", name)


def number(value: Any, name: str) -> Any:
    """The value, a plain number. Raises Refusal (unknown-value) for a symbolic size."""
    return undecided(value, name) if isinstance(value, Dim) else value


def require_floating(input: Tensor, name: str = "input") -> None:
    """Raise Refusal (wrong-dtype) unless a tensor is floating-point (complex is not)."""
    if not is_floating(input.dtype):
        raise Refusal(
            "wrong-dtype", f"{{layer}} computes with floats such as float32, but {name} is {input.dtype}", name
        )


def require_fit(value: Any, name: str, dtype: str) -> None:
    """Raise Refusal (invalid-argument) if a number does not fit in a dtype."""
    number(value, name)
    room = fits(value, dtype) and (isinstance(value, float) or -(2**63) <= value < 2**63)
    if not room:
        message = f"`{name}` (={value}) does not fit in {dtype}, the dtype that {{layer}} computes in"
        raise Refusal("invalid-argument", message, name)


def require_room(dtype: str, **operands: Any) -> None:
    """Raise Refusal (invalid-argument) if one of these numbers does not fit in a dtype.

    Tensors, None and symbolic sizes pass.
    """
    for name, value in operands.items():
        if isinstance(value, (int, float)):
            require_fit(value, name, dtype)


def require_few(count: Any, name: str) -> None:
    """Raise Refusal (too-large) for a stack of over `MAX_LAYERS` layers: each has its own parameters."""
    if isinstance(count, int) and count > MAX_LAYERS:
        raise Refusal("too-large", f"{name} (={count:,}) is more than {MAX_LAYERS:,} layers", name)
