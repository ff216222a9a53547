"""A split into a number of pieces that depends on a symbol is told which slices to write."""

import pytest

from nnshape import loads, trace, verify

FILE = 'input: {{x: "[N, T, 4]"}}\nlayers:\n  a: "{}"\n'


@pytest.mark.parametrize(
    ("step", "slices"), [("x.split(3, 0)[0]", ["x[:3]", "x[3:6]"]), ("x.split(2, 1)[0]", ["x[:, :2]", "x[:, 2:4]"])]
)
def test_the_slices_are_what_split_gives(step: str, slices: list[str]) -> None:
    (problem,) = trace(loads(FILE.format(step))).problems
    assert problem.kind == "unknown-value"
    assert problem.help == (f"write slices for the first pieces: {', '.join(one[1:] for one in slices)}",)
    for written in slices:
        traced = trace(loads(FILE.format(written)))
        assert traced.problems == ()
        assert verify(traced, "cpu").agree
