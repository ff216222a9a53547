"""Lines of a source with the ranges in them underlined, as a compiler shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nnshape.records import dataclass
from nnshape.rendering.styled import ELLIPSIS, Line, cells
from nnshape.rendering.visible import in_text, visible_signs

if TYPE_CHECKING:
    from nnshape.spec import Source, Span

_TAB = "    "
#: Lines further apart than this get a mark of the gap between them.
_NEAR = 5
_MIN_ROOM = 20


@dataclass(frozen=True, slots=True)
class Mark:
    """A range to underline, and what is to be said of it; the `primary` one is the fault itself."""

    span: Span
    text: str
    primary: bool = False


def excerpt_lines(source: Source, marks: Iterable[Mark], width: int, style: str, gutter: int) -> list[Line]:
    """The lines that the marks of one source stand on, in order, each with its underlines below."""
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
    shown = _Shown(source.line(number))
    ranges = [(mark, mark.span.start - start, _end_on_line(mark, start, len(shown.text))) for mark in marks]
    first = min(ranges, key=lambda item: not item[0].primary)
    shown.cut_around(first[1], first[2], max(_MIN_ROOM, width - gutter - 3))
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
    """The end of a range on its first line; one that goes on below is underlined to the line's end."""
    return min(mark.span.end - start, max(length, mark.span.start - start))


class _Shown:
    """A line as a terminal shows it: tabs as blanks, a long one cut, and the column of each character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.signs = visible_signs(text, lambda sign: _TAB if sign == "\t" else in_text(sign))
        self.first, self.last = 0, len(text)

    def cut_around(self, low: int, high: int, room: int) -> None:
        """Keep what fits into so many columns, with the range from `low` to `high` in sight."""
        if self.width(0, len(self.text)) <= room:
            return
        room -= 2  # an ellipsis at each end
        self.first = self.last = min(low, len(self.text))
        taken = 0
        # The range first, then what stands before it, then what follows.
        for wanted in (range(self.first, min(high, len(self.text))),):
            for index in wanted:
                taken += self.width(index, index + 1)
                if taken > room:
                    return
                self.last = index + 1
        before = (room - taken) // 2 if self.width(self.last, len(self.text)) > (room - taken) // 2 else room - taken
        while self.first and self.width(self.first - 1, self.first) <= before:
            self.first -= 1
            before -= self.width(self.first, self.first + 1)
        after = room - self.width(self.first, self.last)
        while self.last < len(self.text) and self.width(self.last, self.last + 1) <= after:
            after -= self.width(self.last, self.last + 1)
            self.last += 1

    def width(self, low: int, high: int) -> int:
        """The columns that a part of the line takes."""
        return cells("".join(self.signs[low:high]))

    def line(self) -> str:
        """The part that is shown, with a mark at each end that was cut."""
        text = "".join(self.signs[self.first : self.last])
        left = ELLIPSIS if self.first else ""
        right = ELLIPSIS if self.last < len(self.text) else ""
        return left + text + right

    def column(self, offset: int) -> int:
        """How many columns stand before a character."""
        offset = min(max(offset, self.first), self.last)
        return (1 if self.first else 0) + self.width(self.first, offset)
