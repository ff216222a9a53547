"""Finds the pyproject.toml files that apply. A nested one cannot loosen the one above it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from nnshape.checking.project_settings import Settings
from nnshape.problems import Problem, SpecError
from nnshape.spec import Source, limits, read_source

FILE = "pyproject.toml"


def read_settings(paths: Sequence[str]) -> Settings:
    """The settings that apply to the paths; raises SpecError if they are invalid.

    They stand in each pyproject.toml with a `[tool.nnshape]` from the folder that all paths share up to the
    root of the repository. The topmost holds; those below it can only be stricter.
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
    """The folders that may hold settings, nearest first.

    They end at the root of the repository, if there is one. Below the current folder there is none: a pull
    request can add something that looks like it.
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
    """The text of a folder's pyproject.toml if it mentions nnshape, else None; raises SpecError if it cannot be read.

    A project that does not name nnshape may hold anything. A link could show the lines of any other file.
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
