"""ModuleList and its like: what they hold, how later steps apply it, and the module that is built."""

import copy
import pickle

import pytest
import torch
from torch import nn

from nnshape import build, loads, trace, verify

MODEL = """
name: Mixture
input: [N, 8]
blocks:
  Expert(d, h):
    up: Linear(d, h)
    down: Linear(h, d)
layers:
  trunk: Linear(8, 8)
  experts: ModuleList(Expert(8, 16) for i in range(4))
  stacked: stack([expert(trunk) for expert in experts], 1)
  mixed: (stacked * trunk.mean(-1)[:, None, None]).sum(1) + experts[-1](trunk)
  heads: ModuleDict(('cls', Linear(8, 3)), ('box', Linear(auto, 4)))
  scales: ParameterList(Parameter(1) for i in range(len(experts)))
  biases: ParameterDict(('cls', Parameter(zeros(3))))
  cls: heads['cls'](mixed) * scales[0] + biases['cls']
  box: heads.box(mixed) * scales[1]
  count: len(experts[1:])
  nested: "ModuleList([ModuleList([Linear(8, 1), Linear(8, 2)]), Identity()])"
  deep: nested[0][1](mixed)
output: (cls, box, deep)
"""


class Expert(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x):
        return self.down(self.up(x))


class Mixture(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Linear(8, 8)
        self.experts = nn.ModuleList(Expert() for _ in range(4))
        self.heads = nn.ModuleDict({"cls": nn.Linear(8, 3), "box": nn.Linear(8, 4)})
        self.scales = nn.ParameterList(nn.Parameter(torch.randn(1)) for _ in range(4))
        self.biases = nn.ParameterDict({"cls": nn.Parameter(torch.zeros(3))})
        self.nested = nn.ModuleList([nn.ModuleList([nn.Linear(8, 1), nn.Linear(8, 2)]), nn.Identity()])

    def forward(self, x):
        trunk = self.trunk(x)
        stacked = torch.stack([expert(trunk) for expert in self.experts], 1)
        mixed = (stacked * trunk.mean(-1)[:, None, None]).sum(1) + self.experts[-1](trunk)
        cls = self.heads["cls"](mixed) * self.scales[0] + self.biases["cls"]
        return cls, self.heads["box"](mixed) * self.scales[1], self.nested[0][1](mixed)


def test_the_built_model_is_the_one_that_is_written_by_hand():
    traced = trace(loads(MODEL))
    assert traced.problems == ()
    assert [str(tensor) for tensor in traced.output] == ["3", "4", "2"]
    assert verify(traced).agree
    built, twin = build(traced), Mixture()
    assert {k: v.shape for k, v in built.state_dict().items()} == {k: v.shape for k, v in twin.state_dict().items()}
    assert traced.totals.parameters == sum(parameter.numel() for parameter in twin.parameters())
    assert (type(built.experts), type(built.heads), type(built.scales)) == (
        nn.ModuleList, nn.ModuleDict, nn.ParameterList,
    )  # fmt: skip
    twin.load_state_dict(built.state_dict())
    x = torch.rand(5, 8)
    for model in (built, copy.deepcopy(built), pickle.loads(pickle.dumps(built))):
        for ours, theirs in zip(model(x), twin(x), strict=True):
            assert torch.allclose(ours, theirs)


def test_a_container_takes_no_turn_in_the_flow():
    traced = trace(loads("input: 8\nlayers:\n  a: Linear(8, 4)\n  held: ModuleList([ReLU()])\n  b: Linear(4, 2)\n"))
    assert traced.problems == ()
    assert [call.path for call in traced.calls] == ["a", "held", "b"]


def test_a_block_that_holds_modules_can_be_applied_twice():
    text = (
        "input: 8\nblocks:\n  Two(d):\n    held: ModuleList(Linear(d, d) for i in range(2))\n"
        "    out: held[1](held[0](x))\n"
        "layers:\n  a: Two(8)\n  b: a(a)\n"
    )
    traced = trace(loads(text))
    assert traced.problems == ()
    assert traced.totals.parameters == 2 * 72
    assert verify(traced).agree


@pytest.mark.parametrize(
    ("steps", "kind", "place", "words"),
    [
        (["a: ModuleList([Linear(8, 4)])", "b: a(x)"], "wrong-type", (4, 6), "call one of its items: a[0](x)"),
        (["a: ModuleList([Linear(8, 4)])", "b: a[1](x)"], "index-error", (4, 6), ""),
        (["a: ModuleDict(('up', ReLU()))", "b: a['upp'](x)"], "index-error", (4, 6), "did you mean up?"),
        (["a: ModuleList([Linear(8, 4)])", "b: a['up'](x)"], "wrong-type", (4, 6), "its index must be a number"),
        (["a: ModuleList([Linear(8, 4)(x)])"], "wrong-type", (3, 18), "a module that is not called"),
        (["a: ModuleList([x])"], "wrong-type", (3, 18), "a module that is not called"),
        (["a: ModuleList([Parameter(3)])"], "wrong-type", (3, 18), "a module that is not called"),
        (["a: ParameterList([Linear(8, 4)])"], "wrong-type", (3, 21), "must be a Parameter"),
        (["a: ModuleDict([Linear(8, 4)])"], "wrong-type", (3, 18), "a pair of a name"),
        (["a: ModuleDict(up=Linear(8, 4))"], "unknown-argument", (3, 17), "takes items"),
        (["a: ModuleList([Linear(auto, 4), ReLU()])"], "unknown-value", (3, 18), "a.0 is never called"),
        (["a: ModuleList([Linear(8, 4)])", "b: Linear(9, 1)(a[0](x))"], "size-mismatch", (4, 13), "9"),
    ],
)
def test_what_goes_wrong_is_told_at_its_place(steps, kind, place, words):
    text = "input: 8\nlayers:\n" + "".join(f"  {step.replace(': ', ': ', 1)}\n" for step in steps)
    problem = trace(loads(text)).errors[0]
    assert (problem.kind, (problem.span.line, problem.span.column)) == (kind, place), problem
    assert words in " ".join((problem.message, *problem.help))
