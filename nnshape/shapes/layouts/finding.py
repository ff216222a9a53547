"""Finds the layout of a traced tensor, after the layouts of the tensors that it was made from."""

from __future__ import annotations

from nnshape.shapes.layouts.layout import Layout, Mode
from nnshape.shapes.tensor import Tensor
from nnshape.work import RULE, spend


def layout_of(tensor: Tensor, mode: Mode) -> Layout | None:
    """The layout of a tensor; None where it is unknown.

    A model may have thousands of operations in a row, so this uses a list in place of recursion.
    """
    made = original(tensor)
    if made is None:
        return None
    pending = [made]
    while pending:
        producer = pending[-1].producer
        assert producer is not None
        if producer.known_layouts(pending[-1], mode) is not None:
            pending.pop()
            continue
        needed = [source for item in producer.layout_sources() if (source := _unknown(item, mode)) is not None]
        if needed:
            pending.extend(needed)
            continue
        spend(RULE)
        producer.lay_out(mode)
        pending.pop()
    assert made.producer is not None
    layouts = made.producer.known_layouts(made, mode) or ()
    return layouts[made.index] if made.index < len(layouts) else None


def is_surely_contiguous(tensor: Tensor) -> bool:
    """Whether a tensor is contiguous by what made it, which costs less than its layout."""
    made = original(tensor)
    return made is not None and made.producer is not None and made.producer.gives_contiguous()


def original(tensor: Tensor | None) -> Tensor | None:
    """The original of a tensor that an input or output of a block passes on."""
    while tensor is not None and tensor.producer is not None:
        meant = tensor.producer.stands_for(tensor)
        if meant is tensor:
            return tensor
        tensor = meant
    return None


def _unknown(tensor: Tensor, mode: Mode) -> Tensor | None:
    """The original of a tensor, if its layout is not known yet."""
    made = original(tensor)
    if made is None or made.producer is None or made.producer.known_layouts(made, mode) is not None:
        return None
    return made
