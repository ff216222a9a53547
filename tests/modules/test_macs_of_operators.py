"""The MACs of every operator that torch has a FLOP formula for, against that formula on meta."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from nnshape import build, loads, trace
from nnshape.modules.proof_runs import input_tensor
from nnshape.shapes.dims import substitute

SIZES = {"N": 3, "T": 5, "S": 7}
#: For each operator the inputs, and steps that torch runs by it.
STEPS = {
    "aten.mm": [
        ("x: '[T, 6]', y: '[6, S]'", "x @ y"),
        ("x: '[T, 6]', y: '[6, S]'", "mm(x, y)"),
        ("x: '[T, 6]'", "Linear(6, 4, bias=False)(x)"),
        ("x: '[N, T, 6]', y: '[6, S]'", "matmul(x, y)"),
        ("x: '[T, 2, 3]', y: '[2, 3, S]'", "tensordot(x, y, 2)"),
    ],
    "aten.addmm": [
        ("x: '[T, 6]'", "Linear(6, 4)(x)"),
        ("x: '[S]', y: '[T, 6]', z: '[6, S]'", "addmm(x, y, z)"),
        ("x: '[N, 6]'", "LSTMCell(6, 4)(x)"),
        ("x: '[N, 6]'", "GRUCell(6, 4)(x)"),
    ],
    "aten.bmm": [
        ("x: '[T, 6]', y: '[S, 6]'", "einsum('ti,si->ts', x, y)"),
        ("x: '[N, T, 6]', y: '[N, 6, S]'", "bmm(x, y)"),
        ("x: '[N, 2, T, 6]', y: '[N, 2, 6, S]'", "x @ y"),
        ("x: '[N, T, 6]', y: '[N, S, 6]'", "einsum('nti,nsi->nts', x, y)"),
        ("q: '[N, 2, T, 8]', k: '[N, 2, S, 8]', v: '[N, 2, S, 6]'", "scaled_dot_product_attention(q, k, v)"),
        ("q: '[N, 2, T, 8]'", "scaled_dot_product_attention(q, q, q, is_causal=True)"),
        ("q: '[N, T, 8]', m: '[T, T]'", "scaled_dot_product_attention(q, q, q, m)"),
        ("q: '[N, 6, T, 8]', k: '[N, 2, S, 8]'", "scaled_dot_product_attention(q, k, k, enable_gqa=True)"),
        ("x: '[N, T, 8]'", "MultiheadAttention(8, 2, batch_first=True)(x, x, x)"),
    ],
    "aten.baddbmm": [
        ("x: '[N, T, S]', y: '[N, T, 6]', z: '[N, 6, S]'", "baddbmm(x, y, z)"),
        ("x: '[S]', y: '[N, T, 6]', z: '[N, 6, S]'", "baddbmm(x, y, z)"),
    ],
    "aten.convolution": [
        ("x: '[N, 4, T]'", "Conv1d(4, 6, 3)(x)"),
        ("x: '[4, T, S]'", "Conv2d(4, 6, 3, groups=2)(x)"),
        ("x: '[N, 4, 16, T]'", "Conv2d(4, 6, 3, 2, 1, dilation=2, padding_mode='circular')(x)"),
        ("x: '[N, 4, T, S, 6]'", "Conv3d(4, 2, 3, padding='same')(x)"),
        ("x: '[N, 4, T]'", "ConvTranspose1d(4, 6, 3, 2)(x)"),
        ("x: '[N, 4, T, S]'", "ConvTranspose2d(4, 6, 3, 2, groups=2)(x)"),
        ("x: '[N, 4, T, S, 3]'", "ConvTranspose3d(4, 6, 2)(x)"),
        ("x: '[N, 4, T, S]', w: '[6, 2, 3, 3]'", "conv2d(x, w, groups=2)"),
        ("x: '[N, 4, T, S]', w: '[4, 2, 3, 3]'", "conv_transpose2d(x, w, stride=2, groups=2)"),
    ],
}  # fmt: skip
#: The operators that no model of a spec runs in evaluation on meta, and why.
UNREACHABLE = {
    "aten._scaled_mm": "the language has no float8 products",
    **dict.fromkeys(
        ["aten._convolution", "aten.cudnn_convolution", "aten.convolution_overrideable", "aten._slow_conv2d_forward"],
        "a kernel below aten.convolution, which is counted",
    ),
    **dict.fromkeys(
        [
            "aten._scaled_dot_product_efficient_attention", "aten._scaled_dot_product_flash_attention",
            "aten._scaled_dot_product_cudnn_attention", "aten._flash_attention_forward",
            "aten._efficient_attention_forward",
        ],
        "a fused kernel of a GPU; on meta attention is two products",
    ),
    "flex_attention": "the language has no such function",
}  # fmt: skip
CASES = [(operator, inputs, step) for operator, steps in STEPS.items() for inputs, step in steps]


def test_every_operator_of_the_registry_is_held_or_has_a_reason():
    forward = {str(operator) for operator in flop_registry if not str(operator).endswith("_backward")}
    assert set(STEPS) | set(UNREACHABLE) == forward
    assert not set(STEPS) & set(UNREACHABLE)


@pytest.mark.parametrize(("operator", "inputs", "step"), CASES, ids=[f"{step} {inputs}" for _, inputs, step in CASES])
def test_the_macs_are_half_of_the_flops(operator, inputs, step):
    traced = trace(loads(f"input: {{{inputs}}}\nlayers:\n  a: {step}\n"))
    assert traced.errors == ()
    meta = torch.device("meta")
    model = build(traced, "meta").eval().requires_grad_(False)
    given = [input_tensor(value, SIZES, meta) for value in traced.inputs.values()]
    with warnings.catch_warnings(), torch.no_grad(), FlopCounterMode(display=False) as counter:
        warnings.simplefilter("ignore")
        model(*given)
    assert operator in {str(packet) for packet in counter.get_flop_counts()["Global"]}
    macs = substitute(traced.root.macs, SIZES)
    assert (counter.get_total_flops(), traced.totals.partial_macs) == (2 * macs, False)
