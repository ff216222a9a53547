"""Walks a folder for files that may be specs, and records the reason for each skipped one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from nnshape.checking.outcome import Skipped
from nnshape.checking.project_settings import Settings
from nnshape.problems import Problem
from nnshape.spec import limits
from nnshape.spec.files import has_suffix

#: Folders with installed packages or caches.
_NOT_SEARCHED = frozenset({"node_modules", "__pycache__", "venv", "site-packages"})


class Entry(NamedTuple):
    """A file with its given path and its real path; `link` is True for a link."""

    name: str
    real: str
    link: bool


Below: TypeAlias = "Entry | Skipped | Problem"


def entries_below(folder: str, real: str, settings: Settings, excluded_by: str, level: int = 0) -> Iterator[Below]:
    """Yield the files below a folder, sorted by name. Links to folders are not followed, which excludes loops.

    A folder that cannot be searched is a problem, since its files are unchecked.
    """
    if level > limits.DEPTH:
        message = f"cannot search {folder}: folders nest deeper than {limits.DEPTH} levels"
        yield Problem("unreadable", message, place=folder)
        return
    try:
        with os.scandir(folder) as entries:
            sorted_entries = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        yield Problem("unreadable", f"cannot search {folder}: {error.strerror or error}", place=folder)
        return
    for entry in sorted_entries:
        path = entry.name if folder == "." else os.path.join(folder, entry.name)
        try:
            is_folder = entry.is_dir(follow_symlinks=False)
            found = None if is_folder else _file(entry, path, real, settings, excluded_by)
        except OSError as error:
            yield Problem("unreadable", f"cannot read {path}: {error.strerror or error}", place=path)
            continue
        if found is not None:
            yield found
        elif is_folder and (skipped := _skipped_folder(entry.name, path, settings, excluded_by)):
            yield skipped
        elif is_folder:
            yield from entries_below(path, os.path.join(real, entry.name), settings, excluded_by, level + 1)


def _skipped_folder(name: str, path: str, settings: Settings, excluded_by: str) -> Skipped | None:
    if name.startswith("."):
        return Skipped(path, "hidden", "it is hidden", True)
    if name in _NOT_SEARCHED:
        return Skipped(path, "hidden", "it holds installed packages or a cache", True)
    if settings.exclude is not None and settings.exclude.match(path, folder=True):
        return Skipped(path, "excluded", f"excluded by {excluded_by}", True, excluded_by)
    return None


def _file(
    entry: os.DirEntry[str], path: str, real: str, settings: Settings, excluded_by: str
) -> Entry | Skipped | None:
    """Return a file or link, or None if its extension is not that of a spec."""
    if entry.is_symlink() and not has_suffix(entry.name) and entry.is_dir():
        skipped = _skipped_folder(entry.name, path, settings, excluded_by)
        return skipped or Skipped(path, "link", "it is a link to a folder", True)
    if not has_suffix(entry.name):
        return None
    if entry.name.startswith("."):
        return Skipped(path, "hidden", "it is hidden")
    if settings.include is not None and not settings.include.match(path):
        return Skipped(path, "excluded", f"not included by {settings.file}", by=settings.file)
    if settings.exclude is not None and settings.exclude.match(path):
        return Skipped(path, "excluded", f"excluded by {excluded_by}", by=excluded_by)
    if entry.is_symlink():
        return Entry(path, os.path.realpath(path), True)
    if entry.is_file(follow_symlinks=False):
        return Entry(path, os.path.join(real, entry.name), False)
    return Skipped(path, "not-a-spec", "it is not a regular file")
