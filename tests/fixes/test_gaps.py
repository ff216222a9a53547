"""Fixes of a missing or unusable size: what arrives, what the next layer wants, and none where nothing tells it."""

from __future__ import annotations

import pytest

import nnshape
from nnshape.fixes import edited


def fixed(text: str) -> list[str]:
    """The changed line of each fix of a text that has one error, and that traces without it."""
    trace = nnshape.trace(nnshape.loads(text))
    assert len(trace.errors) == 1
    lines = []
    for fix in nnshape.find_fixes(trace):
        after = edited(text, fix.edits)
        assert not nnshape.trace(nnshape.loads(after)).errors
        assert not fix.safe
        (line,) = set(after.splitlines()) - set(text.splitlines())
        lines.append(line.strip())
    return lines


def vector(*steps: str) -> str:
    return "hparams: {width: 64, depth: 2}\ninput: 256\nlayers:\n" + "".join(f"  {step}\n" for step in steps)


def image(*steps: str) -> str:
    return "input: 3x28x28\nlayers:\n" + "".join(f"  {step}\n" for step in steps)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (vector("a: Linear(256)", "b: Linear(48, 10)"), "a: Linear(256, 48)"),
        (vector("a: Linear(256)", "b: Linear(width, 10)"), "a: Linear(256, width)"),
        (vector("a: Linear(10)"), "a: Linear(256, 10)"),
        (vector("a: Linear(out_features=10)"), "a: Linear(out_features=10, in_features=256)"),
        (vector("a: LayerNorm()"), "a: LayerNorm(256)"),
        (vector("a: unsqueeze(1)", "b: GRU(256, batch_first=True)", "c: Linear(48, 10)(b[0])"),
         "b: GRU(256, batch_first=True, hidden_size=48)"),
        (image("a: BatchNorm2d()"), "a: BatchNorm2d(3)"),
        (image("a: Conv2d(16, 3)"), "a: Conv2d(3, 16, 3)"),
        (image("a: Conv2d(3, kernel_size=3)", "b: BatchNorm2d(8)"), "a: Conv2d(3, kernel_size=3, out_channels=8)"),
        (image("a: Conv2d(3, kernel_size=3)", "b: cat((a, a), 1)", "c: Conv2d(16, 1, 1)"),
         "a: Conv2d(3, kernel_size=3, out_channels=8)"),
        (image("a: Conv2d(3, 6)", "f: Flatten()", "b: Linear(3456, 1)"), "a: Conv2d(3, 6, 5)"),
        (image("a: MaxPool2d()", "f: Flatten()", "b: Linear(588, 1)"), "a: MaxPool2d(2)"),
        (image("a: AdaptiveAvgPool2d()", "f: Flatten()", "b: Linear(3, 1)"), "a: AdaptiveAvgPool2d(1)"),
        (image("a: adaptive_avg_pool2d()", "f: Flatten()", "b: Linear(3, 1)"), "a: adaptive_avg_pool2d(1)"),
        (image("a: flatten(2).transpose(2)", "b: Linear(3, 1)"), "a: flatten(2).transpose(2, 1)"),
    ],
)  # fmt: skip
def test_a_missing_size_is_read_off_the_input_or_off_the_layers_that_follow(text, line):
    assert fixed(text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        vector("a: Linear(256)"),  # the number of classes: nothing tells it
        vector("a: Linear(256)", "b: ReLU()", "c: Linear(auto, 10)"),
        image("a: Conv2d(3, 6)"),
        image("a: MaxPool2d()"),
        image("a: Conv2d(3, 'many', 3)"),
    ],
)
def test_a_size_that_nothing_tells_is_not_guessed(text):
    assert fixed(text) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (image("a: Conv2d((1, 2), 6, 5)"), "a: Conv2d(3, 6, 5)"),
        (image("a: Conv2d(x, 6, 5)"), "a: Conv2d(3, 6, 5)"),
        (image("a: Conv2d(3, (1, 2), 5)", "b: BatchNorm2d(9)"), "a: Conv2d(3, 9, 5)"),
        (image("a: ConvTranspose2d(3, 3, 0, 2)", "b: Flatten()", "c: Linear(9408, 1)"),
         "a: ConvTranspose2d(3, 3, 2, 2)"),
    ],
)  # fmt: skip
def test_what_is_no_size_is_replaced_by_the_one_that_fits(text, line):
    assert fixed(text) == [line]


