"""Writes a fixed spec to its file: atomically, and only over the text that was read."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile

from nnshape.problems import Problem, SpecError
from nnshape.spec import Source

_MARK = b"\xef\xbb\xbf"


def rewrite(source: Source, text: str) -> None:
    """Write a text over the file that a source was read from, all else of the file kept.

    The new text goes to a temporary file beside it, which then takes its place, so that at each moment
    one of the two is there whole. A symlink stays, and what it leads to is written. Raises SpecError
    where there is no file to write, it may not be written, or it is no longer as it was read.
    """
    name = source.name
    if name.startswith("<"):
        raise _refused(name, "it was not read from a file")
    target = os.path.realpath(name)
    try:
        with open(target, "rb") as file:
            before, state = file.read(), os.fstat(file.fileno())
    except OSError as error:
        raise _refused(name, error.strerror or str(error)) from None
    if not stat.S_ISREG(state.st_mode):
        raise _refused(name, "it is no regular file")
    mark = _MARK if before.startswith(_MARK) else b""
    if before[len(mark) :] != source.text.encode("utf-8"):
        raise _refused(name, "it has changed since it was read")
    if not os.access(target, os.W_OK):
        raise _refused(name, "permission is denied")
    _replaced(name, target, mark + text.encode("utf-8"), state, before)


def _replaced(name: str, target: str, data: bytes, state: os.stat_result, before: bytes) -> None:
    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".nnshape-", dir=os.path.dirname(target))
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, stat.S_IMODE(state.st_mode))
        with contextlib.suppress(OSError, AttributeError):  # only root may give a file away
            os.chown(temporary, state.st_uid, state.st_gid)
        with open(target, "rb") as file:
            if file.read() != before:
                raise _refused(name, "it has changed since it was read")
        os.replace(temporary, target)
        temporary = ""
    except OSError as error:
        raise _refused(name, error.strerror or str(error)) from None
    finally:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _refused(name: str, reason: str) -> SpecError:
    return SpecError(Problem("unwritable", f"cannot write {name}: {reason}; nothing was changed", place=name))
