"""The memory layouts of the outputs of an operation, by the rule of its layer or function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.shapes.function import Function
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.layouts import applied
from nnshape.shapes.layouts.finding import layout_of
from nnshape.shapes.layouts.layout import Layouts, Mode, contiguous_layout
from nnshape.shapes.tensor import tensors_in
from nnshape.tracing.runtime_sizes import plain

if TYPE_CHECKING:
    from nnshape.tracing.model import Operation


def _rule_of(operation: Operation) -> Layer | Function | None:
    target = operation.target
    return target if isinstance(target, Function) else getattr(target, "layer", None)


def depends_on_arguments(operation: Operation) -> bool:
    """Return whether the layouts of the result depend on those of the arguments."""
    rule = _rule_of(operation)
    return True if rule is None else applied.depends_on_arguments(rule)


def gives_contiguous(operation: Operation) -> bool:
    """Whether the results are contiguous for every input."""
    rule = _rule_of(operation)
    return rule is not None and applied.gives_contiguous(rule)


def layouts_of(operation: Operation, mode: Mode) -> Layouts:
    """Return the layout of each tensor of the result, as far as known."""
    rule = _rule_of(operation)
    if rule is not None:
        keywords = {name: plain(value) for name, value in operation.keywords.items()}
        return applied.result_layouts(rule, plain(operation.arguments), keywords, operation.result, mode)
    # A parameter or buffer has the layout of its initial value, or is contiguous.
    made_of = tuple(tensors_in(operation.arguments))
    if made_of:
        return tuple(layout_of(tensor, mode) for tensor in made_of)
    return tuple(contiguous_layout(tensor, operation.owner) for tensor in tensors_in(operation.result))
