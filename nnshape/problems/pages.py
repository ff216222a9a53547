"""The page of each kind of problem, a document in this folder, for `nnshape explain`, SARIF and the README.

A document has a title like the message, `# error[size-mismatch]` or `# warning[unproved]`, a sentence and
paragraphs. `## Fails` holds a spec and its message, `## Fixed` the corrected spec. A file other than
`model.yaml` has its name in a comment on its first line. If options matter, a console block shows the command.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from nnshape.problems.kinds import KindName, is_kind
from nnshape.records import dataclass

if TYPE_CHECKING:
    from nnshape.problems import Severity

_FOLDER = os.path.dirname(__file__)
_TITLE = re.compile(r"# (error|warning)\[([a-z-]+)\]")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_NAMED = re.compile(r"# ([\w-]+\.\w+)\n")
_PROMPT = "$ "


@dataclass(frozen=True, slots=True)
class Example:
    """An example: its files by name, the command if it matters, and the message."""

    files: Mapping[str, str]
    command: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """The meaning of a kind of problem, an example, and the fixed example.

    `severity` is the usual one, `page` the whole document as Markdown.
    """

    name: KindName
    severity: Severity
    sentence: str
    paragraphs: tuple[str, ...]
    fails: Example
    fixed: Example
    page: str


@cache
def kind_of(name: str) -> Kind:
    """The kind of this name. Raises KeyError for an unknown name."""
    if not is_kind(name):
        raise KeyError(name)
    return read_kind(document_of(name))


def document_of(name: str) -> str:
    """The text of a kind's document."""
    with open(os.path.join(_FOLDER, f"{name}.md"), encoding="utf-8") as file:
        return file.read()


def read_kind(page: str) -> Kind:
    """Parse the document of a kind. Raises ValueError for another form."""
    start, fails, fixed = re.split(r"^## (?:Fails|Fixed)\n", page, flags=re.MULTILINE)
    title, sentence, *paragraphs = (" ".join(part.split("\n")) for part in start.strip().split("\n\n"))
    found = _TITLE.fullmatch(title)
    if found is None:
        raise ValueError(f"{title} is not the title of a kind of problem")
    name = found[2]
    if not is_kind(name):
        raise ValueError(f"there is no kind of problem called {name}")
    severity: Severity = "error" if found[1] == "error" else "warning"
    return Kind(name, severity, sentence, tuple(paragraphs), _example(fails), _example(fixed), page)


def _example(text: str) -> Example:
    blocks = list(_BLOCK.findall(text))
    command, message = "", "".join(body for language, body in blocks if language == "text")
    for language, body in blocks:
        if language == "console":
            command, _, message = body.removeprefix(_PROMPT).partition("\n")
    return Example(dict(_files(blocks)), command, message.rstrip("\n"))


def _files(blocks: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for language, body in blocks:
        if language in ("yaml", "python"):
            named = _NAMED.match(body)
            yield named[1] if named else "model.yaml", body
