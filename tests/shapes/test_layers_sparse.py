"""Embedding and EmbeddingBag against torch's own, on the CPU."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from conformance import check_layer, tensor
from drawing import dtypes, nearly, often, some, tensors
from gate import held
from hypothesis import assume
from hypothesis import strategies as st

from nnshape.shapes.constraints import collecting
from nnshape.shapes.dims import symbol
from nnshape.shapes.dtypes import INT64
from nnshape.shapes.layers import find_layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor

torch.set_num_threads(1)

ROWS = st.sampled_from([3, 4, 5, 1, 0, -1])


@st.composite
def tables(draw: Any, rows: int, columns: int) -> Tensor:
    return tensor(*draw(nearly((max(rows, 0), max(columns, 0)))), dtype=draw(dtypes()))


@held("Embedding", most=250)
def test_embedding(name: str, data: st.DataObject) -> None:
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
    # Left out: of a frozen table of nothing, torch takes any dtype.
    assume(not keywords.get("_freeze") or (rows > 0 and columns > 0))
    check_layer(name, (rows, columns), keywords, (data.draw(tensors(0, 3, "int64")),))


@held("EmbeddingBag", most=300)
def test_embedding_bag(name: str, data: st.DataObject) -> None:
    draw = data.draw
    rows, columns = draw(ROWS), draw(st.sampled_from([2, 3, 0, -1]))
    keywords = draw(
        some(
            max_norm=st.none() | st.floats(0.1, 2),
            norm_type=st.floats(1, 3),
            scale_grad_by_freq=often(False, st.just(True)),
            mode=st.sampled_from(["sum", "sum", "mean", "max", "min"]),
            sparse=often(False, st.just(True)),
            _weight=often(None, tables(rows, columns)),
            include_last_offset=st.booleans(),
            padding_idx=often(None, st.integers(-6, 6)),
            dtype=often(None, dtypes()),
        )
    )
    input = draw(tensors(1, 2, "int64") | tensors(0, 3, "int64"))
    call = {}
    if draw(often(input.ndim == 1, st.booleans())):
        call["offsets"] = draw(tensors(1, 1, "int64") | tensors(0, 2, "int64"))
    if draw(st.booleans()):
        dtype = draw(often(keywords.get("dtype") or "float32", dtypes()))
        call["per_sample_weights"] = tensor(*draw(nearly(input.shape)), dtype=dtype)
    # Left out, as they corrupt torch's memory: ids of which no bag takes any, and max_norm over a table of no rows.
    bags = call["offsets"].numel() - keywords.get("include_last_offset", False) if "offsets" in call else 1
    assume(bags > 0 or 0 in input.shape)
    assume(rows > 0 or (keywords.get("max_norm") is None and not keywords.get("include_last_offset")))
    check_layer(name, (rows, columns), keywords, (input,), call)


def embedding(rows: int) -> Any:
    return find_layer("Embedding")(rows, 8)


def test_an_id_that_is_known_to_be_out_of_range_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        embedding(1024).forward(Tensor((1025,), INT64, (0, 1024)))
    assert refused.value.problem == "index-error"
    assert str(refused.value) == "{layer} has 1024 rows (0 to 1023), but input reaches 1024"
    assert embedding(1025).forward(Tensor((1025,), INT64, (0, 1024))).shape == (1025, 8)


def test_a_symbolic_id_asks_for_a_table_that_is_large_enough() -> None:
    length = symbol("T")
    with collecting() as constraints:
        embedding(1024).forward(Tensor((length,), INT64, (0, length - 1)))
    assert [(one.holds({"T": 1024}), one.holds({"T": 1025})) for one in constraints] == [(True, False)]


def test_the_wrong_dtype_is_named_with_the_right_one() -> None:
    with pytest.raises(Refusal) as refused:
        embedding(9).forward(Tensor((symbol("N"), symbol("T"))))
    assert refused.value.message == "{layer} looks up whole numbers, but {input} is float32"
    assert refused.value.help == "declare it as int64[N, T]"
