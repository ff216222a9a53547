"""The proof: builds the model, runs it, and compares every call and parameter with the trace."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from nnshape.modules import budget
from nnshape.modules.auto_device import auto_device
from nnshape.modules.building import Builder, seeded, unknown_call
from nnshape.modules.default_dtype import in_dtype
from nnshape.modules.devices import available_device, torch_version
from nnshape.modules.independence import fact_of_warnings
from nnshape.modules.parameter_proof import compare_parameters
from nnshape.modules.proof_runs import ProofRuns
from nnshape.modules.run_sizes import first_sizes, second_sizes
from nnshape.modules.stride_proof import proves_strides
from nnshape.proofs.device_names import AUTO
from nnshape.proofs.modes import EVALUATION, TRAINING
from nnshape.proofs.verification import Verification
from nnshape.tracing import Trace


def verify(trace: Trace, device: str = AUTO, modes: Sequence[str] = (EVALUATION,)) -> Verification:
    """Build the model on a device, run it, and compare every call and parameter with the trace.

    The device `auto` is the CPU for a small model, and meta for any other. In evaluation, the model runs step by
    step at two sets of sizes, and then as a whole; in training, step by step with gradients. Raises SpecError if
    the trace has errors, the model cannot be built, or the device is not available.
    """
    sizes = first_sizes(trace)
    others = None if sizes is None or trace.errors else second_sizes(trace, sizes)
    place = available_device(device) if device != AUTO else auto_device(trace, sizes, others)
    calls = len(trace.calls)
    reason = "" if trace.errors else _reason(trace, place, sizes)
    if sizes is None or reason:
        every = tuple(call.path for call in trace.calls)
        return Verification(
            str(place), torch_version(), calls, 0, False, unproved=every, reason=reason, modes=tuple(modes)
        )
    # The proof must not change the random state of the caller.
    with (
        warnings.catch_warnings(), seeded(0, place), torch.no_grad(), _new_tensors_on(place), _one_thread(place),
        in_dtype(trace.dtype),
    ):  # fmt: skip
        warnings.simplefilter("ignore")
        builder = Builder(trace, place, sizes, lenient=True)
        model = builder.model()
        problems, wrong_parameters = compare_parameters(trace, model, sizes)
        runs = ProofRuns(builder, model)
        runs.step_by_step(sizes, EVALUATION)
        if others is not None:
            too_much = budget.refusal(trace, place, others)
            if too_much:
                runs.remarks.append(f"{_listed(others)} was not run, since {too_much}")
                others = None
            else:
                runs.again(f"{_listed(others)} was", others, EVALUATION, f" at {_listed(others)}")
        runs.forward(others or sizes)
        if TRAINING in modes:
            runs.again("training mode was", sizes, TRAINING, " in training")
    # Tied parameters are one object, so they count once.
    parameters = sum(parameter.numel() for parameter in model.parameters())
    disagreements = (*runs.problems, *problems)
    return Verification(
        str(place),
        torch_version(),
        calls,
        parameters,
        not disagreements,
        disagreements,
        tuple(path for path in runs.unproved if path not in runs.wrong),
        sizes,
        tuple(runs.wrong),
        tuple(wrong_parameters),
        reasons=runs.reasons,
        samples_apart=fact_of_warnings(trace),
        second_sizes=others or {},
        modes=tuple(modes),
        remarks=tuple(dict.fromkeys(runs.remarks)),
        strides=len(runs.with_strides) if proves_strides(place) else None,
    )


def _new_tensors_on(place: torch.device) -> AbstractContextManager[object]:
    """Create tensors on this device. Where torch does so anyway, no context: in one, attention takes no fast path."""
    return nullcontext() if torch.get_default_device() == place else place


@contextmanager
def _one_thread(place: torch.device) -> Iterator[None]:
    """Compute in one thread on the CPU: small models take longest to wait for the others."""
    if place.type != "cpu":
        yield
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _reason(trace: Trace, place: torch.device, sizes: Mapping[str, int] | None) -> str:
    """Return why nothing can be proved, or an empty string."""
    if sizes is None:
        listed = ", ".join(map(str, trace.constraints[:3])) + (", …" if len(trace.constraints) > 3 else "")
        return f"no sizes were found that meet the requirements ({listed}): give them in dims"
    unknown = unknown_call(trace)
    if unknown is not None:
        return f"the output of {unknown.path} is unknown"
    return budget.refusal(trace, place, sizes)


def _listed(sizes: Mapping[str, int]) -> str:
    texts = [f"{name} = {value}" for name, value in sizes.items()]
    return ", ".join(texts) if len(texts) <= 4 else f"{', '.join(texts[:3])}, …"
