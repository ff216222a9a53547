"""Lays out columns of text in the width that there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from nnshape.records import dataclass
from nnshape.rendering.styled import Line, cells, cut_end, cut_middle, padded
from nnshape.rendering.visible import visible

GAP = 2
#: The columns that a name keeps before its guide is cut.
_MIN_NAME = 8


@dataclass(frozen=True, slots=True)
class Cell:
    """One field: what it says from the fullest form to the shortest, and its style.

    `guide` stands before the text, and is the last thing to be cut.
    """

    forms: tuple[str, ...]
    style: str = ""
    guide: str = ""

    def __post_init__(self) -> None:
        # Before anything is measured: an escape is wider than its sign.
        object.__setattr__(self, "forms", tuple([visible(form) for form in self.forms]))

    def width(self, brief: bool) -> int:
        """The columns that the fullest form takes; the shortest one's where it may be brief."""
        return cells(self.forms[-1 if brief else 0]) + len(self.guide)

    def fitting(self, width: int) -> tuple[str, str]:
        """The guide and the text as they stand in at most this many columns."""
        guide = self.guide
        most = max(2, width - min(_MIN_NAME, cells(self.forms[-1])))
        if len(guide) > most:
            guide = "…" + guide[len(guide) - most + 1 :]
        room = width - len(guide)
        for form in self.forms:
            if cells(form) <= room:
                return guide, form
        return guide, cut_middle(self.forms[-1], room)

    def parts(self, width: int, right: bool) -> Line:
        """The cell in exactly this many columns."""
        guide, text = self.fitting(width)
        return ((guide, "dim"), (padded(text, width - len(guide), right), self.style))


@dataclass(slots=True)
class Column:
    """A title and its cells; `least` is how narrow the column may become, None for never narrower.

    `name` is what a `Fit` calls it, where that is not its title.
    """

    title: str
    cells: list[Cell] = field(default_factory=list)
    least: int | None = None
    right: bool = False
    name: str = ""

    def natural(self, brief: bool = False) -> int:
        """The width in which every cell shows in full, or in its shortest form."""
        return max([cells(self.title), *(cell.width(brief) for cell in self.cells)])

    def used(self, width: int) -> int:
        """How much of a width the cells take once they are fitted into it."""
        return max([min(cells(self.title), width), *(cells("".join(cell.fitting(width))) for cell in self.cells)])


@dataclass(frozen=True, slots=True)
class Fit:
    """One way to lay columns out: which ones, how far they may shrink, and which shrink first."""

    names: tuple[str, ...]
    #: The columns that may be narrower than their texts, in the order in which they give way.
    shrink: tuple[str, ...] = ()
    #: A share of `least` that they keep.
    keep: float = 1.0


def fitted(columns: Sequence[Column], fits: Sequence[Fit], width: int) -> tuple[list[Column], list[int]]:
    """The columns and their widths by the first fit that goes into the width; the last one goes in any."""
    by_name = {column.name or column.title: column for column in columns}
    natural = {name: column.natural() for name, column in by_name.items()}
    for fit in fits:
        chosen = [by_name[name] for name in fit.names]
        widths = [natural[name] for name in fit.names]
        excess = sum(widths) + GAP * (len(chosen) - 1) - width
        for name in fit.shrink:
            if excess <= 0:
                break
            index = fit.names.index(name)
            column = chosen[index]
            least = min(widths[index], max(1, int((column.least or widths[index]) * fit.keep)))
            shrunk = column.used(max(least, widths[index] - excess))
            excess -= widths[index] - shrunk
            widths[index] = shrunk
        if excess <= 0 or fit is fits[-1]:
            return chosen, widths
    raise ValueError("there is no way to lay the columns out")


def left_out(columns: Sequence[Column], chosen: Sequence[Column]) -> Line:
    """A line that names the columns for which there was no room; empty for none."""
    shown = {column.title for column in chosen}
    titles = dict.fromkeys(column.title for column in columns if column.title not in shown)
    return [(f"not shown for lack of room: {', '.join(titles)}", "dim")] if titles else []


def laid_out(columns: Sequence[Column], widths: Sequence[int]) -> list[Line]:
    """The lines of a table: titles, a rule, and a line for each row of cells."""
    gap = ((" " * GAP, ""),)
    titles: list[tuple[str, str]] = []
    for column, width in zip(columns, widths, strict=True):
        titles += [(padded(cut_end(column.title, width), width, column.right), "head"), *gap]
    rule = "─" * (sum(widths) + GAP * (len(widths) - 1))
    lines: list[Line] = [titles[:-1], [(rule, "dim")]]
    for row in zip(*(column.cells for column in columns), strict=True):
        parts: list[tuple[str, str]] = []
        for cell, column, width in zip(row, columns, widths, strict=True):
            parts += [*cell.parts(width, column.right), *gap]
        lines.append(parts[:-1])
    return lines
