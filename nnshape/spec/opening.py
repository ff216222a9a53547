"""Opens a regular file below a root in an untrusted tree, which may change meanwhile."""

from __future__ import annotations

import errno
import os
import stat
from typing import IO

_FILE = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
#: Do not wait for a pipe, do not acquire a controlling terminal, do not follow a link.
_FILE |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_NOFOLLOW", 0)
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)


def open_regular(root: str, path: str) -> IO[bytes]:
    """Open a regular file at or below a root for reading. Raises OSError for anything else.

    Both are real paths, with every link resolved. The folders between them are opened one by one without
    following links, so replacing one of them meanwhile cannot lead out of the root.
    """
    *folders, name = os.path.relpath(path, root).split(os.sep)
    if os.open not in os.supports_dir_fd or os.stat not in os.supports_dir_fd:
        return _regular(os.open(path, _FILE))
    at = os.open(root, _FOLDER)
    try:
        for folder in folders:
            below = os.open(folder, _FOLDER, dir_fd=at)
            os.close(at)
            at = below
        # Opening a device can have side effects, so check first.
        if not stat.S_ISREG(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
            raise _not_regular()
        return _regular(os.open(name, _FILE, dir_fd=at))
    finally:
        os.close(at)


def inside(root: str, path: str) -> bool:
    """Whether a real path is a real root or below it."""
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _regular(number: int) -> IO[bytes]:
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise _not_regular()
    return os.fdopen(number, "rb")


def _not_regular() -> OSError:
    return OSError(errno.EINVAL, "it is not a regular file")
