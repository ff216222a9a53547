"""Fits output sizes as formulas of the input sizes, from runs at several values of the symbols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnshape.shapes.dims import Dim, Size, substitute, symbol
from nnshape.shapes.tensor import UNKNOWN, Tensor, Unknown

#: The values of the symbols in one run.
Point = dict[str, int]


def fitted(outputs: Sequence[Any], points: Sequence[Point], dims: Sequence[Dim]) -> Any:
    """Return the output with sizes that are linear in the symbols with integer coefficients; UNKNOWN if none fit.

    `outputs` holds the output of each run, and `points` the values of the symbols in that run. `dims` are the
    symbolic sizes of the inputs, which are tried first.
    """
    first = outputs[0]
    if isinstance(first, Tensor):
        alike = all(
            isinstance(o, Tensor) and o.dtype == first.dtype and len(o.shape) == len(first.shape) for o in outputs
        )
        if not alike:
            return UNKNOWN
        sizes = [_fit([output.shape[i] for output in outputs], points, dims) for i in range(len(first.shape))]
        return UNKNOWN if None in sizes else Tensor(tuple(size for size in sizes if size is not None), first.dtype)
    if isinstance(first, tuple):
        if not all(isinstance(output, tuple) and len(output) == len(first) for output in outputs):
            return UNKNOWN
        return tuple(fitted([output[i] for output in outputs], points, dims) for i in range(len(first)))
    if isinstance(first, Unknown) or any(type(o) is not type(first) or o != first for o in outputs):
        return UNKNOWN
    return first


def _fit(numbers: Sequence[int], points: Sequence[Point], dims: Sequence[Dim]) -> Size | None:
    """Return a size that equals these numbers at these points, or None."""
    if len(set(numbers)) == 1:
        return numbers[0]
    at = [[substitute(dim, point) for point in points] for dim in dims]
    for dim, values in zip(dims, at, strict=True):
        if values == list(numbers):
            return dim
    for dim, values in zip(dims, at, strict=True):
        found = _line(numbers, [int(value) for value in values if isinstance(value, int)])
        if found is not None:
            return dim * found[0] + found[1]
    return _plane(numbers, points)


def _line(numbers: Sequence[int], values: Sequence[int]) -> tuple[int, int] | None:
    """Return integers with `number = slope * value + start` at every point, or None."""
    other = next((i for i, value in enumerate(values) if value != values[0]), None)
    if other is None or len(values) != len(numbers):
        return None
    slope, rest = divmod(numbers[other] - numbers[0], values[other] - values[0])
    start = numbers[0] - slope * values[0]
    holds = not rest and all(slope * value + start == number for value, number in zip(values, numbers, strict=True))
    return (slope, start) if holds else None


def _plane(numbers: Sequence[int], points: Sequence[Point]) -> Size | None:
    """Return a size that is linear in all symbols, from the points that vary one symbol at a time; or None."""
    base = points[0]
    slopes: dict[str, int] = {}
    for number, point in zip(numbers, points, strict=True):
        moved = [name for name in base if point[name] != base[name]]
        if len(moved) == 1 and moved[0] not in slopes:
            slope, rest = divmod(number - numbers[0], point[moved[0]] - base[moved[0]])
            if rest:
                return None
            slopes[moved[0]] = slope
    size: Size = numbers[0] - sum(slope * base[name] for name, slope in slopes.items())
    for name, slope in slopes.items():
        size = size + symbol(name) * slope
    return size if all(substitute(size, point) == n for n, point in zip(numbers, points, strict=True)) else None
