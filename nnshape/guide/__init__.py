"""The guide: a page per topic in this folder, `TOPIC.md`, shown by `nnshape explain TOPIC`.

A page begins with `# Title` and a sentence, which the list of topics shows. Headings (`##`), paragraphs, lists (`-`),
tables and fenced code follow: the Markdown that a terminal shows well.
"""

from __future__ import annotations

import os

from nnshape.records import dataclass

_FOLDER = os.path.dirname(__file__)
_SUFFIX = ".md"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the guide: its topic, title and sentence, and the whole text as Markdown."""

    topic: str
    title: str
    sentence: str
    text: str


def topics() -> tuple[str, ...]:
    """The topics in alphabetical order."""
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in os.listdir(_FOLDER) if name.endswith(_SUFFIX)))


def page_of(topic: str) -> Page:
    """The page of a topic. Raises KeyError for an unknown topic."""
    if topic not in topics():
        raise KeyError(topic)
    with open(os.path.join(_FOLDER, topic + _SUFFIX), encoding="utf-8") as file:
        text = file.read()
    title, sentence, *_ = text.split("\n\n", 2)
    return Page(topic, title.removeprefix("# "), " ".join(sentence.split()), text)
