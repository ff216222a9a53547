"""Warns where samples mix, where each is scrambled, and where the batch is lost: torch runs all of it.

Only the trace knows which dimension is the batch. Each module beside this one looks at one sort of operation;
they are imported with the first such operation, so that other models need none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nnshape.shapes.tensor import N, Tensor
from nnshape.tracing.model import Module

if TYPE_CHECKING:
    from nnshape.spec import nodes
    from nnshape.tracing.model import Operation
    from nnshape.tracing.scope import Frame

_SEQUENCES = "GRU LSTM MultiheadAttention RNN Transformer TransformerDecoder TransformerDecoderLayer TransformerEncoder"
#: The modules that look at functions and layers, each with the names of these.
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
    """Whether an operation of a function or layer is to be looked at, by its name and the result."""
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
    name: str = target.type if isinstance(target, Module) else target.name
    for looker in _WATCHED.get(name, ("broadcasts",)):
        report(looker, frame, node, operation, apply)
