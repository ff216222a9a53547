"""Modules that are held or declared and never called have the parameters, names and order that torch gives them."""

import copy
import pickle

import pytest
import torch
from torch import nn

from nnshape import build, loads, trace, verify

MODEL = """
input: 3x32x32
blocks:
  Conv(a, b):
    conv: Conv2d(a, b, 3)
    bn: BatchNorm2d(b)(relu(conv))
  Aux(c, n)(x[N, C, H, W]):
    scale: Parameter(c, 1, 1)
    conv: Conv2d(c, 8, 1)(adaptive_avg_pool2d(x * scale, 4))
    fc1: Linear(128, 16)(conv.flatten(1))
    sub: Sequential(Conv(8, 9), ReLU())(conv)
    inner:
      a: Linear(9, 9)(x.mean((2, 3)))
      b: LayerNorm(9)(a + x.mean((2, 3)))
    two: sub.mean(dim=(2, 3)) + Linear(16, 9)(fc1)
    heads: ModuleList(Linear(9, i) for i in [1, 2])
    fc2: Linear(9, n)(cat([inner, two], 1)[:, :9])
  Two(a)(x, y, mask=None):
    one: Bilinear(a, a, 3)(x, y)
    masked: one * mask
    many: "[relu(one), tanh(one)]"
    fc: Linear(3, 2)(many[0])
layers:
  conv: Conv(3, 6)
  aux: ModuleList([Aux(6, 10), Sequential(Conv(6, 7), *[Linear(7, n) for n in [8, 9]]), Linear(3, 4), Two(5)])
  named: ModuleDict(('a', Sequential(Conv(6, 2), _ * 2, Linear(3, 3))), ('b', ModuleList([Two(2)])))
  out: conv.mean((2, 3))
"""


class Conv(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(a, b, 3), nn.BatchNorm2d(b)


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(9, 9), nn.LayerNorm(9)


class Aux(nn.Module):
    def __init__(self, c, n):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(c, 1, 1))
        self.conv, self.fc1, self.sub = nn.Conv2d(c, 8, 1), nn.Linear(128, 16), nn.Sequential(Conv(8, 9), nn.ReLU())
        self.inner, self.two = Inner(), nn.Linear(16, 9)
        self.heads, self.fc2 = nn.ModuleList(nn.Linear(9, i) for i in [1, 2]), nn.Linear(9, n)


class Two(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.one, self.fc = nn.Bilinear(a, a, 3), nn.Linear(3, 2)


class Twin(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = Conv(3, 6)
        self.aux = nn.ModuleList(
            [Aux(6, 10), nn.Sequential(Conv(6, 7), nn.Linear(7, 8), nn.Linear(7, 9)), nn.Linear(3, 4), Two(5)]
        )
        named = nn.Sequential(Conv(6, 2))
        named.add_module("2", nn.Linear(3, 3))
        self.named = nn.ModuleDict({"a": named, "b": nn.ModuleList([Two(2)])})


def test_what_is_held_and_never_called_counts():
    traced = trace(loads(MODEL))
    assert [problem.message for problem in traced.problems] == []
    assert verify(traced).agree
    model, twin = build(traced), Twin()
    assert [(k, v.shape) for k, v in model.state_dict().items()] == [(k, v.shape) for k, v in twin.state_dict().items()]
    twin.load_state_dict(model.state_dict())
    totals = traced.totals
    assert (totals.parameters, totals.partial_parameters) == (sum(p.numel() for p in twin.parameters()), False)
    assert sum(call.parameters for call in traced.root.children) == totals.parameters
    x = torch.rand(2, 3, 32, 32)
    for one in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert one(x).shape == (2, 6)
        assert type(one.aux[1]) is nn.Sequential
        with pytest.raises(NotImplementedError, match=r"no step of the spec calls aux\.0, so its forward"):
            one.aux[0](torch.rand(2, 6, 5, 5))


@pytest.mark.parametrize(
    ("item", "kind", "text"),
    [
        ("Sequential(Linear(auto, 4))", "unknown-value", "Sequential(Linear(auto, 4))"),
        ("Branch(4)", "unknown-value", "Branch(4)"),
        ("Sequential(Linear(-1, 4))", "invalid-argument", "-1"),
        ("Sequential(Linear(k, 4))", "unknown-name", "k"),
    ],
)
def test_what_cannot_be_known_is_told_and_shown_as_a_least(item, kind, text):
    traced = trace(
        loads(f"""
input: 3x8
blocks:
  Branch(n):
    a: Linear(n, 4) if x.shape[1] > 3 else Linear(n, 5)
layers:
  h: ModuleList([Linear(2, 2), {item}])
  out: relu(x)
""")
    )
    assert (kind, text) in [(problem.kind, problem.span.text) for problem in traced.errors]
    assert traced.totals.partial_parameters
    assert traced.totals.parameters == 6
