"""Caches outcomes, so that unchanged files are checked without importing torch."""

from __future__ import annotations

import hashlib
import os

from nnshape.cache import Store, versions
from nnshape.checking.judging import Judgement, Task
from nnshape.checking.outcome import Outcome
from nnshape.checking.outcome_json import outcome_of, record_of
from nnshape.problems import SpecError
from nnshape.spec.files import Folder, folder_of_file

#: The version of the record format; other versions are never read.
_KIND = "check-3"


class Cache:
    """Stores outcomes, and finds them again if their dependencies are unchanged."""

    def __init__(self, folder: str | None) -> None:
        self.store = Store(folder, _KIND)
        self._versions: tuple[str, ...] = ()

    def find(self, task: Task) -> Outcome | None:
        """Return the cached outcome of a task, or None."""
        if not _is_kept(task):
            return None
        document = self.store.get(*self._key(task))
        if document is None:
            return None
        try:
            if _are_unchanged(task, document["includes"]):
                return outcome_of(document["outcome"], task.source)
        except (ValueError, KeyError, TypeError, IndexError, OverflowError, RecursionError, SpecError):
            pass
        return None

    def keep(self, task: Task, judgement: Judgement) -> None:
        """Store an outcome, if all its dependencies are known."""
        outcome, includes = judgement.outcome, judgement.includes
        if not _is_kept(task) or includes is None or outcome.crash or judgement.refused:
            return
        # A torch that cannot be imported may be repaired at any time.
        if any(finding.problem.kind == "unmeasured" for finding in outcome.findings):
            return
        folder = _folder(task)
        if includes and folder is None:
            return
        known = [[_relative(source.name, folder), _digest(source.text)] for source in includes]
        self.store.put({"includes": known, "outcome": record_of(outcome)}, *self._key(task))

    def prune(self) -> None:
        """Remove outcomes that no run has used for a month."""
        self.store.prune()

    def _key(self, task: Task) -> tuple[str, ...]:
        self._versions = self._versions or versions()
        return (*self._versions, task.device, str(task.root), task.source.name, task.source.text)


def _is_kept(task: Task) -> bool:
    """Return whether the outcome is reproducible, unlike on a named device or with imported code."""
    return task.device in ("auto", "meta", "none") and not task.allow_import


def _folder(task: Task) -> Folder | None:
    return None if task.root is None else folder_of_file(task.source.name, task.root)


def _relative(name: str, folder: Folder | None) -> str:
    path = os.path.relpath(name, (folder.path if folder is not None else "") or ".")
    return path.replace(os.sep, "/")


def _are_unchanged(task: Task, includes: list[list[str]]) -> bool:
    """Return whether the included files are unchanged. Raises SpecError if one can no longer be included."""
    folder = _folder(task)
    for path, digest in includes:
        if folder is None or _digest(folder.read(path, task.source).text) != digest:
            return False
    return True


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
