"""Formats counts, sizes and shapes for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nnshape.shapes.dims import Size
from nnshape.shapes.tensor import Tensor, Unknown


def amount(size: Size, at_least: bool = False) -> str:
    """A count with thousands separators; `>= 81,290` if a part of it is unknown."""
    text = f"{size:,}" if isinstance(size, int) else str(size)
    return f">= {text}" if at_least else text


def byte_text(size: Size) -> str:
    """A number of bytes in a fitting unit: `317.5 KiB`."""
    if not isinstance(size, int):
        return f"{size} bytes"
    if size < 1024:
        return f"{size} byte{'' if size == 1 else 's'}"
    value, units = float(size), iter(("KiB", "MiB", "GiB", "TiB", "PiB", "EiB"))
    unit = "bytes"
    while value >= 1024 and (bigger := next(units, None)) is not None:
        value, unit = value / 1024, bigger
    return f"{value:.1f} {unit}"


def full_shape(tensor: Tensor) -> str:
    """A tensor with its dtype and every dimension: `float32 [N, 1, 32, 32]`."""
    return f"{tensor.dtype} [{', '.join(map(str, tensor.shape))}]"


def plain_shape(tensor: Tensor) -> str:
    """A shape with every dimension, in Python's notation: `[N, 1, 32, 32]`."""
    return f"[{', '.join(map(str, tensor.shape))}]"


def value_forms(value: Any) -> tuple[str, ...]:
    """The forms of a step's value, from the fullest to the shortest: `(6, (1x6, 1x6))`, `(6, …)`, `(…)`."""
    if isinstance(value, (Tensor, Unknown)):
        return (str(value),)
    if isinstance(value, dict):
        items = [f"{name}: {value_forms(item)[0]}" for name, item in value.items()]
        return _bracketed(items, "{", "}")
    if isinstance(value, (tuple, list)):
        return _bracketed([value_forms(item)[0] for item in value], "(", ")")
    return ("-",) if value is None else (str(value),)


def _bracketed(items: list[str], left: str, right: str) -> tuple[str, ...]:
    forms = [left + ", ".join(items) + right]
    if len(items) > 1:
        forms.append(f"{left}{items[0]}, …{right}")
    forms.append(f"{left}…{right}")
    return tuple(forms)


def input_forms(tensors: Iterable[Tensor]) -> tuple[str, ...]:
    """The forms of a step's inputs, from the fullest to the shortest: `a, b, c`, `a, +2`."""
    texts = list(map(str, tensors))
    if len(texts) < 2:
        return (texts[0] if texts else "-",)
    return ", ".join(texts), f"{texts[0]}, +{len(texts) - 1}"


def full_value(value: Any) -> str:
    """A step's value with every dtype and dimension, for programs."""
    if isinstance(value, Tensor):
        return f"{value.dtype}{plain_shape(value)}"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {full_value(item)}' for name, item in value.items())}}}"
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(full_value, value))})"
    return str(value)


def counted(number: int, noun: str) -> str:
    """A number and its noun: `1 error`, `2 errors`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
