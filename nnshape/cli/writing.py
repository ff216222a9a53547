"""How a command writes its answer: width, colour, and characters that the stream can show."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from typing import TextIO

from nnshape.records import dataclass
from nnshape.rendering.styled import Line, painted

_LEAST_COLUMNS = 40
#: What stands for the signs of a table where a stream knows only ASCII; each as wide as its sign.
_ASCII = str.maketrans({"…": "~", "├": "|", "└": "`", "│": "|", "─": "-", "✗": "x", "·": ".", "⋮": ":"})


@dataclass(frozen=True, slots=True)
class Page:
    """Where lines go, how wide they may be, and whether they are coloured."""

    width: int
    color: bool

    def write(self, lines: Iterable[Line]) -> None:
        """Write lines to standard output, at once."""
        write(painted(lines, self.color))


def page(columns: int | None, color: str) -> Page:
    """The page that the options and the terminal ask for; a pipe is 80 columns unless COLUMNS says more."""
    width = columns or shutil.get_terminal_size((80, 24)).columns
    return Page(max(width, _LEAST_COLUMNS), wants_color(color, sys.stdout))


def wants_color(choice: str, stream: TextIO | None) -> bool:
    """Say whether to colour: the option first, then NO_COLOR and FORCE_COLOR, then whether a terminal shows it."""
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


def write(text: str, stream: TextIO | None = None) -> None:
    """Write a text at once; signs that the stream cannot show are written in ASCII."""
    stream = stream or sys.stdout
    if stream is None:  # the process was started without one
        return
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)
    stream.write(text)
    stream.flush()


def write_error(lines: Iterable[Line], color: bool | None = None) -> None:
    """Write lines to standard error."""
    write(painted(lines, wants_color("auto", sys.stderr) if color is None else color), sys.stderr)
