"""The source text of a spec, ranges in it, and reading it from a file."""

from __future__ import annotations

import os
import re
import stat
import sys
from bisect import bisect_right
from dataclasses import field
from typing import IO, TYPE_CHECKING

from nnshape.problems import Problem, SpecError
from nnshape.problems.nearest import nearest_name
from nnshape.records import dataclass
from nnshape.spec import limits

if TYPE_CHECKING:
    from pathlib import Path

_LINE_END = re.compile(r"\r\n|\n|\r")
# Characters outside YAML 1.2's c-printable (section 5.1); a byte order mark is allowed only at the start.
_UNPRINTABLE = "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
#: The names of a text on standard input, and of a text passed from Python.
STDIN = "<stdin>"
TEXT = "<text>"
#: The name of the calculator's input: a step and its shapes.
LAYER = "<layer>"


@dataclass(frozen=True, slots=True)
class Source:
    """A text and its name for messages: a path, `<stdin>` or `<text>`."""

    name: str
    text: str = field(repr=False)
    _starts: list[int] = field(default_factory=list, init=False, repr=False, compare=False)

    def position(self, offset: int) -> tuple[int, int]:
        """The line and column of an offset, both counted from 1 and in characters."""
        starts = self._line_starts()
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its line end; empty after the last line."""
        starts = self._line_starts()
        if not 1 <= number <= len(starts):
            return ""
        end = starts[number] if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r\n")

    def line_start(self, number: int) -> int:
        """The offset of the first character of an existing line."""
        return self._line_starts()[number - 1]

    def _line_starts(self) -> list[int]:
        if not self._starts:
            # One assignment, so that a second thread never sees half a list.
            self._starts[:] = [0, *(match.end() for match in _LINE_END.finditer(self.text))]
        return self._starts


@dataclass(frozen=True, slots=True)
class Span:
    """A range of a source, from offset `start` up to but excluding `end`."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        """The line of the first character, counted from 1."""
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        """The column of the first character, counted from 1."""
        return self.source.position(self.start)[1]

    @property
    def end_line(self) -> int:
        """The line of the end, counted from 1."""
        return self.source.position(self.end)[0]

    @property
    def end_column(self) -> int:
        """The column just after the last character, counted from 1."""
        return self.source.position(self.end)[1]

    @property
    def text(self) -> str:
        """The characters of the range."""
        return self.source.text[self.start : self.end]


def names_file(name: str) -> bool:
    """Whether a source of this name was read from a file."""
    return name not in (STDIN, TEXT, LAYER)


def read_source(path: str | Path) -> Source:
    """Read a file, or standard input for `-`. Raises SpecError if it cannot be read."""
    if str(path) == "-":
        return source_of_bytes(STDIN, _first_bytes(STDIN, sys.stdin.buffer))
    name = str(path)
    try:
        with open(path, "rb") as file:
            state = os.fstat(file.fileno())
            if stat.S_ISREG(state.st_mode) and state.st_size > limits.TEXT_BYTES:
                raise _too_large(name)
            data = _first_bytes(name, file)
    except (OSError, ValueError) as error:
        raise SpecError(_unreadable(name, path, error)) from None
    return source_of_bytes(name, data)


def source_of_text(text: str, name: str = TEXT) -> Source:
    """A source of a given text, under the limits of a file. Raises SpecError."""
    # Count the bytes only of a text that may be over the limit.
    if len(text) * 4 > limits.TEXT_BYTES and len(text.encode("utf-8", "replace")) > limits.TEXT_BYTES:
        raise _too_large(name)
    source = Source(name, text.removeprefix("\ufeff"))
    if source.text.replace("\n", "").isprintable():
        return source  # as most texts are: compiling the pattern takes longer than reading one of them
    if bad := re.search(_UNPRINTABLE, source.text):
        raise SpecError(_unprintable(source, bad.start()))
    return source


def _first_bytes(name: str, file: IO[bytes]) -> bytes:
    """The bytes of a stream, at most one more than the limit."""
    data = file.read(limits.TEXT_BYTES + 1)
    if len(data) > limits.TEXT_BYTES:
        raise _too_large(name)
    return data


def source_of_bytes(name: str, data: bytes) -> Source:
    """A source of a file's bytes. Raises SpecError if they are not UTF-8 text that YAML allows."""
    if data.startswith(_UTF16_MARKS):
        message = f"{name} is UTF-16 text; a spec is UTF-8"
        raise SpecError(Problem("syntax", message, place=name, help=("save the file as UTF-8",)))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        source = Source(name, data.decode("utf-8", "replace").removeprefix("\ufeff"))
        before = data[: error.start].decode("utf-8").removeprefix("\ufeff")
        span = Span(source, len(before), len(before) + 1)
        message = f"byte {error.start} (0x{data[error.start]:02x}) is not UTF-8 text"
        fix = "save the file as UTF-8; a binary file is not a spec"
        raise SpecError(Problem("syntax", message, span, "not UTF-8", help=(fix,))) from None
    return source_of_text(text, name)


def _unprintable(source: Source, offset: int) -> Problem:
    code = ord(source.text[offset])
    span = Span(source, offset, offset + 1)
    if code == 0:
        fix = "a file with NUL characters is UTF-16 or binary; save the file as UTF-8"
        return Problem("syntax", "the text contains a NUL character", span, "NUL", help=(fix,))
    message = f"the character U+{code:04X} is not allowed in YAML"
    return Problem("syntax", message, span, f"U+{code:04X}", help=("remove the character",))


def _too_large(name: str) -> SpecError:
    message = f"{name} is longer than 1 MiB, the maximum size of a spec"
    return SpecError(Problem("too-large", message, place=name))


def _unreadable(name: str, path: str | Path, error: Exception) -> Problem:
    fix: tuple[str, ...] = ()
    if isinstance(error, FileNotFoundError):
        reason = "there is no such file"
        fix = _near_files(name)
    elif isinstance(error, IsADirectoryError):
        reason = "it is a folder, not a file"
    elif isinstance(error, PermissionError):
        reason = "permission is denied"
    elif isinstance(error, OSError) and error.strerror:
        reason = error.strerror
    else:
        reason = str(error)
    return Problem("unreadable", f"cannot read {name}: {reason}", place=name, help=fix)


def _near_files(path: str) -> tuple[str, ...]:
    folder, name = os.path.split(path)
    try:
        near = nearest_name(name, os.listdir(folder or "."))
    except OSError:
        return ()
    return () if near is None else (f"did you mean {os.path.join(folder, near)}?",)
