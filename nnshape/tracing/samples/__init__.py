"""Warns of operations that torch accepts but that mix samples, scramble a sample or lose the batch.

Rules do not know which dimension is the batch, so the trace checks this. Each module of this package checks one kind of
operation, and is imported with the first one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nnshape.shapes.function import Function
from nnshape.shapes.tensor import N, Tensor
from nnshape.tracing.model import Module

if TYPE_CHECKING:
    from nnshape.spec import nodes
    from nnshape.tracing.model import Operation
    from nnshape.tracing.scope import Frame

_SEQUENCES = "GRU LSTM MultiheadAttention RNN Transformer TransformerDecoder TransformerDecoderLayer TransformerEncoder"
#: The modules that check operations, each with the names of its functions and layers.
_LOOKERS = {
    "along": "argsort cummax cummin cumprod cumsum fft fft2 fftn gumbel_softmax hfft ifft ifft2 ifftn ihfft irfft "
    "irfft2 irfftn layer_norm log_softmax logcumsumexp msort rfft rfft2 rfftn rms_norm softmax softmin sort "
    "LogSoftmax Softmax Softmax2d Softmin",
    "lost_batch": "getitem select squeeze",
    "masks": f"{_SEQUENCES} TransformerEncoderLayer",
    "reshapes": "reshape reshape_as unflatten view view_as Unflatten",
    "sequences": f"{_SEQUENCES} TransformerEncoderLayer scaled_dot_product_attention",
    "slices": "getitem narrow",
}
_WATCHED: dict[str, list[str]] = {}
for _looker, _names in _LOOKERS.items():
    for _name in _names.split():
        _WATCHED.setdefault(_name, []).append(_looker)


def watches(name: str, result: Any) -> bool:
    """Return whether to check an operation, by the name of its function or layer and its result."""
    return name in _WATCHED or (type(result) is Tensor and result.shape.count(N) > 1)


def look(
    frame: Frame,
    node: nodes.Node,
    operation: Operation,
    apply: Callable[[tuple[Any, ...], dict[str, Any]], Any],
) -> None:
    """Report a warning for the operation at `node`, if there is one."""
    from nnshape.tracing.samples.reporting import report

    target = operation.target
    if isinstance(target, Function) and target.measured:
        return  # a function without a rule: its arguments have no names
    name: str = target.type if isinstance(target, Module) else target.name
    for looker in _WATCHED.get(name, ("broadcasts",)):
        report(looker, frame, node, operation, apply)
