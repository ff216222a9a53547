"""Shortens layers that torch runs on meta in a loop over a size.

Every time step of a recurrent layer, every feature of Bilinear, and every sample and channel of CrossMapLRN2d is
computed in the same way. So only the first few are run, and the result is expanded to the full size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

#: The number of steps or features to run; shorter layers run in full.
FEW = 16


def run_shortened(
    real: nn.Module,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    run: Callable[..., Any] | None = None,
) -> Any:
    """Return the output of a module on meta, shortened if torch would loop over a long size.

    `run` computes it; by default, a call of the module.
    """
    run = run or real
    if arguments and isinstance(arguments[0], torch.Tensor):
        first = arguments[0]
        if isinstance(real, nn.RNNBase) and first.dim() in (2, 3):
            return _recurrent(real, run, first, arguments[1:], keywords)
        if isinstance(real, nn.Bilinear) and len(arguments) == 2 and real.out_features > FEW:
            bias = None if real.bias is None else real.bias[:FEW]
            few = nn.functional.bilinear(first, arguments[1], real.weight[:FEW], bias)
            return _widened(few, few.dim() - 1, real.out_features)
        if isinstance(real, nn.CrossMapLRN2d) and first.dim() == 4:
            few = run(first[:FEW, :FEW])
            return _widened(_widened(few, 0, first.shape[0]), 1, first.shape[1])
    return run(*arguments, **keywords)


@contextmanager
def shortened_inside(model: nn.Module) -> Iterator[None]:
    """Let the layers of a model run shortened in its own forward method."""
    layers = [module for module in model.modules() if isinstance(module, (nn.RNNBase, nn.Bilinear, nn.CrossMapLRN2d))]
    for layer in layers:
        layer.forward = partial(_forward, layer)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def _forward(layer: nn.Module, *arguments: Any, **keywords: Any) -> Any:
    return run_shortened(layer, arguments, keywords, partial(type(layer).forward, layer))


def is_shortened(real: nn.Module, arguments: tuple[Any, ...]) -> bool:
    """Return whether a stand-in runs in place of a module."""
    first = arguments[0] if arguments else None
    if not isinstance(first, torch.Tensor):
        return False
    if isinstance(real, nn.RNNBase):
        return first.shape[1 if real.batch_first and first.dim() == 3 else 0] > FEW
    if isinstance(real, nn.Bilinear):
        return real.out_features > FEW
    return isinstance(real, nn.CrossMapLRN2d) and max(first.shape[:2]) > FEW


def steps_run(real: nn.Module, arguments: tuple[Any, ...]) -> int:
    """Return the number of steps to run for a recurrent layer, over all layers and directions; 0 for other modules."""
    if not isinstance(real, nn.RNNBase) or not arguments or not isinstance(arguments[0], torch.Tensor):
        return 0
    first = arguments[0]
    place = 1 if real.batch_first and first.dim() == 3 else 0
    steps = min(first.shape[place], FEW) if first.dim() in (2, 3) else 1
    return steps * real.num_layers * (2 if real.bidirectional else 1)


def bilinear_shortened(
    input1: torch.Tensor, input2: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> torch.Tensor:
    """`torch.nn.functional.bilinear` on meta, shortened for many features."""
    if weight.dim() != 3 or weight.shape[0] <= FEW or (bias is not None and bias.shape != weight.shape[:1]):
        return nn.functional.bilinear(input1, input2, weight, bias)
    few = nn.functional.bilinear(input1, input2, weight[:FEW], None if bias is None else bias[:FEW])
    return _widened(few, few.dim() - 1, weight.shape[0])


def _recurrent(
    real: nn.RNNBase, run: Callable[..., Any], first: torch.Tensor, rest: tuple[Any, ...], keywords: Mapping[str, Any]
) -> Any:
    place = 1 if real.batch_first and first.dim() == 3 else 0
    steps = first.shape[place]
    if steps <= FEW:
        return run(first, *rest, **keywords)
    output, state = run(first.narrow(place, 0, FEW), *rest, **keywords)
    return _widened(output, place, steps), state


def _widened(tensor: torch.Tensor, place: int, size: int) -> torch.Tensor:
    """Return an empty tensor of the same shape except for one dimension."""
    shape = list(tensor.shape)
    shape[place] = size
    return tensor.new_empty(shape)
