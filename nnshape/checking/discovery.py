"""Which files below the paths are specs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from nnshape.checking.globs import Glob
from nnshape.problems import Problem, SpecError
from nnshape.records import dataclass
from nnshape.spec import Source, read_source
from nnshape.spec.limits import TEXT_BYTES

DEFAULT_INCLUDE = ("*.yaml", "*.yml")
#: Folders without specs of one's own; those whose name begins with a dot are left out too.
_SKIPPED = frozenset({"node_modules", "__pycache__", "venv", "site-packages"})

# The key at the start of a line, where a block mapping that is the whole file has it.
_LAYERS = re.compile(r"""^(?:layers|'layers'|"layers")[ \t]*:(?=\s|$)""", re.MULTILINE)
_LAYERS_BYTES = re.compile(rb"""^(?:layers|'layers'|"layers")[ \t]*:(?=\s|$)""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file to check: its text, or the problems that keep it from being read.

    `in_folder` says that its includes are looked for beside it.
    """

    name: str
    source: Source | None
    problems: tuple[Problem, ...] = ()
    in_folder: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """The files to check, in order, and how many YAML files were passed over because they are no specs."""

    candidates: tuple[Candidate, ...]
    passed_over: int


def find_specs(
    paths: Sequence[str],
    include: Sequence[Glob],
    exclude: Sequence[Glob],
    stdin: Callable[[], Candidate],
) -> Found:
    """The specs at the paths and below them; `-` is what `stdin` gives. Raises SpecError for a path that is not there.

    A file that is named itself is always checked; one that is found below a folder, where it has a
    `layers` key.
    """
    candidates: list[Candidate] = []
    passed_over = 0
    seen: set[str] = set()
    for path in paths:
        if path == "-":
            candidates.append(stdin())
            continue
        if not os.path.isdir(path):
            name = _shown(path)
            if _new(name, seen):
                candidates.append(_named(name))
            continue
        for found in _below(_shown(path), include, exclude):
            if isinstance(found, Candidate):
                candidates.append(found)
            elif _new(found, seen):
                candidate = _candidate(found)
                if candidate is None:
                    passed_over += 1
                else:
                    candidates.append(candidate)
    return Found(tuple(candidates), passed_over)


def stdin_spec(name: str | None) -> Candidate:
    """What stands on standard input, under a file's name where one is given. Raises SpecError only for a lack of it."""
    shown = name or "<stdin>"
    try:
        source = read_source("-")
    except SpecError as error:
        return Candidate(shown, None, error.problems, name is not None)
    return Candidate(shown, Source(shown, source.text), in_folder=name is not None)


def _shown(path: str) -> str:
    """A path as messages show it: without `./` before it."""
    shown = path
    while shown.startswith("." + os.sep):
        shown = shown[2:].lstrip(os.sep)
    return shown or "."


def _new(name: str, seen: set[str]) -> bool:
    key = os.path.abspath(name)
    if key in seen:
        return False
    seen.add(key)
    return True


def _named(name: str) -> Candidate:
    """A file that was named itself; raises SpecError where it cannot be opened."""
    try:
        return Candidate(name, read_source(name))
    except SpecError as error:
        if any(problem.kind == "unreadable" for problem in error.problems):
            raise
        return Candidate(name, None, error.problems)


def _candidate(name: str) -> Candidate | None:
    """A file that was found, or None where it is no spec."""
    try:
        source = read_source(name)
    except SpecError as error:
        if any(problem.kind == "unreadable" for problem in error.problems) or _mentions_layers(name):
            return Candidate(name, None, error.problems)
        return None
    return Candidate(name, source) if is_spec(source) else None


def _mentions_layers(name: str) -> bool:
    """Whether a file that is no text, or too long a one, begins like a spec."""
    try:
        with open(name, "rb") as file:
            return _LAYERS_BYTES.search(file.read(TEXT_BYTES)) is not None
    except OSError:
        return False


def is_spec(source: Source) -> bool:
    """Whether a text is a mapping with the key `layers`."""
    if _LAYERS.search(source.text):
        return True
    if "layers" not in source.text:
        return False
    # Indented, in braces, or a word inside another value: only the parser can tell.
    from nnshape.spec.document import Mapping, parse_document

    try:
        root, _ = parse_document(source)
    except SpecError:
        return False
    return isinstance(root, Mapping) and root.get("layers") is not None


def _below(folder: str, include: Sequence[Glob], exclude: Sequence[Glob]) -> Iterator[str | Candidate]:
    """The files below a folder in the order of their names; links to folders are not followed, so none is a loop."""
    try:
        with os.scandir(folder) as entries:
            sorted_entries = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        message = f"cannot search {folder}: {error.strerror or error}"
        yield Candidate(folder, None, (Problem("unreadable", message, place=folder),))
        return
    for entry in sorted_entries:
        path = entry.name if folder == "." else os.path.join(folder, entry.name)
        if entry.is_dir(follow_symlinks=False):
            if not entry.name.startswith(".") and entry.name not in _SKIPPED and not _any(exclude, path):
                yield from _below(path, include, exclude)
        elif _any(include, path) and not _any(exclude, path) and _is_file(entry):
            yield path


def _any(globs: Iterable[Glob], path: str) -> bool:
    return any(glob.matches(path) for glob in globs)


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file, or a link to one; a pipe or a device is never opened."""
    try:
        return entry.is_file()
    except OSError:
        return False
