"""Folders that stay open, files reached through no link, and files replaced in one step.

Everything that nnshape writes goes through `OpenFolder.replace`: the cache, `--output-file` and `--fix`.
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
#: Opening a pipe must not wait for its other end.
_FLAGS: int = _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
#: A folder that is only passed through, or written to, need not be readable.
_PASSING: int = getattr(os, "O_PATH", os.O_RDONLY)
#: Whether the system opens names relative to an open folder; Windows does not.
_HAS_DIR_FD = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY") and bool(_NO_FOLLOW)
_JUNCTION = 0xA0000003  # Windows' IO_REPARSE_TAG_MOUNT_POINT
#: Temporary files begin with this, in whatever folder they are.
TEMPORARY = ".nnshape-"


class LinkError(OSError):
    """A link stands where a file or a folder was expected."""


class NotRegularError(OSError):
    """A pipe, a device or a folder stands where a regular file was expected."""


@dataclass(frozen=True, slots=True)
class OpenFolder:
    """A folder that remains the same one, wherever its path leads later.

    On Windows, where a folder cannot be held open, names are joined to its path.
    """

    path: str
    _descriptor: int | None

    def state(self) -> os.stat_result:
        """The status of the folder itself."""
        return os.lstat(self.path) if self._descriptor is None else os.fstat(self._descriptor)

    def names(self) -> list[str]:
        """The names in the folder."""
        return os.listdir(self.path if self._descriptor is None else self._descriptor)

    def lstat(self, name: str) -> os.stat_result:
        """The status of a file, or of a link itself."""
        return os.stat(**self._at(name), follow_symlinks=False)

    def open(self, name: str, flags: int = os.O_RDONLY) -> int:
        """A descriptor of a regular file. Raises LinkError, NotRegularError or another OSError."""
        descriptor = _opened(flags, path=os.path.join(self.path, name), at=self._at(name))
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise NotRegularError(errno.EINVAL, "it is not a regular file")
        return descriptor

    def read(self, name: str, limit: int, flags: int = os.O_RDONLY) -> tuple[bytes, os.stat_result]:
        """The bytes of a regular file, at most one more than `limit`, and its status. Raises OSError as `open` does."""
        with os.fdopen(self.open(name, flags), "rb") as file:
            return file.read(limit + 1), os.fstat(file.fileno())

    def unlink(self, name: str) -> None:
        """Remove a file, or a link itself."""
        os.unlink(**self._at(name))

    def touch(self, name: str) -> None:
        """Set the modification time of a file, or of a link itself, to now."""
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
        """Write a file in one step: readers see the old bytes or the new ones, never a part. Raises OSError.

        A link of that name is replaced, not followed. `mode` is the file's mode; None is that of any new
        file. `owner` is kept where the system allows it. `durable` waits until the disk has the bytes.
        `check` is called just before the file takes its place, and may raise.
        """
        temporary = TEMPORARY + os.urandom(8).hex()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS
        descriptor = os.open(**self._at(temporary), flags=flags, mode=0o666 if mode is None else 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                if owner is not None and hasattr(os, "fchown"):
                    with contextlib.suppress(OSError):  # only root may give a file away
                        os.fchown(file.fileno(), *owner)
                if mode is not None and hasattr(os, "fchmod"):  # after fchown, which clears bits of the mode
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
    """Open a folder, for `names` only if `list_names`; unless `follow`, raises LinkError for a link. Raises OSError."""
    with _opened_folder(path, {"path": path}, follow=follow, list_names=list_names) as folder:
        yield folder


@contextlib.contextmanager
def open_folder_of_tree(path: str) -> Iterator[OpenFolder]:
    """Open a folder, following no link on the way to it from the root of its tree. Raises LinkError or OSError.

    That root is the current folder where it is above, else the project's, as `enclosing_tree` finds it.
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
    """The project that an absolute folder belongs to: the nearest git repository, or the highest pyproject.toml.

    A submodule and a worktree have a file `.git`, which counts as a pyproject.toml does. A folder in no
    project is a tree of its own.
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
        # Systems differ in the error that they give for a link, so look again.
        state = None
        with contextlib.suppress(OSError):
            state = os.stat(**at, follow_symlinks=False)
        if not follow and state is not None and _is_link(state):
            raise LinkError(errno.ELOOP, f"{path} is a link") from None
        raise


def _is_link(state: os.stat_result) -> bool:
    """Whether it is a symbolic link or, on Windows, a junction."""
    return stat.S_ISLNK(state.st_mode) or getattr(state, "st_reparse_tag", 0) == _JUNCTION
