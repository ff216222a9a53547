"""Mapping steps: text is a string for an argument that takes strings alone, and an expression for any other."""

import pytest

from nnshape import loads, trace, verify

RIGHT = {
    "einsum of two inputs": ('{type: einsum, equation: "bij,bjk->bik", from: [a, b]}', "3x5"),
    "a keyword that reads as a tuple": ('{type: einsum, equation: "bij,bjk", from: [a, b]}', "[3, 5]"),
    "a positional equation": ('{type: einsum, args: ["bij,bjk->bik"], from: [a, b]}', "3x5"),
    "an equation that reads as a comparison": ('{type: einsum, equation: "bij->b", from: a}', "[N]"),
    "a layer": ("{type: Upsample, scale_factor: 2, mode: nearest-exact, from: a}", "3x8"),
    "a layer, by place": ("{type: Upsample, args: [null, 2, nearest-exact], from: a}", "3x8"),
    "a function": ("{type: interpolate, scale_factor: 2, mode: nearest-exact, from: a}", "3x8"),
    "a prefixed name": ("{type: F.interpolate, scale_factor: 2, mode: nearest-exact, from: a}", "3x8"),
    "a nested layer": (
        "{type: Sequential, args: [{type: Upsample, scale_factor: 2, mode: nearest-exact}], from: a}", "3x8",
    ),
    "the name of a step": ("{type: mse_loss, reduction: mean, from: [a, a]}", "[]"),
    "the name of an hparam": ("{type: Upsample, scale_factor: 2, mode: how, from: a}", "3x8"),
    "an item of an hparam": ("{type: Upsample, scale_factor: 2, mode: \"hows[0]\", from: a}", "3x8"),
    "a choice": ("{type: Upsample, scale_factor: 2, mode: \"how if k > 1 else 'linear'\", from: a}", "3x8"),
    "an expression where numbers are": (
        "{type: Conv1d, in_channels: 3, out_channels: k - 1, kernel_size: 1, from: a}", "1x4",
    ),
    "a word where numbers are": (
        "{type: Conv1d, in_channels: 3, out_channels: k, kernel_size: 3, padding: same, from: a}", "2x4",
    ),
    "a difference where numbers are": (
        "{type: Conv1d, in_channels: 3, out_channels: k, kernel_size: 3, padding: k * 1, from: a}", "2x6",
    ),
}  # fmt: skip
HEAD = """input: {a: "[N, 3, 4]", b: "[N, 4, 5]"}
hparams: {how: nearest, hows: [nearest-exact, linear], k: 2}
layers:
  mean: b.mean(2).sum(1)
"""


@pytest.mark.parametrize(("step", "output"), RIGHT.values(), ids=list(RIGHT))
def test_text_is_a_string_where_the_argument_is_one(step, output):
    traced = trace(loads(f"{HEAD}  s: {step}\noutput: [mean, s]\n"))
    assert [(p.kind, p.message) for p in traced.errors] == []
    assert str(traced.output[1]) == output
    assert verify(traced).agree


@pytest.mark.parametrize(
    ("step", "kind", "text"),
    [
        ("{type: Upsample, scale_factor: 2, mode: nearest-exakt, from: a}", "invalid-argument", "nearest-exakt"),
        ('{type: einsum, equation: "bij,bjk-bik", from: [a, b]}', "invalid-argument", "bij,bjk-bik"),
        ("{type: Upsample, scale_factor: 2, mode: 3, from: a}", "wrong-type", "3"),
    ],
)
def test_a_wrong_string_is_told_where_it_stands(step, kind, text):
    traced = trace(loads(f"{HEAD}  s: {step}\noutput: [mean, s]\n"))
    assert [(p.kind, p.span.text.strip('"')) for p in traced.errors] == [(kind, text)]
