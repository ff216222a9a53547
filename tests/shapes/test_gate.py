"""The gate of gate.py: every rule is declared, and a rule without enough cases fails the suite."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import conformance
import gate
import pytest
from conformance import check_function, tensor
from floors import CANNOT_REFUSE
from gate import ACCEPTED, DECLARED, REFUSED, held, hold
from hypothesis import strategies as st

from nnshape.shapes.functions import all_functions
from nnshape.shapes.layers import all_layers


@pytest.fixture(autouse=True)
def _floors_apply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "floors_apply", lambda: True)  # with --explore too


def declared() -> set[str]:
    """The rules that the conformance tests beside this file hold."""
    for kind in ("layers", "functions"):
        for path in sorted(Path(__file__).parent.glob(f"test_{kind}_*.py")):
            import_module(path.stem)
    return DECLARED


def without_cases(rules: set[str], held_rules: set[str]) -> str:
    """The rules that no test holds against torch, and what to write."""
    missing = ", ".join(sorted(rules - held_rules))
    return f"no random cases for {missing}: draw them in a test under @held, see gate.py" if missing else ""


def test_every_rule_is_held_against_torch_on_random_cases() -> None:
    rules = {*all_layers(), *all_functions()}
    assert not without_cases(rules, declared())
    assert not declared() - rules, "held, and no rule of nnshape"


def test_a_rule_without_cases_is_named() -> None:
    said = without_cases({*all_layers(), "NewLayer"}, declared())
    assert said == "no random cases for NewLayer: draw them in a test under @held, see gate.py"


def test_every_exception_is_of_a_rule_and_has_a_reason() -> None:
    rules = {*all_layers(), *all_functions()}
    assert not CANNOT_REFUSE.keys() - rules
    assert all(CANNOT_REFUSE.values())


def ranks(least: int, most: int) -> st.SearchStrategy:
    return st.lists(st.integers(1, 5), min_size=least, max_size=most).map(lambda shape: (tensor(*shape),))


@pytest.mark.parametrize(
    ("name", "inputs", "short"),
    [
        ("t", ranks(0, 2), "t has .* accepted and 0 refused, of at least 20 and 5"),
        ("t", ranks(3, 4), "t has 0 accepted and .* refused, of at least 20 and 5"),
        ("t", ranks(0, 0), "t has 1 accepted and 0 refused"),
    ],
)
def test_a_rule_with_too_few_cases_fails(name: str, inputs: st.SearchStrategy, short: str) -> None:
    def test_of_few(name: str, data: st.DataObject) -> None:
        check_function(name, data.draw(inputs))

    with pytest.raises(AssertionError, match=f"test_of_few draws too few cases: {short}"):
        hold(name, test_of_few, (name,), 40)


def test_a_rule_with_enough_cases_passes() -> None:
    def test_of_enough(name: str, data: st.DataObject) -> None:
        check_function(name, data.draw(ranks(0, 4)))

    hold("t", test_of_enough, ("t",), 40)
    assert len(conformance.DIFFERENT["t", "accepted"]) >= ACCEPTED
    assert len(conformance.DIFFERENT["t", "refused"]) >= REFUSED


def test_a_rule_that_is_said_to_refuse_nothing_must_refuse_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CANNOT_REFUSE, "t", "for this test")

    def test_of_refused(name: str, data: st.DataObject) -> None:
        check_function(name, data.draw(ranks(0, 4)))

    with pytest.raises(AssertionError, match=r"torch refuses \d+ cases of t: take it out of CANNOT_REFUSE"):
        hold("t", test_of_refused, ("t",), 40)


def test_a_test_that_pytest_does_not_collect_holds_nothing() -> None:
    with pytest.raises(AssertionError, match="pytest does not collect cases_of_relu"):

        @held("relu")
        def cases_of_relu(name: str, data: st.DataObject) -> None:
            check_function(name, (tensor(2),))
