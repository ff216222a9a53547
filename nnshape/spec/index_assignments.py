"""The methods to write in place of `x[index] = value`, which no step can do."""

from __future__ import annotations

import re

#: The parts of an index that select a view: numbers, slices, None and an Ellipsis.
_VIEW = re.compile(r"-?\d+|\.\.\.|Ellipsis|None|[\w\s.+*/%-]*:[\w\s.+*/%:-]*")


def assigned(target: str, value: str) -> tuple[str, ...]:
    """The lines of help for `target = value`, where `target` ends with an index."""
    tensor, parts = _split(target)
    if parts and all(map(_VIEW.fullmatch, parts)):
        return (f"write {target}.copy_({value}), or {target}.fill_({value}) for a number",)
    of_a_view = f"where it is made of numbers and slices: {target}.copy_({value})"
    if any(map(_VIEW.fullmatch, parts)) or not tensor or not parts:
        return ("with a mask or index tensors, write x.index_put_((i, j), v), or where(mask, a, b)", of_a_view)
    indices = f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"
    written = f"with a mask or index tensors, write {tensor}.index_put_({indices}, {value})"
    if len(parts) == 1:
        written += f", or {tensor}.masked_fill_({parts[0]}, {value}) for a mask and a number"
    return (written, of_a_view)


def _split(target: str) -> tuple[str, list[str]]:
    """`x` and the parts of the index of `x[a[0] > 0, 1]`; no tensor where the brackets do not match."""
    depth, end, parts = 0, len(target) - 1, []
    for place in range(end, -1, -1):
        sign = target[place]
        depth += (sign in "])") - (sign in "[(")
        if depth == 0 or (depth == 1 and sign == ","):
            parts.append(target[place + 1 : end].strip())
            end = place
        if depth == 0:
            return target[:place].strip(), [part for part in reversed(parts) if part]
    return "", []
