"""Finds the specs in files and folders, and the reason for each file that is not checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import field

from nnshape.checking.outcome import Skipped
from nnshape.checking.project_settings import Settings
from nnshape.checking.walking import Entry, entries_below
from nnshape.problems import Problem, SpecError
from nnshape.records import dataclass
from nnshape.spec import Source, limits, read_source
from nnshape.spec.files import has_suffix
from nnshape.spec.likeness import has_keys, likeness
from nnshape.spec.opening import inside, open_regular
from nnshape.spec.source import STDIN, source_of_bytes

#: Characters of an overlong file that are searched for the keys of a spec.
_MAX_SEARCHED = 4 * limits.TEXT_BYTES
_FIRST_SPEC = "input: 1x32x32\nlayers:\n  conv1: Conv2d(1, 6, 5)"


@dataclass(frozen=True, slots=True)
class SpecFile:
    """A file to check: its source, or the problems that prevented reading it.

    `root` is the folder that its includes must be in, or None if it cannot include files.
    """

    name: str
    source: Source | None
    problems: tuple[Problem, ...] = ()
    root: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The files to check, in order, and the skipped ones."""

    candidates: tuple[SpecFile, ...]
    skipped: tuple[Skipped, ...] = ()


@dataclass(slots=True)
class _Discovery:
    """The results of a search so far, without duplicates."""

    settings: Settings
    excluded_by: str
    candidates: list[SpecFile] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def is_new(self, real: str) -> bool:
        if real in self.seen:
            return False
        self.seen.add(real)
        return True


def find_specs(
    paths: Sequence[str],
    settings: Settings,
    stdin: Callable[[], SpecFile],
    excluded_by: str = "",
) -> Found:
    """Find the specs in files and folders; `-` calls `stdin`. Raises SpecError if a path does not exist.

    A file in `paths` is always checked. A file found in a folder is checked if it is a spec or resembles one.
    `excluded_by` is the name of the option that replaces the `exclude` of the settings.
    """
    search = _Discovery(settings, excluded_by or settings.file)
    for path in paths:
        if path == "-":
            search.candidates.append(stdin())
        elif os.path.isdir(path):
            _search_folder(_shown(path), search)
        else:
            name = _shown(path)
            if search.is_new(os.path.realpath(name)):
                search.candidates.append(_named(name))
    # Nested paths search the same folders.
    return Found(tuple(search.candidates), tuple(dict.fromkeys(search.skipped)))


def stdin_spec(name: str | None) -> SpecFile:
    """Read standard input, under the name of a file if given. Raises SpecError only if standard input is closed."""
    shown = name or STDIN
    root = None if name is None else os.path.dirname(name)
    try:
        source = read_source("-")
    except SpecError as error:
        return SpecFile(shown, None, error.problems, root)
    return _judged_by_name(SpecFile(shown, Source(shown, source.text), root=root))


def _shown(path: str) -> str:
    """Return the path for messages, without a leading `./`."""
    shown = path
    while shown.startswith("." + os.sep):
        shown = shown[2:].lstrip(os.sep)
    return shown or "."


def _named(name: str) -> SpecFile:
    """Read a file that was named explicitly. Raises SpecError if it cannot be opened."""
    root = os.path.dirname(name)
    try:
        return _judged_by_name(SpecFile(name, read_source(name), root=root))
    except SpecError as error:
        if any(problem.kind == "unreadable" for problem in error.problems):
            raise
        return SpecFile(name, None, _without_text(error, name), root)


def _judged_by_name(candidate: SpecFile) -> SpecFile:
    """Report a named file that is not a spec, without quoting its text."""
    source = candidate.source
    if source is None or not source.text.strip():
        return candidate  # the reader reports that it is empty
    answer = likeness(source)
    if answer.kind != "other":
        return candidate
    message = f"{candidate.name} is not a spec: {answer.reason}"
    problem = Problem("missing-key", message, place=candidate.name, help=(_FIRST_SPEC,))
    return SpecFile(candidate.name, None, (problem,), candidate.root)


