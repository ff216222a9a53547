"""What earlier runs found: one small file for each text, so that an unchanged tree costs no torch import."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from importlib import metadata

import nnshape
from nnshape.checking.judging import Judgement, Task
from nnshape.checking.outcome import Outcome
from nnshape.checking.records import outcome_of, record_of
from nnshape.problems import SpecError
from nnshape.spec import read_source

#: Changes with the form of an entry; entries of other forms are never read.
_FORM = "check-1"
_DAY = 24 * 60 * 60
#: An entry that no run has asked for so long is taken away.
_KEPT_SECONDS = 30 * _DAY


def cache_folder() -> str:
    """The folder of the cache: below `XDG_CACHE_HOME` where that is set, else where the platform keeps caches."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        if sys.platform == "darwin":
            base = os.path.expanduser("~/Library/Caches")
        elif sys.platform == "win32":
            base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
        else:
            base = os.path.expanduser("~/.cache")
    return os.path.join(base, "nnshape")


class Cache:
    """The answers of earlier runs; whatever is wrong with its files, it only forgets."""

    def __init__(self, folder: str) -> None:
        self._root = folder
        self._folder = os.path.join(folder, _FORM)
        self._versions: dict[str, str] = {}

    def find(self, task: Task) -> Outcome | None:
        """The outcome that this task had before, if nothing that it rests on has changed."""
        if not _kept(task):
            return None
        path = self._path(task)
        try:
            with open(path, "rb") as file:
                digest, _, data = file.read().partition(b"\n")
            if digest.decode() != hashlib.sha256(data).hexdigest():
                return None
            entry = json.loads(data)
            if any(_digest(read_source(name).text) != known for name, known in entry["includes"]):
                return None
            outcome = outcome_of(entry["outcome"], task.source)
            if time.time() - os.stat(path).st_mtime > _DAY:
                os.utime(path)
        except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError, SpecError):
            return None
        return outcome

    def keep(self, task: Task, judgement: Judgement) -> None:
        """Remember what came of a task, where all that it rests on is known."""
        if not _kept(task) or judgement.includes is None or judgement.outcome.crash or judgement.refused:
            return
        includes = [[source.name, _digest(source.text)] for source in judgement.includes]
        entry = {"includes": includes, "outcome": record_of(judgement.outcome)}
        try:
            data = json.dumps(entry, separators=(",", ":")).encode()
            self._write(self._path(task), hashlib.sha256(data).hexdigest().encode() + b"\n" + data)
        except (OSError, ValueError):
            return  # a full disk or a folder that may not be written: the next run works it out again

    def clear(self) -> None:
        """Forget everything."""
        shutil.rmtree(self._root, ignore_errors=True)

    def prune(self) -> None:
        """Take away what no run has asked for in a month; looks at most once a day."""
        mark = os.path.join(self._root, "pruned")
        now = time.time()
        with contextlib.suppress(OSError):
            if os.path.exists(mark) and now - os.stat(mark).st_mtime < _DAY:
                return
            with open(mark, "wb"):
                os.utime(mark)
            for folder, _, names in os.walk(self._root):
                for name in names:
                    path = os.path.join(folder, name)
                    with contextlib.suppress(OSError):
                        if now - os.stat(path).st_mtime > _KEPT_SECONDS:
                            os.unlink(path)

    def _path(self, task: Task) -> str:
        versions = self._versions.get(task.device)
        if versions is None:
            versions = self._versions[task.device] = _versions(task.device)
        key = "\0".join((versions, task.device, str(task.in_folder), task.source.name, task.source.text))
        name = _digest(key)
        return os.path.join(self._folder, name[:2], name[2:])

    def _write(self, path: str, data: bytes) -> None:
        """Write a file in one step, so that another run sees all of it or nothing."""
        folder = os.path.dirname(path)
        os.makedirs(folder, exist_ok=True)
        number, temporary = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(data)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


def _kept(task: Task) -> bool:
    """Whether the answer is the same at any time: that of a real device hangs on the machine, an import on its code."""
    return task.device in ("meta", "none") and not task.allow_import


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _versions(device: str) -> str:
    """All that decides an answer beside the text: nnshape itself, Python, PyYAML and, for a proof, torch."""
    import yaml  # type: ignore[import-untyped,unused-ignore]

    yaml_kind = f"{yaml.__version__} {getattr(yaml, '__with_libyaml__', False)}"
    torch = "" if device == "none" else _version_of("torch")
    return "\0".join((nnshape.__version__, _fingerprint(), sys.version, yaml_kind, torch))


def _version_of(package: str) -> str:
    """A package's version as its metadata give it, which costs no import of it."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _fingerprint() -> str:
    """A digest of nnshape's own code, which in a checkout changes without its version changing.

    The command line and the formats are left out: what they show is made anew from every answer.
    """
    digest = hashlib.sha256()
    package = os.path.dirname(os.path.abspath(nnshape.__file__))
    for folder, folders, names in os.walk(package):
        folders[:] = sorted(name for name in folders if name not in ("__pycache__", "cli", "rendering"))
        for name in sorted(names):
            if name.endswith(".py"):
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    digest.update(b"%s\0%s\0" % (os.fsencode(os.path.relpath(path, package)), file.read()))
    return digest.hexdigest()
