"""Writing a file in one step: whoever reads it sees the old text or the new one, never a part."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile

from nnshape.problems import Problem, SpecError


def check_writable(path: str, option: str) -> None:
    """Raise SpecError where a file cannot be written, before the work that would be lost."""
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    if os.path.isdir(target):
        raise _refused(path, "it is a folder", option)
    if os.path.exists(target):
        if not os.access(target, os.W_OK):
            raise _refused(path, "it may not be written", option)
    elif not os.path.isdir(folder):
        raise _refused(path, f"there is no folder {os.path.dirname(path) or folder}", option)


def replace_file(path: str, text: str, option: str) -> None:
    """Put a text in place of a file, or of what a link leads to; raises SpecError, and then nothing has changed."""
    check_writable(path, option)
    target = os.path.realpath(path)
    data = text.encode("utf-8", "backslashreplace")
    try:
        if os.path.exists(target) and not stat.S_ISREG(os.stat(target).st_mode):
            with open(target, "wb") as file:  # a pipe or a terminal cannot be replaced
                file.write(data)
            return
        _replace(target, data)
    except OSError as error:
        raise _refused(path, error.strerror or str(error), option) from None


def _replace(target: str, data: bytes) -> None:
    number, temporary = tempfile.mkstemp(prefix=".nnshape-", dir=os.path.dirname(target))
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode(target))
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _mode(target: str) -> int:
    """The permissions that the file has, or that a new one gets."""
    with contextlib.suppress(FileNotFoundError):
        return stat.S_IMODE(os.stat(target).st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _refused(path: str, reason: str, option: str) -> SpecError:
    return SpecError(Problem("unwritable", f"cannot write {path}: {reason}", place=option))
