"""Maps characters of a YAML value to the source text, across folds, escapes and indents."""

from __future__ import annotations

import re
from bisect import bisect_right
from operator import attrgetter
from typing import NamedTuple

from nnshape.records import dataclass
from nnshape.spec.source import Source, Span

# A fold: a line end, with the blanks around it and the empty lines after it.
_FOLD = r"(?<![ \t])[ \t]*(?:(?:\r\n|\n|\r)[ \t]*)+"
_SINGLE = rf"''|{_FOLD}"
_DOUBLE = rf"\\(?:(\r\n|\n|\r)[ \t]*|x[0-9A-Fa-f]{{2}}|u[0-9A-Fa-f]{{4}}|U[0-9A-Fa-f]{{8}}|.)|{_FOLD}"
_LINE_END = re.compile(r"\r\n|\n|\r")
_LINE = re.compile(r"([^\r\n]*)(\r\n|\n|\r|\Z)")


class Piece(NamedTuple):
    """A run of a value, and its run in the source.

    Runs of equal length correspond character by character. Otherwise the piece is indivisible, such as an
    escape or a fold.
    """

    start: int
    end: int
    source_start: int
    source_end: int

    def first(self, offset: int) -> int:
        """The source offset of the start of the character at `offset`."""
        if self.end - self.start == self.source_end - self.source_start:
            return self.source_start + offset - self.start
        return self.source_start

    def last(self, offset: int) -> int:
        """The source offset of the end of the character before `offset`."""
        if self.end - self.start == self.source_end - self.source_start:
            return self.source_start + offset - self.start
        return self.source_end


@dataclass(frozen=True, slots=True)
class SourceMap:
    """An exact map from the characters of a value to the source; `whole` is the range of all of it."""

    source: Source
    pieces: tuple[Piece, ...]
    whole: Span

    def span(self, start: int, end: int) -> Span:
        """The source range of the characters from `start` up to `end`."""
        if start >= end:
            offset = self._point(start)
            return Span(self.source, offset, offset)
        # The pieces are in order, in the value and in the source, so the first and the last one decide.
        first = self._from(start)
        last = self._from(end - 1)
        if first >= len(self.pieces) or self.pieces[first].start >= end:
            return self.whole
        if last >= len(self.pieces) or self.pieces[last].start >= end:
            last -= 1
        one, other = self.pieces[first], self.pieces[last]
        return Span(self.source, one.first(max(start, one.start)), other.last(min(end, other.end)))

    def _from(self, offset: int) -> int:
        """The index of the first piece that ends after an offset."""
        return bisect_right(self.pieces, offset, key=_end_of)

    def cut(self, start: int, end: int) -> SourceMap:
        """The map of the value's part from `start` up to `end`."""
        pieces = []
        for piece in self.pieces:
            low, high = max(start, piece.start), min(end, piece.end)
            if low < high:
                pieces.append(Piece(low - start, high - start, piece.first(low), piece.last(high)))
        return SourceMap(self.source, tuple(pieces), self.span(start, end))

    def _point(self, offset: int) -> int:
        place = self._from(offset)
        if place < len(self.pieces) and self.pieces[place].start <= offset:
            return self.pieces[place].first(offset)
        return self.pieces[place - 1].source_end if place else self.whole.start


_end_of = attrgetter("end")


def verbatim(span: Span) -> SourceMap:
    """The map of a value that is identical to its source text."""
    return SourceMap(span.source, (Piece(0, span.end - span.start, span.start, span.end),), span)


def map_of_scalar(value: str, style: str, span: Span) -> SourceMap:
    """The map of a YAML scalar's value; `style` is `'`, `"`, `|`, `>`, or empty for a plain scalar."""
    raw = span.text
    if raw == value:
        return verbatim(span)
    if style == "|":
        pieces = _literal_pieces(value, raw)
    elif style == ">":
        pieces = _folded_pieces(value, raw)
    else:
        pieces = _flow_pieces(raw, style)
    if not _reads_as(pieces, raw, value):
        # A line end of YAML 1.1 only, such as U+0085: locate the scalar as a whole.
        pieces = [Piece(0, len(value), 0, len(raw))]
    shifted = tuple(Piece(a, b, span.start + c, span.start + d) for a, b, c, d in pieces)
    return SourceMap(span.source, shifted, span)


def _reads_as(pieces: list[Piece], raw: str, value: str) -> bool:
    """Whether the pieces cover the value and match it wherever both texts are verbatim."""
    at = 0
    for start, end, low, high in pieces:
        if start != at:
            return False
        at = end
        if end - start == high - low > 1 and raw[low:high] != value[start:end]:
            return False
    return at == len(value)


def _flow_pieces(raw: str, style: str) -> list[Piece]:
    """The pieces of a plain or quoted scalar."""
    position, end = (1, len(raw) - 1) if style else (0, len(raw))
    pattern = re.compile({"'": _SINGLE, '"': _DOUBLE}.get(style, _FOLD))
    pieces, at = [], 0
    for match in pattern.finditer(raw, position, end):
        low, high = match.span()
        if position < low:
            pieces.append(Piece(at, at + low - position, position, low))
            at += low - position
        position = high
        text = match.group()
        if text[0] == "\\":
            length = 0 if text[1] in "\r\n" else 1
        elif text[0] == "'":
            length = 1
        else:
            length = max(1, len(_LINE_END.findall(text)) - 1)
        if length:
            pieces.append(Piece(at, at + length, low, high))
            at += length
    if position < end:
        pieces.append(Piece(at, at + end - position, position, end))
    return pieces


def _content_lines(raw: str) -> list[tuple[int, int, int]]:
    """The start, the end and the end including the line end of each line after a block scalar's header."""
    lines = [(match.start(), match.end(1), match.end()) for match in _LINE.finditer(raw)]
    return [line for line in lines[1:] if line[0] < line[2]]


def _literal_pieces(value: str, raw: str) -> list[Piece]:
    pieces, at = [], 0
    for line, (_, stop, high) in zip(value.split("\n"), _content_lines(raw), strict=False):
        if line:
            pieces.append(Piece(at, at + len(line), stop - len(line), stop))
            at += len(line)
        if at < len(value):
            pieces.append(Piece(at, at + 1, stop, high))
            at += 1
    return pieces


def _folded_pieces(value: str, raw: str) -> list[Piece]:
    """The pieces of a `>` scalar, found by matching its value with the lines of its source."""
    lines = [line for line in _content_lines(raw) if raw[line[0] : line[1]].strip(" \t")]
    if not lines:
        return []
    low, stop, _ = lines[0]
    indent = len(raw[low:stop]) - len(raw[low:stop].lstrip(" "))
    # After an indentation indicator, the first line may begin with blanks of the value.
    while indent > 1 and not value.lstrip("\n").startswith(raw[low + indent : stop]):
        indent -= 1
    pieces: list[Piece] = []
    at, before = 0, low
    for low, stop, _ in lines:
        joint = len(value) - at - len(value[at:].lstrip("\n"))
        if not joint and pieces:
            joint = 1
        if joint:
            pieces.append(Piece(at, at + joint, before, low + indent))
            at += joint
        length = max(0, stop - low - indent)
        pieces.append(Piece(at, at + length, low + indent, stop))
        at, before = at + length, stop
    if at < len(value):
        pieces.append(Piece(at, len(value), before, len(raw)))
    return pieces
