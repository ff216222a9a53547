"""Compares a value of the run with the traced one: structure, shapes, dtypes and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from nnshape.modules.leaves import torch_dtype
from nnshape.shapes.dims import Dim, Size, substitute, symbols_of
from nnshape.shapes.tensor import Tensor, Unknown
from nnshape.tracing.runtime_sizes import RuntimeSize


class Sizes:
    """The values of symbols in one run; sizes that depend on the values of a tensor get theirs from the run."""

    def __init__(self, values: Mapping[str, int]) -> None:
        self._values: dict[str, int] = dict(values)
        self._numbers: dict[Dim, int] = {}

    def number(self, size: Size) -> Size:
        """Return a size as a number, or itself where a symbol in it has no value."""
        if not isinstance(size, Dim):
            return size
        found = self._numbers.get(size)
        if found is None:
            known = substitute(size, self._values)
            if not isinstance(known, int):
                return known
            found = self._numbers[size] = known
        return found

    def same(self, size: Size, real: int) -> bool:
        """Return whether a size is this number."""
        if isinstance(size, Dim) and size not in self._numbers:
            unknown = symbols_of(size) - self._values.keys()
            if unknown == {str(size)}:
                self._numbers[size] = int(real)
                if real:  # a symbol is at least 1, so sizes computed from an empty one stay unknown
                    self._values[str(size)] = int(real)
                return True
            if unknown:
                return True
        return self.number(size) == real

    def difference(self, traced: Any, value: Any) -> str | None:
        """Return a description of how a value differs from the trace, or None."""
        if isinstance(traced, Tensor):
            return self._of_tensor(traced, value)
        if isinstance(traced, Unknown):
            return None
        if isinstance(traced, dict):
            return self._of_mapping(traced, value)
        if isinstance(traced, (tuple, list)):
            return self._of_sequence(traced, value)
        if traced is None:
            return None if value is None else f"the table says None, but torch returns {described(value)}"
        return self._of_number(traced, value)

    def _of_tensor(self, traced: Tensor, value: Any) -> str | None:
        if not isinstance(value, torch.Tensor):
            return f"the table says {traced}, but torch returns {described(value)}"
        shape, sizes = value.shape, traced.shape
        same = len(sizes) == len(shape) and all(map(self.same, sizes, shape))
        if same and value.dtype == torch_dtype(traced.dtype):
            return None
        table = f"{traced.dtype}[{', '.join(str(self.number(size)) for size in sizes)}]"
        return f"the table says {table}, but torch returns {described(value)}"

    def _of_mapping(self, traced: dict[Any, Any], value: Any) -> str | None:
        if not isinstance(value, dict) or list(value) != list(traced):
            keys = ", ".join(map(str, traced))
            return f"the table says a mapping of {keys}, but torch returns {described(value)}"
        return next(filter(None, (self.difference(traced[key], value[key]) for key in traced)), None)

    def _of_sequence(self, traced: tuple[Any, ...] | list[Any], value: Any) -> str | None:
        kind = list if isinstance(traced, list) else tuple
        if not isinstance(value, kind) or len(value) != len(traced):
            return f"the table says a {kind.__name__} of {len(traced)}, but torch returns {described(value)}"
        return next(filter(None, map(self.difference, traced, value)), None)

    def _of_number(self, traced: Any, value: Any) -> str | None:
        """Compare numbers; devices, dtypes and words are what the spec says, and are not compared."""
        number = traced.value if isinstance(traced, RuntimeSize) else traced
        number = self.number(number) if isinstance(number, Dim) else number
        if isinstance(number, Dim) or not isinstance(number, (int, float)):
            return None
        if isinstance(value, (int, float)) and value == number:
            return None
        return f"the table says {number}, but torch returns {described(value)}"


def described(value: Any) -> str:
    """Return the text of a value in a message: `float32[2, 6, 28, 28]` for a tensor, else its type."""
    if isinstance(value, torch.Tensor):
        return f"{str(value.dtype).removeprefix('torch.')}[{', '.join(map(str, value.shape))}]"
    if isinstance(value, list):
        return f"[{', '.join(map(described, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(described, value))})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {described(item)}' for key, item in value.items())}}}"
    if value is None or isinstance(value, (bool, int, float)):
        return str(value)
    return f"a {type(value).__name__}"
