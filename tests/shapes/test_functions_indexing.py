"""Indexing, gathering and masks against torch's own, on the CPU."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from conformance import check_function, tensor
from drawing import cases
from gate import held
from hypothesis import given
from hypothesis import strategies as st
from operands import (
    alike,
    call_of,
    case,
    check_call,
    dims,
    dtypes,
    mostly_float,
    numbers,
    positive,
    shapes,
    sizes,
    tensors,
)

from nnshape.shapes.constraints import collecting, numbering
from nnshape.shapes.dims import substitute, symbol
from nnshape.shapes.dtypes import DTYPES
from nnshape.shapes.functions import find_function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor

bound = st.one_of(st.none(), st.integers(-5, 5))
slices = st.builds(slice, bound, bound, st.one_of(st.none(), st.none(), st.integers(-1, 3)))
whole = st.sampled_from(["int64", "int32", "int64", "int64"])
lookups = tensors(0, 2, whole, st.integers(0, 3))
odd = st.sampled_from([[True, False], [[0, 1], [1, 0]], [[0], [1, 2]], 1.0, "a", (0, 1)])
floating = tensors(0, 1, dtypes.filter(lambda name: name not in ("bool", "uint8")))
part = st.one_of(
    st.integers(-3, 3),
    slices,
    slices,
    st.none(),
    st.just(...),
    lookups,
    st.lists(st.integers(-2, 2), max_size=3),
    st.booleans(),
    floating,
    odd,
)
usual = st.one_of(st.integers(-3, 3), slices, tensors(0, 2, whole, st.integers(0, 2)), st.none(), st.just(...))


def bools(drawn: tuple[Tensor, ...], *places: int) -> tuple[Tensor, ...]:
    return tuple(x.like(dtype=DTYPES["bool"]) if place in places else x for place, x in enumerate(drawn))


places = st.sampled_from(["int64"] * 5 + ["int32", "float32"])
values = st.sampled_from([0, float("-inf"), -1e9, True, 2.5, 300, 1e39, 1j])


@st.composite
def gathered(draw: Any, *, source: bool = False) -> tuple:
    """A tensor, a dimension and an index that mostly fits, and a source for it."""
    shape = draw(shapes(0, 3, positive))
    dim = draw(st.integers(-len(shape), max(len(shape) - 1, 0))) if draw(st.integers(0, 8)) else draw(dims)
    index = [max(size - draw(st.integers(0, 1)), 1) if draw(st.integers(0, 9)) else draw(positive) for size in shape]
    if index and draw(st.booleans()) and -len(shape) <= dim < len(shape):
        index[dim] = draw(positive)
    if draw(st.integers(0, 9)) == 0:
        index = list(draw(shapes(0, 2, positive)))
    dtype = draw(mostly_float)
    found = [tensor(*shape, dtype=dtype), dim, tensor(*index, dtype=draw(places))]
    if source:
        own = [size + draw(st.integers(0, 1)) for size in index]
        if draw(st.integers(0, 9)) == 0:
            own = list(draw(shapes(0, 3, positive)))
        found.append(tensor(*own, dtype=dtype if draw(st.integers(0, 6)) else draw(mostly_float)))
    return tuple(found)


combined = st.sampled_from(["add", "multiply", "add", "multiply", "sum"])
calls = gathered()
puts = gathered(source=True)
GATHERED = {
    "select": case(tensors(), dims, st.integers(-4, 4)),
    "narrow": case(tensors(), dims, st.integers(-4, 4), st.integers(-1, 4)),
    "index_select": st.one_of(
        case(tensors(0, 3), dims, tensors(0, 2, places)), case(tensors(1, 3), dims, tensors(0, 1, places))
    ),
    "gather": call_of(calls),
    "take_along_dim": st.one_of(
        call_of(calls.map(lambda c: (c[0], c[2], c[1]))), call_of(calls.map(lambda c: (c[0], c[2])))
    ),
    "take": case(tensors(0, 2), tensors(0, 2, places)),
    "scatter": st.one_of(
        call_of(puts, reduce=combined),
        st.tuples(calls, numbers, st.fixed_dictionaries({}, optional={"reduce": combined})).map(
            lambda drawn: ((*drawn[0], drawn[1]), drawn[2])
        ),
        call_of(calls, value=numbers, reduce=combined),
    ),
    "scatter_add": call_of(puts),
    "scatter_reduce": st.tuples(puts, st.sampled_from(["sum", "prod", "amax", "amin", "most"])).map(
        lambda drawn: ((*drawn[0], drawn[1]), {})
    ),
    "index_add": call_of(puts),
    "masked_scatter": st.one_of(call_of(alike(3)), call_of(alike(3).map(lambda drawn: bools(drawn, 1)))),
    "masked_fill": st.one_of(
        call_of(alike(3, dtype=dtypes).map(lambda drawn: bools(drawn, 1))),
        st.tuples(alike(2, dtype=dtypes), values).map(lambda drawn: ((*drawn[0], drawn[1]), {})),
        st.tuples(alike(2, dtype=dtypes), values).map(lambda drawn: ((*bools(drawn[0], 1), drawn[1]), {})),
    ),
}


FILLED = {
    "zero_": case(tensors()),
    # Left out: one element alone, into which torch puts what does not fit as infinity.
    "fill_": st.one_of(
        case(tensors(dtype=dtypes), numbers | values).filter(lambda call: call[0][0].numel() != 1),
        case(tensors(), tensors(0, 1)),
    ),
    "copy_": call_of(alike(2, dtype=dtypes)),
}


@held(*FILLED)
def test_tensors_filled_in_place(name: str, data: st.DataObject) -> None:
    check_call(name, data.draw(FILLED[name]))


@held(*GATHERED, written=True)
def test_elements_taken_and_put_by_place(name: str, data: st.DataObject) -> None:
    check_call(name, data.draw(GATHERED[name]))


def indices(parts: st.SearchStrategy, least: int, most: int) -> st.SearchStrategy:
    """Tuples of these parts. Left out: a second Ellipsis, of which torch takes some by what stands behind it."""
    several = st.lists(parts, min_size=least, max_size=most).map(tuple)
    return several.filter(lambda parts: sum(item is ... for item in parts) < 2)


@held("getitem", most=400)
def test_an_index_of_any_kind(name: str, data: st.DataObject) -> None:
    check_call(name, data.draw(case(tensors(0, 4), st.one_of(part, indices(part, 0, 4)))))


@held("getitem", most=400)
def test_an_index_of_several_dimensions(name: str, data: st.DataObject) -> None:
    check_call(name, data.draw(case(tensors(2, 4), indices(usual, 2, 5))))


@held("where", "Tensor.where", most=100)
def test_where_as_a_function_and_as_a_method(name: str, data: st.DataObject) -> None:
    drawn, form = data.draw(alike(3, dtype=dtypes)), data.draw(st.integers(0, 4))
    condition, one, two = bools(drawn, 0)
    if name == "Tensor.where":
        check_function("where", (one, condition if form else drawn[0], two), method=True, literal=(1,))
    elif form == 4:
        check_function("where", drawn, literal=(1,))
    else:
        number = data.draw(numbers)
        check_function("where", (condition, one if form % 2 else number, two if form < 2 else number), literal=(1,))


MASKED = {
    "masked_select": st.one_of(call_of(alike(2, dtype=dtypes)), call_of(alike(2).map(lambda drawn: bools(drawn, 1)))),
    "nonzero": case(tensors(dtype=dtypes)),
    "argwhere": case(tensors(dtype=dtypes)),
}


@held(*MASKED)
def test_elements_chosen_by_their_values(name: str, data: st.DataObject) -> None:
    check_call(name, data.draw(MASKED[name]))


@cases(100)
@given(shapes(1, 3, sizes), st.integers(0, 3), st.booleans())
def test_a_mask_picks_as_many_as_its_values_say(shape: tuple, covered: int, wrong: bool) -> None:
    covered = min(covered, len(shape))
    mask_shape = tuple(size + (wrong and place == 0) for place, size in enumerate(shape[:covered]))
    mask = Tensor(mask_shape, DTYPES["bool"])
    real_mask = torch.ones(mask_shape, dtype=torch.bool)
    try:
        wanted = torch.zeros(shape)[real_mask]
    except IndexError:
        with pytest.raises(Refusal):
            find_function("getitem").apply((tensor(*shape), mask), {})
        return
    got = find_function("getitem").apply((tensor(*shape), mask), {}).shape
    assert len(got) == wanted.ndim
    assert got[1:] == tuple(wanted.shape[1:])


def test_the_size_of_a_masked_choice_is_a_fresh_symbol_with_its_bound() -> None:
    H, bool_ = symbol("H"), DTYPES["bool"]
    with numbering(), collecting() as constraints:
        one = find_function("masked_select").apply((Tensor((N, H)), Tensor((N, H), bool_)), {})
        two = find_function("nonzero").apply((Tensor((3, H)),), {})
        three = find_function("getitem").apply((Tensor((N, H, 5)), Tensor((N, H), bool_)), {})
    assert [str(x.shape[0]) for x in (one, two, three)] == ["nonzero0", "nonzero1", "nonzero2"]
    assert (two.shape[1], three.shape[1]) == (2, 5)
    assert [str(constraint) for constraint in constraints] == ["H*N >= nonzero0", "3*H >= nonzero1", "H*N >= nonzero2"]


def test_slices_of_symbolic_sizes() -> None:
    W, getitem = symbol("W"), find_function("getitem")
    x = Tensor((N, W))
    assert getitem.apply((x, (slice(None), slice(2 * W, None))), {}).shape == (N, 0)
    half = getitem.apply((x, (slice(None), slice(None, None, 2))), {}).shape[1]
    first = getitem.apply((x, (slice(None), slice(None, 5))), {}).shape[1]
    last = getitem.apply((x, (slice(None), slice(-3, None))), {}).shape[1]
    for size in range(1, 9):
        row = list(range(size))
        assert [substitute(s, {"W": size}) for s in (half, first, last)] == [len(row[::2]), len(row[:5]), len(row[-3:])]
    with collecting() as constraints:
        getitem.apply((x, (slice(None), 4)), {})
    assert [str(constraint) for constraint in constraints] == ["W >= 5"]
    with pytest.raises(Refusal) as caught:
        getitem.apply((x, (slice(None), W)), {})
    assert caught.value.problem == "index-error"


def test_an_index_outside_its_dimension_is_named() -> None:
    with pytest.raises(Refusal, match="index 3 is outside dimension 0 of") as caught:
        find_function("getitem").apply((tensor(3, 5), 3), {})
    assert caught.value.problem == "index-error"
