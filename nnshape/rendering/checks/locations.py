"""Locates a finding for each report format: relative paths, columns in its units, fingerprints."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import quote

from nnshape.spec.source import names_file

if TYPE_CHECKING:
    from nnshape.checking import Finding, Outcome
    from nnshape.spec import Source, Span


def file_of(outcome: Outcome, finding: Finding) -> str:
    """The name of a finding's file: the checked one, or one that it includes."""
    problem = finding.problem
    if problem.span is not None:
        return problem.span.source.name
    return problem.place or outcome.name


def path_from(root: str, name: str) -> str:
    """A file's path relative to a root, with slashes; the absolute path if it is outside."""
    if not names_file(name):
        return name
    absolute = os.path.abspath(name)
    start = os.path.abspath(root).rstrip(os.sep) + os.sep
    path = absolute[len(start) :] if absolute.startswith(start) else absolute
    return path.replace(os.sep, "/")


def uri_of(path: str) -> str:
    """A path as a URI reference (RFC 3986); an absolute one with its scheme."""
    try:
        encoded = quote(os.fsencode(path), safe="/~!$&'()*+,;=@")
    except UnicodeEncodeError:  # not a possible file name
        encoded = quote(path.encode("utf-8", "replace"), safe="/")
    if path.startswith("/"):
        return f"file://{encoded}"
    # The drive letter in C:/x is not a scheme.
    return f"file:///{encoded.replace('%3A', ':', 1)}" if path[1:3] == ":/" else encoded


def utf16_column(source: Source, offset: int) -> int:
    """The column of an offset in UTF-16 code units, counted from 1."""
    return len(_before(source, offset).encode("utf-16-le", "surrogatepass")) // 2 + 1


def utf8_column(source: Source, offset: int) -> int:
    """The column of an offset in bytes of UTF-8, counted from 1."""
    return len(_before(source, offset).encode("utf-8", "surrogatepass")) + 1


def _before(source: Source, offset: int) -> str:
    line, column = source.position(offset)
    return source.line(line)[: column - 1]


def end_of(span: Span) -> int:
    """The end offset of a range, without a trailing line end."""
    return span.start + len(span.text.rstrip("\r\n"))


class Fingerprints:
    """Identifiers of findings that ignore line numbers: from the file, the kind, the message and a counter."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def of(self, path: str, finding: Finding) -> str:
        """The fingerprint of the next finding."""
        problem = finding.problem
        text = "" if problem.span is None else problem.span.text
        key = "\0".join((path, problem.kind, problem.message, text))
        self._seen[key] += 1
        key = f"{key}\0{self._seen[key]}"
        return digest(key)


def digest(key: str) -> str:
    """A short name for a text."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
