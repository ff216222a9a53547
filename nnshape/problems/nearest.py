"""Suggests the known name closest to a misspelt one; all suggestions of names come from here."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from nnshape.work import budget, spend

#: Longer names are not compared.
_MAX_CHARACTERS = 50
#: The cost of one comparison, in units of work.
_COMPARISON = 6
_MAX_LISTED = 20
#: A name is near if so many characters differ, and one in a short word: more would be a guess.
_MAX_EDITS = 2
_LONG = 5


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
    best, most = None, _MAX_EDITS if len(word) >= _LONG else 1
    for name in names:
        if abs(len(name) - len(word)) <= most:
            needed = _edits(folded, name.casefold(), most)
            # One edit of a single character would leave nothing of it.
            if needed is not None and needed < max(len(word), len(name)):
                best, most = name, needed - 1
                if not most:
                    break
    return best


def _edits(one: str, other: str, most: int) -> int | None:
    """The number of characters to add, drop, replace or swap with the next to get the other; None beyond `most`."""
    same = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        same += 1
    one, other = one[same:], other[same:]
    if not one or not other:
        rest = len(one) + len(other)
        return rest if rest <= most else None
    if not most:
        return None
    ways = [(one[1:], other[1:]), (one[1:], other), (one, other[1:])]
    if one[:2] == other[1::-1]:
        ways.append((one[2:], other[2:]))
    found = [edits + 1 for way in ways if (edits := _edits(*way, most - 1)) is not None]
    return min(found, default=None)


def nearest(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """A help line that suggests the closest known name; empty if none is close."""
    return suggested(nearest_name(word, known))


def suggested(name: str | None) -> tuple[str, ...]:
    """A help line that suggests a name; empty for None."""
    return () if name is None else (f"did you mean {name}?",)


def listed(names: Iterable[str], nothing: str = "none") -> str:
    """Names as a list in a message, cut after the first few."""
    first = list(islice(names, _MAX_LISTED + 1))
    return ", ".join([*first[:_MAX_LISTED], *(["…"] if len(first) > _MAX_LISTED else [])]) or nothing
