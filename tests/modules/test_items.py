"""Optional items, nested targets of loops and computed names of items: each model beside its twin written by hand."""

from collections import OrderedDict
from itertools import pairwise

import pytest
import torch
from torch import nn
from twins import held_against

from nnshape import loads, trace


class SE(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, c, 1)

    def forward(self, x):
        return x * self.fc(self.pool(x)).sigmoid()


class Block(nn.Module):
    def __init__(self, a, b, s):
        super().__init__()
        layers = [nn.Conv2d(a, b, 1), nn.BatchNorm2d(b)]
        if s:
            layers.append(SE(b))
        layers += [nn.Conv2d(b, b, 3, s + 1, 1), *([nn.ReLU()] if s > 1 else [])]
        self.body = nn.Sequential(*layers)

    def forward(self, x):
        return self.body(x)


TEXT = """
input: 4xHxW
hparams: {stages: [[8, 0], [12, 1], [8, 2]], names: [low, mid, high], first: 4}
blocks:
  SE(c):
    pool: AdaptiveAvgPool2d(1)
    fc: Conv2d(c, c, 1)
    out: x * fc.sigmoid()
  Block(a, b, s):
    body: >-
      Sequential(Conv2d(a, b, 1), BatchNorm2d(b), *([SE(b)] if s else []), Conv2d(b, b, 3, s + 1, 1),
      *([ReLU()] if s > 1 else []))
layers:
  net: >-
    Sequential((name + f'{i}', Block(a, b, s))
    for i, (name, (a, (b, s))) in enumerate(zip(names, zip([first, *[w for w, n in stages]], stages)), 1))
  taps: ModuleList(Conv2d(8, w, 1, bias=s > 0) for w, s in stages)
  tail: Sequential(*[(names[i], Conv2d(auto, stages[i][0], 1)) for i in [2, 0]], (str(first), Tanh()))
  out: add(*[t(tail) for t, (w, s) in zip(taps, stages) if w == 8])
"""


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        stages, names = [(8, 0), (12, 1), (8, 2)], ["low", "mid", "high"]
        widths = [4, *[w for w, _ in stages]]
        pairs = enumerate(zip(names, pairwise(widths), stages, strict=True), 1)
        self.net = nn.Sequential(OrderedDict((f"{name}{i}", Block(a, b, s)) for i, (name, (a, b), (_, s)) in pairs))
        self.taps = nn.ModuleList(nn.Conv2d(8, w, 1, bias=s > 0) for w, s in stages)
        tail = [("high", nn.Conv2d(8, 8, 1)), ("low", nn.Conv2d(8, 8, 1)), ("4", nn.Tanh())]
        self.tail = nn.Sequential(OrderedDict(tail))

    def forward(self, x):
        x = self.tail(self.net(x))
        return self.taps[0](x) + self.taps[2](x)


def test_optional_items_and_nested_targets_are_the_model_written_by_hand():
    traced = held_against(TEXT, Net(), torch.randn(2, 4, 9, 7))
    assert str(traced.output) == "8 x ceil(H/6) x ceil(W/6)"


@pytest.mark.parametrize(
    ("step", "wanted"),
    [
        ("Sequential(ReLU() for a, (b, c) in [[1, 2]])", ("wrong-type", "a, (b, c) in [[1, 2]]")),
        ("Sequential(ReLU() for a, (b, c) in [[1, [2, 3, 4]]])", ("wrong-type", "a, (b, c) in [[1, [2, 3, 4]]]")),
        ("Sequential(ReLU() for a, *b in [[1, 2]])", ("syntax", "*b")),
        ("Sequential(ReLU() for a, (b[0], c) in [[1, 2]])", ("syntax", "b[0]")),
        ("Sequential((n, ReLU()) for n in [3])", ("wrong-type", "n")),
        (
            "Sequential((n, ReLU()) for n in ['a', 'a'])",
            ("duplicate-key", "Sequential((n, ReLU()) for n in ['a', 'a'])"),
        ),
        ("Sequential((n, ReLU()) for n in ['a.b'])", ("invalid-name", "n")),
        ("Sequential((n + '', ReLU()) for n in ['forward'])", ("invalid-name", "n + ''")),
        ("Sequential(*([ReLU()] if N > 3 else []))", ("unknown-value", "N > 3")),
    ],
)
def test_what_an_item_cannot_be(step, wanted):
    (problem,) = trace(loads(f"input: 4\nlayers:\n  - {step}\n")).problems
    assert (problem.kind, problem.span.text) == wanted


def test_a_pair_of_tensors_is_no_name():
    text = "input: 4\nlayers:\n  two: Sequential(Linear(4, 4), (_, _ * 2), Bilinear(4, 4, 3)(_[0], _[1]))\n"
    traced = trace(loads(text))
    assert (traced.problems, str(traced.output)) == ((), "3")
