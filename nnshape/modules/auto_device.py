"""The device `auto`: the CPU for a small model, and meta for any other.

Meta costs torch a second of further imports, however small the model is, and the CPU's time grows with the model.
The limits are where both took the same time over the gallery.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from nnshape.modules import budget
from nnshape.tracing import Trace

#: Bytes of the parameters and of all values of one run.
BYTES = 128 * 2**20
#: Multiply-accumulates of one run.
MACS = 10**9
CALLS = 1_000


def auto_device(trace: Trace, sizes: Mapping[str, int] | None) -> torch.device:
    """The device for a proof at these sizes; None where there are none, and nothing is run."""
    return torch.device("cpu" if sizes is not None and _is_small(trace, sizes) else "meta")


def _is_small(trace: Trace, sizes: Mapping[str, int]) -> bool:
    """Whether a run on the CPU is cheap, by figures that are all known."""
    if trace.totals.partial_parameters or trace.totals.partial_macs or len(trace.calls) > CALLS:
        return False
    if any(call.measured for call in trace.calls):  # what runs inside has no figures
        return False
    figures = budget.measured(trace, torch.device("cpu"), sizes)
    return not figures.unknown and figures.bytes + figures.transient <= BYTES and figures.work + figures.macs <= MACS
