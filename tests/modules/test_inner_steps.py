"""Values inside a body that a step has applied: as outputs and in expressions, in the trace and in the built module."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from nnshape import build, loads, trace, verify

BLOCKS = """
input: 4
blocks:
  Body(n):
    l1: Linear(4, n)
    act: dropout(relu(l1), 0.5)
    sub: Inner(n)
    l2: Linear(n, 3)
  Inner(n)(x):
    s: Sequential((f'layer{i}', Linear(n, n)) for i in range(2))
    t: Sequential(ReLU(), Linear(n, 2 * n))
    o: t.chunk(2, -1)[0]
  Taps(n)(x):
    body: Body(n)
    out: cat([body.l1, body.sub.t, body], -1)
layers:
"""


class Inner(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.s = nn.Sequential()
        for i in range(2):
            self.s.add_module(f"layer{i}", nn.Linear(n, n))
        self.t = nn.Sequential(nn.ReLU(), nn.Linear(n, 2 * n))

    def forward(self, x, kept):
        kept["sub.s.layer0"] = self.s.layer0(x)
        kept["sub.s"] = self.s(x)
        kept["sub.t"] = self.t(self.s(x))
        kept["sub"] = kept["sub.t"].chunk(2, -1)[0]
        return kept["sub"]


class Body(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.l1, self.sub, self.l2 = nn.Linear(4, n), Inner(n), nn.Linear(n, 3)

    def forward(self, x):
        kept = {"l1": self.l1(x)}
        kept["act"] = F.dropout(F.relu(kept["l1"]), 0.5, self.training)
        kept[""] = kept["l2"] = self.l2(self.sub(kept["act"], kept))
        return kept


class Taps(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.body = Body(n)

    def forward(self, x):
        kept = self.body(x)
        return torch.cat([kept["l1"], kept["sub.t"], kept[""]], -1)


class Model(nn.Module):
    def __init__(self, run, **modules):
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)
        self.run = run

    def forward(self, x):
        return self.run(self, x)


def some(kept, *names):
    return [kept[name] for name in names]


CASES = {
    "outputs at every level": (
        """
          body: Body(5)
        output: [body.l1, body, body.act, body.sub, body.sub.s, body.sub.s.layer0, body.sub.t, body.l2]
        """,
        lambda: Model(
            lambda m, x: some(m.body(x), "l1", "", "act", "sub", "sub.s", "sub.s.layer0", "sub.t", "l2"), body=Body(5)
        ),
    ),
    "a mapping of one output inside": (
        """
          body: Body(5)
        output: {low: body.sub.s.layer0, high: body}
        """,
        lambda: Model(lambda m, x: some(m.body(x), "sub.s.layer0", ""), body=Body(5)),
    ),
    "each of two calls has its own values": (
        """
          body: Body(5)
          again: body(x * 2)
          sum: body.l1 + again.l1
        output: [sum, again.sub.t, body.sub.s, again]
        """,
        lambda: Model(
            lambda m, x: [
                m.body(x)["l1"] + m.body(x * 2)["l1"], m.body(x * 2)["sub.t"], m.body(x)["sub.s"], m.body(x * 2)[""],
            ],
            body=Body(5),
        ),
    ),
    "in a block that is applied twice": (
        """
          taps: Taps(5)
          again: taps(x + 1)
          both: taps + again
        """,
        lambda: Model(lambda m, x: m.taps(x) + m.taps(x + 1), taps=Taps(5)),
    ),
    "in a list": (
        """
          bodies: ModuleList(Body(n) for n in [5, 6])
          one: bodies[0](x)
          two: bodies[1](x)
          out: (one.l1[:, :1] + two.l1).flatten(1) * two.sub.shape[-1]
        output: [out, two.sub.s, one, two]
        """,
        lambda: Model(
            lambda m, x: [
                (m.bodies[0](x)["l1"][:, :1] + m.bodies[1](x)["l1"]) * 6, m.bodies[1](x)["sub.s"],
                m.bodies[0](x)[""], m.bodies[1](x)[""],
            ],
            bodies=nn.ModuleList([Body(5), Body(6)]),
        ),
    ),
    "numbered steps and steps of a loop around": (
        """
          body: Body(5)
          h: Sequential(Linear(3, 5), Sequential(_ + body.l1, _ * body.sub.t.steps[0]), Linear(5, 5))
        output: ["h.steps[0]", "h.steps[1].steps[0]", "h", "body.sub.s.steps['layer0']"]
        """,
        lambda: Model(
            lambda m, x: (
                lambda kept, first: [
                    first, first + kept["l1"],
                    m.h[2]((first + kept["l1"]) * F.relu(kept["sub.s"])), kept["sub.s.layer0"],
                ]
            )(m.body(x), m.h[0](m.body(x)[""])),
            body=Body(5), h=nn.Sequential(nn.Linear(3, 5), nn.Identity(), nn.Linear(5, 5)),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "twin"), CASES.values(), ids=list(CASES))
def test_it_computes_what_the_twin_does(body, twin):
    traced = trace(loads(BLOCKS + "\n".join(line[8:] for line in body.splitlines())))
    assert [(p.kind, p.message) for p in traced.problems if p.kind != "unused-step"] == []
    assert verify(traced, modes=("evaluation", "training")).agree
    model, real = build(traced).eval(), twin().eval()
    real.load_state_dict(model.state_dict())
    assert list(model.state_dict()) == list(real.state_dict())
    x = torch.rand(3, 4)
    wanted = real(x)
    for one in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        values = one(x)
        values = list(values.values()) if isinstance(values, dict) else values
        for ours, theirs in zip(values, wanted, strict=True):
            assert torch.equal(ours, theirs)
    exported = torch.export.export(model, (x,)).module()(x)
    exported = list(exported.values()) if isinstance(exported, dict) else exported
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(exported, wanted, strict=True))


def test_the_modules_on_the_way_train_as_they_are_told():
    traced = trace(loads(BLOCKS + "  body: Body(5)\noutput: [body.act, body]\n"))
    model = build(traced).train()
    model.body.eval()
    x = torch.rand(50, 4)
    assert torch.equal(model(x)[0], F.relu(model.body.l1(x)))
    model.body.train()
    assert not torch.equal(model(x)[0], F.relu(model.body.l1(x)))


@pytest.mark.parametrize(
    ("output", "kind", "text"),
    [
        ("body.l3", "unknown-name", "l3"),
        ("body.sub.s.layer9", "unknown-name", "layer9"),
        ("heads", "wrong-type", "heads"),
        ("heads[0]", "wrong-type", "heads[0]"),
        ("unused.s", "unknown-name", "unused.s"),
        ("k", "wrong-type", "k"),
        ("None", "wrong-type", "None"),
        ("x.shape[0]", "wrong-type", "x.shape[0]"),
        ("(body, heads)", "wrong-type", "(body, heads)"),
        ("Linear", "wrong-type", "Linear"),
        ("Linear(4, 4)", "wrong-type", "Linear(4, 4)"),
        ("two.l1", "ambiguous-name", "two.l1"),
    ],
)
@pytest.mark.parametrize("form", ["{}", "[body, '{}']", "{{a: body, b: '{}'}}"])
def test_an_output_that_is_no_tensor_is_refused_where_it_stands(output, kind, text, form):
    layers = """
  k: 3
  heads: ModuleList(Body(5) for i in range(1))
  head: heads[0](x)
  body: Body(5)(x)
  two: body(x) + body(x * 2)
  unused: relu(two)
"""
    traced = trace(loads(BLOCKS + layers + f"output: {form.format(output)}\n"))
    assert [(p.kind, p.span.text) for p in traced.errors] == [(kind, text)]
