"""What the tests of functions draw: shapes, dtypes, dimensions and operands, valid ones and others."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import settings
from hypothesis import strategies as st
from nnshape.shapes.functions import find_function, find_method
from nnshape.shapes.tensor import Tensor

from conformance import check_function, tensor

torch.set_num_threads(1)

#: How many cases a rule is tried on in the suite; NNSHAPE_EXAMPLES asks for more.
cases = settings(max_examples=80, deadline=None)

DTYPES = ["float32", "int64", "bool", "float64", "float16", "bfloat16", "int32", "uint8", "complex64"]
dtypes = st.sampled_from(DTYPES)
floats = st.sampled_from(["float32", "float64", "float16", "bfloat16"])
mostly_float = st.sampled_from(["float32"] * 6 + DTYPES)
sizes = st.integers(0, 4)
positive = st.integers(1, 4)
flags = st.booleans()
numbers = st.sampled_from([True, False, 0, 1, 2, -1, 2.5, -0.5, 1j])


def shapes(least: int = 0, most: int = 4, of: st.SearchStrategy = sizes) -> st.SearchStrategy:
    """Shapes of so many dimensions."""
    return st.lists(of, min_size=least, max_size=most).map(tuple)


def tensors(least: int = 0, most: int = 4, dtype: st.SearchStrategy = mostly_float, of: st.SearchStrategy = sizes) -> st.SearchStrategy:
    """Abstract tensors of so many dimensions."""
    return st.builds(lambda shape, dtype: tensor(*shape, dtype=dtype), shapes(least, most, of), dtype)


dims = st.integers(-5, 4)
wild_dims = st.one_of(dims, st.none(), st.lists(st.integers(-4, 3), max_size=3).map(tuple))


@st.composite
def alike(draw: Any, count: int = 2, least: int = 0, most: int = 3, dtype: st.SearchStrategy = mostly_float) -> tuple[Tensor, ...]:
    """Tensors whose shapes mostly broadcast: the same sizes, some left out or 1, a few of them wrong."""
    full = draw(shapes(least, most, st.integers(0, 3)))
    found = []
    for _ in range(count):
        shape = list(full[draw(st.integers(0, len(full))) if draw(st.integers(0, 3)) == 0 else 0 :])
        for place in range(len(shape)):
            change = draw(st.integers(0, 11))
            if change < 3:
                shape[place] = 1
            elif change == 11:
                shape[place] = draw(st.integers(0, 3))
        found.append(tensor(*shape, dtype=draw(dtype)))
    return tuple(found)


def check(name: str, *inputs: Any, literal: tuple[int, ...] = (1,), **call: Any) -> None:
    """Hold a function against torch as a function, and as a method where it is one."""
    rule = find_method(name) or find_function(name)
    assert rule is not None, f"no rule for {name}"
    if not rule.only_method:
        check_function(name, inputs, call, literal=literal)
    if rule.method and isinstance(inputs[0], Tensor):
        check_function(name, inputs, call, method=True, literal=literal)
