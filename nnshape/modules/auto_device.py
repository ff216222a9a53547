"""The device `auto`: the CPU for a small model, and meta for any other.

Meta costs torch a second of further imports, however small the model is; the CPU's time grows with the model. The
limits are those at which the faster one is taken for the models that `tests/modules/test_auto_device.py` names, by the
CPU time of whole commands. One exception is known: SqueezeNet runs on meta, and takes 0.81 of that time on the CPU.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from nnshape.modules import budget
from nnshape.shapes.dtypes import DTYPES, HALVES
from nnshape.shapes.tensor import tensors_in
from nnshape.tracing import Trace

#: Bytes of the parameters and buffers, which are filled with random numbers.
PARAMETERS = 256 * 2**20
#: Bytes of the inputs and of all values of one run.
VALUES = 512 * 2**20
#: Multiply-accumulates of one run.
MACS = 3 * 10**9
#: Memory accesses of one run.
WORK = 10**9
CALLS = 1_000
#: Steps of recurrent layers, each of which takes operations of its own.
STEPS = 200
#: How many times longer the CPU may take for half precision, if the whole model has it.
_HALF = 16
#: Numbers for which each CPU has kernels, and fast ones.
_FAST = frozenset(
    name for name in DTYPES if name in ("bool", "float32", "float64", "complex64") or name.startswith(("int", "uint8"))
)


def auto_device(trace: Trace, *runs: Mapping[str, int] | None) -> torch.device:
    """Return the device for a proof with runs at these sizes: meta if there are none, and nothing is run."""
    sizes = [size for size in runs if size is not None]
    is_small = bool(sizes) and _has_known_costs(trace) and all(_is_small(trace, size) for size in sizes)
    return torch.device("cpu" if is_small else "meta")


def _has_known_costs(trace: Trace) -> bool:
    """Return whether the figures of a model tell how long the CPU takes."""
    if trace.totals.partial_parameters or trace.totals.partial_macs or len(trace.calls) > CALLS:
        return False
    if any(call.measured for call in trace.calls):
        return False
    values = [*trace.inputs.values(), *(row.tensor for row in trace.parameters)]
    values += [tensor for call in trace.calls for tensor in tensors_in(call.output)]
    return all(tensor.dtype in _FAST or tensor.dtype == trace.dtype for tensor in values)


def _is_small(trace: Trace, sizes: Mapping[str, int]) -> bool:
    figures = budget.measured(trace, torch.device("cpu"), sizes)
    return (
        not figures.unknown
        and figures.parameter_bytes <= PARAMETERS
        and figures.bytes - figures.parameter_bytes + figures.transient <= VALUES
        and figures.macs * (_HALF if trace.dtype in HALVES else 1) <= MACS
        and figures.work <= WORK
        and figures.steps <= STEPS
    )
