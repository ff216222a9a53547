"""Models without inputs, dicts of modules, and items of an applied Sequential, beside what torch makes of them."""

import pytest
import torch
from torch import nn

from nnshape import build, loads, trace, verify

DICTS = [
    "ModuleDict({'a': Linear(4, 3), 'b': Sequential(Linear(4, 2))})",
    "ModuleDict(dict(a=Linear(4, 3), b=Sequential(Linear(4, 2))))",
    "ModuleDict(OrderedDict([('a', Linear(4, 3)), ('b', Sequential(Linear(4, 2)))]))",
    "ModuleDict({'ab'[i]: Linear(4, 3) if i == 0 else Sequential(Linear(4, 2)) for i in range(2)})",
]


@pytest.mark.parametrize("text", DICTS)
def test_a_module_dict_is_written_as_a_dict(text):
    traced = trace(loads(f"input: 4\nlayers:\n  d: \"{text}\"\n  o: d['a'](x)\n  p: d.b(x)\noutput: [o, p]\n"))
    assert [problem.message for problem in traced.problems] == []
    assert verify(traced).agree
    model = build(traced)
    assert type(model.d) is nn.ModuleDict
    assert list(model.state_dict()) == ["d.a.weight", "d.a.bias", "d.b.0.weight", "d.b.0.bias"]
    x = torch.rand(2, 4)
    assert torch.equal(model(x)[0], model.d["a"](x))


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        ("ModuleDict({**x})", "syntax"),
        ("ModuleDict({1: Linear(4, 3)})", "wrong-type"),
        ("ModuleDict({'a.b': Linear(4, 3)})", "invalid-name"),
        ("ModuleDict({'a': Linear(4, 3), 'a': Linear(4, 2)})", "duplicate-key"),
        ("ModuleDict({x: Linear(4, 3)})", "wrong-type"),
        ("ModuleList({'a': Linear(4, 3)})", "syntax"),
        ("relu({'a': x})", "syntax"),
    ],
)
def test_a_wrong_dict_is_told(step, kind):
    traced = trace(loads(f'input: 4\nlayers:\n  d: "{step}"\n  o: relu(x)\n'))
    assert [problem.kind for problem in traced.errors] == [kind]
    assert traced.errors[0].span.line == 3


def test_items_of_a_sequential_are_called_again():
    traced = trace(loads("""
        input: 4
        blocks:
          Net(n):
            stem: Sequential(Linear(4, n), ReLU(), Sequential(Linear(n, 4), Tanh()))
            named: Sequential((f'l{i}', Linear(4, 4)) for i in range(2))
        layers:
          net: Net(3)
          a: net.stem[0](x)
          b: net.stem[-1](a) + net.stem[2][0](a)
          c: net.named['l1'](b) + net.named[0](b) + net.named.l0(b)
          top: Sequential(Linear(4, 4), ReLU())
          d: sum(layer(c) for layer in top) + top[0].weight.sum()
          e: top[0]
          f: d + top[k](d)
        hparams: {k: 1}
    """.replace("          e: top[0]\n", "")))  # fmt: skip
    assert [problem.message for problem in traced.problems if problem.kind != "unused-step"] == []
    assert verify(traced).agree
    m = build(traced)
    assert len(m.state_dict()) == 10
    x = torch.rand(2, 4)
    a = m.net.stem[0](x)
    b = m.net.stem[-1](a) + m.net.stem[2][0](a)
    c = m.net.named.l1(b) + m.net.named[0](b) + m.net.named.l0(b)
    d = m.top[0](c) + m.top[1](c) + m.top[0].weight.sum()
    assert torch.equal(m(x), d + m.top[1](d))


@pytest.mark.parametrize(
    ("step", "kind", "text"),
    [
        ("top[2](x)", "index-error", "top[2]"),
        ("top['a'](x)", "index-error", "top['a']"),
        ("x[0](x)", "wrong-type", "x[0]"),
        ("fc[0](x)", "wrong-type", "fc[0]"),
    ],
)
def test_an_item_that_is_not_there_is_told(step, kind, text):
    body = f"  fc: Linear(4, 4)\n  top: Sequential(Linear(4, 4), ReLU())\n  o: {step}\n"
    traced = trace(loads(f"input: [2, 4]\nlayers:\n{body}"))
    assert (kind, text) in [(problem.kind, problem.span.text) for problem in traced.errors]


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ("z: randn(4, 8)\n  o: Linear(8, 2)(z)", (4, 2)),
        ("z: Parameter(4, 8)\n  o: Linear(8, 2)(z)", (4, 2)),
        ("z: Parameter(1, 4, 8)\n  o: z.expand(3, -1, -1)\n  p: Conv1d(4, 2, 1)", (3, 2, 8)),
        ("z: Buffer(arange(6))\n  o: Embedding(6, 3)(z)", (6, 3)),
    ],
)
def test_a_model_without_inputs(layers, shape):
    traced = trace(loads(f"input: {{}}\nlayers:\n  {layers}\n"))
    assert traced.problems == ()
    assert verify(traced).agree
    assert traced.output.shape == shape
    assert build(traced)().shape == shape


@pytest.mark.parametrize("step", ["Linear(8, 2)", "relu()", "relu(x)", "_ + 1"])
def test_a_step_of_a_model_without_inputs_has_no_running_value(step):
    (problem,) = trace(loads(f"input: {{}}\nlayers:\n  a: {step}\n")).errors
    assert problem.span.line == 3
