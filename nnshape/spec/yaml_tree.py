"""Parses YAML into a tree of nodes with spans, from the parser's events (the composer crashes on deep nesting)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import yaml  # type: ignore[import-untyped,unused-ignore]

from nnshape.problems import Label, Problem, SpecError
from nnshape.records import dataclass
from nnshape.spec import limits
from nnshape.spec.source import Source, Span
from nnshape.spec.source_map import SourceMap, map_of_scalar

if TYPE_CHECKING:
    from collections.abc import Callable

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as text; `style` is `'`, `"`, `|` or `>`, and empty for a plain scalar."""

    value: str
    style: str
    span: Span

    @property
    def plain(self) -> bool:
        """Whether the scalar is neither quoted nor a block, so that it may be a number."""
        return not self.style

    @property
    def origin(self) -> SourceMap:
        """The map from the characters of the value to the source."""
        return map_of_scalar(self.value, self.style, self.span)


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in the order of the text; `flow` if written in braces."""

    items: tuple[tuple[Scalar, Node], ...]
    span: Span
    flow: bool = False

    def get(self, key: str) -> Node | None:
        """The value under a key, or None."""
        for name, value in self.items:
            if name.value == key:
                return value
        return None


@dataclass(frozen=True, slots=True)
class Sequence:
    """Values in the order of the text; `flow` if written in brackets."""

    items: tuple[Node, ...]
    span: Span
    flow: bool = False


Node: TypeAlias = Scalar | Mapping | Sequence


def parse_document(source: Source) -> tuple[Node | None, tuple[Problem, ...]]:
    """The document of a text, or None for an empty text, and the problems of duplicate keys.

    Raises SpecError if the text is not YAML, exceeds a limit, or uses a feature that specs lack.
    """
    loader = _Loader(source.text)
    try:
        return _Reader(source, loader.get_event).document()
    except yaml.YAMLError as error:
        from nnshape.spec.yaml_errors import (
            problem_of_yaml_error,  # only on the way to an error
        )

        raise SpecError(problem_of_yaml_error(source, error)) from None
    except RecursionError:
        # Only PyYAML's own parser gets here, when libyaml is missing.
        whole = Span(source, 0, len(source.text))
        raise SpecError(Problem("too-large", "the file nests too deeply", whole)) from None
    finally:
        loader.dispose()


class _Reader:
    """Builds nodes from events, with one call per collection."""

    __slots__ = ("_count", "_next", "_source", "problems")

    def __init__(self, source: Source, get_event: Callable[[], Any]) -> None:
        self._source = source
        self._next = get_event
        self._count = 0
        self.problems: list[Problem] = []

    def document(self) -> tuple[Node | None, tuple[Problem, ...]]:
        event = self._next()
        while not isinstance(event, (yaml.DocumentStartEvent, yaml.StreamEndEvent)):
            event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            return None, ()
        if event.tags:
            self.refuse(event, "a %TAG directive", "remove the line")
        root = self.node(self._next(), 1)
        self._next()  # the document's end
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            self.refuse(event, "a second document", "put each model in a file of its own")
        return root, tuple(self.problems)

    def node(self, event: Any, depth: int) -> Node:
        self._count += 1
        if self._count > limits.NODES:
            self.too_large(event, f"the file holds more than {limits.NODES:,} values")
        kind = type(event)
        if kind is yaml.ScalarEvent:
            if event.anchor is not None or event.tag is not None:
                self.refuse_mark(event)
            span = Span(self._source, event.start_mark.index, event.end_mark.index)
            style = event.style
            return Scalar(event.value, "" if style is None or style == "\0" else style, span)
        if kind is yaml.AliasEvent:
            self.refuse(event, "an alias", _INSTEAD)
        if event.anchor is not None or event.tag is not None:
            self.refuse_mark(event)
        if depth > limits.DEPTH:
            self.too_large(event, f"the file nests deeper than {limits.DEPTH} levels")
        if kind is yaml.MappingStartEvent:
            return self.mapping(event, depth)
        return self.sequence(event, depth)

    def mapping(self, opening: Any, depth: int) -> Mapping:
        items: list[tuple[Scalar, Node]] = []
        seen: dict[str, Scalar] = {}
        event = self._next()
        while type(event) is not yaml.MappingEndEvent:
            key = self.node(event, depth + 1)
            if not isinstance(key, Scalar):
                raise SpecError(Problem("syntax", "a key is a single word here, not a collection", key.span))
            if key.value == "<<" and key.plain:
                self.refuse(event, "a merge key (<<)", _INSTEAD)
            value = self.node(self._next(), depth + 1)
            first = seen.get(key.value)
            if first is None:
                seen[key.value] = key
                items.append((key, value))
            else:
                message = f"{_shortened(key.value)} is written twice"
                related = (Label(first.span, "first here"),)
                if len(self.problems) >= limits.PROBLEMS:
                    raise SpecError(*self.problems)
                self.problems.append(Problem("duplicate-key", message, key.span, "and again here", related=related))
            event = self._next()
        return Mapping(tuple(items), self.span(opening, event), bool(opening.flow_style))

    def sequence(self, opening: Any, depth: int) -> Sequence:
        items: list[Node] = []
        event = self._next()
        while type(event) is not yaml.SequenceEndEvent:
            items.append(self.node(event, depth + 1))
            event = self._next()
        return Sequence(tuple(items), self.span(opening, event), bool(opening.flow_style))

    def span(self, opening: Any, closing: Any) -> Span:
        start = opening.start_mark.index
        if opening.flow_style:
            return Span(self._source, start, closing.end_mark.index)
        # The end event of a block is at the next token: exclude the blanks between.
        text = self._source.text[start : closing.start_mark.index]
        return Span(self._source, start, start + _content_length(text))

    def refuse_mark(self, event: Any) -> NoReturn:
        if event.anchor is not None:
            self.refuse(event, "an anchor", _INSTEAD, ("&", len(event.anchor)))
        what = "a tag" if not event.tag.startswith("tag:yaml.org,2002:python/") else "a Python tag"
        self.refuse(event, what, "remove the tag; quote a value to make it a string")

    def refuse(self, event: Any, what: str, fix: str, mark: tuple[str, int] | None = None) -> NoReturn:
        start = event.start_mark.index
        text = self._source.text
        end = event.end_mark.index
        if mark is not None and text.startswith(mark[0], start):
            end = start + 1 + mark[1]
        elif end <= start or end - start > 80 or "\n" in text[start:end]:
            end = start
            while end < len(text) and not text[end].isspace():
                end += 1
        span = Span(self._source, start, max(end, min(start + 1, len(text))))
        raise SpecError(Problem("syntax", f"{what} is not allowed in a spec", span, help=(fix,)))

    def too_large(self, event: Any, message: str) -> NoReturn:
        start = event.start_mark.index
        raise SpecError(Problem("too-large", message, Span(self._source, start, start + 1)))


_INSTEAD = "name a value under hparams, or a group of layers under blocks, and use the name"


def _content_length(text: str) -> int:
    """The length of a block's text without the blank lines and comments that follow it."""
    end = len(text.rstrip())
    while True:
        start = max(text.rfind("\n", 0, end), text.rfind("\r", 0, end)) + 1
        if start == 0 or not text[start:end].lstrip().startswith("#"):
            return end
        end = len(text[:start].rstrip())


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
