"""Suggests the known name closest to a misspelt one; all suggestions of names come from here."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from nnshape.work import budget, spend

#: Longer names are not compared: the time is quadratic in the length.
_MAX_CHARACTERS = 50
#: The cost of one comparison, in units of work.
_COMPARISON = 6
_MAX_LISTED = 20


def nearest_name(word: str, known: Iterable[str]) -> str | None:
    """The known name closest to `word` in spelling; None if none is close.

    Comparisons spend work: after `SUGGESTIONS` of them in one file, there are no more suggestions.
    """
    current = budget()
    if current.suggestions <= 0:
        return None
    names = list(dict.fromkeys(islice(known, current.suggestions)))
    current.suggestions -= len(names)
    spend(len(names) * _COMPARISON)
    folded = word.casefold()
    for name in names:
        if name.casefold() == folded:
            return name
    if len(word) > _MAX_CHARACTERS:
        return None
    from difflib import get_close_matches  # imported only for an error: it costs start-up time

    close = get_close_matches(word, [name for name in names if len(name) <= _MAX_CHARACTERS], 1)
    return close[0] if close else None


def nearest(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """A help line that suggests the closest known name; empty if none is close."""
    name = nearest_name(word, known)
    return () if name is None else (f"did you mean {name}?",)


def listed(names: Iterable[str], nothing: str = "none") -> str:
    """Names as a list in a message, cut after the first few."""
    first = list(islice(names, _MAX_LISTED + 1))
    return ", ".join([*first[:_MAX_LISTED], *(["…"] if len(first) > _MAX_LISTED else [])]) or nothing
