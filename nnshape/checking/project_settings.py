"""The settings of a project."""

from __future__ import annotations

import os

from nnshape.checking.path_patterns import Patterns
from nnshape.records import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a project; `device` and `format` are None if not set.

    `file` is the settings file, as in messages, and `folder` its folder; both are empty without one. If `comments` is
    False, ignore comments have no effect.
    """

    include: Patterns | None = None
    exclude: Patterns | None = None
    device: str | None = None
    format: str | None = None
    ignore: frozenset[str] = frozenset()
    per_file_ignores: tuple[tuple[Patterns, frozenset[str]], ...] = ()
    strict: bool = False
    comments: bool = True
    file: str = ""
    folder: str = ""

    def ignored_in(self, file: str) -> frozenset[str]:
        """Return the kinds of problem to ignore in a file."""
        by_file = [kinds for patterns, kinds in self.per_file_ignores if patterns.match(file)]
        return self.ignore.union(*by_file)

    @property
    def elsewhere(self) -> bool:
        """Whether the settings file is outside the current folder."""
        return bool(self.file) and os.path.realpath(self.folder) != os.path.realpath(os.curdir)


#: The default settings, without a file and ignore comments: no file of a pull request can loosen them.
NO_CONFIG = Settings(comments=False)
