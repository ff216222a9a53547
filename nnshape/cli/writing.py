"""Writes the output of a command: its width, colour and encoding."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from typing import TextIO

from nnshape.records import dataclass
from nnshape.rendering.styled import Line, painted
from nnshape.rendering.visible import ESCAPES, Escape, Language, guarded, guarded_patch, in_text

_MIN_COLUMNS = 40
#: A table in a pipe is as wide as its rows, up to this many columns.
_MAX_TABLE = 1000
#: CI systems set one of these. They keep the output as a log.
_CI_VARIABLES = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "TEAMCITY_VERSION")
#: ASCII replacements for the characters of a table, each of the same width.
_ASCII = str.maketrans({"…": "~", "├": "|", "└": "`", "│": "|", "─": "-", "✗": "x", "·": ".", "⋮": "."})


@dataclass(frozen=True, slots=True)
class StandardOutput:
    """Standard output, with the widths of text and of tables in columns, and whether to use colour."""

    width: int
    table_width: int
    color: bool

    def write(self, lines: Iterable[Line]) -> None:
        """Write lines to standard output and flush."""
        _put_lines(lines, sys.stdout, self.color)


def output(columns: int | None, color: str) -> StandardOutput:
    """Standard output with the widths and the colour of the options and the terminal.

    In a pipe, text is 80 columns wide and a table as wide as its rows, unless `columns` or COLUMNS says otherwise.
    """
    width = max(columns or shutil.get_terminal_size((80, 24)).columns, _MIN_COLUMNS)
    is_pipe = sys.stdout is None or not sys.stdout.isatty()
    is_free = is_pipe and columns is None and not os.environ.get("COLUMNS")
    return StandardOutput(width, _MAX_TABLE if is_free else width, wants_color(color, sys.stdout))


def wants_color(choice: str, stream: TextIO | None) -> bool:
    """Whether to use colour: by the option, then NO_COLOR and FORCE_COLOR, then whether the stream is a terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    if stream is None or not stream.isatty() or os.environ.get("TERM") == "dumb":
        return False
    if sys.platform == "win32":
        from rich.console import Console

        return not Console().legacy_windows
    return True


def write(text: str, language: Language = "text", stream: TextIO | None = None) -> None:
    """Write a document and flush, with terminal control characters and CI commands escaped.

    Renderers escape untrusted text themselves; this is the last line of defence. It also escapes characters
    that the stream cannot encode.
    """
    escape = ESCAPES[language]
    _put(text if language == "commands" else guarded(text, escape), stream or sys.stdout, escape)


def write_patch(text: str) -> None:
    """Write a unified diff to standard output: exact for `patch`, or escaped for a terminal or a CI log."""
    shown = (sys.stdout is not None and sys.stdout.isatty()) or any(map(os.environ.get, _CI_VARIABLES))
    _put(guarded_patch(text, exact=not shown), sys.stdout, in_text)


def write_error(lines: Iterable[Line], color: bool | None = None) -> None:
    """Write lines to standard error."""
    _put_lines(lines, sys.stderr, wants_color("auto", sys.stderr) if color is None else color)


def _put_lines(lines: Iterable[Line], stream: TextIO | None, color: bool) -> None:
    text = painted(lines, color)
    if stream is not None and not _fits(text, _encoding(stream)):
        text = text.translate(_ASCII)
    _put(text, stream, in_text)


def _put(text: str, stream: TextIO | None, escape: Escape) -> None:
    if stream is None:  # the process has no such stream
        return
    encoding = _encoding(stream)
    if escape is not in_text and encoding not in ("utf-8", "utf8"):
        encoding = "ascii"  # documents for programs are UTF-8, whatever the terminal's encoding
    if not _fits(text, encoding):
        text = text.translate({ord(sign): escape(sign) for sign in set(text) if not _fits(sign, encoding)})
    stream.write(text)
    stream.flush()


def _encoding(stream: TextIO) -> str:
    return (stream.encoding or "utf-8").lower().replace("_", "-")


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
