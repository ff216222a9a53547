"""TOML from a stranger: located errors and bounded work, whatever nests, repeats or grows."""

import pytest

from nnshape.checking import read_settings
from nnshape.checking.toml import MAX_KEY_PARTS, MAX_WORD
from nnshape.problems import SpecError
from nnshape.spec import limits

NESTED = limits.DEPTH
LITERAL = "'" * 3
VALUES = {
    "arrays as deep as allowed": ("[" * NESTED + "]" * NESTED, None),
    "arrays one deeper": ("[" * (NESTED + 1) + "]" * (NESTED + 1), "nest deeper"),
    "100,000 arrays": ("[" * 100_000, "nest deeper"),
    "20,000 tables": ("{a=" * 20_000 + "1" + "}" * 20_000, "nest deeper"),
    "a number as long as allowed": ("1" * MAX_WORD, None),
    "a number one longer": ("1" * (MAX_WORD + 1), "more than 1,000 characters"),
    "a number that int() refuses": ("9" * 5_000, "more than 1,000 characters"),
    "a number with underscores": ("-" + "9_" * 400_000 + "9", "more than 1,000 characters"),
    "a hexadecimal number": ("0x" + "f" * 900_000, "more than 1,000 characters"),
    "an infinite float": ("1e999999999", None),
    "brackets in a text": (LITERAL + "[" * 1_000 + LITERAL, None),
    "brackets in a comment": ("1 # " + "[" * 1_000, None),
    "digits in a text": ('"' + "9" * 5_000 + '"', None),
    "no date": ("0001-13-99", "is not TOML"),
    "no time": ("9999-99-99T99:99:99", "is not TOML"),
    "a text without an end": ('"""' + 'x\\"""' * 100_000, "is not TOML"),
    "many floats": ("[1.5" + ", 1.5" * 50 + "]", None),
}


@pytest.mark.parametrize(("value", "wanted"), VALUES.values(), ids=VALUES)
def test_toml_of_any_depth_and_any_number_gets_an_answer(project, value, wanted):
    project(pyproject_toml=f"[tool.other]\nx = {value}\n[tool.nnshape]\nstrict = true\n")
    if wanted is None:
        assert read_settings(["."]).strict
        return
    with pytest.raises(SpecError) as error:
        read_settings(["."])
    (problem,) = error.value.problems
    assert wanted in problem.message
    assert problem.span is not None


@pytest.mark.parametrize(
    ("parts", "line", "allowed"),
    [
        (MAX_KEY_PARTS, "{} = 1", True),
        (MAX_KEY_PARTS + 1, "{} = 1", False),
        (MAX_KEY_PARTS, "[{}]", True),
        (200_000, "[{}]", False),
        (200_000, "{} = 1", False),
        (200_000, "x = {{{} = 1}}", False),
    ],
)
def test_a_key_has_so_many_parts_and_no_more(project, parts, line, allowed):
    project(pyproject_toml=line.format(" . ".join(["a"] * parts)) + "\n[tool.nnshape]\n")
    if allowed:
        read_settings(["."])
        return
    with pytest.raises(SpecError) as error:
        read_settings(["."])
    (problem,) = error.value.problems
    assert (problem.kind, problem.span.line) == ("too-large", 1)
