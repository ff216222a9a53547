"""The batch: whether `N` is the number of samples of a model, and where it stands in a shape.

`N` is the batch where it leads an input (`3x32x32`, `[N, T]`), or stands second after the length of a sequence
(`[T, N, 64]`, `[50, N, 64]`). Where an input holds `N` twice (`[N, N]`, a graph), or another symbol leads an input
with `N` in it (`[B, N, 64]`, a set of N points), `N` is a size like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from nnshape.shapes.tensor import N, Shape
from nnshape.spec import nodes

if TYPE_CHECKING:
    from nnshape.spec import ShapePattern

_Role = Literal["batch", "ordinary", "unsaid"]

#: Names of the length of a sequence: `T`, `S1`, `L_src`, `seq_len`, `steps`. No name of a batch, such as `B`, is one.
_LENGTH = re.compile(r"[TLStls](\d|_\w*)?|(?i:\w*(seq|len|time|step|frame|token|word|tgt|src)\w*)")


def is_batch(patterns: Iterable[ShapePattern], hparams: Mapping[str, Any]) -> bool:
    """Whether `N` is the batch of a model with these inputs, and no ordinary size."""
    roles = {_role(pattern, hparams) for pattern in patterns}
    return "batch" in roles and "ordinary" not in roles


def batch_axis(shape: Shape) -> int | None:
    """The dimension of a shape that is the batch alone; None where none or several are."""
    places = [place for place, size in enumerate(shape) if size == N]
    return places[0] if len(places) == 1 else None


def _role(pattern: ShapePattern, hparams: Mapping[str, Any]) -> _Role:
    """What an input's shape says of `N`."""
    dims = (nodes.Name("N", 0, 0), *pattern.dims) if pattern.per_sample else pattern.dims
    written = [name for node in dims for name in _names(node)].count("N")
    if written != 1:
        return "ordinary" if written else "unsaid"
    if _is_batch(dims[0]):
        return "batch"
    leading = set(_names(dims[0]))
    if "N" in leading:  # [2*N, 64]
        return "unsaid"
    symbols = leading - hparams.keys()
    second = _is_batch(dims[1])
    if symbols and not (second and all(map(_LENGTH.fullmatch, symbols))):
        return "ordinary"
    # [3, N] may be N points without a batch, but class indices of several steps are a batch of sequences.
    is_sequence = bool(leading) or len(dims) > 2 or (pattern.dtype or "").startswith(("int", "bool"))
    return "batch" if second and is_sequence else "unsaid"


def _is_batch(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.id == "N"


def _names(node: nodes.Node) -> list[str]:
    return [part.id for part in nodes.walk(node) if isinstance(part, nodes.Name)]
