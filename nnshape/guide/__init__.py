"""The guide: a page for each topic in this folder, `TOPIC.md`, shown by `nnshape explain TOPIC`.

A page begins with `# Title` and one sentence, which lists of topics show. It goes on with headings (`##`), paragraphs,
lists (`-`) and fenced code: what a terminal shows well.
"""

from __future__ import annotations

import os

from nnshape.records import dataclass

_FOLDER = os.path.dirname(__file__)
_SUFFIX = ".md"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the guide: its topic, its title, the sentence below that, and the whole text as Markdown."""

    topic: str
    title: str
    sentence: str
    text: str


def topics() -> tuple[str, ...]:
    """The topics in alphabetical order."""
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in os.listdir(_FOLDER) if name.endswith(_SUFFIX)))


def page_of(topic: str) -> Page:
    """The page of a topic; raises KeyError where there is none."""
    if topic not in topics():
        raise KeyError(topic)
    with open(os.path.join(_FOLDER, topic + _SUFFIX), encoding="utf-8") as file:
        text = file.read()
    title, sentence, *_ = text.split("\n\n", 2)
    return Page(topic, title.removeprefix("# "), " ".join(sentence.split()), text)
