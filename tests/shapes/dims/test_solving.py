"""Conditions on one symbol are solved exactly: the set holds a number where, and only where, the condition does."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nnshape.shapes.constraints import Constraint
from nnshape.shapes.dims import Size, TooLarge, maximum, minimum, symbol
from nnshape.shapes.dims.solutions import ALL, NONE, Solutions, described, of_classes
from nnshape.shapes.dims.solving import solve

H = symbol("H")
TRIED = range(1, 150)


def sizes() -> st.SearchStrategy[Size]:
    """Sizes in H with floor-divisions, minima and maxima in one another."""
    return st.recursive(
        st.one_of(st.just(H), st.integers(-6, 40)),
        lambda inner: st.one_of(
            st.builds(lambda a, b: a + b, inner, inner),
            st.builds(lambda a, b: a - b, inner, inner),
            st.builds(lambda a, b: a * b, inner, inner),
            st.builds(lambda a, b: a // b, inner, st.sampled_from([2, 3, 4, 8])),
            st.builds(minimum, inner, inner),
            st.builds(maximum, inner, inner),
        ),
        max_leaves=6,
    )


def conditions() -> st.SearchStrategy[Constraint]:
    """Conditions of each relation."""
    comparison = st.builds(Constraint, sizes(), st.sampled_from(["==", ">="]), sizes())
    return st.one_of(comparison, st.builds(Constraint, sizes(), st.just("%"), st.sampled_from([2, 3, 4, 8])))


def solved(condition: Constraint) -> Solutions:
    """The set of a condition that could be solved."""
    try:
        found = solve(condition.left, condition.relation, condition.right, "H")
    except TooLarge:
        found = None
    assume(found is not None)
    assert found is not None
    return found


@given(conditions())
def test_a_set_holds_what_the_condition_does(condition: Constraint) -> None:
    found = solved(condition)
    assert [n for n in TRIED if n in found] == [n for n in TRIED if condition.holds({"H": n})]


@given(conditions(), conditions())
def test_sets_meet_and_join(one: Constraint, other: Constraint) -> None:
    first, second = solved(one), solved(other)
    try:
        both, either = first & second, first | second
    except TooLarge:
        return
    assert [n for n in TRIED if n in both] == [n for n in TRIED if n in first and n in second]
    assert [n for n in TRIED if n in either] == [n for n in TRIED if n in first or n in second]


@given(conditions(), st.integers(1, 100))
def test_the_nearest_members(condition: Constraint, number: int) -> None:
    found = solved(condition)
    members = [n for n in range(1, number + 200) if n in found]
    assert found.at_most(number) == max((n for n in members if n <= number), default=None)
    above = found.at_least(number)
    assert above == min((n for n in members if n >= number), default=above)
    assert above is None or (above >= number and above in found)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (Constraint(H, ">=", 5), "{} >= 5"),
        (Constraint(448, ">=", H), "{} <= 448"),
        (Constraint(minimum(H, 448), "==", H), "{} <= 448"),
        (Constraint(2 * H, "==", 64), "{} == 32"),
        (Constraint(2 * (H // 2), "==", H), "{}: even"),
        (Constraint((H - 1) // 2, "==", H // 2), "{}: odd"),
        (Constraint(16 * (H // 16), "==", H), "{}: multiples of 16"),
        (Constraint(H - 40, "%", 8), "{}: multiples of 8"),
        (Constraint(H - 3, "%", 8), "{}: 3 more than multiples of 8"),
        (Constraint((H // 2 - 3) * (H // 2 - 3), "==", 100), "{}: 26 or 27"),
        (Constraint((H - 1) * (H % 4), "==", 0), "{}: 1, or multiples of 4"),
        (Constraint((H - 3) * (H - 3), ">=", 1), "{}: not 3"),
        (Constraint(H, ">=", H), ""),
        (Constraint(2 * H, "==", 5), None),
    ],
)
def test_descriptions(condition: Constraint, text: str | None) -> None:
    found = solve(condition.left, condition.relation, condition.right, "H")
    assert found is not None
    assert described(found) == text


def test_bounds_of_both_sides() -> None:
    assert described(of_classes(1, lambda _: [(5, 9)])) == "5 <= {} <= 9"
    sixteens = of_classes(16, lambda r: [(32, 256)] if r == 0 else [])
    assert described(sixteens) == "{}: multiples of 16, at least 32, at most 256"
    assert described(ALL) == ""
    assert described(NONE) is None


@given(st.integers(3, 64), st.integers(1, 9), st.integers(5, 40))
def test_multiples_within_limits(step: int, first: int, count: int) -> None:
    members = [step * k for k in range(first, first + count)]
    text = described(of_classes(step, lambda r: [(members[0], members[-1])] if r == 0 else []))
    least = f", at least {members[0]}" if first > 1 else ""
    assert text == f"{{}}: multiples of {step}{least}, at most {members[-1]}"
