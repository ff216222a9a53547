"""Writes a fixed spec to its file, atomically and without following links, if the file has not changed."""

from __future__ import annotations

import os
import stat

from nnshape.disk import open_folder_of_tree
from nnshape.problems import Problem, SpecError
from nnshape.spec import Source
from nnshape.spec.limits import TEXT_BYTES
from nnshape.spec.source import names_file

_MARK = b"\xef\xbb\xbf"
#: The maximum size of a spec.
_LIMIT = TEXT_BYTES + len(_MARK)


def rewrite(source: Source, text: str) -> None:
    """Overwrite the file of a source, and keep its mode, owner and byte order mark.

    Refuses symbolic links, for the file and for folders below the root of its tree, since a link in an untrusted tree
    could point anywhere. Hard links to the file keep the old text. Raises SpecError if the source is not from a file,
    the file is not writable, or it has changed since it was read.
    """
    name = source.name
    if not names_file(name):
        raise _refused(name, "it was not read from a file")
    folder_name, file_name = os.path.split(name)
    try:
        with open_folder_of_tree(folder_name) as folder:
            # Opened for writing too, so that the system checks the permission.
            before, state = folder.read(file_name, _LIMIT, os.O_RDWR)

            def check() -> None:
                if folder.read(file_name, _LIMIT)[0] != before:
                    raise _refused(name, "it has changed since it was read")

            mark = _MARK if before.startswith(_MARK) else b""
            if before[len(mark) :] != source.text.encode("utf-8"):
                raise _refused(name, "it has changed since it was read")
            mode, owner = stat.S_IMODE(state.st_mode), (state.st_uid, state.st_gid)
            folder.replace(file_name, mark + text.encode("utf-8"), mode=mode, owner=owner, check=check)
    except OSError as error:
        raise _refused(name, error.strerror or str(error)) from None


def _refused(name: str, reason: str) -> SpecError:
    return SpecError(Problem("unwritable", f"cannot write {name}: {reason}; nothing was changed", place=name))
