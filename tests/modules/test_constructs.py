"""Constructs of the language, each beside the same model written by hand: the same state dict, the same output."""

from __future__ import annotations

from collections import OrderedDict
from textwrap import dedent

import pytest
import torch
from torch import nn

from nnshape import Trace, build, find_fixes, loads, trace, verify


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


# ---- a block that is one expression ----


class Basic(nn.Module):
    def __init__(self, inside, out, stride):
        super().__init__()
        self.conv = nn.Conv2d(inside, out, 3, stride, 1)

    def forward(self, x):
        return self.conv(x).relu()


class Add(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4)

    def forward(self, x, memory):
        return self.a(x) + memory


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.add_module("0", nn.Linear(4, 4))

    def forward(self, x):
        return self.get_submodule("0")(x).relu()


class OneExpression(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Sequential(Basic(3, 8, 2), Basic(8, 8, 1))
        self.b = nn.Sequential(Basic(8, 4, 1))
        self.c = nn.Conv2d(4, 4, 1)
        self.heads = nn.ModuleList(nn.Linear(4, 4) for _ in range(2))
        self.e = nn.Sequential(Add(), Add())
        self.f = nn.Sequential(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), Head(), nn.GELU())
        self.g = nn.Sequential(nn.Linear(4, 2))

    def forward(self, x):
        c = self.c(self.b(self.b(self.a(x)).repeat(1, 2, 1, 1)))
        d = c.mean((2, 3))
        m = self.heads[1](self.heads[0](d))
        e = self.e[1](self.e[0](d, m), m)
        return self.g(self.f(e))


ONE_EXPRESSION = """
    input: 3xHxW
    blocks:
      Basic(c, s=1):
        conv: Conv2d(auto, c, 3, s, 1)
        out: relu(conv)
      Stage(w, n, s): Sequential(Basic(w, s if i == 0 else 1) for i in range(n))
      Pointwise(o)(y[N, C, A, B]): "{type: Conv2d, in_channels: C, out_channels: o, kernel_size: 1}"
      Shortcut(i, o): Identity() if i == o else Conv2d(i, o, 1)
      Heads(n): ModuleList(Linear(4, 4) for i in range(n))
      Add(d)(x, memory):
        a: Linear(d, d)(x)
        out: a + memory
      Decoder(d, n)(x, memory): Sequential(Add(d)(_, memory) for i in range(n))
      Act(act): act()
      Fc(d, o=4, act=ReLU): Sequential(Linear(d, o), *([Act(act)] if act else []))
      Alias(d): Fc(d, 2, None)
      Head(c)(x): relu(Linear(auto, c)(x))
    layers:
      a: Stage(8, 2, 2)
      b: Stage(4, 1, 1)(x=a)
      bb: b(b.repeat(1, 2, 1, 1))
      c: Pointwise(4)
      same: Shortcut(4, 4)
      d: same.mean((2, 3))
      heads: Heads(2)
      m: heads[1](heads[0](d))
      e: Decoder(4, 2)(d, memory=m)
      f: Sequential(Fc(4), Head(4), Act(GELU))
      g: Alias(4)
    """.replace('"{', "{").replace('}"', "}")


def test_a_block_of_one_expression_is_its_module():
    traced = check_twin(ONE_EXPRESSION, OneExpression(), torch.rand(2, 3, 7, 9))
    types = {call.path: call.type for call in traced.calls}
    assert (types["a"], types["c"], types["same"], types["heads"], types["f.1"], types["f.2"]) == (
        "Sequential", "Conv2d", "Identity", "ModuleList", "Head", "GELU",
    )  # fmt: skip
    model = build(traced)
    assert type(model.a) is type(model.b) is nn.Sequential
    assert (type(model.c), type(model.heads)) == (nn.Conv2d, nn.ModuleList)


