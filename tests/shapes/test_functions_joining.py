"""Joining and splitting against torch's own, on the CPU."""

from __future__ import annotations

from typing import Any

import pytest
from conformance import tensor
from gate import held
from hypothesis import strategies as st
from operands import ANY, case, check_call, dims, dtypes, mostly_float, shapes, sizes, tensors

from nnshape.shapes.constraints import collecting
from nnshape.shapes.dims import symbol
from nnshape.shapes.functions import find_function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor


@st.composite
def joinable(draw: Any, dtype: st.SearchStrategy = mostly_float) -> tuple[list[Tensor], int]:
    """Tensors that mostly differ along one dimension only, and that dimension."""
    shape = draw(shapes(0, 3, st.integers(0, 3)))
    dim = draw(st.integers(0, max(len(shape) - 1, 0)))
    found = []
    for _ in range(draw(st.integers(0, 3))):
        own = list(shape)
        if own and draw(st.booleans()):
            own[dim] = draw(sizes)
        fault = draw(st.integers(0, 19))
        if fault == 0 and own:
            own[draw(st.integers(0, len(own) - 1))] = draw(sizes)
        elif fault == 1:
            own = [0]
        found.append(tensor(*own, dtype=draw(dtype)))
    return found, dim


lists = joinable(dtypes).map(lambda drawn: drawn[0])
sections = st.sampled_from([1, 2, 3, 4, 5, 0, -1, True, (1,)])
indices = st.one_of(st.lists(st.integers(-4, 5), max_size=3).map(tuple), st.integers(1, 2))
cuts = st.one_of(st.integers(-1, 5), st.lists(st.integers(-4, 5), max_size=3).map(tuple))
#: Vectors of indices, which torch reads; other ranks and dtypes, which it refuses. Left out: a single number.
vector_dtypes = st.sampled_from(["int64", "int64", "int32", "float32"])
vectors = tensors(1, 2, vector_dtypes, st.integers(0, 3))
#: Tensors of which those vectors leave no piece empty.
longer = tensors(0, 3, of=st.integers(4, 5))
halved = st.one_of(case(tensors(), cuts), case(tensors(), sections=sections), case(tensors(), indices=indices))
lengths = st.one_of(st.integers(-1, 5), st.lists(st.integers(-1, 4), max_size=3))

JOINED = {
    "cat": st.one_of(joinable(dtypes).map(lambda drawn: (drawn, {})), case(lists, dims)),
    "concat": st.one_of(joinable(dtypes).map(lambda drawn: (drawn, {})), case(lists, dims)),
    "concatenate": joinable(dtypes).map(lambda drawn: (drawn, {})),
    "stack": st.one_of(joinable(dtypes).map(lambda drawn: (drawn, {})), case(lists, dims)),
    "hstack": case(lists),
    "vstack": case(lists),
    "row_stack": case(lists),
    "dstack": case(lists),
    "column_stack": case(lists),
}
SPLIT = {
    "chunk": case(tensors(), st.integers(-1, 5), dims),
    "split": case(tensors(), lengths, dims),
    "split_with_sizes": case(tensors(), st.lists(st.integers(-1, 3), max_size=3), dims),
    "tensor_split": st.one_of(
        case(tensors(), cuts, dims),
        case(longer, vectors, dims),
        case(tensors(), dim=dims, sections=sections),
        case(tensors(), dim=dims, indices=indices),
        case(tensors(), cuts, indices_or_sections=sections, sections=sections),
        case(longer, tensor_indices_or_sections=vectors, indices_or_sections=vectors),
    ),
    "hsplit": halved,
    "vsplit": halved,
    "dsplit": halved,
    "unbind": case(tensors(), dims),
}


@held(*JOINED)
def test_a_join(name: str, data: st.DataObject) -> None:
    check_call(name, data.draw(JOINED[name]))


#: What only names or copies the pieces of another function.
SPLIT |= {
    "unsafe_chunk": SPLIT["chunk"],
    "unsafe_split": SPLIT["split"],
    "unsafe_split_with_sizes": SPLIT["split_with_sizes"],
    "split_copy": SPLIT["split"],
    "split_with_sizes_copy": SPLIT["split_with_sizes"],
    "unbind_copy": SPLIT["unbind"],
}


@held(*SPLIT)
def test_a_split(name: str, data: st.DataObject) -> None:
    check_call(name, data.draw(SPLIT[name]), literal=ANY)


@held("split", "tensor_split", "unbind", "hsplit", "vsplit", "dsplit")
def test_a_split_of_symbolic_sizes(name: str, data: st.DataObject) -> None:
    calls = {"split": case(tensors(), st.lists(st.integers(0, 2), max_size=3), dims)}
    check_call(name, data.draw(calls.get(name, SPLIT[name])))


def refusal(name: str, *arguments: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        find_function(name).apply(arguments, {})
    return caught.value


def test_cat_says_which_sizes_do_not_meet() -> None:
    found = refusal("cat", [Tensor((N, 64, 57, 57)), Tensor((N, 64, 56, 56))], 1)
    assert found.problem == "size-mismatch"
    assert found.argument == "tensors"
    assert found.message == "{one} is 57 high, {other} is 56; cat joins dim 1 only"
    assert [text for _, text in found.names.values()] == ["the first tensor", "the second tensor"]
    assert found.note == (
        "Sizes of tensors must match except in dimension 1. "
        "Expected size 57 but got size 56 for tensor number 1 in the list."
    )


def test_symbolic_sizes_add_up_and_must_meet() -> None:
    H, W = symbol("H"), symbol("W")
    with collecting() as constraints:
        joined = find_function("cat").apply(([Tensor((N, 4, H)), Tensor((N, 6, W))], 1), {})
    assert joined.shape == (N, 10, H)
    assert [str(constraint) for constraint in constraints] == ["H == W"]
    assert find_function("cat").apply(([Tensor((N, H)), Tensor((N, W))], 1), {}).shape == (N, H + W)


def test_pieces_of_a_symbolic_size() -> None:
    T = symbol("T")
    thirds = find_function("chunk").apply((Tensor((N, 3 * T)), 3, 1), {})
    assert [piece.shape for piece in thirds] == [(N, T)] * 3
    with collecting() as constraints:
        halves = find_function("chunk").apply((Tensor((N, T)), 2, 1), {})
    assert [str(piece.shape[1]) for piece in halves] == ["(T + 1)//2", "T//2"] or len(halves) == 2
    assert constraints  # T >= 2, or torch gives one piece only
    assert refusal("split", Tensor((N, T)), 2, 1).problem == "unknown-value"
    assert refusal("unbind", Tensor((N, T)), 1).problem == "unknown-value"
    assert refusal("unbind", tensor(10**9), 0).problem == "too-large"
