"""Fixes of dimensions and indices: each by its kind, its place and the step as it then reads."""

from __future__ import annotations

import pytest
from test_arguments import offered
from test_gaps import fixed

MAP = "input: 16x28x20\nlayers:\n"
STATES = "input: [N, T, 8]\nlayers:\n  r: LSTM(8, 6, batch_first=True)\n"


@pytest.mark.parametrize(
    ("step", "place", "step_after"),
    [
        ("softmax(7)", "7", "softmax(3)"),
        ("Softmax(7)", "7", "Softmax(3)"),
        ("softmax(-7)", "-7", "softmax(-3)"),
        ("permute(0, 2, 4, 1)", "permute(0, 2, 4, 1)", "permute(0, 2, 3, 1)"),
        ("x.transpose(1, -5)", "-5", "x.transpose(1, -3)"),
        ("flatten(1, 5)", "5", "flatten(1, 3)"),
        ("mean((2, 4))", "(2, 4)", "mean((2, 3))"),
        ("x[:, 16]", "x[:, 16]", "x[:, 15]"),
        ("x[:, -17, 3]", "x[:, -17, 3]", "x[:, -16, 3]"),
        ("x[:, 0, 0, 0, 0]", "x[:, 0, 0, 0, 0]", "x[:, 0, 0, 0]"),
    ],
)
def test_a_dimension_or_index_out_of_range_becomes_the_nearest(step, place, step_after):
    assert offered(step, MAP) == ("index-error", place, [step_after])


def test_a_dimension_that_is_named_twice_becomes_the_missing_one_if_one_way_works():
    layers = "input: 16x28x20\nlayers:\n  p: permute({})\n  l: Linear(20, 2)\n"
    assert fixed(layers.format("0, 2, 2, 3")) == []  # both ways work
    layers = layers.replace("l: Linear", "c: Conv2d(28, 3, 1)\n  l: Linear")
    assert fixed(layers.format("0, 2, 2, 3")) == ["p: permute(0, 2, 1, 3)"]
    assert fixed(layers.format("(0, 2, 2, 3)")) == ["p: permute((0, 2, 1, 3))"]


@pytest.mark.parametrize(
    ("step", "kind", "place", "first"),
    [
        ("Linear(6, 2)(r[2])", "index-error", "r[2]", "Linear(6, 2)(r[0])"),
        ("Linear(6, 2)(r[-1])", "wrong-type", "r[-1]", "Linear(6, 2)(r[0])"),
        ("Linear(6, 2)", "wrong-type", "Linear(6, 2)", "Linear(6, 2)(r[0])"),
        ("relu(r)", "wrong-type", "r", "relu(r[0])"),
        ("relu()", "wrong-type", "relu()", "relu(r[0])"),
        ("log_softmax(2)", "wrong-type", "log_softmax(2)", "log_softmax(r[0], 2)"),
        ("x.mean(2, keepdim=True) + r", "wrong-type", "x.mean(2, keepdim=True) + r",
         "x.mean(2, keepdim=True) + r[0]"),
        ("r.mean(1)", "unknown-name", "mean", "r[0].mean(1)"),
    ],
)  # fmt: skip
def test_the_output_is_selected_of_the_values_that_a_layer_returns(step, kind, place, first):
    found = offered(step, STATES)
    assert (found[0], found[1], found[2][0]) == (kind, place, first)


BLOCK = "input: [N, T, 8]\nblocks:\n  B(c)(x{}):\n    d: Linear(c, 3)\nlayers:\n  r: {}\n  b: {}\n"
LSTM = "LSTM(8, 6, batch_first=True)"


@pytest.mark.parametrize("pattern", ["", " [N, T, c]"])
@pytest.mark.parametrize("step", ["B(6)", "B(6)(r)", "B(6)(r[1])"])
def test_a_block_that_gets_several_values_is_given_the_output(pattern, step):
    assert fixed(BLOCK.format(pattern, LSTM, step))[0] == "b: B(6)(r[0])"


def test_a_hyperparameter_that_is_a_size_of_the_input_is_given_that_size():
    assert fixed(BLOCK.format(" [N, T, c]", "ReLU()", "B(6)")) == ["b: B(8)"]
    assert fixed(BLOCK.format(" [N, T, c]", "ReLU()", "B('8')")) == ["b: B(8)"]


def test_an_index_into_numbers_is_never_moved_to_the_first():
    text = "hparams: {widths: [5, 6]}\ninput: 10\nlayers:\n  a: Linear(10, widths[2])\n"
    assert fixed(text) == ["a: Linear(10, widths[1])"]
