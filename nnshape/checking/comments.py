"""Suppression comments in a spec: `# nnshape: ignore[size-mismatch]`."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from itertools import islice
from typing import Any

import yaml  # type: ignore[import-untyped,unused-ignore]

from nnshape.records import dataclass
from nnshape.spec import Source, Span
from nnshape.spec.limits import PROBLEMS

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INSTRUCTION = re.compile(r"(?<!\S)#[ \t]*nnshape:[ \t]*ignore(?:[ \t]*\[(?P<kinds>[^\]\r\n]{0,1000})\]|(?![\w\[-]))")
_WORD = re.compile(r"[^\s,]+")


@dataclass(frozen=True)
class Ignore:
    """A comment that suppresses problems on lines `first` to `last`.

    `kinds` are the kinds with their spans, or None to suppress every problem.
    """

    span: Span
    first: int
    last: int
    kinds: tuple[tuple[str, Span], ...] | None

    def covers(self, kind: str, line: int) -> bool:
        """Return whether the comment suppresses a problem of this kind on this line."""
        if not self.first <= line <= self.last:
            return False
        return self.names is None or kind in self.names

    @cached_property
    def names(self) -> frozenset[str] | None:
        """The names of the kinds, or None for every kind."""
        return None if self.kinds is None else frozenset(name for name, _ in self.kinds)


def ignores(source: Source) -> tuple[Ignore, ...]:
    """Return the suppression comments in a text, except those inside strings.

    The limit on problems of a file also limits the comments.
    """
    if "nnshape:" not in source.text:
        return ()
    matches = list(islice(_INSTRUCTION.finditer(source.text), PROBLEMS))
    if not matches:
        return ()
    scalars = _scalars(source.text)
    starts = [start for start, _ in scalars]
    found = []
    for match in matches:
        at = match.start()
        before = bisect_right(starts, at) - 1
        if before >= 0 and at < scalars[before][1]:
            continue
        last = first = source.position(at)[0]
        if before >= 0 and source.position(max(scalars[before][1] - 1, 0))[0] == last:
            # A comment on a step of several lines can only be after the last one.
            first = source.position(scalars[before][0])[0]
        found.append(Ignore(Span(source, at, match.end()), first, last, _kinds(source, match)))
    return tuple(found)


def _kinds(source: Source, match: re.Match[str]) -> tuple[tuple[str, Span], ...] | None:
    if match["kinds"] is None:
        return None
    start = match.start("kinds")
    return tuple(
        [(word[0], Span(source, start + word.start(), start + word.end())) for word in _WORD.finditer(match["kinds"])]
    )


def _scalars(text: str) -> list[tuple[int, int]]:
    """Return the ranges of the scalars in a text, in order. After a YAML error, the rest of the text is one range."""
    found: list[tuple[int, int]] = []
    end = 0
    loader = _Loader(text)
    try:
        while loader.check_token():
            token = loader.get_token()
            end = token.end_mark.index
            if isinstance(token, yaml.ScalarToken):
                found.append((token.start_mark.index, end))
    except (yaml.YAMLError, RecursionError) as error:
        # YAML reports an unclosed quote at the end of the text, with the opening quote as context.
        mark = getattr(error, "context_mark", None) or getattr(error, "problem_mark", None)
        found.append((max(end, mark.index if mark is not None else end), len(text)))
    finally:
        loader.dispose()
    return found
