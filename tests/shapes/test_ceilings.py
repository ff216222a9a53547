"""Sizes as people read them: `ceil(H/2)` where it is shorter, of the same value always."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnshape.shapes.dims import Size, maximum, readable, shape_part, substitute, symbol

H, W = symbol("H"), symbol("W")


def half(size: Size) -> Size:
    """A convolution with stride 2 and "same" padding."""
    return (size - 1) // 2 + 1


CASES: dict[str, tuple[Size, str, str]] = {
    "a number": (7, "7", "7"),
    "a symbol": (H, "H", "H"),
    "a floor": (H // 2, "H//2", "(H//2)"),
    "a convolution": (half(H), "ceil(H/2)", "ceil(H/2)"),
    "five convolutions": (half(half(half(half(half(H))))), "ceil(H/32)", "ceil(H/32)"),
    "a sum": (half(H + W), "ceil((H + W)/2)", "ceil((H + W)/2)"),
    "twice": (2 * half(H), "2*ceil(H/2)", "(2*ceil(H/2))"),
    "one less": ((H - 1) // 2, "(H - 1)//2", "((H - 1)//2)"),
    "a remainder": ((H - 2) // 4 + 1, "(H - 2)//4 + 1", "((H - 2)//4 + 1)"),
    "a product": (half(H) * half(W), "ceil(H/2)*ceil(W/2)", "(ceil(H/2)*ceil(W/2))"),
    "a maximum": (half(maximum(H, 3)), "ceil(max(H, 3)/2)", "ceil(max(H, 3)/2)"),
    "a symbolic divisor": ((H - 1) // W + 1, "ceil(H/W)", "ceil(H/W)"),
}


@pytest.mark.parametrize(("size", "text", "part"), CASES.values(), ids=CASES)
def test_the_shorter_form(size: Size, text: str, part: str) -> None:
    assert readable(size) == text
    assert shape_part(size) == part


def test_programs_read_floor_divisions() -> None:
    assert str(half(H)) == "(H - 1)//2 + 1"


SIZES = st.recursive(
    st.sampled_from([H, W]) | st.integers(1, 6),
    lambda inner: st.one_of(
        st.tuples(inner, st.integers(1, 4)).map(lambda pair: (pair[0] - 1) // pair[1] + 1),
        st.tuples(inner, st.integers(-3, 3), st.integers(1, 4)).map(lambda three: (three[0] + three[1]) // three[2]),
        st.tuples(inner, inner).map(lambda pair: pair[0] + pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] * pair[1]),
        st.tuples(inner, inner).map(lambda pair: maximum(*pair)),
        st.tuples(inner, st.sampled_from([H, W])).map(lambda pair: (pair[0] - 1) // pair[1] + 1),
    ),
    max_leaves=6,
)


@given(SIZES, st.integers(1, 60), st.integers(1, 60))
def test_both_texts_have_the_same_value(size: Size, h: int, w: int) -> None:
    text = readable(size)
    assert len(text) <= len(str(size))
    value = eval(text, {"__builtins__": {}, "ceil": ceil, "max": max, "min": min}, {"H": h, "W": w})
    assert value == substitute(size, {"H": h, "W": w})
