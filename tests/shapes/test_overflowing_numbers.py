"""A number among the arguments must fit in the dtype that torch computes in: of each rule, against torch on the CPU."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from conformance import CASES, check_function, tensor

from nnshape.shapes.tensor import Tensor

torch.set_num_threads(1)

DTYPES = ("bool", "uint8", "int8", "int32", "int64", "float16", "bfloat16", "float32", "float64")
NUMBERS = (0, 1, -1, 2.0, -1.0, 0.5, 255, 256, -129, 70_000, 70_000.0, 2**40, 1e10, 1e39, float("inf"), float("nan"))


def each(dtype: str, *shapes: tuple[int, ...]) -> tuple[Tensor, ...]:
    return tuple(tensor(*shape, dtype=dtype) for shape in shapes)


#: Of each function the shapes of its tensors, the arguments after them, and the arguments that take a number.
TAKING: dict[str, tuple[tuple[tuple[int, ...], ...], tuple[Any, ...], tuple[str, ...]]] = {
    "add": (((2, 3), (2, 3)), (), ("alpha",)),
    "sub": (((2, 3), (3,)), (), ("alpha",)),
    "addmm": (((2, 2), (2, 3), (3, 2)), (), ("beta", "alpha")),
    "addmv": (((2,), (2, 3), (3,)), (), ("beta", "alpha")),
    "addr": (((2, 3), (2,), (3,)), (), ("beta", "alpha")),
    "addbmm": (((2, 2), (4, 2, 3), (4, 3, 2)), (), ("beta", "alpha")),
    "baddbmm": (((4, 2, 2), (4, 2, 3), (4, 3, 2)), (), ("beta", "alpha")),
    "clamp": (((2, 3),), (), ("min", "max")),
    "clamp_min": (((2, 3),), (), ("min",)),
    "clamp_max": (((2, 3),), (), ("max",)),
    "lerp": (((2, 3), (2, 3)), (), ("weight",)),
    "logit": (((2, 3),), (), ("eps",)),
    "normalize": (((2, 3),), (), ("eps",)),
    "cosine_similarity": (((2, 3), (2, 3)), (), ("eps",)),
    "hinge_embedding_loss": (((2, 3), (2, 3)), (), ("margin",)),
    "gaussian_nll_loss": (((2, 3), (2, 3), (2, 3)), (), ("eps",)),
}


@pytest.mark.parametrize("name", TAKING)
def test_a_number_must_fit(name: str) -> None:
    shapes, others, numbers = TAKING[name]
    before = {verdict: CASES[name, verdict] for verdict in ("accepted", "refused")}
    for dtype in DTYPES:
        for argument in numbers:
            for value in NUMBERS:
                check_function(name, (*each(dtype, *shapes), *others), {argument: value})
    assert all(CASES[name, verdict] > count for verdict, count in before.items())


@pytest.mark.parametrize("shape", [(), (1,), (0,), (1, 1)])
@pytest.mark.parametrize("name", ["add", "clamp", "lerp", "logit", "hinge_embedding_loss"])
def test_a_number_must_fit_where_there_is_one_element_or_none(name: str, shape: tuple[int, ...]) -> None:
    shapes, _, numbers = TAKING[name]
    for dtype in DTYPES:
        for value in NUMBERS:
            check_function(name, each(dtype, *[shape] * len(shapes)), {numbers[0]: value}, literal=(1,))


@pytest.mark.parametrize("name", ["index_add"])
def test_a_factor_of_slices_must_fit(name: str) -> None:
    for dtype in DTYPES:
        for value in NUMBERS:
            one, two = each(dtype, (6, 5), (6, 5))
            check_function(name, (one, 0, tensor(6, dtype="int64"), two), {"alpha": value})
