"""The values of a real tensor, as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnshape.records import dataclass
from nnshape.rendering.styled import Line
from nnshape.shapes.nested import map_nested


@dataclass(frozen=True, slots=True)
class Values:
    """The numbers of one real tensor: a corner of it as torch prints it, and its statistics.

    `statistics` holds mean, std, min and max, and nothing for a tensor without elements. `numbers`
    are all of them, nested as the tensor is; None where they are too many.
    """

    index: str
    text: str
    statistics: Mapping[str, float]
    numbers: Any = None
    shape: tuple[int, ...] = ()


def value_lines(name: str, shape: str, values: Values) -> list[Line]:
    """A tensor's name, shape and statistics, and a corner of it below."""
    statistics = "  ".join(f"{name} {number:.4g}" for name, number in values.statistics.items())
    head: Line = [(name, "head"), (f"  {shape}  ", ""), (statistics, "dim")]
    first, *others = values.text.split("\n")
    start = f"  {values.index} = " if values.index else "  "
    return [head, [(start, "dim"), (first, "")], *([(" " * len(start) + line, "")] for line in others)]


def finite(value: Any) -> Any:
    """Numbers for JSON, which has no NaN and infinity: those become strings."""
    if isinstance(value, (list, dict)):
        return map_nested(finite, value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return str(value) if isinstance(value, complex) else value
