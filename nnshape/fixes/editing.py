"""Text edits: ranges with their replacements, and the mapping of offsets before and after them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from nnshape.problems import Edit

__all__ = ["Edit", "edited", "first_line_after", "moved", "overlap", "unified_diff", "unmoved"]


def edited(text: str, edits: Sequence[Edit]) -> str:
    """Return the text with the edits applied. They must not overlap."""
    for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
        text = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
    return text


def overlap(edits: Sequence[Edit]) -> bool:
    """Whether two edits overlap or insert at the same place."""
    ranges = sorted((edit.span.start, edit.span.end) for edit in edits)
    return any(later[0] < earlier[1] or later[0] == earlier[0] for earlier, later in pairwise(ranges))


def moved(offset: int, edits: Sequence[Edit]) -> int:
    """The offset of a character after the edits; for a replaced character, the start of its replacement."""
    shift = 0
    for edit in sorted(edits, key=lambda edit: edit.span.start):
        start, end = edit.span.start, edit.span.end
        if offset < start or (offset == start and start < end):
            break
        if offset < end:
            return start + shift
        shift += len(edit.replacement) - (end - start)
    return offset + shift


def unmoved(offset: int, edits: Sequence[Edit]) -> int | None:
    """The original offset of a character of the edited text; None for inserted text."""
    shift = 0
    for edit in sorted(edits, key=lambda edit: edit.span.start):
        start = edit.span.start + shift
        if offset < start:
            break
        if offset < start + len(edit.replacement):
            return None
        shift += len(edit.replacement) - (edit.span.end - edit.span.start)
    return offset - shift


def first_line_after(edits: Sequence[Edit]) -> str:
    """The first edited line, after the edits."""
    first = min((edit.span for edit in edits), key=lambda span: span.start)
    line, start = first.source.line(first.line), first.source.line_start(first.line)
    for edit in sorted(edits, key=lambda edit: -edit.span.start):
        if edit.span.line == first.line:
            line = line[: edit.span.start - start] + edit.replacement + line[edit.span.end - start :]
    return line.split(" #")[0].split("\n")[0].strip()


def unified_diff(before: str, after: str, name: str) -> str:
    """The unified diff of two texts; empty if they are equal."""
    from difflib import unified_diff as difference  # only a patch needs it

    lines = []
    shown = _name_in_diff(name)
    for line in difference(_lines(before), _lines(after), shown, shown):
        lines.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(lines)


def _lines(text: str) -> list[str]:
    """Split lines as `patch` does, at newlines only."""
    return [line + "\n" for line in text.split("\n")[:-1]] + [last for last in text.split("\n")[-1:] if last]


def _name_in_diff(name: str) -> str:
    """Write a file name as GNU diff does: followed by a tab if it has spaces, quoted if it has special characters."""
    if any(character in '"\\' or not character.isprintable() for character in name):
        data = name.encode("utf-8", "surrogateescape")
        return '"' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\{b:03o}" for b in data) + '"'
    return name + "\t" if " " in name else name
