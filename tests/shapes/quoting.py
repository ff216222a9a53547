"""Holds "torch says" against torch: a note of a refusal is what torch said, word for word.

Only the format of numbers may differ (`1e-05` and `0.00001`), and how many blanks stand between two words.
"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?")


def hold_note(text: str, note: str, sentence: str) -> None:
    """Hold a rule's note against the message of the exception that torch raised for the same case.

    A rule may have no note. If it has one, it is the whole message, or the first lines of a longer one.
    """
    assert not note or quotes(note, sentence), f"{text}\n  the note: {note}\n  torch:    {sentence}"


def quotes(note: str, sentence: str) -> bool:
    """Whether a note is the message of torch, or its first lines."""
    return f"{_plain(sentence)}\n".startswith(f"{_plain(note)}\n")


def _plain(message: str) -> str:
    lines = (" ".join(line.split()) for line in message.strip().splitlines())
    return _NUMBER.sub(lambda number: repr(float(number[0])), "\n".join(lines))
