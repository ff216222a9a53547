"""Reads and validates the `[tool.nnshape]` table, and locates each error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from nnshape.checking.path_patterns import BadPattern, Patterns
from nnshape.checking.project_settings import Settings
from nnshape.checking.toml import toml_document
from nnshape.problems import Problem, SpecError
from nnshape.problems.kinds import KindName, kind_names
from nnshape.problems.nearest import nearest
from nnshape.rendering.formats import format_names
from nnshape.spec import Source, Span

#: Maximum number of problems reported for one file.
_MAX_PROBLEMS: Final = 100


def table_of(source: Source) -> Any:
    """Return the `[tool.nnshape]` table, or None. Raises SpecError if the file is not TOML."""
    tool = toml_document(source).get("tool")
    return tool.get("nnshape") if isinstance(tool, dict) else None


class SettingsReader:
    """Reads the settings of one file."""

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
            "strict": self._flag,
        }

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all settings."""
        return tuple(self._readers)

    def settings(self, table: Any) -> Settings:
        """Return the settings of a table. Raises SpecError with all problems."""
        if not isinstance(table, dict):
            raise SpecError(self._problem("wrong-type", "tool.nnshape must be a table", "nnshape"))
        problems: list[Problem] = []
        values: dict[str, Any] = {}
        for key, value in table.items():
            if len(problems) >= _MAX_PROBLEMS:
                break
            reader = self._readers.get(key)
            if reader is None:
                message = f"{_shortened(key)} is not a setting of nnshape"
                problems.append(self._problem("unknown-key", message, key, _suggestion(key, self._readers)))
                continue
            try:
                values[key.replace("-", "_")] = reader(key, value)
            except SpecError as error:
                problems.extend(error.problems)
        if problems:
            raise SpecError(*problems)
        return Settings(**values)

    def stricter(self, table: Any, above: str, strict: bool) -> Settings:
        """Return the settings of a file nested below `above`. Raises SpecError if they could loosen it."""
        settings = self.settings(table)
        problems = []
        for key, value in table.items():
            if key == "format" or (key == "strict" and (value or not strict)):
                continue
            message = f"{key} cannot be set here: the settings of this tree are in {above}"
            help = (f"set it in {above}; a file below it can only add strict = true",)
            problems.append(self._problem("invalid-argument", message, key, help))
        if problems:
            raise SpecError(*problems)
        return settings

    def _words(self, key: str, value: Any) -> list[str]:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        raise SpecError(self._problem("wrong-type", f"{key} must be a list of strings", key, (f'{key} = ["…"]',)))

    def _word(self, key: str, value: Any) -> str:
        if isinstance(value, str) and value:
            return value
        raise SpecError(self._problem("wrong-type", f"{key} must be a string", key))

    def _flag(self, key: str, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        raise SpecError(self._problem("wrong-type", f"{key} must be true or false", key, (f"{key} = true",)))

    def _format(self, key: str, value: Any) -> str:
        word = self._word(key, value)
        names = format_names("check")
        if word in names:
            return word
        message = f"there is no format {_shortened(word)}"
        raise SpecError(self._problem("invalid-argument", message, key, _suggestion(word, names)))

    def _patterns(self, key: str, value: Any) -> Patterns:
        return self._checked(key, self._words(key, value))

    def _checked(self, key: str, patterns: Iterable[str]) -> Patterns:
        try:
            return Patterns(tuple(patterns), self._folder)
        except BadPattern as error:
            message = f"{_shortened(error.pattern)!r} is not a path pattern: {error}"
            raise SpecError(self._problem("invalid-argument", message, key, within=error.pattern)) from None

    def _kinds(self, key: str, value: Any) -> frozenset[str]:
        words = self._words(key, value)
        for word in words:
            if word not in kind_names():
                message = f"there is no kind of problem called {_shortened(word)}"
                raise SpecError(self._problem("unknown-name", message, key, _suggestion(word, kind_names())))
        return frozenset(words)

    def _per_file(self, key: str, value: Any) -> tuple[tuple[Patterns, frozenset[str]], ...]:
        if not isinstance(value, dict):
            help = ('per-file-ignores = { "legacy/*.yaml" = ["swallows-batch"] }',)
            raise SpecError(self._problem("wrong-type", f"{key} must be a table of patterns", key, help))
        self._checked(key, value)
        return tuple(
            [(self._checked(pattern, [pattern]), self._kinds(pattern, kinds)) for pattern, kinds in value.items()]
        )

    def _problem(
        self, kind: KindName, message: str, key: str, help: tuple[str, ...] = (), within: str | None = None
    ) -> Problem:
        """Return a problem at a key, or at the text `within` its value. Searches the file: tomllib has no positions."""
        text = self._source.text
        table = re.search(r"^[ \t]*\[[^\]\n]*nnshape", text, re.MULTILINE)
        written = re.compile(rf"""(?<![\w-])["']?(?P<key>{re.escape(key)})(?![\w-])""")
        found = written.search(text, table.start() if table else 0)
        if found is None:
            return Problem(kind, message, place=self._source.name, help=help)
        start, end = found.span("key")
        if within and (at := text.find(within, start)) >= 0:
            start, end = at, at + len(within)
        return Problem(kind, message, Span(self._source, start, end), help=help)


def _suggestion(word: str, known: Iterable[str]) -> tuple[str, ...]:
    names = list(known)
    return nearest(word, names) or (f"choose from {', '.join(names)}",)


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
