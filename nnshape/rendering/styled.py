"""Lines of styled text, rendered with or without colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from nnshape.rendering.visible import visible

if TYPE_CHECKING:
    from rich.style import Style

#: A text, and the name of its style; "" is the terminal's own.
Part: TypeAlias = "tuple[str, str]"
Line: TypeAlias = "Sequence[Part]"

# The sixteen colours of the terminal, which its theme keeps readable.
STYLES = {
    "head": "bold",
    "dim": "dim",
    "type": "cyan",
    "error": "bold red",
    "warning": "bold yellow",
    "related": "cyan",
    "help": "bold cyan",
    "good": "green",
}

ELLIPSIS = "…"
_NARROW = dict.fromkeys(map(ord, "…├└│─✗·"))


def painted(lines: Iterable[Line], color: bool) -> str:
    """The text of the lines, each with its line end; in colour if `color`."""
    rows = []
    for line in lines:
        parts = [(visible(text), style) for text, style in line]
        plain = "".join([text for text, _ in parts])
        whole = visible(plain)
        if whole != plain:  # parts that are harmless alone and a command together
            parts = [(whole, "")]
        row = "".join([_colored(text, style) for text, style in parts]) if color else whole
        rows.append(row.rstrip() + "\n")
    return "".join(rows)


def _colored(text: str, style: str) -> str:
    if not style or not text:
        return text
    from rich.color import ColorSystem

    body = text.rstrip()
    return _style(style).render(body, color_system=ColorSystem.STANDARD) + text[len(body) :]


@cache
def _style(name: str) -> Style:
    from rich.style import Style

    return Style.parse(STYLES[name])


def cells(text: str) -> int:
    """The width of a text in columns of a terminal."""
    if text.isascii():
        return len(text)
    if text.translate(_NARROW).isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut_end(text: str, width: int) -> str:
    """The text, cut at the end to at most this width."""
    if cells(text) <= width:
        return text
    return _start(text, width - 1) + ELLIPSIS if width > 0 else ""


def cut_middle(text: str, width: int) -> str:
    """The text, cut in the middle to at most this width."""
    if cells(text) <= width:
        return text
    if width < 1:
        return ""
    tail = (width - 1) // 2
    return _start(text, width - 1 - tail) + ELLIPSIS + _start(text[::-1], tail)[::-1]


def _start(text: str, width: int) -> str:
    if text.isascii():
        return text[:width]
    taken = 0
    for index, character in enumerate(text):
        taken += cells(character)
        if taken > width:
            return text[:index]
    return text


def padded(text: str, width: int, right: bool = False) -> str:
    """The text, padded with blanks to this width; right-aligned if `right`."""
    blank = " " * (width - cells(text))
    return blank + text if right else text + blank
