"""What cases are drawn from: shapes, dtypes and numbers, most of them what a model would use."""

from __future__ import annotations

import os
from typing import Any

from conformance import tensor
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from nnshape.shapes.dtypes import DTYPES, ITEM_BYTES, STORED, DType
from nnshape.shapes.tensor import Tensor

SIZES = st.sampled_from([1, 2, 2, 3, 3, 4, 0])
FLOATS = ("float16", "bfloat16", "float32", "float64")


def often(usual: Any, others: st.SearchStrategy[Any], weight: int = 4) -> st.SearchStrategy[Any]:
    """The usual value in most cases, another in the rest."""
    return st.integers(0, weight).flatmap(lambda n: others if n == 0 else st.just(usual))


def dtypes(usual: str = "float32", weight: int = 3) -> st.SearchStrategy[DType]:
    """A dtype that torch computes in, most often the usual one; those that it hardly does have tests of their own."""
    return often(usual, st.sampled_from([name for name in ITEM_BYTES if name not in STORED]), weight).map(
        DTYPES.__getitem__
    )


def shapes(least: int = 0, most: int = 4) -> st.SearchStrategy[tuple[int, ...]]:
    """A shape of small sizes."""
    return st.lists(SIZES, min_size=least, max_size=most).map(tuple)


@st.composite
def tensors(draw: Any, least: int = 0, most: int = 4, dtype: str = "float32", weight: int = 3) -> Tensor:
    """A tensor of any small shape, most often of the usual dtype."""
    return tensor(*draw(shapes(least, most)), dtype=draw(dtypes(dtype, weight)))


def some(**strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Keyword arguments, each of them given in about half of the cases."""
    return st.fixed_dictionaries({}, optional=strategies)


@st.composite
def nearly(draw: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape, or in some cases one that is wrong in a size or in rank."""
    if draw(st.integers(0, 3)):
        return shape
    fault = draw(st.sampled_from(["size", "one", "more", "less"]))
    if fault == "more":
        return (draw(SIZES), *shape)
    if not shape:
        return (draw(SIZES),)
    place = draw(st.integers(0, len(shape) - 1))
    new = (draw(SIZES),) if fault == "size" else (1,) if fault == "one" else ()
    return (*shape[:place], *new, *shape[place + 1 :])


def cases(count: int) -> settings:
    """Draw so many cases; NNSHAPE_CASES=20 in the environment draws 20 times as many.

    None is kept for the next run: one function draws the cases of many rules, and what it finds becomes a test.
    """
    times = float(os.environ.get("NNSHAPE_CASES", "1"))
    every = list(HealthCheck)
    return settings(max_examples=max(int(count * times), 1), deadline=None, database=None, suppress_health_check=every)
