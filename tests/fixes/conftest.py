"""What the tests of fixes share: a model with three faults, and the same model mended."""

from __future__ import annotations

import pytest

WRONG = """\
# A comment that stays.
name:   Wrong
input: 1x32x32
layers:
  conv1: Conv2d( 3,  6, 5 )   # how many channels?
  pool1: "MaxPool2d(2)"
  flatten: Flatten()

  fc1: Linear(400, 120)\t# and how many features?
  fc2: >-
    Linear(100,
      10)
"""
FIXED = WRONG
for _before, _after in (("Conv2d( 3,", "Conv2d( 1,"), ("Linear(400,", "Linear(1176,"), ("Linear(100,", "Linear(120,")):
    FIXED = FIXED.replace(_before, _after)


@pytest.fixture
def wrong() -> str:
    return WRONG


@pytest.fixture
def mended() -> str:
    return FIXED
