"""Whether a traced tensor has a gradient: some of torch's kernels are taken only without one."""

from __future__ import annotations

from nnshape.shapes.dtypes import is_complex, is_floating
from nnshape.shapes.layouts.finding import layout_of, original
from nnshape.shapes.layouts.layout import MODES, Mode
from nnshape.shapes.tensor import Tensor


def has_gradient(tensor: Tensor, mode: Mode) -> bool | None:
    """Return torch's `requires_grad`, or None where it is unknown. An input of the model has no gradient."""
    learned = _is_learned(tensor)
    if mode != MODES[2] or not learned:
        return learned
    # Without gradients, a parameter still requires one, and a tensor made of it does not.
    made = original(tensor)
    assert made is not None
    assert made.producer is not None
    sources = tuple(made.producer.gradient_sources())
    if not sources:
        return True
    own, layouts = layout_of(made, mode), [layout_of(source, mode) for source in sources]
    if own is None or any(layout is None or layout.storage.owner is own.storage.owner for layout in layouts):
        return None  # it may be the parameter itself
    return False


def _is_learned(tensor: Tensor) -> bool | None:
    """Return whether a parameter takes part in a tensor."""
    pending = [tensor]
    seen: set[int] = set()
    answer: bool | None = False
    while pending:
        made = original(pending.pop())
        if made is None or not (is_floating(made.dtype) or is_complex(made.dtype)):
            continue
        producer = made.producer
        assert producer is not None
        if id(producer) in seen:
            continue
        seen.add(id(producer))
        learns = producer.learns()
        if learns:
            return True
        if learns is None:
            answer = None
        pending += producer.gradient_sources()
    return answer
