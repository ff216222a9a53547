"""The page of a problem kind as text and as JSON: its meaning, an example, and the example fixed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nnshape.problems.kinds import KINDS
from nnshape.problems.pages import Example, Kind
from nnshape.rendering import trace_json
from nnshape.rendering.layer_report import paragraph
from nnshape.rendering.styled import Line

_INDENT = "  "
_START = re.compile(r"(error|warning)(\[[a-z-]+\])|(help|note)(?=: )")
_STYLES = {"note": "head"}
_FIX = "nnshape sometimes finds a fix, and offers it with the message."


def kind_lines(kind: Kind, width: int) -> list[Line]:
    """The page of a kind of problem."""
    lines: list[Line] = [[(f"{kind.severity}[{kind.name}]", kind.severity)], *paragraph("", kind.sentence, width)]
    for text in kind.paragraphs:
        lines += [(), *paragraph("", text, width)]
    if KINDS[kind.name].fix == "sometimes":
        lines += [(), *paragraph("", _FIX, width)]
    for title, example in (("Fails", kind.fails), ("Fixed", kind.fixed)):
        lines += [(), [(title, "head")], *_example_lines(example)]
    return lines


def _example_lines(example: Example) -> Iterator[Line]:
    parts = [text.splitlines() for text in example.files.values()]
    parts += [[*([f"$ {example.command}"] if example.command else []), *example.message.splitlines()]]
    for index, part in enumerate(filter(None, parts)):
        if index:
            yield ()
        for text in part:
            yield [(_INDENT, ""), *_message_parts(text)] if text else ()


def _message_parts(text: str) -> Line:
    """A line of an example, with the beginning of a message in its colours."""
    found = _START.match(text)
    if found is None:
        return [(text, "")]
    word = found[1] or found[3]
    return [(found[0], _STYLES.get(word, word)), (text[found.end() :], "head" if found[2] else "")]


def kind_json(kind: Kind) -> str:
    """The page of a kind of problem as JSON."""
    return trace_json.text_of({
        "version": trace_json.VERSION,
        "kind": "problem",
        "name": kind.name,
        "severity": kind.severity,
        "fix": KINDS[kind.name].fix,
        "sentence": kind.sentence,
        "paragraphs": list(kind.paragraphs),
        "fails": {**_example_json(kind.fails), "message": kind.fails.message},
        "mended": _example_json(kind.fixed),
    })  # fmt: skip


def _example_json(example: Example) -> dict[str, Any]:
    return {"files": dict(example.files), "command": example.command or None}
