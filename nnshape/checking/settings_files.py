"""Finds the settings files of a project. A nested pyproject.toml cannot loosen the one above it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from nnshape.checking.project_settings import Settings
from nnshape.problems import Problem, SpecError
from nnshape.spec import Source, limits, read_source

FILE = "pyproject.toml"


def read_settings(paths: Sequence[str]) -> Settings:
    """Return the settings for the paths. Raises SpecError if they are invalid.

    Reads every pyproject.toml with a `[tool.nnshape]` table, from the common folder of the paths up to the root of the
    repository. The topmost one applies; those below it can only be stricter.
    """
    settings = Settings()
    for folder in reversed(_folders(paths)):
        source = _settings_file(folder)
        if source is None:
            continue
        from nnshape.checking.settings_reader import SettingsReader, table_of  # most trees have no settings

        table = table_of(source)
        if table is None:
            continue
        reader = SettingsReader(source, folder)
        if not settings.file:
            settings = replace(reader.settings(table), file=source.name, folder=folder)
        else:
            stricter = reader.stricter(table, settings.file, settings.strict)
            settings = replace(settings, strict=settings.strict or stricter.strict)
            settings = replace(settings, format=stricter.format or settings.format)
    return settings


def _folders(paths: Sequence[str]) -> list[str]:
    """Return the folders that may hold settings, nearest first, up to the root of the repository.

    A `.git` below the current folder does not count as a root, since a pull request could add one.
    """
    folders = [_shared_folder(paths)]
    here = os.getcwd()
    while True:
        folder = folders[-1]
        parent = os.path.dirname(folder)
        above = os.path.commonpath([folder, here]) == folder if _same_drive(folder, here) else True
        if parent == folder or (above and os.path.exists(os.path.join(folder, ".git"))):
            return folders
        folders.append(parent)


def _same_drive(one: str, other: str) -> bool:
    return os.path.splitdrive(one)[0].lower() == os.path.splitdrive(other)[0].lower()


def _shared_folder(paths: Sequence[str]) -> str:
    folders = []
    for path in paths:
        absolute = os.path.abspath("." if path == "-" else path)
        folders.append(absolute if os.path.isdir(absolute) else os.path.dirname(absolute))
    try:
        return os.path.commonpath(folders) if folders else os.getcwd()
    except ValueError:  # on several drives
        return os.getcwd()


def _settings_file(folder: str) -> Source | None:
    """Return the pyproject.toml of a folder if it mentions nnshape, or None. Raises SpecError if it cannot be read.

    Files that do not mention nnshape are not parsed. Links are refused: a message could show lines of any other file.
    """
    path = os.path.join(folder, FILE)
    if not os.path.isfile(path):
        return None
    shown = os.path.relpath(path)
    if not os.path.islink(path):
        source = read_source(shown)
        return source if "nnshape" in source.text else None
    try:
        with open(path, "rb") as file:
            named = b"nnshape" in file.read(limits.TEXT_BYTES)
    except OSError as error:
        raise SpecError(Problem("unreadable", f"cannot read {shown}: {error.strerror}", place=shown)) from None
    if named:
        message = f"{shown} is a link; settings are read only from the file itself"
        raise SpecError(Problem("unreadable", message, place=shown))
    return None
