"""Defines `RuntimeSize`: a number computed from the shape of a tensor, with its derivation.

The trace uses the number. The built module repeats the derivation on its actual input, so that it runs at any valid
size.
"""

from __future__ import annotations

from typing import Any

from nnshape.records import dataclass
from nnshape.shapes.dims import Dim


@dataclass(frozen=True, slots=True, eq=False)
class RuntimeSize:
    """A size of a tensor, or a number computed from such sizes.

    `how` is `size` (operands: a tensor and a dimension), `numel` (a tensor), or the name of a function in
    Python's `operator`, `math` or builtins. `operands` are tensors, numbers and other run-time sizes. `is_named` is
    True for the name of a dimension in the pattern of an input, such as `T` in `x[N, T]`, which may be another at run
    time even if `dims` gives it a value.
    """

    value: int | float | Dim
    how: str
    operands: tuple[Any, ...]
    is_named: bool = False

    def __str__(self) -> str:
        return str(self.value)


def plain(value: Any) -> Any:
    """Return the value with each run-time size as its number, inside tuples, lists and slices too."""
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
    """Return whether the value is a number, run-time and symbolic sizes included."""
    return isinstance(value, (int, float, Dim, RuntimeSize))
