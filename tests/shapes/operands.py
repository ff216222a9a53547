"""What the tests of functions draw: shapes, dtypes, dimensions and operands, valid ones and others.

Where torch's kernels look at no dtype or index because nothing is there to compute, the tests draw
sizes of 1 and more: the rules refuse for all sizes what torch refuses where there are elements.
"""

from __future__ import annotations

from typing import Any

import torch
from conformance import check_function, tensor
from hypothesis import strategies as st

from nnshape.shapes.dtypes import DTYPES as ALL_DTYPES
from nnshape.shapes.functions import find_function, find_method
from nnshape.shapes.functions.inplace import WRITTEN
from nnshape.shapes.tensor import Tensor

torch.set_num_threads(1)

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


def tensors(
    least: int = 0, most: int = 4, dtype: st.SearchStrategy = mostly_float, of: st.SearchStrategy = sizes
) -> st.SearchStrategy:
    """Abstract tensors of so many dimensions."""
    return st.builds(lambda shape, dtype: tensor(*shape, dtype=dtype), shapes(least, most, of), dtype)


dims = st.integers(-5, 4)
several_dims = st.lists(st.integers(-4, 3), max_size=3).map(tuple)
any_dims = st.one_of(dims, several_dims)
wild_dims = st.one_of(dims, st.none(), several_dims)


@st.composite
def alike(
    draw: Any, count: int = 2, least: int = 0, most: int = 3, dtype: st.SearchStrategy = mostly_float
) -> tuple[Tensor, ...]:
    """Tensors whose shapes mostly broadcast: the same sizes, some left out or 1; in some cases, one size is wrong."""
    full = draw(shapes(least, most, st.integers(0, 3)))
    odd = draw(st.integers(0, count - 1)) if draw(st.integers(0, 4)) == 0 else None
    found = []
    for number in range(count):
        shape = list(full[draw(st.integers(0, len(full))) if draw(st.integers(0, 3)) == 0 else 0 :])
        for place in range(len(shape)):
            if draw(st.integers(0, 3)) == 0:
                shape[place] = 1
        if odd is not None:
            shape.append(3 if number == odd else 2)
        found.append(tensor(*shape, dtype=draw(dtype)))
    return tuple(found)


def check(name: str, *inputs: Any, literal: tuple[int, ...] = (1,), **call: Any) -> None:
    """Hold a function against torch as a function, and as a method and in place where it is one."""
    rule, method = find_function(name), find_method(name)
    assert rule or method, f"no rule for {name}"
    if rule is not None and not rule.only_method:
        check_function(name, inputs, call, literal=literal)
    if method is not None and inputs and isinstance(inputs[0], Tensor):
        check_function(name, inputs, call, method=True, literal=literal)
        if name in WRITTEN:
            check_function(f"{name}_", inputs, call, method=True, literal=literal)


given_dtypes = dtypes.map(ALL_DTYPES.__getitem__)
ANY = (0, 1, 2, 3, 4, 5)


def case(*arguments: Any, **keywords: Any) -> st.SearchStrategy:
    """A call: what stands in its places, and keywords of which some are given."""
    return st.tuples(st.tuples(*map(_drawn, arguments)), st.fixed_dictionaries({}, optional=keywords))


def call_of(arguments: st.SearchStrategy, **keywords: Any) -> st.SearchStrategy:
    """A call whose places are drawn together."""
    return st.tuples(arguments, st.fixed_dictionaries({}, optional=keywords))


def _drawn(value: Any) -> st.SearchStrategy:
    return value if isinstance(value, st.SearchStrategy) else st.just(value)


def check_call(name: str, call: tuple[tuple, dict], literal: tuple[int, ...] = (1,)) -> None:
    """Hold a function against torch in one drawn call.

    Sizes in `literal` stay numbers in the symbolic run: 1 where something broadcasts, all of them (`ANY`) where the
    structure of the result depends on a size.
    """
    check(name, *call[0], literal=literal, **call[1])
