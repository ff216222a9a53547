"""Every item of a loop keeps its own values of the loop's variables: each model beside its twin written by hand."""

import pytest
import torch
from torch import nn

from nnshape import build, loads, trace, verify


def heads(*widths: int) -> nn.ModuleList:
    return nn.ModuleList(nn.Sequential(nn.Linear(4, n)) for n in widths)


class Wrap(nn.Module):
    def __init__(self, body: nn.Module, n: int) -> None:
        super().__init__()
        self.body, self.fc = body, nn.Linear(n, 1)

    def forward(self, x):
        return self.fc(self.body(x))


class Deep(nn.Module):
    def __init__(self, n: int) -> None:
        super().__init__()
        self.s = nn.Sequential(nn.Sequential(nn.Linear(4, n), nn.Linear(n, n + 1)))

    def forward(self, x):
        return self.s(x)


def held(items: nn.Module, name: str = "h") -> nn.Module:
    module = nn.Module()
    module.add_module(name, items)
    return module


CASES = {
    "a Sequential in a ModuleList": ("ModuleList(Sequential(Linear(4, n)) for n in [1, 2, 3])", lambda: heads(1, 2, 3)),
    "a bracketed loop": ("ModuleList([Sequential(Linear(4, n)) for n in [3, 1]])", lambda: heads(3, 1)),
    "a starred loop": (
        "ModuleList(Sequential(Linear(4, 7)), *[Sequential(Linear(4, n)) for n in [1, 2]])",
        lambda: heads(7, 1, 2),
    ),
    "two starred loops of one variable": (
        "ModuleList(*[Sequential(Linear(4, n)) for n in [1, 2]], *[Sequential(Linear(4, n)) for n in [5, 6]])",
        lambda: heads(1, 2, 5, 6),
    ),
    "chosen loops": (
        "ModuleList(*([Sequential(Linear(4, n)) for n in [1, 2]] if k > 1 else [Sequential(Linear(4, k))]))",
        lambda: heads(1, 2),
    ),
    "loops in loops": (
        "ModuleList(Sequential(Linear(4, n), *[Linear(n + i, n + i + 1) for i in range(n)]) for n in [1, 2])",
        lambda: nn.ModuleList(
            nn.Sequential(nn.Linear(4, n), *[nn.Linear(n + i, n + i + 1) for i in range(n)]) for n in [1, 2]
        ),
    ),
    "two loops": (
        "ModuleList(Sequential(Linear(4, n), Linear(n, m)) for n in [1, 2] for m in range(1, n + 1))",
        lambda: nn.ModuleList(
            nn.Sequential(nn.Linear(4, n), nn.Linear(n, m)) for n in [1, 2] for m in range(1, n + 1)
        ),
    ),
    "a condition on the variable": (
        "ModuleList(Sequential(Linear(4, n)) if n > 1 else Linear(4, 5) for n in [1, 2, 3])",
        lambda: nn.ModuleList(nn.Sequential(nn.Linear(4, n)) if n > 1 else nn.Linear(4, 5) for n in [1, 2, 3]),
    ),
    "a filter": ("ModuleList(Sequential(Linear(4, n)) for n in [1, 2, 3, 4] if n % 2)", lambda: heads(1, 3)),
    "a Sequential of Sequentials": (
        "ModuleList(Sequential(Sequential(Sequential(Linear(4, n)))) for n in [1, 2])",
        lambda: nn.ModuleList(nn.Sequential(nn.Sequential(nn.Sequential(nn.Linear(4, n)))) for n in [1, 2]),
    ),
    "lists in lists": (
        "ModuleList(ModuleList(Sequential(Linear(4, n + m)) for m in [0, 1]) for n in [1, 3])",
        lambda: nn.ModuleList(nn.ModuleList(nn.Sequential(nn.Linear(4, n + m)) for m in [0, 1]) for n in [1, 3]),
    ),
    "a Sequential given to a block": (
        "ModuleList(Wrap(Sequential(Linear(4, n)), n) for n in [1, 2])",
        lambda: nn.ModuleList(Wrap(nn.Sequential(nn.Linear(4, n)), n) for n in [1, 2]),
    ),
    "a block with a loop of its own": (
        "ModuleList(Deep(n) for n in [1, 2])",
        lambda: nn.ModuleList(Deep(n) for n in [1, 2]),
    ),
    "unpacked variables": (
        "ModuleList(Sequential(Linear(4, a), Linear(a, b)) for a, b in [(1, 2), (3, 4)])",
        lambda: nn.ModuleList(nn.Sequential(nn.Linear(4, a), nn.Linear(a, b)) for a, b in [(1, 2), (3, 4)]),
    ),
}  # fmt: skip
BLOCKS = """
blocks:
  Wrap(part, n):
    body: part(x)
    fc: Linear(n, 1)
  Deep(n):
    s: Sequential(Sequential(Linear(4, n + i), Linear(n + i, n + i + 1)) for i in [0])
"""


def flat(items: nn.Module) -> list[nn.Module]:
    return [inner for item in items for inner in (flat(item) if isinstance(item, nn.ModuleList) else [item])]


@pytest.mark.parametrize(("loop", "twin"), CASES.values(), ids=list(CASES))
def test_each_item_has_the_values_of_its_own_turn(loop, twin):
    each = "one(x) for pair in h for one in pair" if loop.startswith("ModuleList(ModuleList") else "one(x) for one in h"
    text = f"input: 4\nhparams: {{k: 2}}\n{BLOCKS}layers:\n  h: {loop}\n  o: cat([{each}], 1)\n"
    traced = trace(loads(text))
    assert [problem.message for problem in traced.problems] == []
    assert verify(traced).agree
    model, real = build(traced), held(twin())
    assert [(k, v.shape) for k, v in model.state_dict().items()] == [(k, v.shape) for k, v in real.state_dict().items()]
    real.load_state_dict(model.state_dict())
    x = torch.rand(3, 4)
    wanted = torch.cat([item(x) for item in flat(real.h)], 1)
    assert torch.equal(model(x), wanted)
    assert str(traced.output) == str(wanted.shape[1])


def test_the_items_of_a_named_loop_and_of_a_shared_sequential():
    traced = trace(loads("""
        input: 4
        layers:
          h: ModuleDict((f'of{n}', Sequential(Linear(4, n))) for n in [1, 2])
          o: cat([h['of2'](x), h.of1(x)], 1)
          s: Sequential(Sequential(Linear(3, 3), *[Linear(3, 3) for j in range(i)]) for i in range(3))
          again: s(_)
    """))  # fmt: skip
    assert traced.problems == ()
    assert verify(traced).agree
    assert [name for name in build(traced).state_dict() if "weight" in name] == [
        "h.of1.0.weight", "h.of2.0.weight", "s.0.0.weight", "s.1.0.weight", "s.1.1.weight",
        "s.2.0.weight", "s.2.1.weight", "s.2.2.weight",
    ]  # fmt: skip


def test_a_held_item_means_what_its_line_means():
    """A step further down gives no item above it a value."""
    traced = trace(loads("""
        input: 4
        layers:
          h: ModuleList(Sequential(Linear(4, k)) for i in range(2))
          k: 5
          o: h[0](x)
          p: h[1](x)
    """))  # fmt: skip
    assert [(p.kind, p.span.line, p.span.text) for p in traced.errors] == [("unknown-name", 4, "k")]
