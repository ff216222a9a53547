"""How shapes fit to one another, against torch.broadcast_shapes, and with symbols."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nnshape.shapes.broadcasting import broadcast, broadcast_all, must_expand
from nnshape.shapes.constraints import collecting
from nnshape.shapes.dims import symbol
from nnshape.shapes.functions import find_function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor

shapes = st.lists(st.sampled_from([0, 1, 1, 2, 3]), max_size=4).map(tuple)
T, S = symbol("T"), symbol("S")


@settings(max_examples=500, deadline=None, database=None)
@given(st.lists(shapes, min_size=1, max_size=3))
def test_shapes_of_numbers_broadcast_as_torchs(drawn: list[tuple[int, ...]]) -> None:
    try:
        wanted = tuple(torch.broadcast_shapes(*drawn))
    except RuntimeError:
        with pytest.raises(Refusal):
            broadcast_all(drawn)
        return
    assert broadcast_all(drawn) == wanted


@settings(max_examples=300, deadline=None, database=None)
@given(shapes, shapes)
def test_a_shape_expands_where_torch_expands_it(shape: tuple[int, ...], target: tuple[int, ...]) -> None:
    try:
        torch.zeros(shape).expand(target)
    except RuntimeError:
        with pytest.raises(Refusal):
            must_expand(shape, target)
        return
    must_expand(shape, target)


@pytest.mark.parametrize(
    ("one", "two", "wanted", "needs"),
    [
        ((N, T), (N, T), (N, T), []),
        ((N, T), (1, T), (N, T), []),
        ((N, T), (T,), (N, T), []),
        ((N, T), (), (N, T), []),
        ((N, T), (N, 1), (N, T), []),
        ((N, T), (N, 5), (N, 5), ["T == 5"]),
        ((N, 5), (N, T), (N, 5), ["T == 5"]),
        ((N, T), (N, S), (N, T), ["T == S"]),
        ((2 * T,), (T + T,), (2 * T,), []),
    ],
)
def test_symbols_meet_and_the_model_needs_what_is_not_proved(
    one: tuple, two: tuple, wanted: tuple, needs: list
) -> None:
    with collecting() as constraints:
        assert broadcast(one, two) == wanted
    assert [str(constraint) for constraint in constraints] == needs


def test_sizes_that_never_meet_are_refused() -> None:
    with pytest.raises(Refusal):
        broadcast((N, 2 * T), (N, 2 * T + 1))


def test_the_message_names_both_shapes_and_quotes_torch() -> None:
    with pytest.raises(Refusal) as caught:
        find_function("add").apply((Tensor((N, 256, 56, 56)), Tensor((N, 64, 56, 56))), {})
    refusal = caught.value
    assert (refusal.problem, refusal.argument) == ("size-mismatch", "other")
    assert refusal.message == "cannot add 256x56x56 and 64x56x56"
    assert refusal.note == (
        "The size of tensor a (256) must match the size of tensor b (64) at non-singleton dimension 1"
    )
    with pytest.raises(Refusal, match="cannot multiply 6 and 5"):
        find_function("mul").apply((Tensor((N, 6)), Tensor((N, 5))), {})


def test_an_operator_takes_a_symbolic_size_for_a_whole_number() -> None:
    assert find_function("mul").apply((Tensor((N, 3)), T), {}).dtype == "float32"
    assert find_function("sub").apply((T, Tensor((N, 3))), {}).shape == (N, 3)
    assert find_function("add").apply((Tensor((3,)), T), {}).dtype == "float32"
