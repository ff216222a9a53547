"""Proofs where the values of a tensor select nothing."""

from __future__ import annotations

import pytest

from nnshape import verify


@pytest.mark.parametrize(
    "step", ["x[none]", "masked_select(x, none.unsqueeze(1))", "x[none].flatten()", "x[none].sum(1)"]
)
def test_a_mask_of_which_nothing_is_true(of, step: str) -> None:
    text = f"""
    input: {{x: "[2, 4]", m: "bool[2]"}}
    layers:
      none: m & ~m
      a: x[none]
      b: {step}
      c: cat([a, a])
    output: [b, c]
    """
    found = verify(of(text), device="cpu")
    assert found.is_complete, found.sentence


def test_pieces_without_elements(of) -> None:
    """Of 0 rows, each piece has none, wherever it is cut."""
    text = 'input: {x: "[4, 3]", i: "int64[2]"}\nlayers:\n  a: tensor_split(x, i * 0)\n  out: cat([a[0], a[2]])\n'
    found = verify(of(text), device="cpu")
    assert found.is_complete, found.sentence
