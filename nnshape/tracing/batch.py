"""Decides whether `N` is the batch of a model, and finds it in a shape.

`N` is the batch if it is the first dimension of an input (`3x32x32`, `[N, T]`), or the second after the length of a
sequence (`[T, N, 64]`, `[50, N, 64]`). It is an ordinary size if an input has it twice (`[N, N]`, a graph), or after
another symbol that is no length (`[B, N, 64]`, a set of N points). It counts the nodes of a graph, and is an ordinary
size too, if another input has the edges of one (`int64[2, E]`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal

from nnshape.records import dataclass
from nnshape.shapes.dims import symbols_of
from nnshape.shapes.dims.atoms import parts_of
from nnshape.shapes.tensor import N, Shape, Tensor
from nnshape.spec import nodes

if TYPE_CHECKING:
    from nnshape.shapes.constraints import Constraint
    from nnshape.spec import ShapePattern

_Role = Literal["batch", "ordinary", "open"]

#: Names for the length of a sequence, such as `T`, `S1`, `L_src`, `seq_len` or `steps`, but no names for a batch.
_LENGTH = r"[TLStls](\d|_\w*)?|(?i:\w*(seq|len|time|step|frame|token|word|tgt|src)\w*)"


@dataclass(slots=True, eq=False)
class Batch:
    """The symbols beside the batch, and what one trace has said of the batch so far.

    `symbols` are all that the inputs have, `beside` those of inputs with N in them. `needs` are the
    conditions on N that a warning told, and `blamed` the tensors that an error told to be made for one N.
    """

    symbols: frozenset[str]
    beside: frozenset[str]
    needs: list[Constraint] = field(default_factory=list)
    blamed: set[Tensor] = field(default_factory=set)


def batch_of(shapes: Iterable[Shape]) -> Batch:
    """The batch of a model with inputs of these shapes, before any condition on it."""
    names = [frozenset[str]().union(*map(symbols_of, shape)) for shape in shapes]
    beside = frozenset[str]().union(*(each for each in names if "N" in each))
    return Batch(frozenset[str]().union(*names) | {"N"}, beside - {"N"})


def of_batch(constraints: Iterable[Constraint], batch: Batch) -> tuple[Constraint, ...]:
    """The constraints on the batch, without those on sizes that only the values of a tensor decide."""
    return tuple(
        found
        for found in constraints
        if "N" in (names := symbols_in(found)) and names <= batch.symbols and not _cancels(found)
    )


def _cancels(constraint: Constraint) -> bool:
    """Whether N is a factor of both sides of an equation, which then says nothing of it: `N*H == 60*N`."""
    difference = constraint.left - constraint.right
    if constraint.relation != "==" or isinstance(difference, int):
        return False
    return all(
        factors.count("N") == 1 and not any("N" in symbols_of(part) for atom in factors for part in parts_of(atom))
        for factors, _ in difference.terms()
    )


def symbols_in(constraint: Constraint) -> frozenset[str]:
    """The symbols that a constraint speaks of."""
    return symbols_of(constraint.left) | symbols_of(constraint.right)


def is_batch(patterns: Iterable[ShapePattern], hparams: Mapping[str, Any]) -> bool:
    """Return whether `N` is the batch of a model with these inputs, rather than an ordinary size."""
    roles = {"ordinary" if _is_edges(pattern) else _role(pattern, hparams) for pattern in patterns}
    return "batch" in roles and "ordinary" not in roles


def _is_edges(pattern: ShapePattern) -> bool:
    """Return whether an input is a list of edges, each of two nodes: `int64[2, E]`."""
    if len(pattern.dims) != 2 or not (pattern.dtype or "").startswith("int"):
        return False
    first, count = pattern.dims
    return isinstance(first, nodes.Constant) and first.value == 2 and "N" not in _names(count)


def batch_axis(shape: Shape) -> int | None:
    """Return the only dimension that is exactly `N`, or None if there is none or several."""
    places = [place for place, size in enumerate(shape) if size == N]
    return places[0] if len(places) == 1 else None


def _role(pattern: ShapePattern, hparams: Mapping[str, Any]) -> _Role:
    """Return the role of `N` in the shape of an input."""
    dims = (nodes.Name("N", 0, 0), *pattern.dims) if pattern.per_sample else pattern.dims
    written = [name for node in dims for name in _names(node)].count("N")
    if written != 1:
        return "ordinary" if written else "open"
    if _is_batch(dims[0]):
        return "batch"
    leading = set(_names(dims[0]))
    if "N" in leading:  # [2*N, 64]
        return "open"
    symbols = leading - hparams.keys()
    second = _is_batch(dims[1])
    if symbols and not (second and all(re.fullmatch(_LENGTH, symbol) for symbol in symbols)):
        return "ordinary"
    # [3, N] may be N points without a batch, but indices of that shape are a batch of sequences.
    is_sequence = bool(leading) or len(dims) > 2 or (pattern.dtype or "").startswith(("int", "bool"))
    return "batch" if second and is_sequence else "open"


def _is_batch(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.id == "N"


def _names(node: nodes.Node) -> list[str]:
    return [part.id for part in nodes.walk(node) if isinstance(part, nodes.Name)]
