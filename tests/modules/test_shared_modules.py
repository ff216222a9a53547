"""A module under two parents has both names in the state dict and counts once, as in torch."""

import copy
import io

import pytest
import torch
from torch import nn

from nnshape import build, loads, render, trace, verify


class Own(nn.Module):
    def __init__(self, shared):
        super().__init__()
        self.own = shared

    def forward(self, x):
        return self.own(x) + self.own.weight.sum()


class Twin(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4)
        self.heads = nn.ModuleList([self.a, self.a])
        self.b = self.a
        self.n = Own(self.a)
        self.deep = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 4))
        self.named = nn.ModuleDict({"p": self.deep, "q": self.deep[1]})
        self.s = nn.Sequential(self.heads[0], nn.ReLU(), self.deep, self.deep[1])
        self.turn = Own(self.named["q"])

    def forward(self, x):
        n = self.n(self.a(x))
        return self.turn(self.s(self.b(n) + self.heads[1](n)) + self.named["p"](self.deep(n)))


TWIN = """
input: 4
blocks:
  Turn(shared):
    own: Module(shared)
    o: own(x) + own.weight.sum()
layers:
  a: Linear(4, 4)
  heads: ModuleList(a, a)
  b: Module(a)
  n:
    own: Module(a)
    o: own(x) + own.weight.sum()
  c: b(n) + heads[1](n)
  deep: Sequential(BatchNorm1d(4), Linear(4, 4))(n)
  named: "ModuleDict({'p': deep, 'q': deep[1]})"
  s: Sequential(heads[0], ReLU(), Module(deep), Module(deep[1]))(c)
  t: s + named['p'](deep)
  turn: Turn(named['q'])
"""


def test_the_state_dict_and_output_are_those_of_a_twin():
    traced = trace(loads(TWIN))
    assert [problem.message for problem in traced.errors] == []
    assert verify(traced).agree
    model, twin = build(traced).eval(), Twin().eval()
    assert list(model.state_dict()) == list(twin.state_dict())
    assert [name for name, _ in model.named_parameters()] == [name for name, _ in twin.named_parameters()]
    assert [row.name for row in traced.parameters if row.tied_to is None] == [
        name for name in twin.state_dict() if name in {**dict(twin.named_parameters()), **dict(twin.named_buffers())}
    ]
    assert traced.totals.parameters == sum(p.numel() for p in twin.parameters())
    assert traced.totals.buffers == sum(b.numel() for b in twin.buffers())
    assert model.b is model.a is model.n.own is model.heads[1] is model.s[0]
    twin.load_state_dict(model.state_dict())
    x = torch.rand(3, 4)
    assert torch.equal(model(x), twin(x))
    again = copy.deepcopy(model)
    assert again.b is again.a
    stored = io.BytesIO()
    torch.save(model, stored)
    stored.seek(0)
    assert torch.equal(torch.load(stored, weights_only=False)(x), twin(x))


TWO = "input: 4\nlayers:\n  a: Linear(4, 4)\n  b: Module(a)\n  c: Linear(4, 4)(b(_))\n"


@pytest.mark.parametrize("name", ["a", "b"])
def test_either_name_freezes_and_ties(name):
    frozen = trace(loads(f"{TWO}freeze: [{name}.weight]\n"))
    assert [(row.name, row.trainable) for row in frozen.parameters] == [
        ("a.weight", False), ("a.bias", True), ("b.weight", False), ("b.bias", True), ("c.weight", True),
        ("c.bias", True),
    ]  # fmt: skip
    assert (frozen.totals.parameters, frozen.totals.trainable) == (40, 24)
    assert verify(frozen).agree
    for pair in (f"{name}.weight: c.weight", f"c.weight: {name}.weight"):
        tied = trace(loads(f"{TWO}tie: {{{pair}}}\n"))
        assert tied.errors == ()
        assert tied.totals.parameters == 24
        assert verify(tied).agree
        model = build(tied)
        assert model.a.weight is model.b.weight is model.c.weight
    assert trace(loads(f"{TWO}tie: {{b.bias: a.bias}}\n")).errors == ()


