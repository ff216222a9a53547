"""`[tool.nnshape]` of the nearest pyproject.toml: what to check, how, and what to ignore."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from nnshape.checking.discovery import DEFAULT_INCLUDE
from nnshape.checking.globs import Glob
from nnshape.problems import Problem, SpecError
from nnshape.problems.kinds import kind_names
from nnshape.problems.nearest import nearest
from nnshape.records import dataclass
from nnshape.spec import Source, Span, read_source

FORMATS = ("full", "concise", "json", "github", "gitlab", "junit", "sarif", "rdjson")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a project says once for all runs; `device` and `format` are None where it says nothing."""

    include: tuple[Glob, ...]
    exclude: tuple[Glob, ...] = ()
    device: str | None = None
    format: str | None = None
    ignore: frozenset[str] = frozenset()
    per_file_ignores: tuple[tuple[Glob, frozenset[str]], ...] = ()

    def ignores(self, kind: str, file: str) -> bool:
        """Whether a problem of this kind in this file is to be left out."""
        return kind in self.ignore or any(kind in kinds and glob.matches(file) for glob, kinds in self.per_file_ignores)


def read_settings(paths: Sequence[str]) -> Settings:
    """The settings that hold for the paths; raises SpecError where they are not what settings are.

    They stand in the first pyproject.toml with a `[tool.nnshape]`, from the folder that all paths
    share upwards.
    """
    folder = _shared_folder(paths)
    while True:
        file = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(file):
            source = read_source(os.path.relpath(file))
            # A project that does not name nnshape is not read at all, and may hold what it likes.
            if "nnshape" in source.text and (table := _table(source)) is not None:
                return _Reader(source, folder).settings(table)
        parent = os.path.dirname(folder)
        if parent == folder:
            return Settings(_globs(DEFAULT_INCLUDE, os.getcwd()))
        folder = parent


def _shared_folder(paths: Sequence[str]) -> str:
    folders = []
    for path in paths:
        absolute = os.path.abspath("." if path == "-" else path)
        folders.append(absolute if os.path.isdir(absolute) else os.path.dirname(absolute))
    try:
        return os.path.commonpath(folders) if folders else os.getcwd()
    except ValueError:  # on several drives
        return os.getcwd()


def _globs(patterns: Iterable[str], root: str) -> tuple[Glob, ...]:
    return tuple([Glob(pattern, root) for pattern in patterns])


def _table(source: Source) -> Any:
    """What stands under `[tool.nnshape]`, or None; raises SpecError where the file is not TOML."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

    try:
        document = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(_not_toml(source, str(error))) from None
    tool = document.get("tool")
    return tool.get("nnshape") if isinstance(tool, dict) else None


def _not_toml(source: Source, said: str) -> Problem:
    place = re.search(r"\(at line (\d+), column (\d+)\)", said)
    start = len(source.text)
    if place is not None:
        start = min(source.line_start(int(place[1])) + int(place[2]) - 1, start)
    reason = said.partition(" (at ")[0]
    return Problem(
        "syntax", f"{source.name} is not TOML: {reason}", Span(source, start, min(start + 1, len(source.text)))
    )


class _Reader:
    """Reads each setting, and says where one is wrong."""

    def __init__(self, source: Source, folder: str) -> None:
        self._source = source
        self._folder = folder
        self._readers: dict[str, Callable[[str, Any], Any]] = {
            "include": self._patterns,
            "exclude": self._patterns,
            "device": self._word,
            "format": self._format,
            "ignore": self._kinds,
            "per-file-ignores": self._per_file,
        }

    def settings(self, table: Any) -> Settings:
        """The settings of a table; raises SpecError with every fault in it."""
        if not isinstance(table, dict):
            raise SpecError(self._problem("wrong-type", "tool.nnshape is a table", "nnshape"))
        problems: list[Problem] = []
        values: dict[str, Any] = {"include": _globs(DEFAULT_INCLUDE, self._folder)}
        for key, value in table.items():
            reader = self._readers.get(key)
            if reader is None:
                message = f"{key} is no setting of nnshape"
                problems.append(self._problem("unknown-key", message, key, _nearest(key, self._readers)))
                continue
            try:
                values[key.replace("-", "_")] = reader(key, value)
            except SpecError as error:
                problems.extend(error.problems)
        if problems:
            raise SpecError(*problems)
        return Settings(**values)

    def _words(self, key: str, value: Any) -> list[str]:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        raise SpecError(self._problem("wrong-type", f"{key} is a list of words", key, (f'{key} = ["…"]',)))

    def _word(self, key: str, value: Any) -> str:
        if isinstance(value, str) and value:
            return value
        raise SpecError(self._problem("wrong-type", f"{key} is a word", key))

    def _format(self, key: str, value: Any) -> str:
        word = self._word(key, value)
        if word in FORMATS:
            return word
        message = f"there is no format {word}"
        raise SpecError(self._problem("invalid-argument", message, key, _nearest(word, FORMATS)))

    def _patterns(self, key: str, value: Any) -> tuple[Glob, ...]:
        return _globs(self._words(key, value), self._folder)

    def _kinds(self, key: str, value: Any) -> frozenset[str]:
        words = self._words(key, value)
        for word in words:
            if word not in kind_names():
                message = f"there is no kind of problem called {word}"
                raise SpecError(self._problem("unknown-name", message, key, _nearest(word, kind_names())))
        return frozenset(words)

    def _per_file(self, key: str, value: Any) -> tuple[tuple[Glob, frozenset[str]], ...]:
        if not isinstance(value, dict):
            help = ('per-file-ignores = { "legacy/*.yaml" = ["swallows-batch"] }',)
            raise SpecError(self._problem("wrong-type", f"{key} is a table of patterns", key, help))
        return tuple([(Glob(pattern, self._folder), self._kinds(pattern, kinds)) for pattern, kinds in value.items()])

    def _problem(self, kind: str, message: str, key: str, help: tuple[str, ...] = ()) -> Problem:
        """A problem at the line of a key: the TOML parser keeps no places."""
        table = re.search(r"^[ \t]*\[[^\]\n]*nnshape", self._source.text, re.MULTILINE)
        written = re.compile(rf"""(?<![\w-])["']?(?P<key>{re.escape(key)})(?![\w-])""")
        found = written.search(self._source.text, table.start() if table else 0)
        if found is None:
            return Problem(kind, message, place=self._source.name, help=help)
        return Problem(kind, message, Span(self._source, found.start("key"), found.end("key")), help=help)


def _nearest(word: str, known: Collection[str]) -> tuple[str, ...]:
    return nearest(word, known) or (f"known are {', '.join(known)}",)
