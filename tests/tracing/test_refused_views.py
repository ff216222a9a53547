"""After a refused view the trace goes on as after `reshape`, and after a refused write as after one into a copy."""

import pytest

import nnshape
from nnshape.shapes.layouts.finding import layout_of
from nnshape.shapes.layouts.layout import MODES, contiguous_strides


def traced(layers, input="4x8"):
    return nnshape.trace(nnshape.loads(f'input: "{input}"\nlayers:\n{layers}'))


def kinds(trace):
    return [(problem.kind, problem.span.line) for problem in trace.problems]


def test_the_value_has_the_shape_and_strides_of_reshape():
    found = traced("  t: x.transpose(1, 2)\n  v: t.view(N, -1)\n  u: v.view(N, 4, 8)\n")
    right = traced("  t: x.transpose(1, 2)\n  v: t.reshape(N, -1)\n  u: v.view(N, 4, 8)\n")
    assert (kinds(found), kinds(right)) == ([("not-contiguous", 4)], [])
    for one, other in zip(found.calls, right.calls, strict=True):
        assert one.output.shape == other.output.shape
        for mode in MODES:
            assert layout_of(one.output, mode).strides == layout_of(other.output, mode).strides
    assert layout_of(found.output, MODES[0]).strides == contiguous_strides(found.output.shape)


def test_a_later_fault_is_told_in_the_same_run():
    found = traced("  t: x.transpose(1, 2)\n  v: t.view(N, -1)\n  fc: Linear(33, 4)\n")
    assert kinds(found) == [("not-contiguous", 4), ("size-mismatch", 5)]


def test_a_view_that_is_refused_for_a_second_reason_has_its_own_message():
    found = traced("  t: x.transpose(1, 2)\n  v: t.view(N, -1)\n  w: v.view(N, 4, 8).transpose(1, 2).view(N, -1)\n")
    assert kinds(found) == [("not-contiguous", 4), ("not-contiguous", 5)]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_block_that_is_called_again_is_told_once(count):
    block = "blocks:\n  B(k):\n    t: x.transpose(1, 2)\n    v: t.view(N, -1)\n    u: v.view(N, k, -1)\n"
    text = f"{block}input: 4x8\nlayers:\n  h: Sequential(B(2 ** (i + 1)) for i in range({count}))\n"
    assert kinds(nnshape.trace(nnshape.loads(text))) == [("not-contiguous", 4)]


def test_no_other_message_comes_with_it():
    # By itself, this view would be a warning too: it gives a permutation of the sizes that arrive.
    found = traced("  t: x.transpose(1, 2)\n  v: t.view(N, 4, 8)\n  r: relu(v)\n")
    assert kinds(found) == [("not-contiguous", 4)]


def test_a_write_into_an_expanded_tensor_is_told_once():
    found = traced("  e: x.expand(-1, 5, -1)\n  w: e.add_(1)\n  v: w.mul_(2)\n  fc: Linear(9, 2)\n", "1x8")
    assert kinds(found) == [("not-contiguous", 4), ("size-mismatch", 6)]
    assert [call.output.shape[1:] for call in found.calls[:3]] == [(5, 8)] * 3
