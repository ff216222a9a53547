"""Twins: a layer and its functional form share one rule, so the layer's help and derivation serve both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnshape.shapes.arguments import REQUIRED
from nnshape.shapes.function import Function
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.layers import find_layer
from nnshape.shapes.layers.index import LAYER_OF
from nnshape.shapes.meanings import SHARED, explained
from nnshape.shapes.refusal import Refusal

#: Older names that torch keeps for a function.
_OLDER_NAMES = {"upsample": "interpolate"}


def layer_of(function: str) -> type[Layer] | None:
    """The first layer whose twin is this function, or None; `relu_` counts as `relu`."""
    name = LAYER_OF.get(_OLDER_NAMES.get(function, function)) or LAYER_OF.get(function.removesuffix("_"))
    return None if name is None else find_layer(name)


def help_of(rule: Function | type[Layer]) -> tuple[str, dict[str, str]]:
    """The sentence on a layer or function, and the meaning of each argument, in torch's order.

    They come from the rule's docstring; for a function, then from its twin, then from `SHARED`.
    """
    if not isinstance(rule, Function):
        return rule.help()
    sentence, own = explained(rule.doc)
    layer = layer_of(rule.name)
    of_layer = layer.help()[1] if layer is not None else {}
    meanings = {}
    for parameter in rule.signature().parameters:
        # A flag or size of the layer may be a tensor in its function, with another meaning.
        inherited = None if "Tensor" in parameter.kinds else of_layer.get(parameter.name)
        meaning = own.get(parameter.name) or inherited or SHARED.get(parameter.name)
        if meaning:
            meanings[parameter.name] = meaning
    return sentence, meanings


def derivation_of(function: Function, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> tuple[str, ...]:
    """The derivation of a function's result: its own, or that of its twin.

    Empty if the layer requires arguments that the function lacks.
    """
    if function.derive is not None:
        return function.derivation(arguments, keywords)
    layer = layer_of(function.name)
    if layer is None or layer.derivation is Layer.derivation:
        return ()
    bound = function.signature().bind(arguments, keywords)
    fields = {p.name: bound[p.name] for p in layer.signature().parameters if p.name in bound}
    if any(p.default is REQUIRED and p.name not in fields for p in layer.signature().parameters):
        return ()
    # The first argument is the input of both, under any name.
    inputs = [next(iter(bound.values()))]
    for parameter in layer.call_signature().parameters[1:]:
        if parameter.name not in bound or parameter.name in fields:
            break
        inputs.append(bound[parameter.name])
    try:
        return layer(**fields).derivation(*inputs)
    except Refusal:  # the function accepts arguments that the layer refuses
        return ()
