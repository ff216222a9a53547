"""Constructs of the language, each beside the same model written by hand: the same state dict, the same output."""

from __future__ import annotations

import copy
import pickle
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


def test_the_items_of_a_declared_sequential_are_not_called_apart():
    text = "input: 8\nlayers:\n  s: Module(Sequential(Linear(8, 8), ReLU()))\n  a: s[0](x)\n"
    problem = trace(loads(text)).errors[0]
    assert (problem.kind, problem.span.line) == ("index-error", 4)
    assert "ModuleList" in problem.help[0]


def test_a_block_of_one_expression_in_another_file(tmp_path):
    (tmp_path / "parts.yaml").write_text(
        "hparams: {k: 3}\nblocks:\n  Conv(i, o): Conv2d(i, o, k, padding=k // 2)\n"
        "  Stage(i, o, act=Act): Sequential(Conv(i, o), act())\n  Act: ReLU()\n"
    )
    (tmp_path / "whole.yaml").write_text(
        "input: 3xHxW\ninclude: {p: parts.yaml}\nblocks:\n  Two(o): Sequential(p.Stage(3, o), p.Stage(o, o, GELU))\n"
        "layers:\n  a: Two(4)\n  b: p.Conv(4, 2)\n"
    )
    traced = trace(tmp_path / "whole.yaml")
    assert traced.problems == ()
    model = build(traced)
    assert list(model.state_dict())[::2] == ["a.0.0.weight", "a.1.0.weight", "b.weight"]
    assert [type(part) for part in model.a.modules()][-3:] == [nn.Sequential, nn.Conv2d, nn.GELU]


# ---- a list that grows ----


