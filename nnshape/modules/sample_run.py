"""Runs the real model once on random inputs, so that its numbers can be looked at."""

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
from nnshape.modules.verifying import open_symbols
from nnshape.problems import Problem, SpecError
from nnshape.records import dataclass
from nnshape.shapes.dims import substitute
from nnshape.shapes.tensor import Tensor
from nnshape.tracing import Trace

#: Whole numbers are drawn below these, largest first: they may be ids into a table of unknown length.
_ID_LIMITS = (10, 2, 1)


@dataclass(frozen=True, slots=True)
class RealRun:
    """One run, in training mode as torch makes its modules: the symbols' numbers, what went in and what came out."""

    sizes: dict[str, int]
    inputs: dict[str, torch.Tensor]
    output: Any


def run_once(trace: Trace, device: str = "cpu", seed: int = 0) -> RealRun:
    """Build the model, draw its inputs from a seed and run it; raises SpecError where torch refuses."""
    place = available_device(device)
    sizes = choose(open_symbols(trace), trace.constraints)
    if sizes is None:
        message = "no sizes were found that meet what the model requires: give them values"
        raise SpecError(Problem("unknown-value", message, trace.root.span))
    refused: Exception | None = None
    # An accelerator does not recover from an id beyond its table.
    limits = _ID_LIMITS if place.type == "cpu" else _ID_LIMITS[-1:]
    for limit in limits:
        with warnings.catch_warnings(), seeded(seed, place), torch.inference_mode():
            warnings.simplefilter("ignore")
            model = with_code(Builder(trace, place, sizes).model())
            inputs = {name: _drawn(tensor, sizes, place, limit) for name, tensor in trace.inputs.items()}
            try:
                # A copy, since a module may write into its input; and fx would show the code that failed.
                with redirect_stderr(StringIO()):
                    output = model(*(tensor.clone() for tensor in inputs.values()))
                return RealRun(sizes, inputs, output)
            except (RuntimeError, ValueError, IndexError) as error:
                refused = refused or error
    assert refused is not None
    raise SpecError(refusal_of_torch("torch does not run this on random numbers", refused, trace.root.span))


def _drawn(tensor: Tensor, sizes: dict[str, int], device: torch.device, limit: int) -> torch.Tensor:
    shape = [int(substitute(size, sizes)) for size in tensor.shape]
    dtype = torch_dtype(tensor.dtype)
    if dtype.is_floating_point or dtype.is_complex:
        base = dtype if dtype.is_complex else torch.float32
        return torch.randn(shape, dtype=base, device=device).to(dtype)
    return torch.randint(limit, shape, device=device).to(dtype)
