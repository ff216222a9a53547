"""Layer types, layers and expressions as hparams: each model beside its twin written by hand, and traced in symbols."""

from textwrap import dedent

import pytest
import torch
from torch import nn
from twins import held_against

from nnshape import SpecError, loads, trace, verify

TEXT = """
input: [N, T, 16]
hparams:
  width: 8
  inner: 4 * width
  widths: "[width * 2 ** i for i in range(2)]"
  act: ReLU
  soft: LeakyReLU(slope)
  slope: 0.2
  block: Plain
variants:
  gated: {width: 10, act: SiLU, block: Gated}
  other: {from: gated, act: gelu, soft: "Hardtanh(-1, width)", inner: width + 1}
blocks:
  Plain(w):
    fc: Linear(auto, w)
  Gated(w):
    fc: Linear(auto, 2 * w)
    out: glu(-1)
  Head(w, act):
    fc: Linear(auto, w)
    out: act()
layers:
  stem: block(width)
  a: act()
  b: Linear(auto, widths[1])
  c: soft
  d: Linear(auto, inner)
  e: soft(_)
  f: Head(width, act)
"""


class Twin(nn.Module):
    def __init__(self, width, inner, gated, act, soft):
        super().__init__()
        self.stem = nn.ModuleDict({"fc": nn.Linear(16, 2 * width if gated else width)})
        self.gated = gated
        self.b = nn.Linear(width, 2 * width)
        self.c = soft()
        self.d = nn.Linear(2 * width, inner)
        self.e = soft()
        self.f = nn.ModuleDict({"fc": nn.Linear(inner, width)})
        self.act = act

    def forward(self, x):
        x = self.stem["fc"](x)
        x = self.act(nn.functional.glu(x, -1) if self.gated else x)
        x = self.e(self.d(self.c(self.b(x))))
        return self.act(self.f["fc"](x))


def leaky(slope):
    return lambda: nn.LeakyReLU(slope)


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({}, (8, 32, False, nn.ReLU(), leaky(0.2))),
        ({"variant": "gated"}, (10, 40, True, nn.SiLU(), leaky(0.2))),
        ({"variant": "other"}, (10, 11, True, nn.functional.gelu, lambda: nn.Hardtanh(-1, 10))),
        ({"overrides": {"soft": "PReLU(width)", "b": 3}}, None),
        ({"overrides": {"act": nn.Tanh, "inner": "3 * width"}}, (8, 24, False, nn.Tanh(), leaky(0.2))),
        ({"overrides": {"act": "nn.Tanh", "slope": "2 / width"}}, (8, 32, False, nn.Tanh(), leaky(0.25))),
        ({"overrides": {"soft": "PReLU()", "width": 6}}, (6, 24, False, nn.ReLU(), nn.PReLU)),
    ],
)
def test_each_setting_is_the_model_written_by_hand(options, arguments):
    if arguments is None:
        with pytest.raises(SpecError, match="no hparam or size b"):
            trace(loads(TEXT), **options)
        return
    traced = held_against(TEXT, Twin(*arguments), torch.randn(2, 3, 16), **options)
    assert str(traced.output) == f"T x {arguments[0]}"


@pytest.mark.parametrize(
    ("hparams", "step", "wanted"),
    [
        ("{a: 2 * b, b: a - 1}", "Linear(4, a)", [("circular", "b")]),
        ("{a: a}", "Linear(4, a)", [("circular", "a")]),
        ("{a: [b, 1], b: [c], c: len(a)}", "Linear(4, a[0])", [("circular", "b")]),
        ("{a: 4 * widht, b: 3}", "Linear(4, a)", [("unknown-name", "widht")]),
        ("{a: 2 ** 70}", "Linear(4, a)", [("too-large", "2 ** 70")]),
        ("{a: b // 0, b: 1}", "Linear(4, a)", [("wrong-type", "b // 0")]),
        ("{a: [LeakyReLU(b)], b: 1}", "Linear(4, 4)", [("wrong-type", "LeakyReLU(b)")]),
        ("{a: Linear(b), b: 4}", "a", [("missing-argument", "Linear(b)")]),
        ("{a: zeros(b), b: 1}", "ReLU()", [("wrong-type", "zeros(b)")]),
        ("{a: Relu}", "a()", [("unknown-layer", "a")]),
        ("{a: ReLU}", "a", [("wrong-type", "a")]),
        ("{a: range(b), b: 20000}", "ReLU()", [("too-large", "range(b)")]),
    ],
)
def test_what_an_hparam_cannot_be(hparams, step, wanted):
    text = f"input: 4\nhparams: {hparams}\nlayers:\n  fc: {step}\n"
    problems = trace(loads(text)).problems
    assert [(problem.kind, problem.span.text) for problem in problems] == wanted


def test_strings_stay_strings():
    text = """
        input: 3x8x8
        hparams: {mode: nearest-exact, path: a/b, name: resnet-50, exact: 1.5, quoted: "exact * 2", version: 1-2}
        layers:
          up: Upsample(scale_factor=2, mode='nearest')
          kind: len(mode) + len(path) + len(name) + len(version) + len(quoted)
          out: interpolate(scale_factor=kind - 35, mode='nearest')
        """
    (problem,) = trace(loads(dedent(text))).problems  # `nearest - exact` uses the hparam
    assert (problem.kind, problem.span.text) == ("unknown-name", "nearest")
    assert problem.help[-1] == "put a string in quotes: 'nearest-exact'"
    assert trace(loads(dedent(text).replace("nearest-exact", "'nearest-exact'"))).problems == ()


def test_a_long_chain_of_hparams_is_read_in_turn():
    chain = ", ".join(f"a{i}: a{i + 1} + 1" for i in range(5000))
    traced = trace(loads(f"input: 4\nhparams: {{{chain}, a5000: 1}}\nlayers:\n  fc: Linear(4, a0)\n"))
    assert (traced.problems, str(traced.output)) == ((), "5001")
    circle = trace(loads(f"input: 4\nhparams: {{{chain}, a5000: a0 + 1}}\nlayers:\n  fc: Linear(4, a0)\n"))
    assert [problem.kind for problem in circle.problems] == ["circular"]


def test_an_included_model_evaluates_its_own(tmp_path):
    (tmp_path / "inner.yaml").write_text(
        "input: 4\nhparams: {w: 2, h: 3 * w, act: ReLU}\nvariants: {big: {w: 5}}\n"
        "layers:\n  up: Linear(4, h)\n  out: act()\nblocks:\n  Head():\n    fc: Linear(auto, h)\n"
    )
    (tmp_path / "outer.yaml").write_text(
        "input: 4\ninclude: {i: inner.yaml}\nlayers:\n  a: i()(x)\n  b: i(w=4, act=GELU)(x)\n"
        "  c: i(variant='big')(x)\n  d: i.Head()(x)\n  e: i(h=7)(x)\noutput: [a, b, c, d, e]\n"
    )
    traced = trace(tmp_path / "outer.yaml")
    assert traced.errors == ()
    assert [str(tensor) for tensor in traced.output] == ["6", "12", "15", "6", "7"]
    assert [call.type for call in traced.calls if call.name == "out"] == ["ReLU", "GELU", "ReLU", "ReLU"]
    assert verify(traced, "cpu").agree