BLOCK = """\
input: 16x28x28
blocks:
  Down(c, s)(x):
    conv: Conv2d(16, c, 3, s, padding=1)
    norm: BatchNorm2d(c)
layers:
  down: Down({})
  last: Conv2d(32, 3, 1)
"""


@pytest.mark.parametrize(
    ("given", "meant"),
    [("32.0, 2", "32, 2"), ("'32', 2", "32, 2"), ("32, 0", "32, 1"), ("32, -2", "32, 2"), ("(1, 2), 1", "32, 1")],
)
def test_the_value_of_a_hyperparameter_is_mended_where_it_is_given(given, meant):
    assert fixed(BLOCK.format(given)) == [f"down: Down({meant})"]


def test_a_width_in_a_block_is_written_as_the_name_that_has_it_or_read_off_the_input():
    text = BLOCK.replace("BatchNorm2d(c)", "BatchNorm2d()").format("32, 1")
    assert fixed(text) == ["norm: BatchNorm2d(c)"]
    assert fixed(text.replace("16, c, 3", "16, c // 2 * 2, 3").replace("Down(c, s)", "Down(c, s, d=32)")) == [
        "norm: BatchNorm2d(auto)"
    ]


def test_a_string_among_the_hparams_becomes_the_number_that_it_spells():
    text = "hparams: {ch: '64'}\n" + image("a: Conv2d(3, ch, 3)", "b: BatchNorm2d(ch)")
    assert fixed(text) == ["hparams: {ch: 64}"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (image("a: Conv2d(channels, 6, 5)"), "a: Conv2d(3, 6, 5)"),
        (image("a: Conv2d(3, chans, 5)", "b: Conv2d(6, 3, 5)"), "a: Conv2d(3, 6, 5)"),
        (image("a: Conv2d(3, 2 * chans, 5)", "b: Conv2d(6, 3, 5)"), "a: Conv2d(3, 2 * 3, 5)"),
        (vector("a: Linear(256, wdith_)", "b: Linear(width, 10)"), "a: Linear(256, width)"),
        (vector("a: Linear(in_features=features, out_features=2)"), "a: Linear(in_features=256, out_features=2)"),
        (BLOCK.replace("norm: BatchNorm2d(c)", "norm: BatchNorm2d(chans)").format("32, 1"), "norm: BatchNorm2d(auto)"),
        (BLOCK.format("chans, 1"), "down: Down(32, 1)"),
    ],
)
def test_an_unknown_name_for_a_size_is_replaced_by_the_size_that_fits(text, line):
    assert fixed(text) == [line]


@pytest.mark.parametrize("text", [image("a: Conv2d(3, chans, 5)"), image("a: x + noise"), image("a: other")])
def test_an_unknown_name_that_any_value_could_stand_for_gets_none(text):
    assert fixed(text) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (vector("a: Linear(256, 3)()"), "a: Linear(256, 3)"),
        (vector("p: Parameter(256, dim=1)", "a: x + p"), "p: Parameter(256)"),
        (vector("p: Parameter(zeros(256), -1)", "a: x + p"), "p: Parameter(zeros(256))"),
        (vector("a: Sequential(Linear(auto, 3) for i in range(3, step=2))"),
         "a: Sequential(Linear(auto, 3) for i in range(3))"),
    ],
)  # fmt: skip
def test_what_a_call_cannot_take_is_left_out(text, line):
    assert fixed(text) == [line]


@pytest.mark.parametrize("pattern", ["", " [N, c]"])
def test_the_first_hyperparameter_of_a_block_is_written_as_what_arrives(pattern):
    text = f"input: 8\nblocks:\n  B(c, d)(x{pattern}):\n    fc: Linear(c, d)\nlayers:\n  b: B(6)\n  e: Linear(6, 3)\n"
    assert fixed(text) == ["b: B(8, 6)"]


def test_auto_is_offered_where_the_calls_of_a_block_have_different_widths():
    text = (
        "input: 24x8x8\nblocks:\n  D()(x):\n    n: BatchNorm2d()\nlayers:\n  a: D()\n  b: Conv2d(24, 8, 1)\n  c: D()\n"
    )
    assert fixed(text) == ["n: BatchNorm2d(auto)"]
