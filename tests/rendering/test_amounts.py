"""Counts, sizes and values as people read them."""

from __future__ import annotations

import pytest

from nnshape.rendering.amounts import amount, byte_text, full_value, input_forms, value_forms
from nnshape.shapes.dims import symbol
from nnshape.shapes.tensor import UNKNOWN, N, Tensor


def test_amount():
    assert amount(81290) == "81,290"
    assert amount(81290, at_least=True) == ">= 81,290"
    assert amount(5 * symbol("T")) == "5*T"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (325160, "317.5 KiB"),
        (1 << 20, "1.0 MiB"),
        (10**21, "867.4 EiB"),
    ],
)
def test_bytes(size, text):
    assert byte_text(size) == text


def test_values_from_the_fullest_form_to_the_shortest():
    hidden = Tensor((1, N, 6))
    assert value_forms((Tensor((N, 5, 6)), (hidden, hidden))) == ("(5x6, ([1, N, 6], [1, N, 6]))", "(5x6, …)", "(…)")
    assert value_forms({"a": Tensor((N, 5))}) == ("{a: 5}", "{…}")
    assert value_forms(UNKNOWN) == ("?",)


def test_inputs():
    a, b, c = Tensor((N, 5)), Tensor((N, 6)), Tensor((N, 7))
    assert input_forms([]) == ("-",)
    assert input_forms([a]) == ("5",)
    assert input_forms([a, b, c]) == ("5, 6, 7", "5, +2")


def test_full_value():
    assert full_value((Tensor((N, 5)), UNKNOWN)) == "(float32[N, 5], ?)"
