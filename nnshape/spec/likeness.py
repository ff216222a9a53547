"""Decides whether a YAML text is a spec, a library of blocks or something else, before any of it is shown."""

from __future__ import annotations

import re
from dataclasses import field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

import yaml  # type: ignore[import-untyped,unused-ignore]

from nnshape.problems.nearest import nearest_name
from nnshape.records import dataclass
from nnshape.spec import limits
from nnshape.spec.keys import KEYS, REQUIRED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nnshape.spec.source import Source

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

#: A key at the start of a line, as in a block mapping at the top level.
_KEY = r"""^(?:{0}|'{0}'|"{0}")[ \t]*:(?=\s|$)"""
_INPUT, _LAYERS = (re.compile(_KEY.format(key), re.MULTILINE) for key in REQUIRED)
_STEP_LINE = re.compile(r"^[ \t][^#\n]*\w\(", re.MULTILINE)
#: A text without a match has no key like `input`, `layers` or `blocks`, and is not parsed. A match is a key with such a
#: beginning, a key with an escape, or a key after a question mark, which may span lines.
_WORTH_PARSING = re.compile(
    r"""(?:layer|input|block)\w{0,8}["']?\s*:|\\[^"\\\n]*"\s*:|\\$|\?\s""", re.IGNORECASE | re.MULTILINE
)
_TEMPLATE = re.compile(r"\{\{|\{%")

_CALL = re.compile(r"\w\(")
_NUMBER = re.compile(r"[-+.\d][\w.+-]*")
_SHAPE = re.compile(r"(?:[a-z]+\d*)?\s*\[.*\]|(?:\d+|[A-Z][^\Wx]*)(?:\s*x\s*[^\Wx]+)+", re.DOTALL)
_SIZE = re.compile(r"\d+|[A-Z]\w?")
_SIZES = re.compile(r"[\w\s+*/()-]+")
#: The maximum number of documents, keys of one, scalars of a key and characters of a scalar to look at.
_MAX_DOCUMENTS, _MAX_KEYS, _MAX_WORDS, _MAX_CHARACTERS = 100, 100, 1_000, 200

Kind: TypeAlias = Literal["spec", "library", "other"]


class Likeness(NamedTuple):
    """The sort of a text: a spec (or nearly one), a library of blocks or another, with the `reason`."""

    kind: Kind
    reason: str = ""


_SPEC: Final = Likeness("spec")


@dataclass(slots=True)
class _Value:
    """The scalars under a key of the top level, over all its occurrences, without the inner keys.

    `words` holds the first of them. `calls`: one is a call, like a step. `typed`: an inner key is `type`.
    `numbers`: all are numbers. `empty`: there are none.
    """

    collection: str = ""
    words: list[str] = field(default_factory=list)
    calls: bool = False
    typed: bool = False
    numbers: bool = True
    empty: bool = True

    def add(self, word: str) -> None:
        """Add a scalar."""
        word = word[:_MAX_CHARACTERS]
        self.calls = self.calls or _CALL.search(word) is not None
        self.numbers = self.numbers and _NUMBER.fullmatch(word) is not None
        self.empty = self.empty and word in ("", "~", "null")
        if len(self.words) < _MAX_WORDS:
            self.words.append(word)


def likeness(source: Source) -> Likeness:
    """The sort of a text, by its keys and by whether their values are shapes and steps. Never raises.

    A text that cannot be parsed is a spec if it has the keys of one, so that its faults are shown.
    """
    text = source.text
    if has_keys(text) and _STEP_LINE.search(text):
        return _SPEC
    if not _WORTH_PARSING.search(text):
        return Likeness("other", "it has no layers")
    documents, broken = _documents(text)
    answers = [_judged(document) for document in documents[:_MAX_DOCUMENTS]]
    for kind in ("spec", "library"):
        for answer in answers:
            if answer.kind == kind:
                return answer
    if broken and _broken_spec(text, documents):
        return _SPEC
    if len(answers) == 1:
        return answers[0]
    return Likeness("other", "it holds several YAML documents, and no layers" if answers else "it is not YAML")


def has_keys(text: str) -> bool:
    """Whether a text has both keys of a spec at the start of a line."""
    return _LAYERS.search(text) is not None and _INPUT.search(text) is not None