def test_the_table_and_the_list_of_parameters_say_that_it_is_shared():
    traced = trace(loads(TWO))
    assert [(row.name, row.tied_to) for row in traced.parameters if row.tied_to] == [
        ("b.weight", "a.weight"), ("b.bias", "a.bias"),
    ]  # fmt: skip
    row = next(line for line in render(traced).splitlines() if line.startswith("b "))
    assert "(reused)" in row
    assert [call.parameters for call in traced.calls] == [20, 0, 20]


@pytest.mark.parametrize(
    "layers",
    [
        "late: Linear(4, 4)\n  b: Module(late)(_)",
        "a: Module(Linear(auto, 3))\n  heads: ModuleList(a, a)\n  o: heads[1](x)",
        "a: Module(Sequential(Linear(4, 4), ReLU()))\n  idle: ModuleList(Sequential(a, Linear(4, 2)))\n  o: a(x)",
        "a: Conv1d(4, 4, 1)(x.unsqueeze(-1)).squeeze(-1)\n  b: Module(a)\n  o: a + b(x.unsqueeze(-1)).squeeze(-1)",
        "heads: ModuleList(Linear(4, 4) for i in range(2))\n  again: Module(heads)\n  o: again[0](heads[1](x))",
        "d: ModuleDict(('a', Linear(4, 4)))\n  b: Module(d['a'])\n  o: b(_)",
    ],
)
def test_what_has_two_names_is_built_and_proved(layers):
    traced = trace(loads(f"input: 4\nlayers:\n  {layers}\n"))
    assert [problem.message for problem in traced.problems] == []
    assert verify(traced).agree
    model = build(traced)
    assert len(model.state_dict()) == len(traced.parameters) > len(list(model.parameters()))
    assert model(torch.rand(2, 4)).shape[0] == 2


def test_a_block_that_runs_again_names_its_shared_module_once():
    traced = trace(loads("""
        input: 4
        blocks:
          Turn(m):
            own: Module(m)
            o: own(x)
        layers:
          m: Module(Linear(4, 4))
          t: Turn(m)
          v: t(t(t))
    """))  # fmt: skip
    assert traced.problems == ()
    assert [row.name for row in traced.parameters] == ["m.weight", "m.bias", "t.own.weight", "t.own.bias"]
    assert verify(traced).agree


@pytest.mark.parametrize(
    ("step", "kind", "words"),
    [
        ("Module(x)", "wrong-type", "not a tensor 4"),
        ("Module(p)", "wrong-type", "not a tensor [4]"),
        ("Module(top[7])", "index-error", "top has no item 7"),
        ("ModuleList(p, top)", "wrong-type", "an item of a ModuleList must be a module"),
        ("Sequential(top, heads)", "wrong-type", "cannot be called"),
    ],
)
def test_what_is_no_module_is_told(step, kind, words):
    head = "  p: Parameter(4)\n  top: Module(Sequential(Linear(4, 4)))\n  heads: ModuleList(Linear(4, 4))\n"
    traced = trace(loads(f"input: 4\nlayers:\n{head}  t: top(x)\n  o: {step}\n"))
    assert [problem.kind for problem in traced.errors] == [kind]
    assert words in traced.errors[0].message
    assert traced.errors[0].span.line == 7


@pytest.mark.parametrize(("doublings", "kinds"), [(6, []), (40, ["too-large"])])
def test_names_that_double_are_work(doublings, kinds):
    lines = "".join(f"  l{i}: ModuleList({f'l{i - 1}' if i else 'e'}, e)\n" for i in range(1))
    lines += "".join(f"  l{i}: ModuleList(l{i - 1}, l{i - 1})\n" for i in range(1, doublings))
    traced = trace(loads(f"input: 4\nlayers:\n  e: Module(Sequential(Linear(4, 4)))\n{lines}  o: e(x)\n"))
    assert [problem.kind for problem in traced.errors][:1] == kinds
    if not kinds:
        assert len(traced.parameters) == 2 * (1 + sum(2**i for i in range(1, doublings + 1)))


def test_names_that_double_before_the_module_is_made_are_work():
    lines = "".join(f"  l{i}: ModuleList(l{i - 1}, l{i - 1})\n" for i in range(1, 14))
    text = f"  e: Module(Sequential(*(Linear(4, 4) for i in range(1000))))\n  l0: ModuleList(e, e)\n{lines}  o: e(x)\n"
    (problem,) = trace(loads(f"input: 4\nlayers:\n{text}")).errors
    assert problem.kind == "too-large"
    assert "names of shared modules" in problem.message
