"""Path patterns in the syntax of `.gitignore`, such as `*.draft.yaml`, `configs/old/` or `!configs/old/kept.yaml`.

Patterns are untrusted: anybody who opens a pull request can change the settings of a project. So matching takes work
in proportion to the path, for any wildcards.
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
#: Each `**` before the last part multiplies the positions at which the rest may match.
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

    Patterns with a slash are relative to the folder `root`. Raises BadPattern if one is invalid.
    """

    lines: tuple[str, ...]
    root: str

    def __post_init__(self) -> None:
        if len(self.lines) > MAX_PATTERNS:
            raise BadPattern(self.lines[MAX_PATTERNS], f"there are more than {MAX_PATTERNS:,} patterns")
        for line in self.lines:
            _check(line)

    def match(self, path: str, *, folder: bool = False) -> bool:
        """Return whether the patterns select a file, or a folder with its contents."""
        if not self.lines:
            return False
        placed = os.path.relpath(path, self.root).replace(os.sep, "/")
        # Names that are not UTF-8 contain surrogates, which match like any character.
        return self._spec.match_file(f"{placed}/" if folder else placed)

    @cached_property
    def _spec(self) -> GitIgnoreSpec:
        from pathspec import GitIgnoreSpec

        return GitIgnoreSpec([_compiled(line) for line in self.lines], backend="simple")


def _check(line: str) -> None:
    if len(line) > MAX_CHARACTERS:
        raise BadPattern(line, f"a pattern can have at most {MAX_CHARACTERS} characters")
    if line.rstrip("/").split("/")[:-1].count("**") > MAX_DOUBLE_STARS:
        raise BadPattern(line, f"a pattern can have **/ at most {MAX_DOUBLE_STARS} times")
    if "\n" in line or "\r" in line:
        raise BadPattern(line, "a pattern must be one line")
    if _compiled(line).include is None:
        raise BadPattern(line, "it selects nothing: it is blank, a comment, or has an unclosed [")


def _compiled(line: str) -> Any:
    """Return a line as a pathspec pattern. Raises BadPattern."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `re` warns of [[a]], which is valid here
            return _linear_pattern()(line.removeprefix("./"))
    except re.error as error:
        raise BadPattern(line, str(error.msg)) from None
    except ValueError:
        raise BadPattern(line, "it is not a pattern") from None


@cache
def _linear_pattern() -> Any:
    """Return a pathspec pattern class without backtracking. Defined here since pathspec is slow to import."""
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    numbers = count()

    class Linear(GitIgnoreSpecPattern):
        """A pattern that matches each star without backtracking, like `fnmatch` in the standard library.

        Every star except the last matches as little as possible: if the rest then fails to match, a longer match of
        the star cannot help. By default, `re` tries all combinations, and takes exponential time for `*a*a*a*a*b`.
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
