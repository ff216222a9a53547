"""Parses untrusted TOML with bounded work, and locates errors."""

from __future__ import annotations

import re
import sys
from typing import Any

from nnshape.problems import Problem, SpecError
from nnshape.spec import Source, Span, limits

#: Python's parser compares each part of a dotted key with all parts before it.
MAX_KEY_PARTS = 16
#: Python cannot read integers of more than 4,300 digits, and raises a plain ValueError.
MAX_WORD = 1_000

_TOKEN = re.compile(
    r'''(?P<string>"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')|(?P<endless>"""|\'\'\')'''
    r"""|(?P<comment>\#[^\n]*)|(?P<opening>[\[{])|(?P<closing>[\]}])|(?P<dot>\.)|(?P<blank>[ \t]+)|(?P<word>[\w+:-]+)"""
    r"""|(?P<other>.)""",
    re.DOTALL,
)


def toml_document(source: Source) -> dict[str, Any]:
    """Parse a TOML document. Raises SpecError if it is invalid or exceeds a limit."""
    if sys.version_info >= (3, 11):
        import tomllib  # novermin: newer than Python 3.10
    else:
        import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

    _check_limits(source)
    try:
        document: dict[str, Any] = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(_not_toml(source, str(error))) from None
    except (ValueError, OverflowError, RecursionError):  # not known to happen within the limits
        raise SpecError(Problem("syntax", f"{source.name} cannot be read as TOML", place=source.name)) from None
    return document


def _check_limits(source: Source) -> None:
    """Raise SpecError if the nesting of brackets, the parts of a key or the length of a word exceed their limits."""
    depth = dots = 0
    for token in _TOKEN.finditer(source.text):
        kind = token.lastgroup
        if kind == "endless":
            return  # the parser reports it
        if kind == "opening":
            depth += 1
            if depth > limits.DEPTH:
                raise _too_large(source, token, f"the brackets nest deeper than {limits.DEPTH} levels")
        elif kind == "closing":
            depth -= 1
        elif kind == "dot":
            dots += 1
            if dots >= MAX_KEY_PARTS:
                raise _too_large(source, token, f"a key has more than {MAX_KEY_PARTS} parts")
        elif kind == "word" and token.end() - token.start() > MAX_WORD:
            raise _too_large(source, token, f"a key or number has more than {MAX_WORD:,} characters")
        if kind not in ("dot", "word", "string", "blank"):
            dots = 0


def _too_large(source: Source, token: re.Match[str], message: str) -> SpecError:
    return SpecError(Problem("too-large", message, Span(source, token.start(), min(token.start() + 20, token.end()))))


def _not_toml(source: Source, said: str) -> Problem:
    place = re.search(r"\(at line (\d+), column (\d+)\)", said)
    start = len(source.text)
    if place is not None:
        start = min(source.line_start(int(place[1])) + int(place[2]) - 1, start)
    reason = said.partition(" (at ")[0]
    return Problem(
        "syntax", f"{source.name} is not TOML: {reason}", Span(source, start, min(start + 1, len(source.text)))
    )
