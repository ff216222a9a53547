"""Items of the Sequentials that a ModuleList or ModuleDict holds, called again by themselves."""

import torch
from torch import nn

import nnshape


def test_items_of_members_are_called_again():
    trace = nnshape.trace(
        nnshape.loads("""
            input: 16
            layers:
              heads: ModuleDict(('k', Sequential(Linear(16, 16), ReLU())))
              turns: ModuleList(Sequential(Linear(16, 16), Tanh()) for i in range(2))
              whole: heads['k'](x)
              first: heads['k'][0](x)
              turned: "[turn(x) for turn in turns]"
              inner: "[turn[0](first) for turn in turns]"
              out: whole + first + sum(turned) + sum(inner) + turns[-1][1](x)
            """)
    )
    model = nnshape.build(trace, seed=0)
    x = torch.randn(3, 16)
    head = nn.ModuleList([nn.Linear(16, 16) for _ in range(3)])
    head.load_state_dict(dict(zip(head.state_dict(), model.state_dict().values(), strict=True)))
    first = head[0](x)
    turned, inner = [turn(x).tanh() for turn in head[1:]], [turn(first) for turn in head[1:]]
    assert torch.equal(model(x), first.relu() + first + (0 + turned[0] + turned[1]) + (inner[0] + inner[1]) + x.tanh())
    assert list(model.state_dict()) == [
        f"{name}.0.{kind}" for name in ("heads.k", "turns.0", "turns.1") for kind in ("weight", "bias")
    ]


def test_an_item_of_a_member_that_is_not_there_is_told():
    (problem,) = nnshape.trace(
        nnshape.loads("""
            input: 16
            layers:
              turns: ModuleList(Sequential(Linear(16, 16)) for i in range(2))
              whole: turns[0](x) + turns[1](x)
              out: turns[0][4](whole)
            """)
    ).errors
    assert problem.kind == "index-error"
    assert problem.message == "turns.0 has no item 4: it has 0"
