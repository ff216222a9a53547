"""The MACs of whole models are half the FLOPs that torch counts on meta, where no operator is fused.

`test_examples.py` holds the MACs of each layer and function in the same way.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from nnshape import Trace, build, load, loads, trace
from nnshape.modules.proof_runs import input_tensor
from nnshape.modules.run_sizes import first_sizes
from nnshape.shapes.dims import substitute

ROOT = Path(__file__).parents[2]
MODELS = sorted((ROOT / "configs").glob("*.yaml"))


def flops(traced: Trace, sizes: dict[str, int]) -> int:
    """What torch counts in the operators that it has formulas for."""
    meta = torch.device("meta")
    model = build(traced, "meta").eval().requires_grad_(False)  # the counter cannot watch gradients on meta
    inputs = [input_tensor(value, sizes, meta) for value in traced.inputs.values()]
    with warnings.catch_warnings(), torch.no_grad(), FlopCounterMode(display=False) as counter:
        warnings.simplefilter("ignore")
        model(*inputs)
    return counter.get_total_flops()


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_the_macs_of_a_model_are_half_of_torchs_flops(path):
    spec = load(path)
    for variant in list(spec.variants)[:2] or [None]:
        traced = trace(spec, variant=variant)
        sizes = first_sizes(traced)
        assert sizes is not None
        macs = substitute(traced.root.macs, sizes)
        assert isinstance(macs, int)
        assert macs > 0
        assert flops(traced, sizes) == 2 * macs
        assert not traced.totals.partial_macs


def test_a_wrong_count_is_seen():
    traced = trace(loads("input: 8\nlayers:\n  fc: Linear(8, 4)\n  act: ReLU()\n"))
    assert flops(traced, {"N": 3}) == 2 * 3 * 8 * 4 != 2 * 2 * 8 * 4