def test_a_block_of_one_expression_takes_several_inputs():
    class Attend(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.MultiheadAttention(4, 2, batch_first=True)

        def forward(self, x):
            return self.a(x, x * 2, x + 1)[0]

    text = """
        input: [N, T, 4]
        blocks:
          Attention(d, h=2)(q[N, T, d], k, v, mask=None): MultiheadAttention(d, h, batch_first=True)
        layers:
          a: Attention(4)(x, v=x + 1, k=x * 2)
          out: a[0]
        """
    check_twin(text, Attend(), torch.rand(2, 3, 4))


def test_a_block_of_one_expression_is_made_once():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Module()
            self.net.a = nn.Sequential(nn.Linear(4, 4), Add())
            self.net.b = nn.Linear(4, 4)
            self.net.c = nn.Module()
            self.net.c.add_module("0", nn.Linear(4, 4))

        def once(self, x, y):
            net = self.net
            return net.c.get_submodule("0")(net.b(net.a[1](net.a[0](x), y))).relu() + y

        def forward(self, x):
            return self.once(self.once(x, x), x * 2)

    text = """
        input: [N, T, 4]
        blocks:
          Add(d)(x, memory):
            a: Linear(d, d)(x)
            out: a + memory
          Two(d)(x, y): Sequential(Linear(d, d), Add(d)(_, y))
          Fc(d): Linear(d, d)
          Act(d)(x): relu(Linear(d, d)(x))
          Net(d)(x, y):
            a: Two(d)(x, y)
            b: Fc(d)
            c: Act(d)
            out: c + y
        layers:
          net: Net(4)(x, x)
          again: net(net, x * 2)
        """
    check_twin(text, Twice(), torch.rand(2, 3, 4))


@pytest.mark.parametrize(
    ("block", "step", "kind", "place", "words"),
    [
        ("Conv2d(i, o, 3)", "B(1, 4)", "size-mismatch", (3, 19), "a reads 1 channel, but 3 arrive"),
        ("Conv2d(i, o, 3)(x)", "B(1, 4)", "size-mismatch", (3, 19), "a.0 reads 1 channel"),
        ("Cnv2d(i, o, 3)", "B(3, 4)", "unknown-layer", (3, 12), "did you mean Conv2d?"),
        ("Conv2d(i, o, kernel=3)", "B(3, 4)", "unknown-argument", (3, 25), "kernel_size"),
        ("Conv2d(i, later, 3)", "B(3, 4)", "unknown-name", (3, 22), "does not see the model's step later"),
        ("Conv2d(i, o, 3) -> 4x7x7", "B(3, 4)", "unexpected-shape", (3, 31), "a is 4x6x6"),
        ("Conv2d(i, o, 3)", "B(3)", "missing-argument", (5, 6), "B is missing"),
        ("Conv2d(i, o, 3)", "B(3, 4)(x, x)", "unknown-argument", (5, 6), "takes 1"),
        ("B(i, o)", "B(3, 4)", "too-large", (3, 12), "64 levels"),
        ("Sequential(B(i, o), B(i, o))", "B(3, 4)", "too-large", (3, 23), "64 levels"),
        ("B(i - 1, o) if i else Identity()", "B(99, 1)", "too-large", (3, 12), "64 levels"),
        ("ReLU", "B(3, 4)", "wrong-type", (3, 12), "ReLU()"),
        ("relu", "B(3, 4)", "wrong-type", (3, 12), "relu()"),
        ("(x, ReLU())", "B(3, 4)", "wrong-type", (3, 12), ""),
        ("len([i])", "B(3, 4)", "wrong-type", (5, 6), "only numbers"),
    ],
)
def test_a_fault_in_a_block_of_one_expression(block, step, kind, place, words):
    text = f"input: 3x8x8\nblocks:\n  B(i, o): {block}\nlayers:\n  a: {step}\n  later: relu(x)\noutput: [a, later]\n"
    problem = trace(loads(text)).errors[0]
    assert (problem.kind, (problem.span.line, problem.span.column)) == (kind, place), problem
    assert words in " ".join((problem.message, *problem.help))


def test_a_fix_in_a_block_of_one_expression_is_made_where_the_block_is_called():
    text = "input: 3x8x8\nblocks:\n  B(i, o): Conv2d(i, o, 3)\nlayers:\n  a: B(1, 4)\n  b: B(4, 2)\n"
    first = find_fixes(trace(loads(text)))[0]
    assert first.shown == "a: B(3, 4)"


def test_a_block_of_one_expression_that_no_input_reaches_is_not_counted_as_zero():
    text = "input: 8\nblocks:\n  B(o)(x): Linear(x.shape[1], o)\nlayers:\n  held: ModuleList([B(3)])\n  a: relu(x)\n"
    (problem,) = trace(loads(text)).errors
    assert problem.message == "held.0 is never called, so its parameters are unknown"


# ---- a module that is declared before it is applied ----


class Merging(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = nn.LayerNorm(4 * dim)
        self.tail = nn.Sequential(Basic(2 * dim, 2 * dim, 1), nn.ReLU())
        self.extra = nn.Conv2d(2 * dim, 2 * dim, 1)

    def forward(self, x):
        corners = [x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]]
        merged = self.reduction(self.norm(torch.cat(corners, -1))).permute(0, 3, 1, 2)
        return self.tail(self.extra(merged) + self.extra.weight.mean()).permute(0, 2, 3, 1)


MERGING = """
    input: [N, H, W, 8]
    blocks:
      Basic(c, s=1):
        conv: Conv2d(auto, c, 3, s, 1)
        out: relu(conv)
      Tail(c): Module(Sequential(Basic(c), ReLU()))
      Merging(d):
        reduction: Module(Linear(4 * d, 2 * d, bias=False))
        norm: Module(LayerNorm(4 * d))
        tail: Tail(2 * d)
        extra: Module(Conv2d(auto, 2 * d, 1))
        corners: cat([x[:, 0::2, 0::2], _[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], -1)
        merged: reduction(norm(corners)).permute(0, 3, 1, 2)
        inner:
          more: extra(merged)
          out: tail(more + extra.weight.mean())
        out: inner.permute(0, 2, 3, 1)
    layers:
      a: Merging(8)
      b: Merging(16)
    """


def test_a_declared_module_has_the_place_of_its_declaration():
    traced = check_twin(MERGING, nn.Sequential(OrderedDict(a=Merging(8), b=Merging(16))), torch.rand(2, 8, 12, 8))
    assert str(traced.calls[1].path) == "a.reduction"
    assert traced.totals.parameters == sum(p.numel() for p in build(traced).parameters())


def test_a_block_with_declared_modules_is_applied_again():
    class Again(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = Merging(8)
            self.b = nn.Linear(16, 8)

        def forward(self, x):
            return self.a(self.b(self.a(x)))

    text = MERGING.replace("b: Merging(16)", "b: Linear(16, 8)\n      c: a(b)")
    check_twin(text, Again(), torch.rand(2, 8, 12, 8))


def test_a_declared_module_that_no_step_applies_counts_and_warns():
    text = "input: 8\nlayers:\n  spare: Module(Linear(8, 3))\n  a: ReLU()\n"
    traced = trace(loads(text))
    (problem,) = traced.problems
    assert (problem.kind, problem.severity, problem.message) == ("unused-step", "warning", "nothing calls spare")
    assert (problem.span.line, problem.span.column) == (3, 10)
    assert traced.totals.parameters == 27
    assert list(build(traced).state_dict()) == ["spare.weight", "spare.bias"]
    assert verify(traced, "cpu").agree


@pytest.mark.parametrize(
    ("step", "kind", "place", "words"),
    [
        ("Module(Linear(8, 3)(x))", "wrong-type", (3, 13), "not a tensor 3"),
        ("Module(x)", "wrong-type", (3, 13), "not a tensor 8"),
        ("Module(relu)", "wrong-type", (3, 13), "not the function relu"),
        ("Module(Linear)", "wrong-type", (3, 13), "not the layer type Linear"),
        ("Module(3)", "wrong-type", (3, 13), "not 3"),
        ("Module()", "unknown-argument", (3, 6), "declares one module"),
        ("Module(ReLU(), ReLU())", "unknown-argument", (3, 6), "declares one module"),
        ("Module(Linear(auto, 3))", "unknown-value", (3, 13), "a is never called"),
    ],
)
def test_a_fault_in_a_declaration(step, kind, place, words):
    problem = trace(loads(f"input: 8\nlayers:\n  a: {step}\n  b: relu(x)\n")).errors[0]
    assert (problem.kind, (problem.span.line, problem.span.column)) == (kind, place), problem
    assert words in problem.message


def test_a_module_is_declared_once():
    problem = trace(loads("input: 8\nlayers:\n  a: Module(ReLU())\n  b: Module(a)\n  c: a(x)\n")).errors[0]
    assert (problem.kind, problem.span.line) == ("wrong-type", 4)
    assert "the module a, which is there already" in problem.message
