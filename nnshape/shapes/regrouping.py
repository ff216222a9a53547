"""Finds which dimensions a reshape splits and joins: both shapes list the same elements in the same order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

from nnshape.records import dataclass
from nnshape.shapes.dims import Size
from nnshape.shapes.tensor import Shape
from nnshape.work import spend

#: Maximum number of dimensions, before and after the reshape, for which permutations are tried.
_MAX_DIMS = 5
_MAX_RESULT = 12
#: Units of work for each permutation.
_TRY = 20


@dataclass(frozen=True, slots=True)
class Group:
    """A smallest set of dimensions before and after a reshape that hold the same elements.

    Dimensions of size 1 belong to no group.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def crosses(self) -> bool:
        """Whether the reshape cuts across several dimensions, in place of splitting one or joining several."""
        return len(self.before) > 1 and len(self.after) > 1


@dataclass(frozen=True, slots=True)
class Swap:
    """A permutation that the author of a reshape probably meant.

    Without `split`, permute the input by `order`; a reshape follows unless the permutation is enough (`alone`).
    With `split`, reshape the input to `split` first, and permute that by `order`.
    """

    order: tuple[int, ...]
    split: tuple[int, ...] = ()
    alone: bool = False


def groups_of(before: Shape, after: Shape) -> list[Group]:
    """The groups of dimensions that a reshape maps to one another, in order, each as small as possible."""
    ends = _ends(after)
    found: list[Group] = []
    one: list[int] = []
    total: Size = 1
    taken = 0
    positions = [place for place, size in enumerate(after) if size != 1]
    for place, size in enumerate(before):
        if size == 1:
            continue
        total = total * size
        one.append(place)
        end = ends.get(total)
        if end is not None:
            found.append(Group(tuple(one), tuple(positions[taken:end])))
            one, taken = [], end
    if one or taken < len(positions):
        found.append(Group(tuple(one), tuple(positions[taken:])))
    return found


def _ends(shape: Shape) -> dict[Size, int]:
    """The product of each leading run of dimensions, mapped to their number; dimensions of size 1 do not count."""
    ends: dict[Size, int] = {}
    total: Size = 1
    count = 0
    for size in shape:
        if size != 1:
            total = total * size
            count += 1
            ends[total] = count
    return ends


def swap_of(before: Shape, after: Shape) -> Swap | None:
    """The permutation missing from a reshape; None if the reshape only splits and joins, or if none leads there.

    `[N, 50, 64]` to `[N, 64, 50]` lacks `permute(0, 2, 1)`. `[N, 50, 64]` to `[N, 8, 50, 8]` lacks a reshape to
    `[N, 50, 8, 8]` and then `permute(0, 2, 1, 3)`.
    """
    crossing = [group for group in groups_of(before, after) if group.crosses]
    if not crossing:
        return None
    order = list(range(len(before)))
    for group in crossing:
        inner = _order_of([before[place] for place in group.before], [after[place] for place in group.after])
        if inner is None:
            return _split_of(before, after, crossing)
        for place, source in zip(group.before, inner, strict=True):
            order[place] = group.before[source]
    return Swap(tuple(order), alone=tuple(before[place] for place in order) == after)


def _order_of(before: Sequence[Size], after: Sequence[Size]) -> tuple[int, ...] | None:
    """The first permutation of `before` that `after` only splits and joins."""
    if len(before) > _MAX_DIMS or len(after) > _MAX_RESULT or not set(before) & set(after):
        return None
    for order in permutations(range(len(before))):
        spend(_TRY)
        sizes = tuple(before[place] for place in order)
        if not any(group.crosses for group in groups_of(sizes, tuple(after))):
            return order
    return None


def _split_of(before: Shape, after: Shape, crossing: Sequence[Group]) -> Swap | None:
    """The swap after a split of the dimensions that arrive into those of the result."""
    split = list(range(len(after)))
    for group in crossing:
        sizes = [before[place] for place in group.before]
        if len(group.after) > _MAX_DIMS or not set(sizes) & {after[place] for place in group.after}:
            return None
        for order in permutations(group.after):
            spend(_TRY)
            found = groups_of(tuple(sizes), tuple(after[place] for place in order))
            if len(found) == len(sizes) and not any(one.crosses for one in found):
                for place, source in zip(group.after, order, strict=True):
                    split[place] = source
                break
        else:
            return None
    order = tuple(split.index(place) for place in range(len(split)))
    return Swap(order, split=tuple(split))
