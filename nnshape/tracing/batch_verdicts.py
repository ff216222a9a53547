"""Judges a step's conditions on the batch: an error if it runs at one batch only, a warning if at some only.

A rule assumes the conditions that it cannot prove. If one of them is on N, the rule is applied again at numbers,
so that torch's broadcasting of 1 counts: `c + p` of [N, 64, 8, 8] and [N, 8] runs at N = 1 and at N = 8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from nnshape.records import dataclass
from nnshape.shapes.constraints import Constraint, collecting, numbering
from nnshape.shapes.dims import Dim, Size, TooLarge, substitute
from nnshape.shapes.dims.solutions import ALL, Solutions, described, of_classes
from nnshape.shapes.dims.solving import solve
from nnshape.shapes.nested import map_nested
from nnshape.shapes.notices import noticing
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import UNKNOWN, N, Tensor, tensors_in
from nnshape.tracing.batch import symbols_in

if TYPE_CHECKING:
    from nnshape.tracing.batch import Batch

_Rule = Callable[[tuple[Any, ...], dict[str, Any]], Any]
_Kind = Literal["fixed-batch", "restricted-batch"]
_FAILURES = (Refusal, TooLarge, ArithmeticError, TypeError, ValueError, IndexError)
#: Values of the symbols beside N, in turn: a condition on both is judged at each.
_OTHERS = ((7, 11, 13, 17, 19), (12, 20, 30, 42, 56), (64, 96, 160, 224, 416))
_ONE = of_classes(1, lambda _: [(1, 1)])
#: The largest number whose divisors are looked for.
_MAX_DIVIDED = 4096
#: Batches at which a refusing rule is applied again for its message.
_PROBES = (2, 3, 5)


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What a step asks of the batch: `where` it runs, as the end of a sentence.

    `size` is what N must be, or the other symbol that it must equal; None where it is no single one.
    """

    kind: _Kind
    where: str
    constraints: tuple[Constraint, ...]
    size: Size | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Application:
    """One application of a rule to arguments in which no size is derived any more."""

    rule: _Rule
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]

    def refusal(self, values: Mapping[str, int]) -> Refusal | Literal["unknown"] | None:
        """What the rule says at these sizes: its refusal, or None where it runs."""
        try:
            arguments = map_nested(lambda leaf: with_sizes(leaf, values), self.arguments)
            keywords = {name: map_nested(lambda leaf: with_sizes(leaf, values), v) for name, v in self.keywords.items()}
            with numbering(), collecting() as assumed, noticing():
                self.rule(arguments, keywords)
        except Refusal as refusal:
            return refusal
        except _FAILURES:
            return "unknown"
        return "unknown" if any(constraint.holds({}) is False for constraint in assumed) else None


def with_sizes(leaf: Any, values: Mapping[str, int]) -> Any:
    """A size or a tensor with numbers in place of symbols; anything else as it is."""
    if isinstance(leaf, Dim):
        return substitute(leaf, values)
    if isinstance(leaf, Tensor):
        span = None if leaf.span is None else (substitute(leaf.span[0], values), substitute(leaf.span[1], values))
        return Tensor(tuple(substitute(size, values) for size in leaf.shape), leaf.dtype, span)
    return leaf


def verdict_of(
    constraints: Sequence[Constraint], batch: Batch, application: Application | None = None
) -> Verdict | None:
    """What constraints on the batch ask of it; None where they hold at every batch from 2 on."""
    alone = [constraint for constraint in constraints if symbols_in(constraint) == {"N"}]
    named = _named(_solved(alone, {})) if alone else None
    if named is not None:
        runs = [value for value in sorted({1, *named}) if _runs_at(value, application, named)]
        where = " and ".join(f"N = {value}" for value in runs)
        largest = runs[-1] if runs else None
        return Verdict("fixed-batch", f"at {where} only" if where else "at no batch", tuple(alone), largest)
    others = sorted(frozenset[str]().union(*map(symbols_in, constraints)) - {"N"})
    if len(others) > len(_OTHERS[0]):
        return None
    points = [dict(zip(others, numbers, strict=False)) for numbers in (_OTHERS if others else ((),))]
    found = [_solved(constraints, point) for point in points]
    needs = [need for need in batch.needs if symbols_in(need) - {"N"} <= set(others)]
    if all(_follows(each, _solved(needs, point)) for each, point in zip(found, points, strict=True)):
        return None
    if all(_named(each) is not None for each in found):
        kind: _Kind = "fixed-batch" if batch.beside & set(others) else "restricted-batch"
        runs_at_one = application is not None and _runs_at_one(application, points[0])
        size = _single(constraints)
        equal = _text(constraints) if size is None else f"N == {size}"
        return Verdict(kind, f"only where {'N = 1 or ' if runs_at_one else ''}{equal}", tuple(constraints), size)
    whole = _solved((*constraints, *needs), {}) if not others else None  # needs reported before hold too
    text = described(whole) if whole is not None else None
    where = f"at some batches only ({text.format('N')})" if text else f"only where {_text(constraints)}"
    return Verdict("restricted-batch", where, tuple(constraints))


