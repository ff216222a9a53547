"""A page of the guide, as text and as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import wrap

from nnshape.guide import Page
from nnshape.rendering import trace_json
from nnshape.rendering.styled import Line

_BULLET = "- "
_FENCED = re.compile(r"^```\w*\n(.*?)^```\n?", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"^<!--.*?-->\n", re.MULTILINE)
#: A link to another page; the terminal shows its text.
_LINK = re.compile(r"(?<!\w)\[([^]]+)\]\([^)]+\)")
_INDENT = "    "


def page_lines(page: Page, width: int) -> list[Line]:
    """The page: bold headings, indented code, and text wrapped to the width."""
    lines: list[Line] = []
    # The odd parts are code.
    for index, part in enumerate(_FENCED.split(_COMMENT.sub("", page.text))):
        blocks = [part.rstrip("\n")] if index % 2 else [block for block in part.split("\n\n") if block.strip()]
        for block in blocks:
            lines += [()] if lines else []
            lines += [[("  " + text, "type")] for text in block.split("\n")] if index % 2 else _block(block, width)
    return lines


def _block(text: str, width: int) -> Iterator[Line]:
    text = _LINK.sub(r"\1", text.strip("\n"))
    if text.startswith("|"):
        yield from _table(text, width)
    elif text.startswith("#"):
        yield [(text.lstrip("# "), "head")]
    elif text.startswith(_BULLET):
        for item in re.split(rf"^{_BULLET}", text, flags=re.MULTILINE)[1:]:
            yield from _wrapped(item, width, _BULLET)
    else:
        yield from _wrapped(text, width)


def _wrapped(text: str, width: int, bullet: str = "") -> Iterator[Line]:
    """A text wrapped to the width; a name with hyphens, such as an option, is not broken."""
    indent = " " * len(bullet)
    for line in wrap(
        " ".join(text.split()), width, initial_indent=bullet, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    ):  # fmt: skip
        yield [(line, "")]


def _table(text: str, width: int) -> Iterator[Line]:
    """A table of two columns: each row as its first cell, and the second one indented below, at any width."""
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.split("\n")]
    title = " ".join(rows[0]).strip()
    if len(rows[0]) == 2 and not rows[0][1]:  # a heading
        yield [(title, "head")]
    for first, second in rows[2:]:
        yield [(first, "type")]
        yield from _wrapped(second, width, _INDENT)


def page_json(page: Page) -> str:
    """The page as JSON, its text as Markdown."""
    return trace_json.text_of({
        "version": trace_json.VERSION,
        "kind": "topic",
        "name": page.topic,
        "title": page.title,
        "sentence": page.sentence,
        "text": page.text,
    })  # fmt: skip


def topic_lines(pages: list[Page], width: int) -> list[Line]:
    """The subjects of `explain`, and the topics with a sentence each."""
    intro = "nnshape explain NAME explains a layer, a function, a kind of problem, or one of these topics:"
    lines: list[Line] = [*_wrapped(intro, width), ()]
    column = max(len(page.topic) for page in pages) + 2
    for page in pages:
        first, *others = wrap(page.sentence, max(width - column - 2, 20), break_on_hyphens=False)
        lines.append([("  ", ""), (page.topic.ljust(column), "type"), (first, "")])
        lines += [[(" " * (column + 2) + text, "")] for text in others]
    lines += [(), *_wrapped("nnshape explain FILE STEP derives the shape and the counts of one step of a file.", width)]
    return lines


def topics_json(pages: list[Page]) -> str:
    """The topics as JSON."""
    listed = [{"name": page.topic, "title": page.title, "sentence": page.sentence} for page in pages]
    return trace_json.text_of({"version": trace_json.VERSION, "kind": "topics", "topics": listed})
