"""What counts as torch's words."""

from __future__ import annotations

import pytest
from quoting import quotes

SAID = "eps must be positive, but got 1e-05  for [2, 3]\nException raised from check at file.cpp:12"


@pytest.mark.parametrize(
    "note",
    [
        SAID,
        "eps must be positive, but got 1e-05 for [2, 3]",
        "eps must be positive, but got 0.00001 for [2, 3]",
    ],
)
def test_a_note_is_the_whole_message_or_its_first_lines(note):
    assert quotes(note, SAID)


@pytest.mark.parametrize(
    "note",
    [
        "eps must be positive",
        "eps must be positive, but got 1e-05",
        "eps must be positive, but got 1e-06 for [2, 3]",
        "eps must be positive, but got 1e-05 for [3, 2]",
        "eps must be positive, but got 1e-05 for (2, 3)",
        "eps must be above 0, but got 1e-05 for [2, 3]",
        f"{SAID}\nand more",
    ],
)
def test_other_words_other_numbers_and_half_a_line_are_not(note):
    assert not quotes(note, SAID)