def _solved(constraints: Sequence[Constraint], values: Mapping[str, int]) -> Solutions | None:
    """The batches at which constraints hold, where the other symbols have these values; None where not found."""
    whole: Solutions = ALL
    for constraint in constraints:
        left, right = substitute(constraint.left, values), substitute(constraint.right, values)
        found = _divisors(left) if constraint.relation == "%" and right == N and isinstance(left, int) else None
        found = found or solve(left, constraint.relation, right, "N")
        if found is None:
            return None
        try:
            whole &= found
        except TooLarge:
            return None
    return whole


def _divisors(number: int) -> Solutions | None:
    """The set of the divisors of a small number."""
    if not 0 < number <= _MAX_DIVIDED:
        return None
    return of_classes(1, lambda _: [(value, value) for value in range(1, number + 1) if number % value == 0])


def _named(found: Solutions | None) -> list[int] | None:
    """All members of a set of batches, where at most one of them is above 1; else None."""
    members = None if found is None else found.members(2)
    return None if members is None or (len(members) == 2 and members[0] > 1) else members


def _follows(found: Solutions | None, given: Solutions | None) -> bool:
    """Whether every batch from 2 on that is in the second set is in the first one."""
    if found is None or given is None:
        return False
    given |= _ONE
    return given & (found | _ONE) == given


def _runs_at(value: int, application: Application | None, named: Sequence[int]) -> bool:
    """Whether the step runs at this batch, by its own rule where that can say."""
    answer = "unknown" if application is None else application.refusal({"N": value})
    return value in named if answer == "unknown" else answer is None


def _runs_at_one(application: Application, point: Mapping[str, int]) -> bool:
    """Whether the step runs at N = 1, where a single other symbol may also have a size that the step asks for."""
    points = [point]
    if len(point) == 1:
        shapes = [tensor.shape for tensor in tensors_in((application.arguments, dict(application.keywords)))]
        numbers = dict.fromkeys(size for shape in shapes for size in shape if type(size) is int)
        points += [dict.fromkeys(point, number) for number in numbers]
    return any(application.refusal({**each, "N": 1}) is None for each in points)


def refused_at(application: Application, constraints: Sequence[Constraint]) -> tuple[Refusal | None, bool]:
    """What the rule says at the first batch where it refuses, and whether that batch is the only number made up."""
    others = sorted(frozenset[str]().union(*map(symbols_in, constraints)) - {"N"})
    for batch in _PROBES:
        answer = application.refusal({**dict(zip(others, _OTHERS[0], strict=False)), "N": batch})
        if isinstance(answer, Refusal):
            return answer, not others
    return None, False


def _single(constraints: Sequence[Constraint]) -> Size | None:
    """The other side, where one constraint says that N is equal to it."""
    one = constraints[0]
    if any(constraint != one for constraint in constraints) or one.relation != "==":
        return None
    return one.right if one.left == N else one.left if one.right == N else None


def _text(constraints: Sequence[Constraint]) -> str:
    return " and ".join(dict.fromkeys(map(str, constraints)))


# ---- how the trace goes on ----


def freed(value: Any, given: Any, size: Size | None) -> Any:
    """A result made for one batch as it will be once it is made for every: N in place of `size`; or unknown."""
    tensors = list(tensors_in(given))

    def free(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor) or not leaf.shape:
            return leaf
        shape = list(leaf.shape)
        batched = [place for place, part in enumerate(shape) if part == N]
        if isinstance(size, Dim):
            for place in batched[1:]:
                shape[place] = size
        if not batched:
            batch = _place_of_batch(shape, tensors, size)
            if batch is None:
                return UNKNOWN
            shape[batch] = N
        return leaf.like(shape)

    return map_nested(free, value)


def _place_of_batch(shape: Sequence[Size], tensors: Sequence[Tensor], size: Size | None) -> int | None:
    """Where the batch stands in a shape that was made for one: where an input has it, else where its size is."""
    places = [place for place, part in enumerate(shape) if part == size]
    for place in places:
        if any(tensor.shape[place : place + 1] == (N,) for tensor in tensors):
            return place
    return places[0] if places and size != 1 else None


def blamed_in(given: Any, size: Size | None) -> Iterator[Tensor]:
    """The tensors that are made for one batch: those without N, of its size in some dimension."""
    for tensor in tensors_in(given):
        if N not in tensor.shape and size in tensor.shape:
            yield tensor
