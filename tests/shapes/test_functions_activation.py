"""Every activation function against torch's own, on the CPU."""

from __future__ import annotations

import pytest
import torch
from conformance import check_function, tensor
from drawing import cases, dtypes, nearly, often, some, tensors
from hypothesis import given
from hypothesis import strategies as st
from test_layers_activation import BOOLS, DIMS, NUMBERS

torch.set_num_threads(1)

DTYPES = often(None, dtypes("float64"))
SOFTMAX = {"dim": DIMS, "dtype": DTYPES}
ARGUMENTS = {
    "relu": {"inplace": BOOLS},
    "relu_": {},
    "relu6": {"inplace": BOOLS},
    "leaky_relu": {"negative_slope": NUMBERS, "inplace": BOOLS},
    "leaky_relu_": {"negative_slope": NUMBERS},
    "rrelu": {"lower": NUMBERS, "upper": NUMBERS, "training": BOOLS, "inplace": BOOLS},
    "rrelu_": {"lower": NUMBERS, "upper": NUMBERS, "training": BOOLS},
    "elu": {"alpha": NUMBERS, "inplace": BOOLS},
    "elu_": {"alpha": NUMBERS},
    "selu": {"inplace": BOOLS},
    "selu_": {},
    "celu": {"alpha": NUMBERS, "inplace": BOOLS},
    "celu_": {"alpha": NUMBERS},
    "gelu": {"approximate": st.sampled_from(["none", "tanh", "exact"])},
    "silu": {"inplace": BOOLS},
    "mish": {"inplace": BOOLS},
    "hardswish": {"inplace": BOOLS},
    "hardsigmoid": {"inplace": BOOLS},
    "hardtanh": {"min_val": NUMBERS, "max_val": NUMBERS, "inplace": BOOLS},
    "hardtanh_": {"min_val": NUMBERS, "max_val": NUMBERS},
    "sigmoid": {},
    "tanh": {},
    "logsigmoid": {},
    "softplus": {"beta": NUMBERS, "threshold": NUMBERS},
    "softsign": {},
    "tanhshrink": {},
    "hardshrink": {"lambd": NUMBERS},
    "softshrink": {"lambd": NUMBERS},
    "glu": {"dim": st.integers(-5, 5)},
    "softmax": SOFTMAX,
    "log_softmax": SOFTMAX,
    "softmin": SOFTMAX,
    "gumbel_softmax": {"tau": st.floats(0.1, 2), "hard": BOOLS, "dim": st.integers(-5, 5)},
}
METHODS = ("relu", "relu_", "sigmoid", "sigmoid_", "tanh", "tanh_", "hardshrink")


@pytest.mark.parametrize("name", ARGUMENTS)
@cases(60)
@given(st.data())
def test_activation(name: str, data: st.DataObject) -> None:
    check_function(name, (data.draw(tensors()),), data.draw(some(**ARGUMENTS[name])))


@pytest.mark.parametrize("name", METHODS)
@cases(40)
@given(tensors())
def test_method(name: str, input) -> None:
    check_function(name, (input,), method=True)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@cases(40)
@given(tensors(), st.integers(-5, 5), some(dtype=DTYPES))
def test_softmax_method(name: str, input, dim, keywords) -> None:
    check_function(name, (input, dim), keywords, method=True)


@pytest.mark.parametrize("name", ["threshold", "threshold_"])
@cases(60)
@given(tensors(), NUMBERS, NUMBERS)
def test_threshold(name: str, input, bound, value) -> None:
    check_function(name, (input, bound, value))


@cases(150)
@given(st.data())
def test_prelu(data: st.DataObject) -> None:
    channels = data.draw(st.integers(0, 3))
    dtype = data.draw(dtypes())
    input = tensor(*data.draw(nearly((2, channels, 3))), dtype=dtype)
    weight = tensor(*data.draw(nearly((channels,))), dtype=data.draw(often(dtype, dtypes())))
    check_function("prelu", (input, weight), method=data.draw(st.booleans()))