def _judged(values: dict[str, _Value]) -> Likeness:
    given, layers = _find(values, "input"), _find(values, "layers")
    if layers is None:
        if given is not None and _is_shape(given) and any(value.calls for value in values.values()):
            return _SPEC  # the steps are under a misspelt key
        blocks = values.get("blocks")
        if blocks is not None and (blocks.calls or values.keys() <= KEYS.keys()):
            return Likeness("library", "it has blocks, but no layers")
        return Likeness("other", "it has no layers")
    if layers.calls:
        return _SPEC
    if given is None:
        return Likeness("other", "it has layers, but no input")
    if _is_shape(given) or (layers.typed and layers.collection):
        return _SPEC
    if given.empty or all(map(_SIZE.fullmatch, given.words)):
        # The input is one number, as in a training configuration, so the layers decide.
        if layers.empty or not layers.numbers:
            return _SPEC
        return Likeness("other", "its layers are numbers")
    return Likeness("other", "its input is not a shape, and its layers are not steps")


def _find(values: dict[str, _Value], key: str) -> _Value | None:
    """The value of a key, or of a similar key."""
    if key in values:
        return values[key]
    return next((values[name] for name in _inexact(values) if nearest_name(name, KEYS) == key), None)


def _inexact(keys: Iterable[str]) -> Iterator[str]:
    """The keys that may be misspelt keys of a spec."""
    return (key for key in islice(keys, _MAX_KEYS) if key not in KEYS and len(key) <= 2 * len("layers"))


def _is_shape(value: _Value) -> bool:
    """Whether a value has the form of a shape, 1x32x32, [N, T] or int64[N, T], or is a mapping of inputs to shapes."""
    if value.collection == "sequence":
        return all(map(_SIZES.fullmatch, value.words)) and any(map(_SIZE.fullmatch, value.words))
    return any(map(_SHAPE.fullmatch, value.words))


def _broken_spec(text: str, documents: list[dict[str, _Value]]) -> bool:
    """Whether a text that is not YAML has the keys of a spec."""
    keys = dict.fromkeys(key for document in documents for key in document)
    has_input = "input" in keys or _INPUT.search(text) is not None
    has_layers = "layers" in keys or _LAYERS.search(text) is not None
    if has_input and (has_layers or re.search(r"""^[ \t]+["']?layers["']?[ \t]*:""", text, re.MULTILINE)):
        return True
    if has_layers:
        # Without an input, it may be a template of another kind of file.
        return _TEMPLATE.search(text) is None
    return bool(_STEP_LINE.search(text)) and any(nearest_name(key, KEYS) in REQUIRED for key in _inexact(keys))


def _documents(text: str) -> tuple[list[dict[str, _Value]], bool]:
    """The values at the top level of each document that is a mapping, and whether the text broke off."""
    documents: list[dict[str, _Value]] = []
    loader = _Loader(text)
    #: The open collections, each with whether its next item is a key: None in a sequence.
    open_: list[bool | None] = []
    value: _Value | None = None
    try:
        for _ in range(2 * limits.NODES):
            event = loader.get_event()
            kind = type(event)
            if kind is yaml.StreamEndEvent:
                return documents, False
            if kind is yaml.DocumentStartEvent:
                open_, value = [], None
                documents.append({})
            elif kind in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
                open_.pop()
            elif kind in (yaml.MappingStartEvent, yaml.SequenceStartEvent, yaml.ScalarEvent, yaml.AliasEvent):
                is_key = open_[-1] if open_ else None
                if is_key is not None:
                    open_[-1] = not is_key
                word = event.value if kind is yaml.ScalarEvent else ""
                collection = {yaml.MappingStartEvent: "mapping", yaml.SequenceStartEvent: "sequence"}.get(kind, "")
                if len(open_) == 1 and is_key:
                    value = documents[-1].setdefault(word, _Value())
                elif value is not None:
                    if len(open_) == 1:
                        value.collection = collection
                    if is_key:
                        value.typed = value.typed or word == "type"
                    elif kind is yaml.ScalarEvent:
                        value.add(word)
                if collection:
                    open_.append(True if collection == "mapping" else None)
    except (yaml.YAMLError, RecursionError):
        pass
    finally:
        loader.dispose()
    return documents, True
