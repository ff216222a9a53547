"""Stores JSON documents under keys. A damaged document counts as missing."""

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
#: A document that no run has read in this time is removed.
_KEPT_SECONDS = 30 * _DAY
#: The maximum size of a document, to write or to read.
MAX_BYTES = 1 << 20
#: The maximum number of digits of a number in a document: parsing takes quadratic time.
_MAX_DIGITS = 18


class Store:
    """A folder of JSON documents of one kind; without a folder, it keeps nothing.

    A file's name is the digest of its key. Its content begins with a digest of the name and the document, so
    that damaged and renamed files are rejected.
    """

    __slots__ = ("folder", "kind")

    def __init__(self, folder: str | None, kind: str) -> None:
        self.folder = folder
        self.kind = kind

    def get(self, *key: str) -> dict[str, Any] | None:
        """The document of a key, or None if there is none or it is damaged."""
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
        """Store a document; with a full disk or an unusable folder, do nothing."""
        if self.folder is None:
            return
        name = self._name(key)
        with contextlib.suppress(OSError, ValueError, RecursionError):
            text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
            data = _digest(name.encode(), text) + b"\n" + text
            if len(data) <= MAX_BYTES:
                with private_folder(self.folder, create=True) as folder:
                    # Not durable: the digest detects files truncated by a crash.
                    folder.replace(name, data, mode=0o600, durable=False)

    def check(self) -> None:
        """Create the folder. Raises OSError, such as UnusableFolderError, if that fails."""
        if self.folder is not None:
            with private_folder(self.folder, create=True):
                pass

    def clear(self) -> None:
        """Remove every document of every kind. Raises OSError if the folder is not the user's own cache."""
        if self.folder is None:
            return
        with contextlib.suppress(FileNotFoundError), private_folder(self.folder, create=False) as folder:
            for name in folder.names():
                if is_own(name) and name != TAG:
                    with contextlib.suppress(FileNotFoundError):  # another run is clearing too
                        folder.unlink(name)

    def prune(self) -> None:
        """Remove the documents that no run has read in a month; searches at most once a day."""
        if self.folder is None:
            return
        now = time.time()
        with contextlib.suppress(OSError), private_folder(self.folder, create=False) as folder:
            # A time in the future comes from a wrong clock, and counts as old.
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
    """The bytes of a document's file, whose modification time is updated. Raises ValueError if it is too large."""
    with os.fdopen(folder.open(name), "rb") as file:
        state = os.fstat(file.fileno())
        if state.st_size > MAX_BYTES or belongs_to_another(state) or is_open_to_others(state):
            raise ValueError("the file is too large for the cache")
        data = file.read(MAX_BYTES)
    if abs(time.time() - state.st_mtime) > _DAY:
        with contextlib.suppress(OSError):
            folder.touch(name)
    return data


def _digest(*parts: bytes) -> bytes:
    """The hexadecimal digest of several parts and their lengths, so that their boundaries count."""
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
