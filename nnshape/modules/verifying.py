"""The proof: builds the model, runs it, and compares every call and parameter with the trace."""

from __future__ import annotations

import warnings
from typing import Any

import torch

from nnshape.modules import budget
from nnshape.modules.auto_device import auto_device
from nnshape.modules.building import Builder, seeded, unknown_call
from nnshape.modules.choosing import choose
from nnshape.modules.devices import available_device, torch_version
from nnshape.modules.independence import fact_of_warnings
from nnshape.modules.leaves import torch_dtype
from nnshape.modules.observing import Observer
from nnshape.modules.parameter_proof import compare_parameters
from nnshape.proofs.device_names import AUTO
from nnshape.proofs.verification import Verification
from nnshape.shapes.dims import Dim, substitute, symbols_of
from nnshape.shapes.tensor import Tensor
from nnshape.tracing import Trace


def verify(trace: Trace, device: str = AUTO) -> Verification:
    """Build the model on a device, run it once, and compare every call and parameter with the trace.

    The device `auto` is the CPU for a small model, and meta for any other. Raises SpecError if the trace has errors,
    the model cannot be built, or the device is not available.
    """
    sizes = choose(open_symbols(trace), trace.constraints)
    place = available_device(device) if device != AUTO else auto_device(trace, sizes)
    calls = len(trace.calls)
    unknown = unknown_call(trace)
    reason = ""
    if sizes is None:
        listed = ", ".join(map(str, trace.constraints[:3])) + (", …" if len(trace.constraints) > 3 else "")
        reason = f"no sizes were found that meet the requirements ({listed}): give them in dims"
    elif unknown is not None and not trace.errors:
        reason = f"the output of {unknown.path} is unknown"
    elif not trace.errors:
        reason = budget.refusal(trace, place, sizes)
    if sizes is None or reason:
        every = tuple(call.path for call in trace.calls)
        return Verification(str(place), torch_version(), calls, 0, False, unproved=every, reason=reason)
    # The proof must not change the random state of the caller.
    with warnings.catch_warnings(), seeded(0, place), torch.inference_mode(), torch.device(place):
        warnings.simplefilter("ignore")
        builder = Builder(trace, place, sizes, lenient=True)
        model = builder.model().eval()
        problems, wrong_parameters = compare_parameters(trace, model, sizes)
        observer = Observer(builder, sizes)
        root = trace.root.module
        assert root is not None
        assert root.run is not None
        observer.run(root, root.run, tuple(_input(value, sizes, place) for value in root.run.inputs.values()), {})
    # Tied parameters are one object, so they count once.
    parameters = sum(parameter.numel() for parameter in model.parameters())
    disagreements = (*observer.problems, *problems)
    return Verification(
        str(place),
        torch_version(),
        calls,
        parameters,
        not disagreements,
        disagreements,
        tuple(observer.unproved),
        sizes,
        tuple(observer.wrong),
        tuple(wrong_parameters),
        reasons=observer.reasons,
        samples_apart=fact_of_warnings(trace),
    )


def open_symbols(trace: Trace) -> list[str]:
    """Return the symbols without a value in the sizes of the inputs, N first."""
    found: dict[str, None] = {}
    for tensor in trace.inputs.values():
        for size in tensor.shape:
            if isinstance(size, Dim):
                found.update(dict.fromkeys(sorted(symbols_of(size))))
    return sorted(found, key=lambda name: name != "N")


def _input(value: Any, sizes: dict[str, int], device: torch.device) -> Any:
    """Return a tensor for an input: random numbers, or zeros for integers, which are valid indices of any table."""
    if not isinstance(value, Tensor):
        return value
    shape = [int(substitute(size, sizes)) for size in value.shape]
    dtype = torch_dtype(value.dtype)
    if device.type == "meta":
        return torch.empty(shape, dtype=dtype, device=device)
    if dtype.is_floating_point:
        return torch.rand(shape, device=device).to(dtype)
    if dtype.is_complex:
        return torch.randn(shape, dtype=dtype, device=device)
    return torch.zeros(shape, dtype=dtype, device=device)
