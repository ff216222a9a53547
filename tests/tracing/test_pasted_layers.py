"""Layers as torch prints them, pasted as steps."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nnshape import build, loads, trace

MODULES = {
    "4": [
        nn.RNNCell(4, 3, nonlinearity="relu"), nn.RNNCell(4, 3, bias=False), nn.GRUCell(4, 3), nn.LazyLinear(5),
        nn.LazyLinear(5, bias=False),
    ],
    "7x4": [nn.RNN(4, 3), nn.LSTM(4, 3, bidirectional=True), nn.LazyBatchNorm1d(), nn.LazyConv1d(5, 3)],
    "3x8x8": [
        nn.LazyConv2d(5, 3), nn.LazyConv2d(5, 3, padding=1, bias=False, padding_mode="reflect"), nn.LazyBatchNorm2d(),
        nn.LazyBatchNorm2d(affine=False, momentum=None), nn.LazyInstanceNorm2d(), nn.LazyConvTranspose2d(5, 3),
        nn.Conv2d(3, 5, 3, padding="same"),
    ],
    "3x8x8x8": [nn.LazyConv3d(5, 3), nn.LazyConvTranspose3d(5, 3), nn.LazyBatchNorm3d()],
}  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "module"), [(shape, module) for shape, those in MODULES.items() for module in those], ids=str
)
def test_a_layer_as_torch_prints_it(shape: str, module: nn.Module) -> None:
    sizes = tuple(map(int, shape.split("x")))
    model = trace(loads(f"input: {shape}\nlayers:\n  a: {module}\n"))
    wanted = module(torch.zeros(2, *sizes))
    assert [problem.message for problem in model.errors] == []
    built = build(model)
    assert [(name, value.shape) for name, value in built.state_dict().items()] == [
        (f"a.{name}", value.shape) for name, value in module.state_dict().items()
    ]
    built.load_state_dict({f"a.{name}": value for name, value in module.state_dict().items()})
    x = torch.rand(2, *sizes)
    found = built.eval()(x)
    for one, other in zip(_tensors(found), _tensors(module.eval()(x)), strict=True):
        assert torch.equal(one, other)
    assert len(_tensors(found)) == len(_tensors(wanted))


def _tensors(value: object) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    assert isinstance(value, tuple)
    return [tensor for item in value for tensor in _tensors(item)]


@pytest.mark.parametrize(
    "step",
    [
        "LazyConv2d(0, 3)",  # no channels out, as torch reads it
        "LazyConv2d(1, 5, kernel_size=3)",
        "LazyLinear(in_features=3, out_features=5)",
        "RNNCell(8, 3, nonlinearity=gelu)",
        "RNNCell(8, 3, nonlinearity=ReLU)",
    ],
)
def test_what_torch_does_not_print_is_refused(step: str) -> None:
    problems = trace(loads(f"input: 3x8x8\nlayers:\n  a: {step}\n")).errors
    assert problems
    assert problems[0].span is not None


def test_a_block_takes_the_function_itself() -> None:
    text = """
input: 4
blocks:
  Act(nonlinearity): nonlinearity(x)
layers:
  a: Act(nonlinearity=relu)
"""
    model = trace(loads(text))
    assert [problem.message for problem in model.errors] == []
    assert torch.equal(build(model)(-torch.ones(2, 4)), torch.zeros(2, 4))
