"""Applies the parametrizations of a layer to its real module."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.utils import parametrizations

from nnshape.shapes.parametrizations import Parametrization


def parametrized(module: torch.nn.Module, applied: Sequence[Parametrization]) -> torch.nn.Module:
    """Return the module with `weight_norm` and the like applied, in order."""
    for one in applied:
        function: Any = getattr(torch.nn.utils if one.older else parametrizations, one.function)
        arguments = dict(one.arguments)
        on_meta = any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers()))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # nn.utils.weight_norm is deprecated
            if one.function == "orthogonal" and on_meta and arguments["use_trivialization"]:
                _orthogonal_on_meta(module, arguments)
            else:
                function(module, **arguments)
    return module


def _orthogonal_on_meta(module: torch.nn.Module, arguments: dict[str, Any]) -> None:
    """Apply `orthogonal` to a module without values, whose base torch cannot compute."""
    name = arguments["name"]
    weight = getattr(module, name)
    parametrizations.orthogonal(module, **{**arguments, "use_trivialization": False})
    side = max(weight.shape[-2:])
    applied: Any = module.parametrizations
    applied[name][0].register_buffer("base", weight.new_empty(*weight.shape[:-2], side, side))
