"""Patterns of paths as `.gitignore` has them, from pathspec: `*.draft.yaml`, `configs/old/`, `!configs/old/kept.yaml`.

The patterns come from a project's settings, so from whoever opens a pull request. Matching one takes work in
proportion to the path, whatever its wildcards.
"""

from __future__ import annotations

import os
import re
import warnings
from functools import cache, cached_property
from itertools import count
from typing import TYPE_CHECKING, Any

from nnshape.records import dataclass

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MAX_PATTERNS = 200
MAX_CHARACTERS = 200
#: Each `**` before the last part multiplies the places at which the rest may match.
MAX_DOUBLE_STARS = 2

_STAR = "[^/]*"


class BadPattern(ValueError):
    """An invalid pattern; `pattern` is its text."""

    def __init__(self, pattern: str, reason: str) -> None:
        super().__init__(reason)
        self.pattern = pattern


@dataclass(frozen=True)
class Patterns:
    """Ordered patterns: the last match decides, and `!` negates.

    Those with a slash in them begin at the folder `root`. Raises BadPattern.
    """

    lines: tuple[str, ...]
    root: str

    def __post_init__(self) -> None:
        if len(self.lines) > MAX_PATTERNS:
            raise BadPattern(self.lines[MAX_PATTERNS], f"there are more than {MAX_PATTERNS:,} patterns")
        for line in self.lines:
            _check(line)

    def match(self, path: str, *, folder: bool = False) -> bool:
        """Whether the patterns select a file, or a folder with its contents."""
        if not self.lines:
            return False
        placed = os.path.relpath(path, self.root).replace(os.sep, "/")
        # A name that is not UTF-8 holds surrogates, which match as any character does.
        return self._spec.match_file(f"{placed}/" if folder else placed)

    @cached_property
    def _spec(self) -> GitIgnoreSpec:
        from pathspec import GitIgnoreSpec

        return GitIgnoreSpec([_compiled(line) for line in self.lines], backend="simple")


def _check(line: str) -> None:
    if len(line) > MAX_CHARACTERS:
        raise BadPattern(line, f"a pattern has at most {MAX_CHARACTERS} characters")
    if line.rstrip("/").split("/")[:-1].count("**") > MAX_DOUBLE_STARS:
        raise BadPattern(line, f"a pattern has **/ at most {MAX_DOUBLE_STARS} times")
    if "\n" in line or "\r" in line:
        raise BadPattern(line, "a pattern is one line")
    if _compiled(line).include is None:
        raise BadPattern(line, "it selects nothing: it is blank, a comment, or has an open [")


def _compiled(line: str) -> Any:
    """A line as a pattern of pathspec; raises BadPattern."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `re` warns of [[a]], which means what it says
            return _linear_pattern()(line.removeprefix("./"))
    except re.error as error:
        raise BadPattern(line, str(error.msg)) from None
    except ValueError:
        raise BadPattern(line, "it is not a pattern") from None


@cache
def _linear_pattern() -> Any:
    """The type of a pattern whose stars are matched once each; made here, as pathspec is imported only for patterns."""
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    numbers = count()

    class Linear(GitIgnoreSpecPattern):
        """A pattern that takes one way to divide a name among its stars.

        Of two stars, the first takes as little as lets the text between them match: if the rest fails then, it
        fails as well if that star takes more. Left to itself, `re` tries every way, and `*a*a*a*a*b` never ends.
        `fnmatch` of the standard library does the same.
        """

        __slots__ = ()

        @staticmethod
        def _translate_segment_glob(pattern: str, *options: Any) -> str:
            regex = GitIgnoreSpecPattern._translate_segment_glob(pattern, *options)
            first, *between = regex.split(_STAR)
            if not between:
                return regex
            last = between.pop()
            parts = [first]
            for part in filter(None, between):
                name = f"star{next(numbers)}"
                parts.append(f"(?=(?P<{name}>{_STAR}?{part}))(?P={name})")
            return "".join((*parts, _STAR, last))

    return Linear
