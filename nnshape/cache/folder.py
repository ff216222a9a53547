"""The folder of the cache: where it is, and whether it may be trusted."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator

from nnshape.disk import TEMPORARY, LinkError, OpenFolder, enclosing_tree, open_folder

#: https://bford.info/cachedir/: backup programs pass over a folder that holds a file of this name.
TAG = "CACHEDIR.TAG"
_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55\n"
_MADE_BY = b"# This file is a cache directory tag created by nnshape.\n"
_TAG_TEXT = _SIGNATURE + _MADE_BY + b"# For information about cache directory tags, see https://bford.info/cachedir/\n"
#: A file whose modification time is that of the last look for old entries.
PRUNED = "pruned"
#: The name of a document: 64 hexadecimal digits.
DOCUMENT = re.compile(r"[0-9a-f]{64}")
#: The folder of documents that development versions made, which had no tag.
_FORMER = "check-1"


class UnusableFolderError(OSError):
    """A folder that cannot be the cache; its text says why."""


def cache_folder() -> str | None:
    """The user's cache folder: under `XDG_CACHE_HOME` where that is set, else as the platform has it."""
    from platformdirs import user_cache_dir

    try:
        path = user_cache_dir("nnshape", appauthor=False)
    except RuntimeError:  # there is no home
        return None
    return path if os.path.isabs(path) else None


def folder_for(paths: Iterable[str]) -> str | None:
    """The user's cache folder; None where it lies in a tree that one of the paths belongs to."""
    folder = cache_folder()
    return None if folder is None or _lies_in_tree(folder, paths) else folder


def _lies_in_tree(folder: str, paths: Iterable[str]) -> bool:
    """Whether a folder lies in a project that one of the paths belongs to, so that its author could have filled it."""
    trees = set()
    for path in paths:
        start = os.path.abspath(path)
        if not os.path.isdir(start):
            start = os.path.dirname(start)
        for tree in (enclosing_tree(start), enclosing_tree(os.path.realpath(start))):
            with contextlib.suppress(OSError):
                state = os.stat(tree)
                trees.add((state.st_dev, state.st_ino))
    current = os.path.realpath(folder)
    while True:
        # Identity, and not spelling: a file system may ignore letter case.
        with contextlib.suppress(OSError):
            state = os.stat(current)
            if (state.st_dev, state.st_ino) in trees:
                return True
        above = os.path.dirname(current)
        if above == current:
            return False
        current = above


@contextlib.contextmanager
def private_folder(path: str, *, create: bool) -> Iterator[OpenFolder]:
    """Open the cache folder.

    Raises FileNotFoundError where there is none and it is not to be created, and UnusableFolderError where it
    is a link, belongs to another user, may be written by others, or holds files that nnshape did not make.
    """
    try:
        if create:
            _make(path)
        with open_folder(path, follow=False, list_names=True) as folder:
            _check_owner(folder)
            _check_tag(folder, create=create)
            yield folder
    except LinkError:
        raise UnusableFolderError("it is a link") from None
    except NotADirectoryError:
        raise UnusableFolderError("it is not a folder") from None


def _make(path: str) -> None:
    """Create a folder, and those above it that are missing, for the user alone."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        above = os.path.dirname(path)
        if above in ("", path):
            raise
        _make(above)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)


def _check_owner(folder: OpenFolder) -> None:
    if belongs_to_another(state := folder.state()):
        raise UnusableFolderError("it belongs to another user")
    if is_open_to_others(state):
        raise UnusableFolderError("other users may write to it")


def belongs_to_another(state: os.stat_result) -> bool:
    """Whether a file or folder belongs to another user; Windows does not tell."""
    return hasattr(os, "geteuid") and state.st_uid != os.geteuid()


def is_open_to_others(state: os.stat_result) -> bool:
    """Whether other users may write to a file or folder; on Windows, access lists keep them from a user's folders."""
    return hasattr(os, "geteuid") and bool(state.st_mode & 0o022)


def _check_tag(folder: OpenFolder, *, create: bool) -> None:
    """Hold that the folder is nnshape's own, and tag it: a caller may name any folder."""
    try:
        tag, _ = folder.read(TAG, len(_TAG_TEXT))
    except OSError:
        tag = b""
    if tag.startswith(_SIGNATURE + _MADE_BY):
        return
    if not all(is_own(name) or name == _FORMER for name in folder.names()):
        raise UnusableFolderError("it holds files that nnshape did not make")
    if create:
        folder.replace(TAG, _TAG_TEXT, mode=0o600, durable=False)


def is_own(name: str) -> bool:
    """Whether nnshape gives files in its cache such a name."""
    return name in (TAG, PRUNED) or name.startswith(TEMPORARY) or DOCUMENT.fullmatch(name) is not None
