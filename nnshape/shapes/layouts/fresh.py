"""Operations whose result is contiguous for every input."""

from __future__ import annotations

from nnshape.shapes.layouts.applied import Applied, lays_out
from nnshape.shapes.layouts.layout import Layout, contiguous_layout

_NAMES = """
"""


@lays_out(_NAMES, regardless=True)
def contiguous(applied: Applied) -> list[Layout]:
    """Each tensor of the result is new and contiguous."""
    return [contiguous_layout(output) for output in applied.outputs]
