"""JSON documents under keys: whatever is wrong with a stored one, it is only forgotten."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from typing import Any

from nnshape.cache.folder import (
    DOCUMENT,
    PRUNED,
    TAG,
    belongs_to_another,
    is_open_to_others,
    is_own,
    private_folder,
)
from nnshape.disk import OpenFolder

_DAY = 24 * 60 * 60
#: A document that no run has asked for in this time is removed.
_KEPT_SECONDS = 30 * _DAY
#: Neither written nor read beyond this size.
MAX_BYTES = 1 << 20
#: No number of a document needs more digits, and a longer one costs quadratic time.
_MAX_DIGITS = 18


class Store:
    """A folder of JSON documents of one kind; with no folder it keeps nothing.

    A document's file is named for the digest of its key, and begins with a digest of that name and of the
    document, so that neither a damaged file nor one under another's name is taken for an answer.
    """

    __slots__ = ("folder", "kind")

    def __init__(self, folder: str | None, kind: str) -> None:
        self.folder = folder
        self.kind = kind

    def get(self, *key: str) -> dict[str, Any] | None:
        """The document of a key, or None where there is none that can be trusted."""
        if self.folder is None:
            return None
        name = self._name(key)
        try:
            with private_folder(self.folder, create=False) as folder:
                data = _read(folder, name)
            digest, _, text = data.partition(b"\n")
            if digest != _digest(name.encode(), text):
                return None
            document = json.loads(text.decode("utf-8"), parse_int=_number, parse_constant=_constant)
        except (OSError, ValueError, RecursionError):
            return None
        return document if isinstance(document, dict) else None

    def put(self, document: dict[str, Any], *key: str) -> None:
        """Keep a document; a full disk, or a folder that cannot be used, only means that it is not kept."""
        if self.folder is None:
            return
        name = self._name(key)
        with contextlib.suppress(OSError, ValueError, RecursionError):
            text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
            data = _digest(name.encode(), text) + b"\n" + text
            if len(data) <= MAX_BYTES:
                with private_folder(self.folder, create=True) as folder:
                    # Not durable: the digest finds what a crash of the machine has cut off.
                    folder.replace(name, data, mode=0o600, durable=False)

    def check(self) -> None:
        """Create the folder. Raises OSError, such as UnusableFolderError, where that fails."""
        if self.folder is not None:
            with private_folder(self.folder, create=True):
                pass

    def clear(self) -> None:
        """Remove every document, of whatever kind. Raises OSError where the folder is not the user's own cache."""
        if self.folder is None:
            return
        with contextlib.suppress(FileNotFoundError), private_folder(self.folder, create=False) as folder:
            for name in folder.names():
                if is_own(name) and name != TAG:
                    with contextlib.suppress(FileNotFoundError):  # another run is clearing too
                        folder.unlink(name)

    def prune(self) -> None:
        """Remove the documents that no run has asked for in a month; looks at most once a day."""
        if self.folder is None:
            return
        now = time.time()
        with contextlib.suppress(OSError), private_folder(self.folder, create=False) as folder:
            # A time in the future is that of a wrong clock, and as good as an old one.
            with contextlib.suppress(FileNotFoundError):
                if abs(now - folder.lstat(PRUNED).st_mtime) < _DAY:
                    return
            folder.replace(PRUNED, b"", mode=0o600, durable=False)
            for name in folder.names():
                if is_own(name) and name not in (TAG, PRUNED):
                    with contextlib.suppress(OSError):
                        if abs(now - folder.lstat(name).st_mtime) > _KEPT_SECONDS:
                            folder.unlink(name)

    def _name(self, key: tuple[str, ...]) -> str:
        name = _digest(*(part.encode("utf-8", "surrogatepass") for part in (self.kind, *key))).decode()
        assert DOCUMENT.fullmatch(name)
        return name


def _read(folder: OpenFolder, name: str) -> bytes:
    """The bytes of a document's file, and a note that it was asked for; raises ValueError for one that is too long."""
    with os.fdopen(folder.open(name), "rb") as file:
        state = os.fstat(file.fileno())
        if state.st_size > MAX_BYTES or belongs_to_another(state) or is_open_to_others(state):
            raise ValueError("the cache writes no such file")
        data = file.read(MAX_BYTES)
    if abs(time.time() - state.st_mtime) > _DAY:
        with contextlib.suppress(OSError):
            folder.touch(name)
    return data


def _digest(*parts: bytes) -> bytes:
    """A digest of several parts, in hexadecimal digits; each counts with its length, so that no two run together."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.hexdigest().encode()


def _number(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError("this number is too long")
    return int(digits)


def _constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
