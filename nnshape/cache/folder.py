"""Locates the cache folder and checks that it can be trusted."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator

from nnshape.disk import TEMPORARY, LinkError, OpenFolder, enclosing_tree, open_folder

#: Backup programs skip a folder with a file of this name: https://bford.info/cachedir/.
TAG = "CACHEDIR.TAG"
_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55\n"
_MADE_BY = b"# This file is a cache directory tag created by nnshape.\n"
_TAG_TEXT = _SIGNATURE + _MADE_BY + b"# For information about cache directory tags, see https://bford.info/cachedir/\n"
#: A file whose modification time is that of the last search for old entries.
PRUNED = "pruned"
#: The name of a document: 64 hexadecimal digits.
DOCUMENT = re.compile(r"[0-9a-f]{64}")
#: The folder of documents of development versions, which had no tag.
_FORMER = "check-1"


class UnusableFolderError(OSError):
    """A folder cannot be the cache; the text is the reason."""


def cache_folder() -> str | None:
    """The user's cache folder: under `XDG_CACHE_HOME` if set, otherwise the platform's. None without a home."""
    from platformdirs import user_cache_dir

    try:
        path = user_cache_dir("nnshape", appauthor=False)
    except RuntimeError:  # there is no home
        return None
    return path if os.path.isabs(path) else None


def folder_for(paths: Iterable[str]) -> str | None:
    """The user's cache folder; None if it is inside the project of one of the paths."""
    folder = cache_folder()
    return None if folder is None or _lies_in_tree(folder, paths) else folder


def _lies_in_tree(folder: str, paths: Iterable[str]) -> bool:
    """Whether a folder is inside the project of one of the paths, whose author could have filled it."""
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
        # Compare identity, not spelling: a file system may ignore case.
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

    Raises FileNotFoundError if it does not exist (unless `create`), and UnusableFolderError if it is a link,
    belongs to another user, is writable by others, or holds files that nnshape did not create.
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
    """Create a folder and its missing parents, for the user only."""
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
    """Whether a file or folder belongs to another user; unknown on Windows."""
    return hasattr(os, "geteuid") and state.st_uid != os.geteuid()


def is_open_to_others(state: os.stat_result) -> bool:
    """Whether other users may write to a file or folder; on Windows, access control lists prevent it."""
    return hasattr(os, "geteuid") and bool(state.st_mode & 0o022)


def _check_tag(folder: OpenFolder, *, create: bool) -> None:
    """Check that the folder is nnshape's own, and tag it: a caller may name any folder."""
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
    """Whether a name is one that nnshape gives to files in its cache."""
    return name in (TAG, PRUNED) or name.startswith(TEMPORARY) or DOCUMENT.fullmatch(name) is not None
