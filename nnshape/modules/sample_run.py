"""Runs the built model once on random inputs, to show its values."""

from __future__ import annotations

import warnings
from contextlib import redirect_stderr
from io import StringIO
from typing import Any

import torch

from nnshape.modules.building import Builder, refusal_of_torch, seeded, with_code
from nnshape.modules.choosing import choose
from nnshape.modules.devices import available_device
from nnshape.modules.leaves import torch_dtype
from nnshape.modules.run_sizes import open_symbols
from nnshape.problems import Problem, SpecError
from nnshape.records import dataclass
from nnshape.shapes.dims import substitute
from nnshape.shapes.tensor import Tensor
from nnshape.tracing import Trace

#: Integer inputs are drawn below these limits, largest first: they may be indices into a table of unknown length.
_INDEX_LIMITS = (10, 2, 1)


@dataclass(frozen=True, slots=True)
class RealRun:
    """One run in training mode: the values of the symbols, the inputs and the output."""

    sizes: dict[str, int]
    inputs: dict[str, torch.Tensor]
    output: Any


def run_once(trace: Trace, device: str = "cpu", seed: int = 0) -> RealRun:
    """Build the model, draw its inputs from a seed, and run it. Raises SpecError if torch refuses."""
    place = available_device(device)
    sizes = choose(open_symbols(trace), trace.constraints)
    if sizes is None:
        message = "no sizes were found that meet the requirements of the model: give them values"
        raise SpecError(Problem("unknown-value", message, trace.root.span))
    refused: Exception | None = None
    # An accelerator does not recover from an index out of range.
    limits = _INDEX_LIMITS if place.type == "cpu" else _INDEX_LIMITS[-1:]
    for limit in limits:
        with warnings.catch_warnings(), seeded(seed, place), torch.inference_mode():
            warnings.simplefilter("ignore")
            model = with_code(Builder(trace, place, sizes).model())
            inputs = {name: _drawn(tensor, sizes, place, limit) for name, tensor in trace.inputs.items()}
            try:
                # Inputs are copied, since a module may change them in place. fx prints failing code to stderr.
                with redirect_stderr(StringIO()):
                    output = model(*(tensor.clone() for tensor in inputs.values()))
                return RealRun(sizes, inputs, output)
            except (RuntimeError, ValueError, IndexError) as error:
                refused = refused or error
    assert refused is not None
    raise SpecError(refusal_of_torch("torch cannot run this on random inputs", refused, trace.root.span))


def _drawn(tensor: Tensor, sizes: dict[str, int], device: torch.device, limit: int) -> torch.Tensor:
    shape = [int(substitute(size, sizes)) for size in tensor.shape]
    dtype = torch_dtype(tensor.dtype)
    if dtype.is_floating_point or dtype.is_complex:
        base = dtype if dtype.is_complex else torch.float32
        return torch.randn(shape, dtype=base, device=device).to(dtype)
    return torch.randint(limit, shape, device=device).to(dtype)
