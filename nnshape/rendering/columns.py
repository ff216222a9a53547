"""Lays out columns of text in a given width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from nnshape.records import dataclass
from nnshape.rendering.styled import Line, cells, cut_end, cut_middle, padded
from nnshape.rendering.visible import visible

GAP = 2
#: The width that a name keeps before its guide is cut.
_MIN_NAME = 8


@dataclass(frozen=True, slots=True)
class Cell:
    """One field: its forms from the fullest to the shortest, and its style.

    `guide` comes before the text and is cut last.
    """

    forms: tuple[str, ...]
    style: str = ""
    guide: str = ""

    def __post_init__(self) -> None:
        # Escape before measuring: an escape is wider than its character.
        object.__setattr__(self, "forms", tuple([visible(form) for form in self.forms]))

    def width(self, brief: bool) -> int:
        """The width of the fullest form, or of the shortest if `brief`."""
        return cells(self.forms[-1 if brief else 0]) + len(self.guide)

    def fitting(self, width: int) -> tuple[str, str]:
        """The guide and the text, fitted into this width."""
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
        """The cell, padded to exactly this width."""
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
        """The width that shows every cell in full, or in its shortest form if `brief`."""
        return max([cells(self.title), *(cell.width(brief) for cell in self.cells)])

    def used(self, width: int) -> int:
        """The part of a width that the fitted cells take."""
        return max([min(cells(self.title), width), *(cells("".join(cell.fitting(width))) for cell in self.cells)])


@dataclass(frozen=True, slots=True)
class Fit:
    """One layout: the columns, how far they may shrink, and in which order."""

    names: tuple[str, ...]
    #: The columns that may shrink below their texts, in this order.
    shrink: tuple[str, ...] = ()
    #: A share of `least` that they keep.
    keep: float = 1.0


def fitted(columns: Sequence[Column], fits: Sequence[Fit], width: int) -> tuple[list[Column], list[int]]:
    """The columns and their widths by the first layout that fits the width; the last one always fits."""
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
