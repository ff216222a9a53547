"""The folder tree that a spec's includes stay in, and the files read from it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from nnshape.problems import Label, Problem, SpecError
from nnshape.spec import limits
from nnshape.spec.source import Source, Span, read_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nnshape.spec.spec import Spec

Read: TypeAlias = "Callable[[Source, Folder | None, bool], Spec]"


@dataclass(slots=True)
class _Tree:
    """What one run of reading shares: the folder that nothing leaves, and the files read so far."""

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
        """The spec at a relative path and its problems; raises SpecError where the include is refused."""
        shown, real = self._resolved(path, span)
        if real in self._chain:
            names = [os.path.basename(name) for name in (*self._chain[self._chain.index(real) :], real)]
            raise _refused(span, f"the include goes in a circle: {' -> '.join(names)}")
        if len(self._chain) >= limits.DEPTH:
            raise _too_large(span, f"includes nest deeper than {limits.DEPTH} levels")
        tree = self._tree
        if real in tree.specs:
            # Its problems were reported where it was first included.
            return tree.specs[real], ()
        if len(tree.specs) >= limits.FILES:
            raise _too_large(span, f"a spec includes at most {limits.FILES} files")
        tree.specs[real] = None
        frame = (Label(span, "included here"),)
        try:
            source = read_source(shown)
            tree.characters += len(source.text)
            if tree.characters > limits.TEXT_BYTES:
                raise _too_large(span, "the files included come to more than 1 MiB")
            spec = read(source, Folder(os.path.dirname(shown), tree, (*self._chain, real)), True)
        except SpecError as error:
            raise SpecError(
                *(p if p.span and p.span.source is span.source else _framed(p, frame) for p in error.problems)
            ) from None
        tree.specs[real] = spec
        return spec, tuple([_framed(problem, frame) for problem in spec.problems])

    def _resolved(self, path: str, span: Span) -> tuple[str, str]:
        """The path as people know it and as the system does, once it is a file within the tree."""
        if os.path.isabs(path) or "\\" in path:
            fix = ("write a path from this file's folder, with /",)
            raise _refused(span, "the path of an include is relative", fix)
        shown = os.path.normpath(os.path.join(self.path, path))
        root = self._tree.root
        try:
            real = os.path.realpath(shown)
        except (OSError, ValueError):
            raise _refused(span, "this is no path") from None
        if os.path.commonpath([root, real]) != root:
            # Said before it is known whether there is such a file: a spec must not find that out.
            raise _refused(span, "the path leads out of the folder tree of the spec")
        if not os.path.isfile(real):
            raise _refused(span, "there is no such file" if not os.path.exists(real) else "this is no file")
        return shown, real


def folder_of_file(path: str | Path) -> Folder:
    """The folder of the file named on the command line: the root of its include tree."""
    name = str(path)
    folder = os.path.dirname(name)
    return Folder(folder, _Tree(os.path.realpath(folder or ".")), (os.path.realpath(name),))


def base_folder(folder: str | Path) -> Folder:
    """A folder that a text at hand may include files from."""
    name = str(folder)
    return Folder(name, _Tree(os.path.realpath(name)), ())


def _framed(problem: Problem, frame: tuple[Label, ...]) -> Problem:
    return replace(problem, frames=(*frame, *problem.frames))


def _refused(span: Span, message: str, fix: tuple[str, ...] = ()) -> SpecError:
    return SpecError(Problem("include-refused", message, span, help=fix))


def _too_large(span: Span, message: str) -> SpecError:
    return SpecError(Problem("too-large", message, span))
