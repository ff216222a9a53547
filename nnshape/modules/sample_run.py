"""Runs the built model once on random inputs, to show its values."""

from __future__ import annotations

import warnings
from contextlib import redirect_stderr
from io import StringIO
from typing import Any

import torch

from nnshape.modules.building import Builder, refusal_of_torch, seeded, with_code
from nnshape.modules.choosing import choose
from nnshape.modules.default_dtype import in_dtype
from nnshape.modules.devices import available_device
from nnshape.modules.leaves import torch_dtype
from nnshape.modules.lengths import drawn_lengths, lengths_of
from nnshape.modules.run_sizes import open_symbols
from nnshape.problems import Problem, SpecError
from nnshape.records import dataclass
from nnshape.shapes.dims import substitute
from nnshape.shapes.nested import leaves_in
from nnshape.shapes.tensor import Tensor
from nnshape.spec.nested_inputs import nested
from nnshape.tracing import Trace

#: Integer inputs are drawn below these limits, largest first: they may be indices into a table of unknown length.
_INDEX_LIMITS = (10, 2, 1)


@dataclass(frozen=True, slots=True)
class RealRun:
    """Runs on the same inputs: the values of the symbols, the inputs, and the output in each mode.

    `outputs` holds one run in training mode; where a second one, or a run in evaluation mode, gives other
    numbers, it holds that too.
    """

    sizes: dict[str, int]
    inputs: dict[str, torch.Tensor]
    outputs: dict[str, Any]


def run_once(trace: Trace, device: str = "cpu", seed: int = 0) -> RealRun:
    """Build the model, draw its inputs from a seed, and run it in both modes. Raises SpecError if torch refuses."""
    place = available_device(device)
    sizes = choose(open_symbols(trace), trace.constraints)
    if sizes is None:
        message = "no sizes were found that meet the requirements of the model: give them values"
        raise SpecError(Problem("unknown-value", message, trace.root.span))
    refused: Exception | None = None
    lengths = lengths_of(trace)
    # An accelerator does not recover from an index out of range.
    limits = _INDEX_LIMITS if place.type == "cpu" else _INDEX_LIMITS[-1:]
    for limit in limits:
        with warnings.catch_warnings(), seeded(seed, place), torch.inference_mode(), in_dtype(trace.dtype):
            warnings.simplefilter("ignore")
            model = with_code(Builder(trace, place, sizes).model())
            inputs = {name: _drawn(tensor, sizes, place, limit) for name, tensor in trace.inputs.items()}
            for name, most in lengths.items():
                inputs[name] = drawn_lengths(inputs[name].shape, inputs[name].dtype, most, sizes)
            try:
                with redirect_stderr(StringIO()):  # fx prints failing code there
                    return RealRun(sizes, inputs, _outputs(trace, model, inputs))
            except (RuntimeError, ValueError, IndexError) as error:
                refused = refused or error
    assert refused is not None
    raise SpecError(refusal_of_torch("torch cannot run this on random inputs", refused, trace.root.span))


def _outputs(trace: Trace, model: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> dict[str, Any]:
    """The output in training mode, and those of further runs that differ from it."""

    def run(training: bool) -> Any:
        model.train(training)
        copies = {name: tensor.clone() for name, tensor in inputs.items()}  # a module may change its inputs in place
        return model(*nested(trace.spec.inputs, copies).values())

    evaluated = run(training=False)  # first: a run in training mode moves running statistics
    trained, again = run(training=True), run(training=True)
    outputs = {"training": trained}
    if not _are_equal(again, trained):
        outputs["training, again"] = again
    if not _are_equal(evaluated, trained):
        outputs["evaluation"] = evaluated
    return outputs


def _are_equal(one: Any, other: Any) -> bool:
    """Whether two outputs hold the same numbers; NaN equals NaN."""
    pairs = zip(leaves_in(one), leaves_in(other), strict=True)
    return all(torch.equal(a.nan_to_num(), b.nan_to_num()) if isinstance(a, torch.Tensor) else a == b for a, b in pairs)


def _drawn(tensor: Tensor, sizes: dict[str, int], device: torch.device, limit: int) -> torch.Tensor:
    shape = [int(substitute(size, sizes)) for size in tensor.shape]
    dtype = torch_dtype(tensor.dtype)
    if dtype.is_floating_point or dtype.is_complex:
        base = dtype if dtype.is_complex else torch.float32
        return torch.randn(shape, dtype=base, device=device).to(dtype)
    return torch.randint(limit, shape, device=device).to(dtype)