class Conv(nn.Module):
    def __init__(self, inside, out, k=1):
        super().__init__()
        self.conv = nn.Conv2d(inside, out, k, 1, k // 2, bias=False)
        self.bn = nn.BatchNorm2d(out)

    def forward(self, x):
        return nn.functional.silu(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.cv1 = Conv(c, c, 3)
        self.cv2 = Conv(c, c, 3)

    def forward(self, x):
        return x + self.cv2(self.cv1(x))


class C2f(nn.Module):
    """YOLOv8's block, as Ultralytics writes it."""

    def __init__(self, c1, c2, n):
        super().__init__()
        self.c = int(c2 * 0.5)
        self.cv1 = Conv(c1, 2 * self.c)
        self.cv2 = Conv((2 + n) * self.c, c2)
        self.m = nn.ModuleList(Bottleneck(self.c) for _ in range(n))

    def forward(self, x):
        y = list(self.cv1(x).chunk(2, 1))
        y.extend(m(y[-1]) for m in self.m)
        return self.cv2(torch.cat(y, 1))


C2F = """
    input: 16xHxW
    hparams: {n: 3}
    blocks:
      Conv(i, o, k=1):
        conv: Conv2d(i, o, k, 1, k // 2, bias=False)
        bn: BatchNorm2d(o)
        act: silu()
      Bottleneck(c):
        cv1: Conv(c, c, 3)
        cv2: Conv(c, c, 3)
        out: x + cv2
      C2f(c1, c2, n):
        c: int(c2 * 0.5)
        cv1: Conv(c1, 2 * c)
        cv2: Module(Conv((2 + n) * c, c2))
        m: ModuleList(Bottleneck(c) for i in range(n))
        halves: cv1.chunk(2, 1)
        grown: "[last := halves[1], *[last := turn(last) for turn in m]]"
        out: cv2(cat([halves[0], *grown], 1))
    layers:
      a: C2f(16, 8, n)
      b: C2f(8, 12, 1)
      c: C2f(12, 6, 0)
    """


@pytest.mark.parametrize("n", [0, 1, 3])
def test_c2f_of_yolo_v8(n):
    twin = nn.Sequential(OrderedDict(a=C2f(16, 8, n), b=C2f(8, 12, 1), c=C2f(12, 6, 0)))
    traced = check_twin(C2F, twin, torch.rand(2, 16, 5, 7), overrides={"n": n})
    assert str(traced.output) == "6 x H x W"


class DenseLayer(nn.Module):
    def __init__(self, inside, growth):
        super().__init__()
        self.norm = nn.BatchNorm2d(inside)
        self.conv = nn.Conv2d(inside, growth, 3, padding=1)

    def forward(self, features):
        return self.conv(self.norm(torch.cat(features, 1)).relu())


class DenseBlock(nn.ModuleDict):
    """As torchvision writes it: every layer takes the list of all features before it."""

    def __init__(self, n, inside, growth):
        super().__init__()
        for i in range(n):
            self.add_module(f"denselayer{i + 1}", DenseLayer(inside + i * growth, growth))

    def forward(self, first):
        features = [first]
        for _, layer in self.items():
            features.append(layer(features))
        return torch.cat(features, 1)


def test_a_dense_block_whose_layers_take_a_list():
    class Twin(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)
            self.block = DenseBlock(3, 4, 2)
            self.tail = nn.Conv2d(10, 5, 1)

        def forward(self, x):
            return self.tail(self.block(self.conv(x)))

    text = """
        input: 3xHxW
        hparams: {n: 3, growth: 2}
        blocks:
          DenseLayer(i, growth)(features):
            norm: BatchNorm2d(i)(cat(features, 1))
            relu: relu()
            conv: Conv2d(i, growth, 3, padding=1)
        layers:
          conv: Conv2d(3, 4, 1)
          block: ModuleDict((f'denselayer{i + 1}', DenseLayer(4 + i * growth, growth)) for i in range(n))
          grown: "[all := [conv], *[all := [*all, block[name](all)] for name in block]][-1]"
          tail: Conv2d(4 + n * growth, 5, 1)(cat(grown, 1))
        """
    check_twin(text, Twin(), torch.rand(2, 3, 5, 7))


def test_an_assigned_name_lasts_until_its_step_ends():
    text = """
        input: 4
        hparams: {c: 2}
        layers:
          a: x * 2
          k: 3
          b: (a := a + 1) * a + (k := k + 1)
          d: b - a * k
          e: "[c := c * 2 for i in range(3)]"
          f: d * e[2] + c
        """

    class Twin(nn.Module):
        def forward(self, x):
            a = x * 2
            return ((a + 1) * (a + 1) + 4 - a * 3) * 16 + 2

    check_twin(text, Twin(), torch.rand(2, 4))


def test_a_loop_variable_hides_a_step():
    text = """
        input: 4
        layers:
          i: x * 2
          parts: "[i * x for i in [3, 5]]"
          kept: parts[0] + parts[1] + i
        """

    class Twin(nn.Module):
        def forward(self, x):
            return x * 3 + x * 5 + x * 2

    check_twin(text, Twin(), torch.rand(2, 4))


@pytest.mark.parametrize(
    ("step", "kind", "column", "words"),
    [
        ("[i := i + 1 for i in range(3)]", "ambiguous-name", 8, "loop variable"),
        ("[_ := x for i in range(3)]", "invalid-name", 8, "the value of the step before"),
        ("[auto := x for i in range(3)]", "invalid-name", 8, ""),
        ("[last + 1, last := x]", "unknown-name", 8, "last"),
        ("[f := ReLU(), f(x)]", "wrong-type", 13, "Module"),
        ("Sequential(f := ReLU())", "syntax", 18, "item of a Sequential"),
        ("ModuleList(f := ReLU() for i in [1])", "syntax", 18, "item of a ModuleList"),
        ("a := relu(x)", "syntax", 9, ""),
    ],
)
def test_a_fault_of_an_assignment(step, kind, column, words):
    problem = trace(loads(f'input: 8\nlayers:\n  a: "{step}"\n  b: relu(x)\n')).errors[0]
    assert (problem.kind, problem.span.line, problem.span.column) == (kind, 3, column), problem
    assert words in " ".join((problem.message, *problem.help))


def test_an_assigned_name_is_gone_after_its_step():
    (problem,) = trace(loads('input: 8\nlayers:\n  a: "[last := x, last * 2]"\n  b: last + a[1]\n')).errors
    assert (problem.kind, problem.span.line) == ("unknown-name", 4)


@pytest.mark.parametrize(
    "step",
    ["[t := [*t, *t] for i in range(9999)]", "[t := [t, t] for i in range(9999)]", "[t := (t,) for i in range(9999)]",
     "[s := s + s for i in range(9999)]", "[n := n * n for i in range(9999)]",
     "[t := [*t, relu(x)] for i in range(9999)]", "[y := y + y for i in range(9999)]",
     "[y := cat([y, y]) for i in range(9999)]"],
)  # fmt: skip
def test_a_list_that_grows_without_end_is_too_large(step):
    text = f'input: 8\nlayers:\n  t: [1, 2]\n  s: "\'ab\'"\n  n: 3\n  y: x\n  a: "{step}"\n'
    text = text.replace("t: [1, 2]", 't: "[1, 2]"')
    problem = next(iter(trace(loads(text)).errors), None)
    assert problem is None or (problem.kind, problem.span.line) == ("too-large", 7), problem


# ---- names ----


class Named(nn.Module):
    """Its children have names that are no identifiers, or keywords of Python."""

    def __init__(self):
        super().__init__()
        self.add_module("block1-0", nn.Module())
        for name in ("0", "in", "1x1"):
            self.get("block1-0").add_module(name, nn.Linear(8, 8))
        self.add_module("self", nn.Linear(8, 8))
        self.add_module("class", nn.Sequential(OrderedDict([("in", nn.Linear(8, 8)), ("a-b", nn.ReLU())])))
        self.add_module("3", nn.Sequential(nn.Linear(8, 8), nn.ReLU()))

    def get(self, path):
        return self.get_submodule(path)

    def block(self, x):
        first, inner, last = (self.get(f"block1-0.{name}") for name in ("0", "in", "1x1"))
        return last(first(inner(first(x) + x))) + inner.weight.mean()

    def forward(self, x):
        block = self.block(x)
        half = block * 2
        into = self.get("self")(half + block)
        last = self.get("3")(self.get("class")(into).sum(-1, keepdim=True) + into)
        return block + last, into, block, last


NAMED = """
    input: [N, T, 8]
    hparams: {d: 8, width: 4}
    blocks:
      B(i)(width):
        0: Linear(i, d)
        d: steps[0] + width
        in: Linear(i, i)
        again: steps[0](_)
        1x1: Linear(i, i)
        out: _ + steps['in'].weight.mean()
    layers:
      block1-0: B(d)
      half: steps['block1-0'] * 2
      to: half + steps['block1-0']
      self: Linear(8, 8)
      in: self
      class: Sequential(('in', Linear(8, 8)), ('a-b', ReLU()))(steps["in"])
      type: steps['class'].sum(-1, keepdim=True) + steps['in']
      3:
        - Linear(8, 8)
        - relu(_)
      forward: steps['block1-0'] + steps[3]
    output: ["forward", "steps['in']", block1-0, "steps[1 + 2]"]
    """


def test_steps_with_numbers_hyphens_and_keywords_as_names():
    text = NAMED.replace("- relu(_)", "- ReLU()")
    traced = trace(loads(dedent(text)))
    assert traced.problems == ()
    assert list(build(traced).state_dict()) == list(Named().state_dict())
    x = torch.rand(2, 3, 8)
    check_twin(text, Named(), x)
    model = build(traced, seed=0).eval()
    for same in (copy.deepcopy(model), copy.copy(model), pickle.loads(pickle.dumps(model))):
        torch.testing.assert_close(same(x), model(x), rtol=0, atol=0)
    text = dedent(text) + "tie: {block1-0.in.weight: block1-0.0.weight}\nfreeze: [class.in.*]\n"
    rows = {row.name: row for row in trace(loads(text)).parameters}
    assert rows["block1-0.in.weight"].tied_to == "block1-0.0.weight"
    assert not rows["class.in.bias"].trainable


@pytest.mark.parametrize(
    ("step", "kind", "column", "words"),
    [
        ("steps[7](x)", "unknown-name", 12, "there is no step '7' before this one"),
        ("steps['4']", "unknown-name", 12, "there is no step '4' before this one"),
        ("steps['block1']", "unknown-name", 12, "did you mean block1-0?"),
        ("steps[x]", "wrong-type", 12, "by a number or a string"),
        ("steps[True]", "wrong-type", 12, "by a number or a string"),
        ("steps[0].wait", "unknown-name", 6, "wait"),
        ("steps", "unknown-name", 6, "steps"),
    ],
)
def test_a_fault_in_the_name_of_a_step(step, kind, column, words):
    text = f"input: 8\nlayers:\n  block1-0: Linear(8, 8)\n  0: relu(_)\n  a: {step}\n  4: relu(_)\n"
    problem = trace(loads(text)).errors[0]
    assert (problem.kind, problem.span.line, problem.span.column) == (kind, 5, column), problem
    assert words in " ".join((problem.message, *problem.help))


def test_output_names_any_step():
    text = "input: 8\nlayers:\n  in: x * 2\n  1x1: x * 3\n  a: x * 4\n  a-a: x * 5\n  0: x * 6\n"
    model = build(trace(loads(f"{text}output: [in, 1x1, a-a, a, '0']\n")))
    assert [part[0, 0].item() for part in model(torch.ones(1, 8))] == [2, 3, 5, 4, 6]
    for output in ("class", "2x2", "a-b"):
        problem = trace(loads(f"{text}output: {output}\n")).errors[0]
        assert (problem.kind, problem.span.line) == ("unknown-name", 8), problem


def test_a_step_called_steps_is_a_step():
    text = "input: 8\nlayers:\n  steps: Buffer(arange(5.0))\n  a: x * steps[3]\n"
    traced = trace(loads(text))
    assert traced.problems == ()
    assert torch.equal(build(traced)(torch.ones(2, 8)), torch.full((2, 8), 3.0))


# ---- mappings of values, and members called apart ----


class Fpn(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.ModuleDict({"low": nn.Conv2d(4, 6, 1), "high": nn.Conv2d(8, 6, 1)})

    def forward(self, feats):
        maps = {name: self.inner[name](feats[name]) for name in feats}
        top = nn.functional.interpolate(maps["high"], scale_factor=2)
        return {**maps, "low": maps["low"] + top, "pool": nn.functional.max_pool2d(maps["high"], 1, 2)}


class Pyramid(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Module()
        self.body.c1, self.body.c2 = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 8, 3, 2, 1)
        self.head = nn.Conv2d(4, 5, 1)
        self.fpn = Fpn()

    def forward(self, x):
        low = self.body.c1(x)
        feats = {"low": low, "high": self.body.c2(low)}
        maps = self.fpn(feats)
        total = self.head(low).sum((1, 2, 3)) * 3 + sum(f.mean((1, 2, 3)) for f in maps.values())
        return {"total": total, "nested": {"low": maps["low"], "all": [*maps.values()], "pair": (low, total)}}


PYRAMID = """
    input: 3xHxW
    blocks:
      Body(c):
        c1: Conv2d(3, c, 3, 2, 1)
        c2: Conv2d(c, 2 * c, 3, 2, 1)
        out: dict(low=c1, high=c2)
      Fpn(c)(feats):
        inner: ModuleDict((name, Conv2d(auto, c, 1)) for name in feats)
        maps: dict((name, inner[name](f)) for name, f in feats.items())
        top: interpolate(maps['high'], scale_factor=2)
        out: dict(maps, low=maps['low'] + top, pool=max_pool2d(maps['high'], 1, 2))
    layers:
      body: Body(4)
      head: Conv2d(4, 5, 1)(body['low'])
      times: dict(a=3, b=4)
      fpn: Fpn(6)(body)
      total: head.sum((1, 2, 3)) * times['a'] + sum(f.mean((1, 2, 3)) for f in fpn.values())
      out: dict(total=total, nested=dict(low=fpn['low'], all=[*fpn.values()], pair=(body['low'], total)))
    """


def test_a_mapping_of_values_in_and_out_of_blocks():
    traced = check_twin(PYRAMID, Pyramid(), torch.rand(2, 3, 8, 12))
    assert list(traced.output) == ["total", "nested"]
    assert str(traced.output["nested"]["low"]).startswith("6 x")
    model = build(traced, seed=0).eval()
    x = torch.rand(2, 3, 8, 12)
    program = torch.export.export(model, (x,))
    torch.testing.assert_close(program.module()(x), model(x))
    text = PYRAMID.replace("total=total, nested=dict(", "").replace("total)))", "total))")
    assert list(trace(loads(dedent(text))).output) == ["low", "all", "pair"]


@pytest.mark.parametrize(
    ("step", "kind", "column", "words"),
    [
        ("d['lo']", "index-error", 6, "it has low, high"),
        ("d.low", "wrong-type", 6, "write d['low']"),
        ("d[0]", "wrong-type", 6, "a mapping of low, high"),
        ("relu(d)", "wrong-type", 6, "a mapping of low, high"),
        ("d + 1", "wrong-type", 6, ""),
        ("d.values(1)", "unknown-argument", 6, "takes no arguments"),
        ("dict(1, 2)", "wrong-type", 6, "dict takes values by name"),
        ("dict([x, x])", "wrong-type", 6, "dict takes values by name"),
        ("dict([(1, x)])", "wrong-type", 6, "dict takes values by name"),
        ("dict(a=ReLU())", "wrong-type", 6, "ReLU"),
        ("dict(a=x, a=x)", "syntax", 16, "given twice"),
    ],
)
def test_a_fault_of_a_mapping(step, kind, column, words):
    text = f"input: 8\nlayers:\n  d: dict(low=x, high=x)\n  e: {step}\n"
    problem = trace(loads(text)).errors[0]
    assert (problem.kind, problem.span.line) == (kind, 4), problem
    assert words in " ".join((problem.message, *problem.help))


class Members(nn.Module):
    """Modules that hold others, which the model calls one by one, as GPT's `transformer` does."""

    def __init__(self):
        super().__init__()
        self.transformer = nn.ModuleDict(
            OrderedDict(
                wte=nn.Embedding(10, 4),
                wpe=nn.Embedding(6, 4),
                h=nn.ModuleList(nn.Linear(4, 4) for _ in range(3)),
                ln_f=nn.LayerNorm(4),
            )
        )
        self.heads = nn.ModuleDict({"cls": nn.Linear(4, 3), "box": nn.Linear(4, 2)})
        self.spare = nn.ModuleList([nn.Linear(4, 5), nn.Sequential(nn.Linear(4, 6), nn.ReLU())])
        self.join = Join()

    def forward(self, words):
        t = self.transformer
        x = t.wte(words) + t.wpe(torch.arange(words.shape[1]))
        for layer in t.h:
            x = layer(x)
        x = t.ln_f(x)
        both = [head(x) for head in self.heads.values()]
        return self.join([*both, t.wte.weight.mean() * x, self.spare[0](x)])


class Join(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(14, 2)

    def forward(self, parts):
        return self.fc(torch.cat(parts, -1)) + parts[0].sum(-1, keepdim=True)


def test_members_of_namespaces_and_containers_are_called_apart():
    text = """
        input: int64[N, T]
        blocks:
          Join(i, o)(parts):
            fc: Linear(i, o)(cat(parts, -1))
            out: fc + parts[0].sum(-1, keepdim=True)
        layers:
          transformer:
            wte: Module(Embedding(10, 4))
            wpe: Module(Embedding(6, 4))
            h: ModuleList(Linear(4, 4) for i in range(3))
            ln_f: Module(LayerNorm(4))
          embedded: transformer.wte(x) + transformer.wpe(arange(T))
          run: "[last := embedded, *[last := layer(last) for layer in transformer.h]][-1]"
          normed: transformer.ln_f(run)
          heads: ModuleDict(('cls', Linear(4, 3)), ('box', Linear(auto, 2)))
          both: "[head(normed) for head in heads.values()]"
          spare: ModuleList([Linear(4, 5), Sequential(Linear(4, 6), ReLU())])
          join: Join(14, 2)([*both, transformer.wte.weight.mean() * normed, spare[0](normed)])
        """
    traced = check_twin(text, Members(), torch.randint(10, (2, 5)))
    assert str(traced.output) == "T x 2"


def test_a_container_lists_its_items():
    text = """
        input: 4
        layers:
          m: ModuleDict(('a', Linear(4, 4)), ('keys1', Linear(4, 2)))
          names: "[name for name in m.keys()]"
          out: cat([layer(x) * len(name) for name, layer in m.items()], -1)
          more: out * len(m) + len(names)
        """

    class Twin(nn.Module):
        def __init__(self):
            super().__init__()
            self.m = nn.ModuleDict({"a": nn.Linear(4, 4), "keys1": nn.Linear(4, 2)})

        def forward(self, x):
            return torch.cat([layer(x) * len(name) for name, layer in self.m.items()], -1) * 2 + 2

    check_twin(text, Twin(), torch.rand(2, 4))


def test_a_declared_block_that_no_step_applies_counts():
    block = "blocks:\n  B(d):\n    fc: Linear(d, d)\n    out: fc + x\n"
    traced = trace(loads(f"input: 4\n{block}layers:\n  spare: Module(B(4))\n  a: relu(x)\n"))
    assert [(p.kind, p.severity) for p in traced.problems] == [("unused-step", "warning")]
    assert traced.totals.parameters == 20
    assert list(build(traced).state_dict()) == ["spare.fc.weight", "spare.fc.bias"]
