"""Writes the patterns of einops with the functions of torch: `b c h w -> b (c h w)` is `flatten(1, 3)`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nnshape.spec import nodes

if TYPE_CHECKING:
    from nnshape.spec import Expression

#: A dimension, or several joined in brackets.
_AXIS = re.compile(r"\(\s*(\w+(?:\s+\w+)*)\s*\)|([^\W\d]\w*)")
_REDUCTIONS = {"max": "amax", "mean": "mean", "min": "amin", "sum": "sum"}


def as_torch(expression: Expression, call: nodes.Call, name: str) -> str:
    """The call of a function or layer of einops with torch's methods; empty for a pattern that has no short form."""
    texts = [part for part in call.args if isinstance(part, nodes.Constant) and isinstance(part.value, str)]
    others = [part for part in call.args if part not in texts]
    if not texts or len(others) > 1 or any(keyword.name is None for keyword in call.keywords):
        return ""
    start = expression.span(others[0]).text if others else "_"
    sizes = {str(keyword.name): expression.span(keyword.value).text for keyword in call.keywords}
    left, arrow, right = str(texts[0].value).partition("->")
    before, after = _axes(left), _axes(right)
    if not arrow or not before or not after:
        return ""
    steps = _split(before, sizes)
    flat = [axis for group in before for axis in group]
    if name.lower() == "reduce":
        operation = _REDUCTIONS.get(str(texts[1].value)) if len(texts) == 2 else None
        kept = {axis for group in after for axis in group}
        gone = [place for place, axis in enumerate(flat) if axis not in kept]
        if operation is None or not gone:
            return ""
        steps += f".{operation}({gone[0] if len(gone) == 1 else tuple(gone)})"
        flat = [axis for axis in flat if axis in kept]
    target = [axis for group in after for axis in group]
    if sorted(flat) != sorted(target) or len(set(flat)) != len(flat):
        return ""
    steps += _reordered([flat.index(axis) for axis in target]) + _joined(after)
    return start + steps if steps else ""


def _axes(side: str) -> list[list[str]]:
    """The dimensions of one side of a pattern; none if it has anything but names and brackets."""
    if _AXIS.sub("", side).strip():
        return []
    groups = [(match[1] or match[2]).split() for match in _AXIS.finditer(side)]
    return [] if any(axis.isdigit() for group in groups for axis in group) else groups


def _split(before: list[list[str]], sizes: dict[str, str]) -> str:
    """The steps that divide the dimensions in brackets on the left, the last first."""
    steps = ""
    for place in range(len(before) - 1, -1, -1):
        group = before[place]
        if len(group) > 1:
            steps += f".unflatten({place}, ({', '.join(sizes.get(axis, '-1') for axis in group)}))"
    return steps


def _reordered(order: list[int]) -> str:
    moved = [place for place, source in enumerate(order) if place != source]
    if len(moved) == 2:
        return f".transpose({moved[0]}, {moved[1]})"
    return f".permute({', '.join(map(str, order))})" if moved else ""


def _joined(after: list[list[str]]) -> str:
    """The steps that join the dimensions in brackets on the right, the last first."""
    steps, end = "", sum(map(len, after))
    for group in reversed(after):
        if len(group) > 1:
            steps += f".flatten({end - len(group)}, {end - 1})"
        end -= len(group)
    return steps
