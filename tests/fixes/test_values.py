"""Fixes of an argument's value: each by its kind, its place and the step as it then reads."""

from __future__ import annotations

import pytest
from test_arguments import offered

MAP = "input: 3x32x32\nlayers:\n"
TWO = "input: {a: 8, b: 8}\nlayers:\n"


@pytest.mark.parametrize(
    ("step", "place", "fixed"),
    [
        ("Conv2d('3', 8, 3)", "'3'", "Conv2d(3, 8, 3)"),
        ("Conv2d(3, 8.0, 3)", "8.0", "Conv2d(3, 8, 3)"),
        ("Conv2d(3, (8, 8), 3)", "(8, 8)", "Conv2d(3, 8, 3)"),
        ("Conv2d([3], 8, 3)", "[3]", "Conv2d(3, 8, 3)"),
        ("Conv2d(3, 8, 3, bias='false')", "'false'", "Conv2d(3, 8, 3, bias=False)"),
        ("mean((2, 3), keepdim='True')", "'True'", "mean((2, 3), keepdim=True)"),
        ("mean((2, 3), keepdim=1)", "1", "mean((2, 3), keepdim=True)"),
        ("flatten('1')", "'1'", "flatten(1)"),
        ("unflatten(1, 3)", "3", "unflatten(1, (3,))"),
    ],
)
def test_a_value_of_a_wrong_type_is_written_as_the_right_one(step, place, fixed):
    assert offered(step, MAP) == ("wrong-type", place, [fixed])


@pytest.mark.parametrize("step", ["Conv2d(3, 'eight', 3)", "Conv2d(3, 8.5, 3)", "Conv2d(3, (8, 4), 3)"])
def test_a_value_that_has_no_equal_of_the_right_type_is_not_guessed(step):
    assert offered(step, MAP)[2] == []


@pytest.mark.parametrize(
    ("step", "place", "fixed"),
    [
        ("MaxPool2d(3, 1, 2)", "2", "MaxPool2d(3, 1, 1)"),
        ("MaxPool2d(2, padding=2)", "2", "MaxPool2d(2, padding=1)"),
        ("max_pool2d(3, padding=2)", "2", "max_pool2d(3, padding=1)"),
        ("Conv2d(3, 8, (3, 3, 3))", "(3, 3, 3)", "Conv2d(3, 8, 3)"),
        ("Conv2d(3, 8, 0)", "0", "Conv2d(3, 8, 1)"),
        ("Conv2d(3, -8, 3)", "-8", "Conv2d(3, 8, 3)"),
        ("Conv2d(3, 8, 3, -2)", "-2", "Conv2d(3, 8, 3, 2)"),
        ("Conv2d(3, 8, 3, 0)", "0", "Conv2d(3, 8, 3)"),
        ("Conv2d(3, 8, 3, stride=0, padding=1)", "0", "Conv2d(3, 8, 3, padding=1)"),
        ("Conv2d(3, 8, 3, padding_mode='reflct')", "'reflct'", "Conv2d(3, 8, 3, padding_mode='reflect')"),
        ("Conv2d(3, 8, 3, padding='sme')", "'sme'", "Conv2d(3, 8, 3, padding='same')"),
        ("Upsample(scale_factor=2, mode='bilinera')", "'bilinera'", "Upsample(scale_factor=2, mode='bilinear')"),
        ("interpolate(scale_factor=2, mode='bicubc')", "'bicubc'", "interpolate(scale_factor=2, mode='bicubic')"),
        ("BatchNorm2d(3, eps=-1)", "-1", "BatchNorm2d(3)"),
        ("Dropout(50)", "50", "Dropout(0.5)"),
        ("Dropout(p=-0.5)", "-0.5", "Dropout(p=0.5)"),
        ("Dropout(1.5)", "1.5", "Dropout()"),
    ],
)
def test_an_invalid_value_is_set_to_the_nearest_valid_one_or_to_its_default(step, place, fixed):
    assert offered(step, MAP) == ("invalid-argument", place, [fixed])


def test_a_mode_is_never_guessed_from_afar():
    kind, place, fixes = offered("MSELoss(reduction='average')(a, b)", TWO)
    assert (kind, place, fixes) == ("invalid-argument", "'average'", [])
    assert offered("MSELoss(reduction='men')(a, b)", TWO)[2] == ["MSELoss(reduction='mean')(a, b)"]
