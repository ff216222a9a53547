"""Source lines with underlined ranges, as compilers show them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nnshape.records import dataclass
from nnshape.rendering.styled import ELLIPSIS, Line, cells
from nnshape.rendering.visible import in_text, visible_signs

if TYPE_CHECKING:
    from nnshape.spec import Source, Span

_TAB = "    "
#: A larger gap between two lines is marked.
_NEAR = 5
_MIN_ROOM = 20
#: Characters before and after a range that are looked at, for each column: some take no column.
_REACH = 4


@dataclass(frozen=True, slots=True)
class Mark:
    """A range to underline, with its text; the `primary` one is the fault."""

    span: Span
    text: str
    primary: bool = False


def excerpt_lines(source: Source, marks: Iterable[Mark], width: int, style: str, gutter: int) -> list[Line]:
    """The lines with marks in one source, in order, each with its underlines below."""
    by_line: dict[int, list[Mark]] = {}
    for mark in marks:
        by_line.setdefault(mark.span.line, []).append(mark)
    lines: list[Line] = []
    before = None
    for number in sorted(by_line):
        if before is not None and number - before > _NEAR:
            lines.append([(" " * gutter + " ⋮", "dim")])
        lines += _line_with_marks(source, number, by_line[number], width, style, gutter)
        before = number
    return lines


def _line_with_marks(source: Source, number: int, marks: list[Mark], width: int, style: str, gutter: int) -> list[Line]:
    start = source.line_start(number)
    line = source.line(number)
    ranges = [(mark, mark.span.start - start, _end_on_line(mark, start, len(line))) for mark in marks]
    first = min(ranges, key=lambda item: not item[0].primary)
    shown = _Shown(line, first[1], first[2], max(_MIN_ROOM, width - gutter - 3))
    lines: list[Line] = [[(f"{number:>{gutter}} | ", "dim"), (shown.line(), "")]]
    for mark, low, high in sorted(ranges, key=lambda item: (not item[0].primary, item[1])):
        left, right = shown.column(low), shown.column(high)
        underline = ("^" if mark.primary else "-") * max(1, right - left)
        text = f" {mark.text}" if mark.text else ""
        if mark.span.end_line > number:
            text = f"{text} (to line {mark.span.end_line})"
        mark_style = style if mark.primary else "related"
        lines.append([(" " * gutter + " | ", "dim"), (" " * left, ""), (underline + text, mark_style)])
    return lines


def _end_on_line(mark: Mark, start: int, length: int) -> int:
    """The end of a range on its first line; the end of the line for a range over several lines."""
    return min(mark.span.end - start, max(length, mark.span.start - start))


class _Shown:
    """A line as a terminal shows it: with tabs as blanks, cut if long, and the column of each character."""

    def __init__(self, line: str, low: int, high: int, room: int) -> None:
        # A line can be as long as its file, so look only at the part that may be shown.
        self.start = max(0, low - _REACH * room)
        self.text = line[self.start : low + _REACH * room]
        self.signs = visible_signs(self.text, lambda sign: _TAB if sign == "\t" else in_text(sign))
        self.cut_left, self.cut_right = self.start > 0, self.start + len(self.text) < len(line)
        self.first, self.last = 0, len(self.text)
        self._cut_around(low - self.start, high - self.start, room)

    def _cut_around(self, low: int, high: int, room: int) -> None:
        """Keep the part that fits into `room` columns and shows the range from `low` to `high`."""
        if not (self.cut_left or self.cut_right) and self.width(0, len(self.text)) <= room:
            return
        room -= 2  # an ellipsis at each end
        self.first = self.last = min(low, len(self.text))
        self._extend(min(high, len(self.text)), room)
        left = room - self.width(self.first, self.last)
        before = max(left // 2, left - self.width(self.last, len(self.text)))
        while self.first and self.width(self.first - 1, self.first) <= before:
            self.first -= 1
            before -= self.width(self.first, self.first + 1)
        self._extend(len(self.text), room - self.width(self.first, self.last))
        self.cut_left, self.cut_right = self.cut_left or self.first > 0, self.cut_right or self.last < len(self.text)

    def _extend(self, end: int, room: int) -> None:
        """Extend the shown part up to `end`, as far as there is room."""
        while self.last < end and self.width(self.last, self.last + 1) <= room:
            room -= self.width(self.last, self.last + 1)
            self.last += 1

    def width(self, low: int, high: int) -> int:
        """The width of a part of the line."""
        return cells("".join(self.signs[low:high]))

    def line(self) -> str:
        """The shown part, with an ellipsis at each cut end."""
        text = "".join(self.signs[self.first : self.last])
        return (ELLIPSIS if self.cut_left else "") + text + (ELLIPSIS if self.cut_right else "")

    def column(self, offset: int) -> int:
        """The column of a character within the shown part."""
        index = min(max(offset - self.start, self.first), self.last)
        return (1 if self.cut_left else 0) + self.width(self.first, index)