def _without_text(error: SpecError, name: str) -> tuple[Problem, ...]:
    """The problems of a file that is not UTF-8 text; they have a place only if the rest is a spec."""
    shown = []
    for problem in error.problems:
        if problem.span is not None and likeness(problem.span.source).kind == "other":
            problem = Problem(problem.kind, f"{name}: {problem.message}", place=name, help=problem.help)
        shown.append(problem)
    return tuple(shown)


def _search_folder(folder: str, search: _Discovery) -> None:
    real = os.path.realpath(folder)
    root, real_root = _root(folder, real, search.settings)
    links: list[Entry] = []
    for entry in entries_below(folder, real, search.settings, search.excluded_by):
        if isinstance(entry, Skipped):
            search.skipped.append(entry)
        elif isinstance(entry, Problem):
            search.candidates.append(SpecFile(entry.place, None, (entry,)))
        elif entry.link:
            links.append(entry)
        elif search.is_new(entry.real):
            _add(entry, root, real_root, search)
    # The target of a link is checked under its own name when the search finds it.
    for entry in links:
        reason = _not_followed(entry.real, real_root)
        if reason:
            search.skipped.append(Skipped(entry.name, "link", reason))
        elif search.is_new(entry.real):
            _add(entry, root, real_root, search)


def _not_followed(real: str, root: str) -> str:
    """Return the reason not to follow a link, or an empty string if its target may be a spec."""
    if not inside(root, real):
        return "it is a link to a file outside the folder"
    if any(part.startswith(".") and part != "." for part in os.path.relpath(real, root).split(os.sep)):
        return "it is a link to a hidden file"
    if not os.path.isfile(real):
        return "it is a link to a folder or device" if os.path.exists(real) else "it is a broken link"
    return "" if has_suffix(real) else "it is a link to a file with another extension"


def _root(folder: str, real: str, settings: Settings) -> tuple[str, str]:
    """Return the root for includes, as given and real path: the settings' folder if it contains the searched one."""
    if not settings.folder:
        return folder, real
    above = os.path.realpath(settings.folder)
    between = os.path.relpath(real, above).split(os.sep) if inside(above, real) else [".."]
    if any(part.startswith(".") and part != "." for part in between):
        return folder, real
    return os.path.relpath(settings.folder), above


def _add(entry: Entry, root: str, real_root: str, search: _Discovery) -> None:
    """Add a file if it is a spec."""
    name = entry.name
    try:
        with open_regular(real_root, entry.real) as file:
            data = file.read(limits.TEXT_BYTES + 1)
            if len(data) > limits.TEXT_BYTES:
                data += file.read(_MAX_SEARCHED - len(data))
    except OSError as error:
        message = f"cannot read {name}: {error.strerror or error}"
        problem = Problem("unreadable", message, place=name)
        search.candidates.append(SpecFile(name, None, (problem,)))
        return
    problems: tuple[Problem, ...] = ()
    try:
        source = source_of_bytes(name, data)
    except SpecError as error:
        problems = error.problems
        source = _readable(name, data[: limits.TEXT_BYTES])
    answer = likeness(source)
    if answer.kind == "spec" or (len(data) > limits.TEXT_BYTES and has_keys(_readable(name, data).text)):
        search.candidates.append(SpecFile(name, None if problems else source, problems, root))
    else:
        search.skipped.append(Skipped(name, "not-a-spec", answer.reason))


def _readable(name: str, data: bytes) -> Source:
    """Decode the start of a file in another encoding or over the size limit, to detect whether it is a spec."""
    encoding = "utf-8"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"  # UTF-32 too, but for NULs
    elif b"\0" in data[:4]:
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    text = data.decode(encoding, "replace")
    return Source(name, text.translate(_UNREADABLE).removeprefix("\ufeff"))


#: Characters that YAML does not allow, although some parsers accept them.
_UNREADABLE = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127, 65534, 65535))
