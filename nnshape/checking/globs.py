"""Patterns of paths, as `.gitignore` has them: `*.draft.yaml`, `configs/old`, `**/legacy/*.yaml`."""

from __future__ import annotations

import os
import re
from dataclasses import field

from nnshape.records import dataclass


@dataclass(frozen=True)
class Glob:
    """A pattern, and the folder that one with a slash in it begins at.

    Without a slash it means a name anywhere; `*` stays within a name, and `**` stands for any folders.
    """

    pattern: str
    root: str
    _regex: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        anchored = self.pattern.removeprefix("./").strip("/")
        rest = "(?:/.*)?" if anchored else ""
        start = "" if "/" in self.pattern.removeprefix("./").rstrip("/") else "(?:.*/)?"
        object.__setattr__(self, "_regex", re.compile(f"{start}{_regex_of(anchored)}{rest}", re.DOTALL))

    def matches(self, path: str) -> bool:
        """Whether the pattern means this file, or a folder that it lies in."""
        return self._regex.fullmatch(self._placed(path)) is not None

    def _placed(self, path: str) -> str:
        """The path from the root, with slashes; one that lies elsewhere as a whole."""
        absolute = os.path.abspath(path)
        root = self.root.rstrip(os.sep) + os.sep
        placed = absolute[len(root) :] if absolute.startswith(root) else absolute
        return placed.replace(os.sep, "/")


def _regex_of(pattern: str) -> str:
    parts = []
    at = 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            parts.append("(?:.*/)?")
            at += 3
        elif pattern.startswith("**", at):
            parts.append(".*")
            at += 2
        elif pattern[at] == "*":
            parts.append("[^/]*")
            at += 1
        elif pattern[at] == "?":
            parts.append("[^/]")
            at += 1
        elif pattern[at] == "[" and (end := pattern.find("]", at + 2)) > 0:
            inside = pattern[at + 1 : end]
            negated = inside.startswith("!")
            # A backslash, a caret or a set operation of Python's regexes has no meaning in a pattern of paths.
            body = re.sub(r"([\\\[^&~|])", r"\\\1", inside[negated:])
            parts.append(f"[{'^/' if negated else ''}{body}]")
            at = end + 1
        else:
            parts.append(re.escape(pattern[at]))
            at += 1
    return "".join(parts)
