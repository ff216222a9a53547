"""Layers and functions of one name: `Conv2d` and `conv2d`, `GLU` and `glu`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnshape.shapes.arguments import REQUIRED
from nnshape.shapes.layer import Layer
from nnshape.shapes.layers import all_layers
from nnshape.shapes.refusal import Refusal

#: Where the names differ.
_OTHER_NAMES = {
    "interpolate": "upsample",
    "binary_cross_entropy": "bceloss",
    "binary_cross_entropy_with_logits": "bcewithlogitsloss",
}


def layer_of(function: str) -> type[Layer] | None:
    """The layer that a function of `torch.nn.functional` is the functional form of, or None."""
    spelling = _OTHER_NAMES.get(function, function).rstrip("_").replace("_", "").lower()
    return next((layer for name, layer in all_layers().items() if name.lower() in (spelling, f"{spelling}loss")), None)


def derivation_of_twin(function: str, bound: Mapping[str, Any]) -> tuple[str, ...]:
    """The derivation of the layer that has these arguments; none where some of its own are not among them."""
    layer = layer_of(function)
    if layer is None or layer.derivation is Layer.derivation:
        return ()
    fields = {p.name: bound[p.name] for p in layer.signature().parameters if p.name in bound}
    if any(p.default is REQUIRED and p.name not in fields for p in layer.signature().parameters):
        return ()
    # The first argument is the input of both, whatever either calls it.
    inputs = [next(iter(bound.values()))]
    for parameter in layer.call_signature().parameters[1:]:
        if parameter.name not in bound or parameter.name in fields:
            break
        inputs.append(bound[parameter.name])
    try:
        return layer(**fields).derivation(*inputs)
    except Refusal:  # the function takes arguments that the layer does not
        return ()
