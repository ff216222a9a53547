"""A model built on a device to list its parameters and buffers, for `nnshape params`."""

from __future__ import annotations

from dataclasses import replace

import torch

from nnshape.modules.building import build
from nnshape.modules.devices import available_device, torch_version
from nnshape.modules.parameter_proof import compare_parameters, tensors_of
from nnshape.modules.trials import abstract
from nnshape.problems import Problem
from nnshape.records import dataclass
from nnshape.tracing import ParameterRow, Trace


@dataclass(frozen=True, slots=True)
class Held:
    """What a built model holds.

    `rows` are those of the trace, each with the shape, dtype and trainability of the real tensor; a row that torch
    does not have is left out, and among the `disagreements`. `tensors` are the real ones, by name.
    """

    device: str
    version: str
    rows: tuple[ParameterRow, ...]
    tensors: dict[str, torch.Tensor]
    disagreements: tuple[Problem, ...]


def held(trace: Trace, device: str, seed: int = 0) -> Held:
    """Build the model on a device and read its parameters and buffers; raises SpecError where it cannot be built."""
    place = available_device(device)
    model = build(trace, device, seed=seed)
    problems, _ = compare_parameters(trace, model, {})
    tensors = tensors_of(model)
    rows = tuple(_real(row, tensors[row.name]) for row in trace.parameters if row.name in tensors)
    # The device that torch has put them on, with its number, where there are any.
    devices = {str(tensor.device) for tensor in tensors.values()} or {str(place)}
    return Held(", ".join(sorted(devices)), torch_version(), rows, tensors, tuple(problems))


def _real(row: ParameterRow, tensor: torch.Tensor) -> ParameterRow:
    return replace(row, tensor=abstract(tensor), trainable=row.buffer or tensor.requires_grad)
