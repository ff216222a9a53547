"""Linear maps against torch's own, on the CPU."""

from __future__ import annotations

import pytest
import torch
from conformance import check_layer, tensor
from drawing import SIZES, dtypes, nearly, often, some, tensors
from gate import held
from hypothesis import assume
from hypothesis import strategies as st

torch.set_num_threads(1)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

FEATURES = often(3, st.sampled_from([1, 2, 4, 0, -1]), 2)


@held("Linear", most=200)
def test_linear(name: str, data: st.DataObject) -> None:
    draw = data.draw
    features, outputs = draw(FEATURES), draw(FEATURES)
    keywords = draw(some(bias=st.booleans(), dtype=st.none() | dtypes(weight=2)))
    dtype = keywords.get("dtype") or "float32"
    shape = (*draw(st.lists(SIZES, max_size=3)), max(features, 0))
    input = tensor(*draw(nearly(shape)), dtype=draw(often(dtype, dtypes(), 8)))
    # Left out: where nothing is computed, torch looks at no dtype.
    looks = input.dtype != dtype or dtype == "complex32"
    assume(not looks or (0 not in input.shape and features > 0 and outputs != 0))
    check_layer(name, (features, outputs), keywords, (input,))


@held("Bilinear", most=200)
def test_bilinear(name: str, data: st.DataObject) -> None:
    draw = data.draw
    one, two, outputs = draw(st.integers(-1, 3)), draw(st.integers(1, 3)), draw(FEATURES)
    keywords = draw(some(bias=st.booleans(), dtype=st.none() | dtypes(weight=2)))
    dtype = keywords.get("dtype") or "float32"
    front = draw(st.lists(st.sampled_from([1, 2, 3]), max_size=2))
    inputs = tuple(
        tensor(*draw(nearly((*front, max(size, 0)))), dtype=draw(often(dtype, dtypes(), 8))) for size in (one, two)
    )
    # Left out: where nothing is computed, torch looks at no dtype.
    looks = dtype.startswith("complex") or any(input.dtype != dtype for input in inputs)
    assume(not looks or (outputs > 0 and all(0 not in input.shape for input in inputs)))
    check_layer(name, (one, two, outputs), keywords, inputs)


@held("Identity", most=40)
def test_identity_takes_any_arguments(name: str, data: st.DataObject) -> None:
    arguments = tuple(data.draw(st.lists(st.integers(0, 3), max_size=2)))
    check_layer(name, arguments, {}, (data.draw(tensors()),))
