"""`--output-file`: writes the output to a file, atomically."""

from __future__ import annotations

import os
import stat

from nnshape.disk import open_folder
from nnshape.problems import Problem, SpecError

#: The system's own links to the streams of the process.
_OWN_STREAMS = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/self/fd/")


def check_writable(path: str, argument: str) -> None:
    """Raise SpecError if a file cannot be written, before the work that would be lost."""
    if os.path.isdir(path):
        raise _refused(path, "it is a folder", argument)
    if os.path.islink(path) and not _is_own_stream(path):
        # A project may contain a link of this name to any file of the user.
        raise _refused(path, f"it is a link; name the file itself, {os.path.realpath(path)}", argument)
    folder = os.path.dirname(path) or os.curdir
    if os.path.exists(path):
        if not os.access(path, os.W_OK):
            raise _refused(path, "permission is denied", argument)
    elif not os.path.isdir(folder):
        raise _refused(path, f"there is no folder {folder}", argument)


def replace_file(path: str, text: str, argument: str) -> None:
    """Replace a file by a text, or write the text to a pipe or device. Raises SpecError without changing the file."""
    check_writable(path, argument)
    data = text.encode("utf-8", "backslashreplace")
    folder_name, name = os.path.split(path)
    try:
        if _is_own_stream(path) or (os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode)):
            # A pipe or a device cannot be replaced.
            with open(path, "wb") as file:
                file.write(data)
            return
        with open_folder(folder_name or os.curdir, follow=True) as folder:
            folder.replace(name, data, mode=_mode(path))
    except OSError as error:
        raise _refused(path, error.strerror or str(error), argument) from None


def _is_own_stream(path: str) -> bool:
    return os.path.abspath(path).startswith(_OWN_STREAMS)


def _mode(path: str) -> int | None:
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        return None


def _refused(path: str, reason: str, argument: str) -> SpecError:
    return SpecError(Problem("unwritable", f"cannot write {path}: {reason}", argument=argument))
