"""`weight_norm(Conv2d(…))`, `spectral_norm(…)` and `orthogonal(…)`: a layer whose weight is computed from others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnshape.shapes.parametrizations import SIGNATURES, Parametrization, ParametrizedTensor, StoredTensors
from nnshape.shapes.refusal import Refusal
from nnshape.spec import nodes
from nnshape.tracing.faults import fault
from nnshape.tracing.model import Module
from nnshape.tracing.rule_refusals import located_refusal
from nnshape.tracing.runtime_sizes import plain
from nnshape.tracing.scope import Frame, Special
from nnshape.tracing.value_display import shown

#: The functions of `torch.nn.utils` that have the name of a newer one.
OLDER = {name: Special(f"nn.utils.{name}") for name in ("weight_norm", "spectral_norm")}


def older_or_newer(namespace: str, name: str) -> Special | None:
    """The function after `nn.utils.` or `nn.utils.parametrizations.`, or None."""
    if namespace == "utils":
        return OLDER.get(name)
    return Special(name) if name in SIGNATURES else None


def is_parametrization(target: Special) -> bool:
    """Whether a word is a function that parametrizes a layer."""
    return target.name.rpartition(".")[2] in SIGNATURES


def parametrize(
    frame: Frame, node: nodes.Call, target: Special, arguments: tuple[Any, ...], keywords: Mapping[str, Any]
) -> Module:
    """Return a new layer with one more parametrization. Raises Fault if torch refuses it."""
    function = target.name.rpartition(".")[2]
    signature = SIGNATURES[function]
    span = frame.expression.span(node)
    try:
        bound = signature.bind(plain(arguments), {name: plain(value) for name, value in keywords.items()})
        module = bound.pop("module")
        if not isinstance(module, Module) or module.path is not None:
            made = f"{module.path}, which is made already" if isinstance(module, Module) else shown(module)
            message = f"{function} takes a layer that is made in its brackets, not {made}"
            raise fault("wrong-type", message, span, help=(f"write {function}(Conv2d(8, 8, 3))",))
        if module.body is not None or module.entry is not None or module.holds_modules:
            given = shown(module) if module.entry is None else "a block of one expression"
            message = f"{function} takes a layer, not {given}: apply it to the layers inside"
            raise fault("wrong-type", message, span)
        if module.layer is None:
            return module  # its arguments are wrong, which has been reported
        module.parametrizations = (*module.parametrizations, Parametrization(function, target in OLDER.values(), bound))
        if type(module.layer).__name__.startswith("Lazy"):
            note = "torch says: Can't access the shape of an uninitialized parameter or buffer."
            help = ("give the layer auto for a size that is read off its input",)
            raise fault("invalid-argument", f"{function} needs a layer of known sizes", span, help=help, notes=(note,))
        if not module.layer.wants_auto:
            stored_tensors(module)
    except Refusal as refusal:
        raise located_refusal(frame, node, refusal, arguments, signature) from None
    return module


def stored_tensors(module: Module) -> StoredTensors:
    """The tensors of a layer, with its parametrizations applied. Raises Refusal."""
    assert module.layer is not None
    stored = StoredTensors(dict(module.layer.parameters()), dict(module.layer.buffers()))
    for parametrization in module.parametrizations:
        stored.apply(module.type, parametrization)
    return stored


def hold_parametrized(module: Module, stored: StoredTensors) -> None:
    """Give a layer the child `parametrizations`, as in torch: its parameters are those of the state dict."""
    if stored.parametrized:
        held = _child(module, "parametrizations", "ModuleDict")
        held.holds_modules = True
        for name, tensor in stored.parametrized.items():
            _hold(_child(held, name, "ParametrizationList"), tensor)


def _hold(module: Module, tensor: ParametrizedTensor) -> None:
    if tensor.is_buffer:
        module.buffers = tensor.originals
    else:
        module.parameters = tensor.originals
    for index, (kind, buffers) in enumerate(tensor.parametrizations):
        _child(module, str(index), kind).buffers = buffers


def _child(module: Module, name: str, kind: str) -> Module:
    child = Module(kind, module.place, path=f"{module.path}.{name}", materialized=True)
    module.children[name] = child
    return child
