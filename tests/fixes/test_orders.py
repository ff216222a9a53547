"""Fixes of an order: arguments, joined dimensions and dimensions of a permute."""

from __future__ import annotations

import pytest
from test_arguments import offered
from test_gaps import fixed

import nnshape
from nnshape.fixes import apply_fixes

PAIR = "input: {a: 8x4, b: 8x5}\nlayers:\n"
MAP = "input: 8x4x6\nlayers:\n"


@pytest.mark.parametrize(
    ("step", "first"),
    [
        ("cat((a, b))", "cat((a, b), dim=2)"),
        ("cat((a, b), 1)", "cat((a, b), 2)"),
        ("cat((a, b), dim=-2)", "cat((a, b), dim=-1)"),
        ("concat([a, b, a], 0)", "concat([a, b, a], 2)"),
    ],
)
def test_tensors_are_joined_along_the_dimension_that_differs(step, first):
    found = offered(step, PAIR)
    assert (found[0], found[2][0]) == ("size-mismatch", first)


@pytest.mark.parametrize(
    ("step", "step_after"),
    [
        ("permute(2, 3, 1)", "permute(0, 2, 3, 1)"),
        ("x.permute(-1, 1, 2)", "x.permute(0, -1, 1, 2)"),
        ("permute(1, 2)", "transpose(1, 2)"),
        ("x.permute(1, 2)", "x.transpose(1, 2)"),
        ("permute(0, 2, 3, 1, -1)", "permute(0, 2, 3, 1)"),
    ],
)
def test_a_permute_names_every_dimension_once(step, step_after):
    assert offered(step, MAP) == ("wrong-rank", step, [step_after])


def test_the_features_of_a_sequence_are_normalized_by_layer_norm():
    head = "input: 8x24\nlayers:\n"
    assert offered("BatchNorm2d(24)", head)[2] == ["LayerNorm(24)"]


def test_the_sizes_of_the_layer_above_are_swapped_before_the_layer_below_is_changed():
    text = "hparams: {vocab: 50, width: 8}\ninput: int64[N, T]\nlayers:\n"
    text += "  e: Embedding(width, vocab)\n  a: Linear(width, 3)\n"
    assert fixed(text)[0] == "e: Embedding(vocab, width)"


@pytest.mark.parametrize("step", ["Linear(10, 512)", "Linear(3, 512)"])
def test_a_size_is_not_changed_by_itself_where_the_order_may_be_wrong(step):
    trace = nnshape.trace(nnshape.loads(f"input: 512\nlayers:\n  fc: {step}\n"))
    assert apply_fixes(trace).fixes == ()
