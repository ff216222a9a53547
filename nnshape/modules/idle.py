"""Modules that no step of the spec calls: they have parameters, but no output."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NoReturn

import torch
from torch.fx import Graph

from nnshape.modules.block import BlockModule, SequentialBlock
from nnshape.tracing.model import Module


def idle_module(module: Module, name: str, children: dict[str, Any]) -> torch.nn.Module:
    """Return a module with these children. A Sequential of modules runs them; any other module raises when called."""
    if module.type == "Sequential":
        assert module.run is not None
        if list(children) == [call.name for call in module.run.calls]:
            return torch.nn.Sequential(OrderedDict(children))
    graph = Graph()
    graph.placeholder("args", default_value=None)
    graph.output(graph.call_function(never_called, (module.path,)))
    kind = SequentialBlock if module.type == "Sequential" else BlockModule
    return kind(graph, name, children)


def never_called(path: str) -> NoReturn:
    """Raise the error of a module that the spec never calls."""
    raise NotImplementedError(f"no step of the spec calls {path}, so its forward method is unknown")
