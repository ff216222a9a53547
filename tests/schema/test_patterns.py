"""The patterns of the schema take every text that the reader takes, and refuse the slips that people make."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nnshape.problems import SpecError
from nnshape.schema import patterns
from nnshape.spec import loads, parse_shape, source_of_text
from nnshape.spec.expect_key import COUNT
from nnshape.spec.naming_rules import name_problem, step_name_problem
from nnshape.spec.sections import TARGET
from nnshape.spec.source import Span

SPAN = Span(source_of_text("", "<test>"), 0, 0)
NAMES = st.text(st.sampled_from("aZx_0é中 .-N"), max_size=5) | st.sampled_from(["class", "__a", "auto", "N", "_", "to"])


@given(NAMES)
def test_names(name):
    assert bool(re.search(patterns.name(), name)) == (name_problem(name, "an hparam", SPAN) is None)
    assert bool(re.search(patterns.name("N"), name)) == (name_problem(name, "a size", SPAN) is None)
    assert bool(re.search(patterns.step_name(), name)) == (step_name_problem(name, SPAN) is None)


PARTS = st.sampled_from(["1", "32", "H", "max", "x", " x ", " ", "(H//2 - 2)", "(min(H, 3) + 1)", "_", "é", "*", ","])
BRACKETS = st.sampled_from(["[N, 1]", "int64[N, T]", "torch.float[T]", "half [2]", "[]", "float32x3", "in64[N]"])


@given(st.lists(PARTS, max_size=7).map(lambda parts: "".join(parts).strip()) | BRACKETS)
@example("16 x 3x5 x maxlen")
def test_whatever_is_a_shape_matches(text):
    try:
        parse_shape(text)
    except SpecError as error:
        # A size may be an expression whose faults only its parser sees.
        assert error.problems
    else:
        assert re.search(patterns.shape(), text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "1,32", "1, 32, 32", "(1, 32, 32)", "1 32", "1x", "x32", "1xx2", "1*32", "1×32", "32 - 2", "float32 1x3",
     "flaot32[N]", "[N, 1", "N, 1]", "1x(H", "3.5"],
)  # fmt: skip
def test_what_is_no_shape_does_not(text):
    with pytest.raises(SpecError):
        parse_shape(text)
    assert not re.search(patterns.shape(), text)


@pytest.mark.parametrize("key", ["B", "B()", "B(p, q=1)", "B(p)(x[N, (H//2)], mask=None)", " B (p)"])
def test_the_key_of_a_block(key):
    assert not loads(f"input: 3\nblocks:\n  '{key}': [ReLU()]\nlayers: [ReLU()]\n").problems
    assert re.search(patterns.signature(), key)


@pytest.mark.parametrize("key", ["B[N]", "1B", "B(p", "a.B", "if(p)", "N"])
def test_what_is_no_key_of_a_block(key):
    assert loads(f"input: 3\nblocks:\n  '{key}': [ReLU()]\nlayers: [ReLU()]\n").problems
    assert not re.search(patterns.signature(), key)


@pytest.mark.parametrize(
    "text", ["81_290", "<= 4.1G", " > 3 ", "25.6M", "many", "<=", "4.1 Q", "a.b:C", "a.b", "a:é.D"]
)
def test_a_pattern_of_the_readers_own(text):
    for pattern in (COUNT, TARGET):
        assert bool(re.search(patterns.whole(pattern.pattern), text)) == bool(pattern.fullmatch(text))


@pytest.mark.parametrize("text", ["(" * 2000, "()" * 1000 + "!", "Hx" * 1000 + "!", "1 x " * 500 + "!", "(a" * 1000])
def test_a_hostile_text_does_not_hold_up_an_editor(text):
    # A pattern that goes back and forth over such a text would not be done before the sun is cold.
    for pattern in (patterns.shape(), patterns.signature(), patterns.name(), patterns.step_name()):
        assert not re.search(pattern, text)
