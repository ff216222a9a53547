"""`as_strided`: its shape, strides, offset, and the refusals of what lies outside the memory, against torch."""

import random

import pytest
import torch
from conformance import check_function, tensor
from gate import held
from hypothesis import strategies as st
from laying import arranged, lay

import nnshape
from nnshape.shapes.functions import find_function
from nnshape.shapes.layouts.applied import result_layouts
from nnshape.shapes.layouts.finding import layout_of
from nnshape.shapes.layouts.layout import MODES
from nnshape.shapes.layouts.requirements import require_layout
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.tracing.requirements import needs_of

STRIDES = st.sampled_from([0, 1, 1, 2, 3, 6, -1])


@held("as_strided", most=90)
def test_as_strided(name: str, data: st.DataObject) -> None:
    rank = data.draw(st.integers(0, 3))
    size = data.draw(st.lists(st.sampled_from([1, 2, 3, 3, 0, -1]), min_size=rank, max_size=rank).map(tuple))
    other = data.draw(st.sampled_from([rank, rank, rank, rank + 1]))
    stride = data.draw(st.lists(STRIDES, min_size=other, max_size=other).map(tuple))
    offset = data.draw(st.sampled_from([(), (0,), (1,), (4,), (None,)]))
    check_function(name, (tensor(*data.draw(st.sampled_from([(4, 3), (2, 3, 2), (5,), ()]))), size, stride, *offset))


@pytest.mark.parametrize("part", range(3))
def test_a_view_of_any_memory_is_that_of_torch(part):
    function = find_function("as_strided")
    choose = random.Random(part)
    accepted = refused = 0
    for _ in range(300):
        shape = tuple(choose.choice([1, 2, 3, 4]) for _ in range(choose.randrange(1, 4)))
        (one,) = arranged((Tensor(shape),), choose)
        value = lay(torch.zeros(shape), one)
        layout = layout_of(one, MODES[0])
        size = tuple(choose.choice([1, 2, 3]) for _ in range(choose.randrange(4)))
        stride = tuple(choose.choice([0, 1, 2, 3, 4]) for _ in size)
        offset = choose.choice([None, None, 0, 1, 3])
        # `lay` may give a tensor more memory than the layout has.
        if value.untyped_storage().nbytes() != layout.storage.bytes:
            continue
        try:
            wanted = value.as_strided(size, stride, offset)
        except RuntimeError as error:
            with pytest.raises(Refusal) as caught:
                require_layout("as_strided", (one, size, stride, offset), {}, one)
            assert (caught.value.problem, caught.value.note) == ("index-error", str(error).partition("\n")[0])
            refused += 1
            continue
        require_layout("as_strided", (one, size, stride, offset), {}, one)
        result = function.apply((one, size, stride, offset), {})
        (found,) = result_layouts(function, (one, size, stride, offset), {}, result, MODES[0])
        assert (result.shape, found.strides, found.offset) == (size, wanted.stride(), wanted.storage_offset())
        accepted += 1
    assert accepted > 50
    assert refused > 50


def traced(step, input="[6, 5]"):
    return nnshape.trace(nnshape.loads(f'input: "{input}"\nlayers:\n{step}'))


def test_a_view_of_a_view_counts_from_the_start_of_the_memory():
    found = traced("  a: x[1:]\n  b: a.as_strided((5, 2), (5, 1))\n")
    assert [problem.kind for problem in found.errors] == []
    fails = traced("  a: x[1:]\n  b: a.as_strided((6, 2), (5, 1))\n")
    (problem,) = fails.errors
    assert (problem.kind, problem.span.line) == ("index-error", 4)
    assert "ends at element 32, but the memory of [5, 5] has 30" in problem.message
    assert traced("  a: x[1:]\n  b: a.as_strided((6, 2), (5, 1), 0)\n").errors == ()


def test_a_view_of_symbols_needs_memory():
    found = traced("  a: x.as_strided((4, 5), (5, 1))\n", "[T, 5]")
    assert [need.text for need in needs_of(found.requirements)] == ["T >= 4"]
    windows = traced("  a: x.as_strided((x.shape[0] - 2, 3, 5), (5, 5, 1))\n", "[T, 5]")
    assert (windows.errors, str(windows.output.shape[0])) == ((), "T - 2")
    proof = nnshape.verify(windows, "cpu")
    assert (proof.agree, proof.strides) == (True, 1)


@pytest.mark.parametrize("step", ["x.set_(x)", "x.resize_(2)", "x.untyped_storage()"])
def test_what_changes_the_memory_of_a_tensor_is_refused(step):
    assert [problem.kind for problem in traced(f"  a: {step}\n").errors] == ["unknown-name"]


def test_a_view_of_strides_that_overlap_is_not_written_to():
    (problem,) = traced("  a: x.as_strided((6, 5), (0, 1))\n  b: a.add_(1)\n").errors
    assert (problem.kind, problem.span.line) == ("not-contiguous", 4)
