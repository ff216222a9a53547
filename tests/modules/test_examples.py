"""Each rule's own example, built of torch's modules and run on the CPU: no rule goes without torch's word.

Shapes, dtypes, parameters and buffers are those of the table, and its MACs are half the FLOPs that torch counts.
"""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from typing import Any

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from nnshape import build, verify
from nnshape.calculator.symbolic_example import example_of
from nnshape.modules.lengths import drawn_lengths, lengths_of
from nnshape.modules.run_sizes import first_sizes
from nnshape.shapes.dims import substitute
from nnshape.shapes.functions import all_functions
from nnshape.shapes.layers import all_layers
from nnshape.shapes.tensor import Tensor
from nnshape.tracing import Trace

torch.set_num_threads(1)

RULES: dict[str, Any] = {**all_layers(), **all_functions()}
#: What only certain values go through, and random ones do not.
OF_CERTAIN_VALUES = {"cholesky": "a matrix that is positive definite"}
#: What multiplies where FlopCounterMode counts nothing: operators that it has no formula for.
UNCOUNTED = (
    "Bilinear", "bilinear", "mv", "dot", "vdot", "addmv", "addbmm", "tensordot", "addmv_", "addmm_", "baddbmm_",
)  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_an_example_is_what_torch_makes_of_it(name: str) -> None:
    found = verify(example_of(RULES[name]), device="cpu")
    assert not found.disagreements
    if name not in OF_CERTAIN_VALUES:
        assert not found.unproved
        assert found.agree


def real(value: Tensor, sizes: dict[str, int]) -> torch.Tensor:
    """A real input: random numbers, or zeros, which every index may be."""
    shape, dtype = [int(substitute(size, sizes)) for size in value.shape], getattr(torch, value.dtype)
    return torch.rand(shape).to(dtype) if dtype.is_floating_point else torch.zeros(shape, dtype=dtype)


def flops(trace: Trace, sizes: dict[str, int]) -> int:
    """What torch counts for one sample, in the operators that it has formulas for: no fused ones."""
    given, lengths = {name: real(value, sizes) for name, value in trace.inputs.items()}, lengths_of(trace)
    for name, most in lengths.items():
        given[name] = drawn_lengths(given[name].shape, given[name].dtype, most, sizes)
    inputs = list(given.values())
    with ExitStack() as stack, warnings.catch_warnings(), sdpa_kernel(SDPBackend.MATH):
        warnings.simplefilter("ignore")
        stack.enter_context(torch.backends.mkldnn.flags(enabled=False))  # it warns of a GPU that is not there
        model = build(trace, seed=0).train()
        with FlopCounterMode(display=False) as counter:
            model(*inputs)
    return counter.get_total_flops()


@pytest.mark.parametrize("name", [name for name in RULES if name not in OF_CERTAIN_VALUES])
def test_macs_of_an_example_are_half_of_torchs_flops(name: str) -> None:
    trace = example_of(RULES[name])
    chosen = first_sizes(trace)
    assert chosen is not None
    sizes = {**chosen, "N": 1}
    macs, counted = int(substitute(trace.totals.macs, sizes)), flops(trace, sizes)
    assert counted == (0 if name in UNCOUNTED else 2 * macs)
    assert macs > 0 or name not in UNCOUNTED
