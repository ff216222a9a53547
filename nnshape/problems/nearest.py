"""The known name that a misspelt one is closest to: the one place that suggests names."""

from __future__ import annotations

from collections.abc import Iterable

#: A name in a spec is at most this long; comparing more characters would only cost time.
_MAX_CHARACTERS = 200


def nearest_name(word: str, known: Iterable[str]) -> str | None:
    """The known name that is spelled most like `word`; None where none is close."""
    names = list(dict.fromkeys(known))
    folded = word.casefold()
    for name in names:
        if name.casefold() == folded:
            return name
    from difflib import get_close_matches  # imported only for an error: it costs start-up time

    close = get_close_matches(word[:_MAX_CHARACTERS], names, 1)
    return close[0] if close else None


def nearest(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """A help line that suggests the closest known name; empty where none is close."""
    name = nearest_name(word, known)
    return () if name is None else (f"did you mean {name}?",)
