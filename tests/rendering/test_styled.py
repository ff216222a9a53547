"""Cutting, padding and painting of text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnshape.rendering.columns import Cell
from nnshape.rendering.styled import cells, cut_end, cut_middle, padded, painted


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [
        ("layers.0.attention", 18, "layers.0.attention"),
        ("layers.0.attention", 11, "layer…ntion"),
        ("layers", 2, "l…"),
        ("layers", 1, "…"),
        ("layers", 0, ""),
        ("日本語日本語", 7, "日…語"),
    ],
)
def test_cut_middle(text, width, cut):
    assert cut_middle(text, width) == cut


def test_cut_end():
    assert cut_end("Conv2d(1, 6, 5)", 9) == "Conv2d(1…"


@given(st.text(st.sampled_from("ab日…é")), st.integers(0, 20))
def test_cut_texts_fit(text, width):
    assert cells(cut_middle(text, width)) <= width
    assert cells(cut_end(text, width)) <= width


@given(st.text(st.sampled_from("ab日")), st.integers(3, 30), st.booleans(), st.sampled_from(["", "│ ", "│ │ │ │ ├ "]))
def test_a_cell_fills_its_width_exactly(text, width, right, guide):
    parts = Cell((text,), "", guide).parts(width, right)
    assert sum(cells(part) for part, _ in parts) == width


def test_padded():
    assert padded("日", 4) == "日  "
    assert padded("12", 4, right=True) == "  12"


def test_blanks_at_the_end_are_left_out():
    assert painted([[("a", "head"), ("   ", "dim")]], color=False) == "a\n"
    assert painted([[("a  ", "dim")]], color=True) == "\x1b[2ma\x1b[0m\n"
