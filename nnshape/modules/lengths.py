"""Inputs that are lengths of sequences: torch packs no sequence of 0 steps, and none longer than its tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from nnshape.shapes.dims import Size, substitute
from nnshape.shapes.function import Function
from nnshape.shapes.tensor import Tensor
from nnshape.tracing import Trace
from nnshape.tracing.model import BodyInput, Operation
from nnshape.tracing.runtime_sizes import plain

PACKING = "pack_padded_sequence"
#: Functions that keep the values of lengths.
_KEEPING = frozenset({"clamp", "clone", "contiguous", "cpu", "detach", "int", "long", "squeeze", "to", "view"})


def lengths_of(trace: Trace) -> dict[str, Size]:
    """Return the largest length of each input of the model that `pack_padded_sequence` takes as lengths, by name."""
    found: dict[str, Size] = {}
    for call in trace.root.walk():
        for operation in call.operations:
            if isinstance(operation.target, Function) and operation.target.name == PACKING:
                keywords = {name: plain(value) for name, value in operation.keywords.items()}
                bound = operation.target.signature().bind(plain(operation.arguments), keywords)
                name = _input_of(bound["lengths"])
                if name is not None:
                    found[name] = bound["input"].shape[1 if bound["batch_first"] else 0]
    return found


def drawn_lengths(shape: Sequence[int], dtype: torch.dtype, most: Size, sizes: Mapping[str, int]) -> torch.Tensor:
    """Return lengths from the longest to 1: the longest has a step of padding where that can be."""
    steps = substitute(most, sizes)
    longest = max(1, steps - 1) if isinstance(steps, int) else 1
    numbers = longest - torch.arange(torch.Size(shape).numel(), dtype=torch.int64, device="cpu")
    return numbers.clamp(min=1).reshape(shape).to(dtype)


def _input_of(value: object) -> str | None:
    """Return the name of the input of the model that a tensor is, or is converted from; None for any other."""
    while isinstance(value, Tensor):
        producer = value.producer
        if isinstance(producer, BodyInput):
            if producer.call is None:
                return producer.name
            value = producer.outside(value)
        elif isinstance(producer, Operation) and producer.run is not None:
            value = producer.stands_for(value)
        elif isinstance(producer, Operation) and getattr(producer.target, "name", "") in _KEEPING:
            value = producer.arguments[0] if producer.arguments else None
        else:
            return None
    return None
