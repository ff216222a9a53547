"""A step that assigns to a mask or to index tensors is told the methods that do so."""

import pytest
import torch

from nnshape import build, loads, trace, verify
from nnshape.spec.index_assignments import assigned

FILE = 'input:\n  x: [N, 4, 8]\n  i: int64[3]\nlayers:\n  a: x.clone()\n  b: "{}"\n  c: a.relu() + b.sum()\n'


@pytest.mark.parametrize(
    ("step", "written"),
    [
        ("a[a > 0] = 0", "a.masked_fill_(a > 0, 0)"),
        ("a[a > 0] = a[0, 0, 0]", "a.index_put_((a > 0,), a[0, 0, 0])"),
        ("a[:, 1][x[:, 0] > 0] = x[x[:, 0, 0] > 0, 0]", "a[:, 1].index_put_((x[:, 0] > 0,), x[x[:, 0, 0] > 0, 0])"),
        ("a[i * 0, i] = zeros(8)", "a.index_put_((i * 0, i), zeros(8))"),
        ("a[i * 0] = zeros(4, 8)", "a.index_put_((i * 0,), zeros(4, 8))"),
    ],
)
def test_an_assignment_to_elements_is_told_the_method(step, written):
    (problem,) = loads(FILE.format(step)).problems
    assert (problem.kind, problem.span.text) == ("syntax", "=")
    assert written in problem.help[0]
    assert "copy_" not in problem.help[0]


@pytest.mark.parametrize(
    ("target", "helped"),
    [
        ("a[0]", "write a[0].copy_(v), or a[0].fill_(v) for a number"),
        ("a[..., -1, 1:, None]", "write a[..., -1, 1:, None].copy_(v), or a[..., -1, 1:, None].fill_(v) for a number"),
        ("a[:, i]", "with a mask or index tensors, write x.index_put_((i, j), v), or where(mask, a, b)"),
        ("f(a[0])[g(i, j), k]", "with a mask or index tensors, write f(a[0]).index_put_((g(i, j), k), v)"),
        ("i]", "with a mask or index tensors, write x.index_put_((i, j), v), or where(mask, a, b)"),
        ("a[]", "with a mask or index tensors, write x.index_put_((i, j), v), or where(mask, a, b)"),
    ],
)
def test_the_help_follows_the_index(target, helped):
    assert assigned(target, "v")[0] == helped


def test_what_is_written_is_what_python_assigns():
    text = FILE.format("a.index_put_((i * 0, i), zeros(8), accumulate=True)")
    text = text.replace("c:", "d: a.index_put_((a > 0.5,), ones(1))\n  c:")
    traced = trace(loads(text))
    assert (traced.errors, traced.requirements) == ((), ())
    assert verify(traced, "cpu").agree
    x, i = torch.randn(5, 4, 8), torch.tensor([0, 1, 3])
    wanted = x.clone()
    wanted[wanted > 0.5] = 1
    assert torch.equal(build(traced)(x, i), wanted.relu() + wanted.sum())
