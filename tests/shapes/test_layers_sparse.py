"""Embedding and EmbeddingBag against torch's own, on the CPU."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from conformance import check_layer, tensor
from drawing import SIZES, dtypes, nearly, often, some, tensors
from hypothesis import given, settings
from hypothesis import strategies as st
from nnshape.shapes.constraints import collecting
from nnshape.shapes.dim import symbol
from nnshape.shapes.layers import find_layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.shapes.dtypes import INT64

torch.set_num_threads(1)

ROWS = st.sampled_from([3, 4, 5, 1, 0, -1])


@st.composite
def tables(draw: Any, rows: int, columns: int) -> Tensor:
    return tensor(*draw(nearly((max(rows, 0), max(columns, 0)))), dtype=draw(dtypes()))


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_embedding(data: st.DataObject) -> None:
    rows, columns = data.draw(ROWS), data.draw(st.sampled_from([2, 3, 0, -1]))
    keywords = data.draw(
        some(
            padding_idx=st.none() | st.integers(-6, 6),
            max_norm=st.none() | st.floats(0.1, 2),
            norm_type=st.floats(1, 3),
            scale_grad_by_freq=st.booleans(),
            sparse=st.booleans(),
            _freeze=st.booleans(),
            _weight=st.none() | tables(rows, columns),
            dtype=st.none() | dtypes(),
        )
    )
    check_layer("Embedding", (rows, columns), keywords, (data.draw(tensors(0, 3, "int64")),))


def embedding(rows: int) -> Any:
    return find_layer("Embedding")(rows, 8)


def test_an_id_that_is_known_to_be_out_of_range_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        embedding(1024).forward(Tensor((1025,), INT64, (0, 1024)))
    assert refused.value.problem == "index-error"
    assert refused.value.message == "{layer} has 1024 rows (0 to 1023), but input reaches 1024"
    assert embedding(1025).forward(Tensor((1025,), INT64, (0, 1024))).shape == (1025, 8)


def test_a_symbolic_id_asks_for_a_table_that_is_large_enough() -> None:
    length = symbol("T")
    with collecting() as constraints:
        embedding(1024).forward(Tensor((length,), INT64, (0, length - 1)))
    assert [str(constraint) for constraint in constraints] == ["-T + 1024 >= 0"] or [
        (constraint.holds({"T": 1024}), constraint.holds({"T": 1025})) for constraint in constraints
    ] == [(True, False)]


def test_the_wrong_dtype_is_named_with_the_right_one() -> None:
    with pytest.raises(Refusal) as refused:
        embedding(9).forward(Tensor((symbol("N"), symbol("T"))))
    assert refused.value.message == (
        "{layer} looks up whole numbers, but input is float32: declare it as int64[N, T]"
    )
