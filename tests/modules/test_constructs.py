"""Constructs of the language, each beside the same model written by hand: the same state dict, the same output."""

from __future__ import annotations

from textwrap import dedent

import torch
from torch import nn

from nnshape import Trace, build, loads, trace, verify


def check_twin(text: str, twin: nn.Module, *inputs: torch.Tensor, **options: object) -> Trace:
    """Hold a spec against a module written by hand: names and order, the values of the output, the proof."""
    traced = trace(loads(dedent(text).lstrip("\n")), **options)
    assert [problem.message for problem in traced.problems] == []
    model = build(traced, seed=0).eval()
    ours, theirs = model.state_dict(), twin.state_dict()
    assert list(ours) == list(theirs) == [row.name for row in traced.parameters]
    assert {name: value.shape for name, value in ours.items()} == {name: v.shape for name, v in theirs.items()}
    twin.load_state_dict(ours)
    torch.testing.assert_close(model(*inputs), twin.eval()(*inputs), rtol=0, atol=0)
    assert verify(traced, "cpu").agree
    return traced


# ---- a nested mapping sees the names around it ----


class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(10, 4)
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.att = nn.Module()
        self.att.a = nn.Conv2d(4, 8, 1)
        self.att.inner = nn.Module()
        self.att.inner.p = nn.Conv2d(8, 4, 1)

    def forward(self, image, words):
        e, c = self.emb(words), self.conv(image)
        a = self.att.a(c)
        p = self.att.inner.p(a) * e.mean(1)[:, :, None, None] + a[:, :4] * self.emb.weight.mean()
        return p + self.conv(image) + c + 3 * c.shape[2]


def test_a_nested_mapping_sees_the_steps_inputs_and_numbers_around_it():
    text = """
        input: {image: 3xHxW, words: "int64[N, T]"}
        hparams: {c: 4}
        blocks:
          Net(k)(img, txt):
            emb: Embedding(10, k)(txt)
            three: 3
            conv: Conv2d(3, k, 3, padding=1)(img)
            att:
              a: Conv2d(k, 2 * k, 1)
              inner:
                p: Conv2d(2 * k, k, 1)
                q: p * emb.mean(1)[:, :, None, None] + x[:, :k] * emb.weight.mean()
              r: inner + conv(img) + x + three * conv.shape[2]
        layers:
          net: Net(c)(image, words)
        """
    given = torch.rand(2, 3, 5, 7), torch.randint(10, (2, 6))
    holder = nn.Module()
    holder.net = Outer()
    holder.forward = holder.net.forward
    traced = check_twin(text, holder, *given)
    assert str(traced.output) == "4 x H x W"
    traced = trace(loads(dedent(text).rstrip(" ") + "  more: net(net[:, :3], words)\n"))
    assert traced.problems == ()
    assert verify(traced, "cpu").agree
    holder.load_state_dict((model := build(traced)).state_dict())
    net = holder.net
    assert torch.equal(model(*given), net(net(*given)[:, :3], given[1]))


def test_the_value_of_a_nested_mapping_hides_x_around_it():
    class Twin(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x):
            return (self.fc(x).relu() * 2 + self.fc(x)) * 2

    text = """
        input: [N, T, 4]
        layers:
          fc: Linear(4, 4)
          body: {a: relu(_) * 2, b: a + x, c: _ * 2}
        """
    assert str(check_twin(text, Twin(), torch.rand(2, 3, 4)).output) == "T x 4"


def test_a_nested_mapping_does_not_see_later_steps():
    text = "input: 4\nblocks:\n  B:\n    body: {a: late + x}\n    late: relu(x)\nlayers:\n  b: B()\n"
    (problem,) = trace(loads(text)).errors
    assert (problem.kind, problem.span.line) == ("unknown-name", 4)
    assert problem.message == "late is made later, at line 5"
