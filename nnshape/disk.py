"""Opens folders and files without following links, and replaces files atomically.

nnshape writes every file with `OpenFolder.replace`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from typing import Any

from nnshape.records import dataclass

_NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
#: With O_NONBLOCK, opening a pipe does not wait for its other end.
_FLAGS: int = _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
#: Folders on the way, and folders to write to, need not be readable.
_PASSING: int = getattr(os, "O_PATH", os.O_RDONLY)
#: Whether the system can open names relative to an open folder; Windows cannot.
_HAS_DIR_FD = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY") and bool(_NO_FOLLOW)
_JUNCTION = 0xA0000003  # Windows' IO_REPARSE_TAG_MOUNT_POINT
#: The prefix of the names of temporary files.
TEMPORARY = ".nnshape-"


class LinkError(OSError):
    """A path is a link, where a file or folder is expected."""


class NotRegularError(OSError):
    """A path is a pipe, device or folder, where a regular file is expected."""


@dataclass(frozen=True, slots=True)
class OpenFolder:
    """A folder held open, so that it stays the same even if its path is replaced.

    On Windows, folders cannot be held open, and names are joined to the path.
    """

    path: str
    _descriptor: int | None

    def state(self) -> os.stat_result:
        """Return the status of the folder."""
        return os.lstat(self.path) if self._descriptor is None else os.fstat(self._descriptor)

    def names(self) -> list[str]:
        """Return the names in the folder."""
        return os.listdir(self.path if self._descriptor is None else self._descriptor)

    def lstat(self, name: str) -> os.stat_result:
        """Return the status of a file, without following a link."""
        return os.stat(**self._at(name), follow_symlinks=False)

    def open(self, name: str, flags: int = os.O_RDONLY) -> int:
        """Return a descriptor of a regular file. Raises LinkError, NotRegularError or another OSError."""
        descriptor = _opened(flags, path=os.path.join(self.path, name), at=self._at(name))
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise NotRegularError(errno.EINVAL, "it is not a regular file")
        return descriptor

    def read(self, name: str, limit: int, flags: int = os.O_RDONLY) -> tuple[bytes, os.stat_result]:
        """Return at most `limit + 1` bytes of a regular file, and its status. Raises OSError as `open` does."""
        with os.fdopen(self.open(name, flags), "rb") as file:
            return file.read(limit + 1), os.fstat(file.fileno())

    def unlink(self, name: str) -> None:
        """Remove a file, without following a link."""
        os.unlink(**self._at(name))

    def touch(self, name: str) -> None:
        """Set the modification time of a file to now, without following a link."""
        if self._descriptor is None:
            os.utime(os.path.join(self.path, name))
        else:
            os.utime(name, dir_fd=self._descriptor, follow_symlinks=False)

    def replace(
        self,
        name: str,
        data: bytes,
        *,
        mode: int | None = None,
        owner: tuple[int, int] | None = None,
        durable: bool = True,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Write a file atomically: readers see the old bytes or the new ones, never a part. Raises OSError.

        A link of that name is replaced, not followed. `mode` is the mode of the file, by default that of a
        new file. `owner` is the user and group to set, if the system allows it. `durable` waits until the
        bytes are on disk. `check` is called just before the replacement, and may raise to prevent it.
        """
        temporary = TEMPORARY + os.urandom(8).hex()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS
        descriptor = os.open(**self._at(temporary), flags=flags, mode=0o666 if mode is None else 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                if owner is not None and hasattr(os, "fchown"):
                    with contextlib.suppress(OSError):  # only root may change the owner
                        os.fchown(file.fileno(), *owner)
                if mode is not None and hasattr(os, "fchmod"):  # after fchown, which clears the setuid bits
                    os.fchmod(file.fileno(), mode)
                if durable:
                    os.fsync(file.fileno())
            check()
            if self._descriptor is None:
                os.replace(os.path.join(self.path, temporary), os.path.join(self.path, name))
            else:
                os.replace(temporary, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        except BaseException:
            with contextlib.suppress(OSError):
                self.unlink(temporary)
            raise

    def _at(self, name: str) -> dict[str, Any]:
        if self._descriptor is None:
            return {"path": os.path.join(self.path, name)}
        return {"path": name, "dir_fd": self._descriptor}


@contextlib.contextmanager
def open_folder(path: str, *, follow: bool, list_names: bool = False) -> Iterator[OpenFolder]:
    """Open a folder, and raise LinkError for a link unless `follow`. `names` requires `list_names`. Raises OSError."""
    with _opened_folder(path, {"path": path}, follow=follow, list_names=list_names) as folder:
        yield folder


@contextlib.contextmanager
def open_folder_of_tree(path: str) -> Iterator[OpenFolder]:
    """Open a folder without following links below the root of its tree. Raises LinkError or another OSError.

    The root is the current folder or the folder of the project (see `enclosing_tree`), whichever contains the folder
    and is higher.
    """
    target = os.path.abspath(path)
    roots = [root for root in (os.getcwd(), enclosing_tree(target)) if _is_below(target, root)]
    root = min(roots, key=len)
    steps = [step for step in os.path.relpath(target, root).split(os.sep) if step != os.curdir]
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(open_folder(root, follow=True))
        for step in steps:
            below = os.path.join(folder.path, step)
            folder = stack.enter_context(_opened_folder(below, folder._at(step), follow=False))
        yield folder


def enclosing_tree(folder: str) -> str:
    """Return the root of the project of an absolute folder.

    This is the nearest git repository above it, or else the highest folder with a pyproject.toml or a file `.git` (of
    a submodule or worktree), or else the folder itself.
    """
    tree = current = folder
    while True:
        git = os.path.join(current, ".git")
        if os.path.isdir(git):
            return current
        if os.path.isfile(git) or os.path.isfile(os.path.join(current, "pyproject.toml")):
            tree = current
        above = os.path.dirname(current)
        if above == current:
            return tree
        current = above


def _is_below(path: str, root: str) -> bool:
    try:
        return os.path.commonpath([path, root]) == root
    except ValueError:  # on another drive
        return False


@contextlib.contextmanager
def _opened_folder(path: str, at: dict[str, Any], *, follow: bool, list_names: bool = False) -> Iterator[OpenFolder]:
    if not _HAS_DIR_FD:
        state = os.stat(path) if follow else os.lstat(path)
        if _is_link(state):
            raise LinkError(errno.ELOOP, f"{path} is a link")
        if not stat.S_ISDIR(state.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, f"{path} is not a folder")
        yield OpenFolder(path, None)
        return
    access = os.O_RDONLY if list_names else _PASSING
    descriptor = _opened(access | os.O_DIRECTORY, path=path, at=at, follow=follow)
    try:
        yield OpenFolder(path, descriptor)
    finally:
        os.close(descriptor)


def _opened(flags: int, *, path: str, at: dict[str, Any], follow: bool = False) -> int:
    flags |= _FLAGS & ~_NO_FOLLOW if follow else _FLAGS
    if not _HAS_DIR_FD and _is_link(os.lstat(path)):
        raise LinkError(errno.ELOOP, f"{path} is a link")
    try:
        return os.open(**at, flags=flags)
    except OSError:
        # The error for a link depends on the system, so check the status.
        state = None
        with contextlib.suppress(OSError):
            state = os.stat(**at, follow_symlinks=False)
        if not follow and state is not None and _is_link(state):
            raise LinkError(errno.ELOOP, f"{path} is a link") from None
        raise


def _is_link(state: os.stat_result) -> bool:
    """Return whether this is the status of a symbolic link or, on Windows, a junction."""
    return stat.S_ISLNK(state.st_mode) or getattr(state, "st_reparse_tag", 0) == _JUNCTION
