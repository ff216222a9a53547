"""The fault of a size that no input declares, such as B in `view(B, -1)`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nnshape.problems import Edit
from nnshape.shapes.tensor import Tensor
from nnshape.spec import nodes
from nnshape.tracing.faults import Fault, fault
from nnshape.tracing.scope import MISSING, Frame, Local, find_torch

#: Names that people give to the batch.
_BATCH = ("b", "batch", "batch_dim", "batch_size", "batchsize", "bs", "bsize", "bsz", "n", "num_samples")
#: Functions that take sizes.
_TAKING_SIZES = (
    "arange", "broadcast_to", "empty", "expand", "eye", "full", "new_empty", "new_full", "new_ones", "new_zeros",
    "ones", "rand", "randint", "randn", "repeat", "reshape", "tile", "unflatten", "view", "zeros",
)  # fmt: skip
#: The dimensions of usual names, by the number of dimensions.
_USUAL = {
    4: {"c": 1, "channels": 1, "h": 2, "height": 2, "w": 3, "width": 3},
    3: {"t": 1, "l": 1, "s": 1, "seq_len": 1, "length": 1, "seq": 1, "c": 2, "d": 2, "e": 2, "dim": 2, "channels": 2},
}


def unknown_size(frame: Frame, name: str, node: nodes.Node) -> Fault | None:
    """The fault of an unknown name among the sizes of a reshape or factory; None anywhere else."""
    call = _call_around(frame, node)
    if call is None:
        return None
    text, tensor = _tensor(frame, call)
    edits = []
    for part in _parts(call):
        unknown = isinstance(part, nodes.Name) and frame.own(part.id) is MISSING and find_torch(part.id) is MISSING
        if unknown and (meant := _meant(frame, call, part, text, tensor)):
            edits.append(Edit(frame.expression.span(part), meant))
    edits.sort(key=lambda edit: edit.span.start)
    span = frame.expression.span(node)
    own = next((edit.replacement for edit in edits if edit.span == span), "")
    if own == "N":
        message = f"{name} is no size of this model, whose batch is N"
        return fault("unknown-name", message, span, help=("write N",), instead=[tuple(edits)])
    message = f"{name} is no step, hparam or size of this model"
    read = own or (f"{text}.shape[{_place(call, node)}]" if tensor is not None else "")
    help = ("name it in the shape of an input", *([f"or read it off a tensor: {read}"] if read else []))
    return fault("unknown-name", message, span, help=help, instead=[tuple(edits)] if own else [])


def _parts(call: nodes.Call) -> Iterator[Any]:
    """Every node in the arguments of a call."""
    for item in call.args:
        yield from nodes.walk(item)


def _call_around(frame: Frame, node: nodes.Node) -> nodes.Call | None:
    """The call with this node among its sizes."""
    for part in nodes.walk(frame.expression.node):
        if isinstance(part, nodes.Call) and any(inner is node for inner in _parts(part)):
            function = part.function
            called = function.id if isinstance(function, nodes.Name) else getattr(function, "name", "")
            if called in _TAKING_SIZES:
                return part
    return None


def _tensor(frame: Frame, call: nodes.Call) -> tuple[str, Tensor | None]:
    """The tensor that a call takes, with its text; None if finding it would take evaluating a step again."""
    function = call.function
    first: Any = function.value if isinstance(function, nodes.Attribute) else (call.args[0] if call.args else None)
    if isinstance(first, nodes.Name) and first.id != "_":
        own = frame.own(first.id)
        value = own.value if isinstance(own, Local) else own
        if isinstance(value, Tensor):
            return first.id, value
    if isinstance(function, nodes.Attribute) and not (isinstance(first, nodes.Name) and first.id in ("_", "torch")):
        return "", None
    return ("_", frame.running) if isinstance(frame.running, Tensor) else ("", None)


def _place(call: nodes.Call, node: nodes.Node) -> int:
    """The place of a size among the sizes of a call."""
    items: tuple[nodes.Node, ...] = call.args
    for part in call.args:
        if isinstance(part, (nodes.Tuple, nodes.List)):
            items = part.items
    return next((place for place, item in enumerate(items) if any(inner is node for inner in nodes.walk(item))), 0)


def _meant(frame: Frame, call: nodes.Call, part: nodes.Name, text: str, tensor: Tensor | None) -> str:
    """The size that an unknown name usually stands for: N, or one of the tensor; empty if it is not usual."""
    name = part.id.lower()
    function = call.function
    first = getattr(function, "name", getattr(function, "id", "")) in ("view", "reshape", "expand")
    if name in _BATCH or (first and _place(call, part) == 0):
        if frame.tracer.has_batch and frame.own("N") is not MISSING:
            return "N"
        return f"{text}.shape[0]" if tensor is not None and tensor.shape else ""
    if tensor is None:
        return ""
    dim = _USUAL.get(len(tensor.shape), {}).get(name)
    return "" if dim is None else f"{text}.shape[{dim}]"
