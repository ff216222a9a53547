"""A step that assigns to an index is told what to write."""

import pytest

from nnshape import loads, trace, verify


@pytest.mark.parametrize(
    ("step", "written"),
    [("a[:, 1] = 0", "a[:, 1].fill_(0)"), ("a[:, 1] = a[:, 0]", "a[:, 1].copy_(a[:, 0])")],
)
def test_an_assignment_to_an_index_is_told_what_to_write(step, written):
    text = 'input: [N, 4, 8]\nlayers:\n  a: x.clone()\n  b: "{}"\n  c: a.relu() + b.sum()\n'
    (problem,) = loads(text.format(step)).problems
    assert (problem.kind, problem.span.text) == ("syntax", "=")
    assert written in problem.help[0]
    traced = trace(loads(text.format(written)))
    assert traced.errors == ()
    assert verify(traced, "cpu").agree
