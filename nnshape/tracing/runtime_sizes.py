"""`RuntimeSize`: a number read off a tensor while tracing, with the way it was read.

The trace needs the number; the real module needs the way, so that it reads the size off the tensor
that comes at run time and runs at any valid size.
"""

from __future__ import annotations

from typing import Any

from nnshape.records import dataclass
from nnshape.shapes.dims import Dim


@dataclass(frozen=True, slots=True, eq=False)
class RuntimeSize:
    """A size, or a number computed from sizes: `how` is a Tensor method or an arithmetic operation.

    `how` is `size` (operands: a tensor and a dimension), `numel`, or the name of a function of
    Python's `operator`, `math` or builtins; `operands` are tensors, numbers and other `RuntimeSize`.
    """

    value: int | float | Dim
    how: str
    operands: tuple[Any, ...]

    def __str__(self) -> str:
        return str(self.value)


def plain(value: Any) -> Any:
    """The value without its derivations, inside tuples, lists and slices too."""
    kind = type(value)
    if kind is RuntimeSize:
        return value.value
    if kind is tuple or kind is list:
        for item in value:
            if type(item) in _NESTING:
                return kind(plain(item) for item in value)
        return value
    if kind is slice:
        return slice(plain(value.start), plain(value.stop), plain(value.step))
    return value


_NESTING = (RuntimeSize, tuple, list, slice)


def is_number(value: object) -> bool:
    """Say whether the value is a number, derived and symbolic ones included."""
    return isinstance(value, (int, float, Dim, RuntimeSize))
