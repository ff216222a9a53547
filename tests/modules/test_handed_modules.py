"""A module that a block is handed keeps its own name, counts once, and is shared by every block that has it."""

import torch
from torch import nn
from twins import held_against

TEXT = """
input: [N, T, 8]
blocks:
  Turn(update, d)(x):
    lin: Linear(d, d)
    out: x + update(lin)
layers:
  update: Module(Linear(8, 8))
  first: Turn(update, 8)
  turns: Sequential(Turn(update, 8) for i in range(2))
  own: Turn(Linear(8, 8), 8)
"""


class Turn(nn.Module):
    def __init__(self, out=None):
        super().__init__()
        self.lin = nn.Linear(8, 8)
        if out is not None:
            self.out = out

    def forward(self, x, update=None):
        return x + (update or self.out)(self.lin(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.update = nn.Linear(8, 8)
        self.first = Turn()
        self.turns = nn.ModuleList(Turn() for _ in range(2))
        self.own = Turn(nn.Linear(8, 8))

    def forward(self, x):
        for turn in (self.first, *self.turns):
            x = turn(x, self.update)
        return self.own(x)


def test_a_module_that_every_turn_shares():
    traced = held_against(TEXT, Net(), torch.randn(2, 3, 8))
    assert str(traced.output) == "T x 8"
    assert traced.totals.parameters == 6 * 72
