"""Every activation function against torch's own, on the CPU."""

from __future__ import annotations

import torch
from conformance import check_function, tensor
from drawing import dtypes, nearly, often, some, tensors
from gate import held
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


@held(*ARGUMENTS, most=60)
def test_activation(name: str, data: st.DataObject) -> None:
    check_function(name, (data.draw(tensors(weight=1)),), data.draw(some(**ARGUMENTS[name])))


@held(*METHODS)
def test_method(name: str, data: st.DataObject) -> None:
    check_function(name, (data.draw(tensors(weight=1)),), method=True)


@held("softmax", "log_softmax")
def test_softmax_method(name: str, data: st.DataObject) -> None:
    arguments = data.draw(st.tuples(tensors(), st.integers(-5, 5)))
    check_function(name, arguments, data.draw(some(dtype=DTYPES)), method=True)


@held("threshold", "threshold_", most=60)
def test_threshold(name: str, data: st.DataObject) -> None:
    check_function(name, data.draw(st.tuples(tensors(), NUMBERS, NUMBERS)))


@held("prelu", most=150)
def test_prelu(name: str, data: st.DataObject) -> None:
    channels = data.draw(st.integers(0, 3))
    dtype = data.draw(dtypes())
    input = tensor(*data.draw(nearly((2, channels, 3))), dtype=dtype)
    weight = tensor(*data.draw(nearly((channels,))), dtype=data.draw(often(dtype, dtypes())))
    check_function(name, (input, weight), method=data.draw(st.booleans()))
