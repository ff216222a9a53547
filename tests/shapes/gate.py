"""The gate: each rule is held against torch on random cases, accepted and refused ones, above a set number of each.

`@held("Conv1d", "Conv2d")` makes a test of a function that draws one case of a rule and checks it. The test fails
where torch accepts fewer than `ACCEPTED` of the cases of the rule, or refuses fewer than `REFUSED`; equal cases count
once. `floors.py` lists the rules that torch never refuses, each with its reason. `test_gate.py` compares the names
that are declared here with the registries of layers and functions.

The floors hold for the fixed cases and for the release of torch that the rules follow: not with `--explore`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import conformance
import pytest
from drawing import cases
from floors import CANNOT_REFUSE
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from torch_releases import FOLLOWED, RELEASE

from nnshape.shapes.functions.inplace import WRITTEN

#: So many different cases of a rule must torch accept, and so many must it refuse.
ACCEPTED, REFUSED = 20, 5
#: A rule whose floors are not reached draws as many cases again, at most so many times.
ROUNDS = 12

#: The rules that some test holds.
DECLARED: set[str] = set()

Body = Callable[[str, st.DataObject], None]


def each_rank(*names: str) -> list[str]:
    """The rules for one, two and three dimensions: Conv1d, Conv2d and Conv3d of Conv."""
    return [f"{name}{dimensions}d" for name in names for dimensions in (1, 2, 3)]


def held(*names: str, most: int = 40, written: bool = False) -> Callable[[Body], Callable[[str], None]]:
    """Make a test of each rule out of a function that draws a case of it and checks it.

    most: the number of cases of a round.
    written: the in-place form of a function is checked with it, and has floors of its own.
    """

    def rules_of(name: str) -> tuple[str, ...]:
        return (name, f"{name}_") if written and name in WRITTEN else (name,)

    def declare(body: Body) -> Callable[[str], None]:
        assert body.__name__.startswith("test_"), f"pytest does not collect {body.__name__}"
        DECLARED.update(rule for name in names for rule in rules_of(name))

        @pytest.mark.parametrize("name", names)
        def test(name: str) -> None:
            hold(name, body, rules_of(name), most)

        test.__name__, test.__doc__, test.__module__ = body.__name__, body.__doc__, body.__module__
        return test

    return declare


def floors_apply() -> bool:
    """Say whether the same cases are drawn in every run, for the release of torch that the rules follow."""
    return settings.default.derandomize and RELEASE == FOLLOWED


def hold(name: str, body: Body, rules: tuple[str, ...], most: int) -> None:
    """Draw cases until the floors of the rules are reached."""

    def one_case(data: st.DataObject) -> None:
        body(name, data)

    conformance.DIFFERENT.clear()
    if not floors_apply():
        cases(most)(given(st.data())(one_case))()
        return
    for number in range(ROUNDS):
        seeded = seed(zlib.crc32(f"{body.__name__} {name} {number}".encode()))
        seeded(cases(most)(given(st.data())(one_case)))()
        short = [text for rule in rules if (text := shortfall(rule))]
        if not short:
            return
    raise AssertionError(f"{body.__name__} draws too few cases: {'; '.join(short)}")


def shortfall(rule: str) -> str:
    """How many accepted or refused cases a rule is short of, and which others it must not have; empty where none."""
    accepted, refused = (len(conformance.DIFFERENT[rule, verdict]) for verdict in ("accepted", "refused"))
    if rule in CANNOT_REFUSE:
        assert not refused, f"torch refuses {refused} cases of {rule}: take it out of CANNOT_REFUSE in floors.py"
    if accepted >= ACCEPTED and (refused >= REFUSED or rule in CANNOT_REFUSE):
        return ""
    return f"{rule} has {accepted} accepted and {refused} refused, of at least {ACCEPTED} and {REFUSED}"
