"""Checks of single values that many rules share: a number that a dtype must hold, a tensor of floats."""

from __future__ import annotations

from typing import Any, NoReturn

from nnshape.shapes.dims import Dim
from nnshape.shapes.dtypes import fits, is_floating
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor

#: The dtype in which torch computes on the CPU with a narrower one.
COMPUTED_IN = {"float16": "float32", "bfloat16": "float32"}


#: The most layers that one stack may have.
MAX_LAYERS = 10_000


def undecided(size: object, name: str) -> NoReturn:
    """Refuse for want of a value: the answer's form hangs on this number."""
    raise Refusal("unknown-value", f"{{layer}} needs a number as {name}, and {size} has no value", name)


def number(value: Any, name: str) -> Any:
    """The value, which must be a plain number. Raises Refusal (unknown-value) for a symbol."""
    return undecided(value, name) if isinstance(value, Dim) else value


def require_floating(input: Tensor, name: str = "input") -> None:
    """Raise Refusal (wrong-dtype) where a tensor holds no real floating-point numbers."""
    if not is_floating(input.dtype):
        raise Refusal(
            "wrong-dtype", f"{{layer}} computes with floats such as float32, but {name} is {input.dtype}", name
        )


def require_fit(value: Any, name: str, dtype: str) -> None:
    """Raise Refusal (invalid-argument) where a dtype has no room for a number that is converted to it."""
    number(value, name)
    room = fits(value, dtype) and (isinstance(value, float) or -(2**63) <= value < 2**63)
    if not room:
        message = f"`{name}` (={value}) does not fit in {dtype}, the dtype that {{layer}} computes in"
        raise Refusal("invalid-argument", message, name)


def require_room(dtype: str, **operands: Any) -> None:
    """Raise Refusal (invalid-argument) where a dtype has no room for a number among these.

    A tensor or None needs none, and a symbolic size is taken to fit.
    """
    for name, value in operands.items():
        if isinstance(value, (int, float)):
            require_fit(value, name, dtype)


def require_few(count: Any, name: str) -> None:
    """Raise Refusal for more layers in a stack than any model has: each has its own parameters."""
    if isinstance(count, int) and count > MAX_LAYERS:
        raise Refusal("too-large", f"{name} (={count:,}) is more than {MAX_LAYERS:,} layers", name)
