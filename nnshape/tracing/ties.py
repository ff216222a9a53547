"""The parameters that `tie` and `freeze` name, of a file or of a model that it includes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import translate
from typing import TYPE_CHECKING

from nnshape.problems import Problem
from nnshape.problems.nearest import nearest
from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.tensor import Tensor, shape_text
from nnshape.tracing.work_limit import ended
from nnshape.work import RULE, OutOfWork, spend

if TYPE_CHECKING:
    from nnshape.spec import Spec


class Ties:
    """Groups of parameters that share one tensor, as pairs of a name and the one that it shares the tensor of."""

    def __init__(self) -> None:
        self._to: dict[str, str] = {}

    def owner(self, name: str) -> str:
        """Return the parameter whose tensor this one shares: itself if it is not tied."""
        owner = name
        while owner in self._to:
            owner = self._to[owner]
        while name != owner:  # so that a long chain is gone along once
            self._to[name], name = owner, self._to[name]
        return owner

    def add(self, name: str, to: str) -> None:
        """Tie a group to another one, by their owners."""
        self._to[name] = to

    def resolved(self) -> dict[str, str]:
        """Return each tied parameter and the owner of its tensor."""
        return {name: self.owner(name) for name in self._to}


def add_ties(
    ties: Ties,
    spec: Spec,
    tensors: Mapping[str, Tensor],
    prefix: str,
    report: Callable[[Problem], None],
    incomplete: bool,
) -> None:
    """Add the ties of a file, whose parameters have this prefix. Reports those that are wrong."""
    for tie in spec.tie.values():
        path, to = prefix + tie.path, prefix + tie.to
        unknown = [(name, span) for name, span in ((path, tie.path_span), (to, tie.to_span)) if name not in tensors]
        for name, span in unknown:
            if not incomplete:
                message = f"there is no parameter {name.removeprefix(prefix)}"
                help = nearest(name.removeprefix(prefix), (one.removeprefix(prefix) for one in tensors))
                report(Problem("unknown-name", message, span, help=help))
        if unknown:
            continue
        owner, other = ties.owner(path), ties.owner(to)
        if owner == other:
            if owner == path:
                report(Problem("invalid-argument", f"{tie.path} is tied to itself", tie.path_span))
            continue
        one, two = tensors[path], tensors[to]
        try:
            spend(RULE)
            same = len(one.shape) == len(two.shape) and all(map(assume_equal, one.shape, two.shape))
        except OutOfWork:
            report(ended(tie.path_span, "while checking this tie").problem)
            break
        if not same or one.dtype != two.dtype:
            message = f"{tie.path} is {_shown(one)} and {tie.to} is {_shown(two)}: they cannot be one tensor"
            report(Problem("size-mismatch", message, tie.path_span))
            continue
        ties.add(owner, other)


def frozen_parameters(
    spec: Spec,
    tensors: Mapping[str, Tensor],
    prefix: str,
    report: Callable[[Problem], None],
    incomplete: bool,
) -> set[str]:
    """Return the parameters that a file freezes, all of which have this prefix. Reports globs that match nothing."""
    frozen: set[str] = set()
    names = [name.removeprefix(prefix) for name in tensors]
    characters = sum(map(len, names))
    for glob in spec.freeze:
        try:
            hit = _matching(glob.value, names, characters)
        except OutOfWork:
            report(ended(glob.span, "while matching the globs of freeze").problem)
            break
        if not hit and not incomplete:
            message = f"{glob.value} matches no parameter"
            report(Problem("unknown-name", message, glob.span, help=nearest(glob.value, names)))
        frozen.update(prefix + name for name in hit)
    return frozen


def _matching(glob: str, names: list[str], characters: int) -> list[str]:
    """Return the names that a glob matches, or that are below a match. Raises OutOfWork."""
    spend(50 + 20 * len(glob) + len(names) + characters * glob.count("*") // 16)
    fits = re.compile(f"(?:{translate(glob)}|{translate(glob + '.*')})").match
    return [name for name in names if fits(name)]


def _shown(tensor: Tensor) -> str:
    dtype = "" if tensor.dtype == "float32" else tensor.dtype
    return dtype + shape_text(tensor.shape)
