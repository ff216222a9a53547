"""Reads included files, within the folder tree of a spec.

An untrusted spec may name any file in an `include`. So a file is opened only if its name and place are those of a
spec, and messages show nothing of a file that is something else.
"""

from __future__ import annotations

import os
from dataclasses import field, replace
from typing import TYPE_CHECKING, TypeAlias

from nnshape.problems import Label, Problem, SpecError
from nnshape.records import dataclass
from nnshape.spec import limits
from nnshape.spec.opening import inside, open_regular
from nnshape.spec.source import Source, Span, source_of_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nnshape.spec.spec import Spec

Read: TypeAlias = "Callable[[Source, Folder | None, bool], Spec]"

#: The suffixes of spec files: those that an include names, and those found below a folder.
SUFFIXES = (".yaml", ".yml", ".json")


class NotIncluded(Exception):
    """An `include` is refused. The message reveals nothing about the file's content."""


@dataclass(slots=True)
class _Tree:
    """The state shared by one include tree: the root folder, which no include leaves, and the files read so far."""

    root: str
    characters: int = 0
    specs: dict[str, Spec | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of one file, its place in the include tree, and the files on the way to it."""

    path: str
    _tree: _Tree
    _chain: tuple[str, ...]

    def include(self, path: str, span: Span, read: Read) -> tuple[Spec | None, tuple[Problem, ...]]:
        """The spec at a relative path, and its problems. Raises SpecError if the include is refused."""
        shown, real = self._resolved(path, span)
        if real in self._chain:
            names = [os.path.basename(name) for name in (*self._chain[self._chain.index(real) :], real)]
            raise _refused(span, f"the include goes in a circle: {' -> '.join(names)}")
        if len(self._chain) >= limits.DEPTH:
            raise _too_large(span, f"includes nest deeper than {limits.DEPTH} levels")
        tree = self._tree
        if real in tree.specs:
            # The first include reported its problems.
            return tree.specs[real], ()
        if len(tree.specs) >= limits.FILES:
            raise _too_large(span, f"a spec includes at most {limits.FILES} files")
        tree.specs[real] = None
        frame = (Label(span, "included here"),)
        try:
            source = read_included(shown, tree.root)
        except NotIncluded as error:
            raise _refused(span, str(error)) from None
        tree.characters += len(source.text)
        if tree.characters > limits.TEXT_BYTES:
            raise _too_large(span, "the files included come to more than 1 MiB")
        try:
            spec = read(source, Folder(os.path.dirname(shown), tree, (*self._chain, real)), True)
        except SpecError as error:
            raise SpecError(*(_framed(problem, frame) for problem in error.problems)) from None
        tree.specs[real] = spec
        return spec, tuple([_framed(problem, frame) for problem in spec.problems])

    def read(self, path: str, includer: Source) -> Source:
        """Read an included file again, under the same rules. Raises SpecError.

        `path` is relative to this folder, whichever file included it.
        """
        span = Span(includer, 0, 0)
        shown, _ = self._resolved(path, span)
        try:
            return read_included(shown, self._tree.root)
        except NotIncluded as error:
            raise _refused(span, str(error)) from None

    def _resolved(self, path: str, span: Span) -> tuple[str, str]:
        """The path as written and the real path; opens nothing."""
        if os.path.isabs(path) or "\\" in path:
            fix = ("write a path from this file's folder, with /",)
            raise _refused(span, "the path of an include is relative", fix)
        if any(_is_hidden(part) for part in path.split("/")):
            raise _refused(span, "a hidden file, or one in a hidden folder, is not included")
        shown = os.path.normpath(os.path.join(self.path, path))
        try:
            return shown, real_path(shown, self._tree.root)
        except NotIncluded as error:
            raise _refused(span, str(error)) from None


def read_included(path: str, root: str) -> Source:
    """The text of an included file below a real `root`.

    Raises NotIncluded unless it is a regular file, allowed by `real_path`, and a spec or a library of blocks.
    """
    from nnshape.spec.likeness import likeness  # few specs need it

    real = real_path(path, root)
    try:
        with open_regular(root, real) as file:
            data = file.read(limits.TEXT_BYTES + 1)
    except FileNotFoundError:
        raise NotIncluded("there is no such file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise NotIncluded(f"the file cannot be read: {reason or 'its path is not valid'}") from None
    if len(data) > limits.TEXT_BYTES:
        raise NotIncluded("the file is longer than 1 MiB, the maximum size of a spec")
    try:
        source = source_of_bytes(path, data)
    except SpecError:
        raise NotIncluded("the file is not a text in UTF-8, so it is not a spec") from None
    answer = likeness(source)
    if answer.kind == "other":
        raise NotIncluded("the file is not a spec: it has neither layers with an input nor blocks")
    return source


def real_path(path: str, root: str) -> str:
    """The real path of a possible spec below a real `root`. Raises NotIncluded for another path."""
    try:
        real = os.path.realpath(path)
    except (OSError, ValueError):
        raise NotIncluded("this is not a path") from None
    if not inside(root, real):
        # Checked before looking for the file: a spec must not find out whether it exists.
        raise NotIncluded("the path leads out of the folder tree of the spec")
    if any(map(_is_hidden, os.path.relpath(real, root).split(os.sep))):
        raise NotIncluded("a hidden file, or one in a hidden folder, is not included")
    if not (has_suffix(path) and has_suffix(real)):
        raise NotIncluded(f"an included file ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    return real


def has_suffix(path: str) -> bool:
    """Whether a file has the suffix of a spec."""
    return path.lower().endswith(SUFFIXES)


def _is_hidden(part: str) -> bool:
    return part.startswith(".") and part not in (".", "..")


def folder_of_file(path: str | Path, root: str | None = None) -> Folder:
    """The folder of a file. Its includes stay below `root`, by default the folder itself."""
    name = str(path)
    folder = os.path.dirname(name)
    return Folder(folder, _Tree(os.path.realpath(root or folder or ".")), (os.path.realpath(name),))


def base_folder(folder: str | Path) -> Folder:
    """The folder of the includes of a text without a file."""
    name = str(folder)
    return Folder(name, _Tree(os.path.realpath(name)), ())


def _framed(problem: Problem, frame: tuple[Label, ...]) -> Problem:
    return replace(problem, frames=(*frame, *problem.frames))


def _refused(span: Span, message: str, fix: tuple[str, ...] = ()) -> SpecError:
    return SpecError(Problem("include-refused", message, span, help=fix))


def _too_large(span: Span, message: str) -> SpecError:
    return SpecError(Problem("too-large", message, span))
