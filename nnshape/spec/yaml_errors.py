"""Explains PyYAML's errors and locates their cause."""

from __future__ import annotations

import re
from typing import Any

from nnshape.problems import Label, Problem
from nnshape.spec import limits
from nnshape.spec.source import Source, Span

_NO_SPACE = re.compile(r"\s*(?:-\s+)?([A-Za-z_][\w.]*|\d+)(:)[^\s:]")

#: libyaml's own limit of 1,000 levels. Its scanner reads ahead of its parser within a line, so that 1,000
#: brackets in a row exceed it before the parser reports the first.
_NESTING = "exceeded maximum nesting depth"
_QUOTE_IT = "put the value in quotes"


def problem_of_yaml_error(source: Source, error: Any) -> Problem:
    """The located problem for an error of PyYAML's scanner, parser or reader."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        whole = Span(source, 0, min(len(source.text), 1))
        return Problem("syntax", f"the text is not YAML: {error}", whole)
    text = source.text
    said = (error.problem or "").strip()
    context = error.context or ""
    at = min(mark.index, len(text))
    opened = min(error.context_mark.index, len(text)) if error.context_mark else at
    here = text[at : at + 1]
    span = Span(source, at, min(at + 1, len(text)))

    if said == _NESTING:
        return Problem("too-large", f"the file nests deeper than {limits.DEPTH} levels", span)
    if "\t" in (here, text[opened : opened + 1]) or "tab" in said:
        tab = at if here == "\t" else max(text.rfind("\t", 0, at), 0)
        return _syntax(Span(source, tab, tab + 1), "a tab indents this line; YAML wants spaces", "tab")
    if "quoted scalar" in context and "escape" in said:
        fix = "double the backslash, or use single quotes"
        # PyYAML's scanner is one character ahead of libyaml's.
        at = max(text.rfind("\\", opened, at + 1), opened)
        return _syntax(Span(source, at, at + 2), f"{text[at : at + 2]} is not an escape in double quotes", "", fix)
    if "quoted scalar" in context:
        quote = text[opened : opened + 1]
        return _syntax(Span(source, opened, opened + 1), f"the quote {quote} is never closed", "opened here")
    if (missing := _missing_space(source, at)) is not None:
        return missing
    if "block scalar" in context or here == ">":
        start = opened if text[opened : opened + 1] in "|>" else at
        if text.startswith(">", start):
            fix = "put the comparison in quotes: '>= 1M'"
            return _syntax(Span(source, start, start + 1), "> begins a block of text in YAML", "", fix)
        return _syntax(Span(source, start, start + 1), "| begins a block of text in YAML", "", _QUOTE_IT)
    if "flow" in context and here == "[" and text[at - 1 : at].isalnum():
        start = at
        while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
            start -= 1
        fix = f'"{text[start : _closed(text, at)]}"'
        message = "inside braces or brackets a word ends before ["
        return _syntax(Span(source, start, at + 1), message, "", f"put it in quotes: {fix}")
    if "flow" in context:
        opened = _unclosed(text, at) if text[opened : opened + 1] not in ("[", "{") else opened
        opener = text[opened : opened + 1]
        closer = {"[": "]", "{": "}"}.get(opener, "]")
        related = (Label(Span(source, opened, opened + 1), f"opened here, and no {closer} closes it"),)
        message = f"a comma or {closer} is missing"
        return Problem("syntax", message, span, "before this", related=related)
    if "cannot start any token" in said:
        return _syntax(span, f"a value cannot begin with {here}", "", _QUOTE_IT)
    if "mapping values are not allowed" in said:
        fix = "give each key its own line; quote a value that contains a colon and a space"
        return _syntax(span, "a second key is not allowed on this line", "this colon", fix)
    if "could not find expected ':'" in said:
        line = source.position(opened)[0]
        start = opened
        end = start + len(source.line(line)) - source.position(opened)[1] + 1
        return _syntax(Span(source, start, end), "this line has no colon: write name: value", "")
    if "sequence entries are not allowed" in said:
        return _syntax(span, "a list item (-) needs its own line", "")
    if "block mapping" in context or "block collection" in context:
        return _after_value(source, at, here)
    if "document start" in said:
        return _syntax(span, "this is outside the file's mapping", "")
    if "alias" in context or "anchor" in context:
        return _syntax(span, f"a value cannot begin with {text[opened : opened + 1]}", "", _QUOTE_IT)
    return _syntax(span, f"the text is not YAML here: {said or error}", "")


def _unclosed(text: str, at: int) -> int:
    """The offset of the last open bracket before `at`, which libyaml does not always report."""
    depth = 0
    for offset in range(min(at, len(text)) - 1, -1, -1):
        if text[offset] in "]}":
            depth += 1
        elif text[offset] in "[{":
            if not depth:
                return offset
            depth -= 1
    return max(at - 1, 0)


def _closed(text: str, at: int) -> int:
    """The offset after the bracket that closes the one at `at`, or the line's end if there is none."""
    line = text.find("\n", at)
    line = len(text) if line < 0 else line
    closer = text.find("]", at, line)
    return line if closer < 0 else closer + 1


def _syntax(span: Span, message: str, label: str, fix: str = "") -> Problem:
    end = min(max(span.end, span.start), len(span.source.text))
    return Problem("syntax", message, Span(span.source, span.start, end), label, help=(fix,) if fix else ())


def _missing_space(source: Source, at: int) -> Problem | None:
    """The problem of `conv1:Conv2d(1, 6, 5)`, which YAML reads as a word, failing only on the next line; or None."""
    line = source.position(at)[0]
    for number in (line, line - 1, line - 2):
        content = source.line(number)
        if (match := _NO_SPACE.match(content)) and not content.lstrip().startswith("#"):
            start = source.line_start(number) + match.start(2)
            name = match.group(1)
            rest = content[match.end(2) :].strip()
            fix = f"{name}: {rest}"
            return _syntax(Span(source, start, start + 1), "a space is missing after this colon", "", fix)
        if content.strip() and number != line:
            return None
    return None


def _after_value(source: Source, at: int, here: str) -> Problem:
    """The problem of text after a complete value, or of a wrongly indented line."""
    line, column = source.position(at)
    before = source.line(line)[: column - 1]
    span = Span(source, at, min(at + 1, len(source.text)))
    if not before.strip():
        fix = "indent the keys of one mapping equally"
        end = at + len(source.line(line)) - len(before)
        return _syntax(Span(source, at, end), "this line's indentation matches no line above", "", fix)
    if here in ("]", "}"):
        return _syntax(span, f"{here} closes nothing", "")
    end = at + len(source.line(line)) - len(before)
    fix = "a value that begins with a quote or bracket ends with its pair: put all of it in quotes"
    return _syntax(Span(source, at, end), "the value ends before this", "", fix)
