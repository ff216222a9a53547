"""Every activation layer against torch's own, on the CPU."""

from __future__ import annotations

import torch
from conformance import check_layer, tensor
from drawing import FLOATS, SIZES, dtypes, nearly, often, some, tensors
from gate import held
from hypothesis import strategies as st

torch.set_num_threads(1)

NUMBERS = st.one_of(
    st.floats(-3, 3),
    st.integers(-3, 8),
    st.sampled_from([0, 0.0, -300, -300.0, 200, 300, 300.0, 7e4, 1e30, 1e39, float("inf"), 2**40, 2**70]),
)
BOOLS = st.booleans()
DIMS = st.one_of(st.none(), st.integers(-5, 5))

ARGUMENTS = {
    "ReLU": {"inplace": BOOLS},
    "ReLU6": {"inplace": BOOLS},
    "LeakyReLU": {"negative_slope": NUMBERS, "inplace": BOOLS},
    "RReLU": {"lower": NUMBERS, "upper": NUMBERS, "inplace": BOOLS},
    "ELU": {"alpha": NUMBERS, "inplace": BOOLS},
    "SELU": {"inplace": BOOLS},
    "CELU": {"alpha": NUMBERS, "inplace": BOOLS},
    "GELU": {"approximate": st.sampled_from(["none", "tanh", "exact"])},
    "SiLU": {"inplace": BOOLS},
    "Mish": {"inplace": BOOLS},
    "Hardswish": {"inplace": BOOLS},
    "Hardsigmoid": {"inplace": BOOLS},
    "Hardtanh": {
        "min_val": NUMBERS,
        "max_val": NUMBERS,
        "inplace": BOOLS,
        "min_value": often(None, NUMBERS),
        "max_value": often(None, NUMBERS),
    },
    "Sigmoid": {},
    "Tanh": {},
    "LogSigmoid": {},
    "Softplus": {"beta": NUMBERS, "threshold": NUMBERS},
    "Softsign": {},
    "Tanhshrink": {},
    "Hardshrink": {"lambd": NUMBERS},
    "Softshrink": {"lambd": NUMBERS},
    "GLU": {"dim": st.integers(-5, 5)},
    "Softmax": {"dim": DIMS},
    "LogSoftmax": {"dim": DIMS},
    "Softmin": {"dim": DIMS},
    "Softmax2d": {},
}


@held(*ARGUMENTS, most=60)
def test_activation(name: str, data: st.DataObject) -> None:
    keywords = data.draw(some(**ARGUMENTS[name]))
    check_layer(name, (), keywords, (data.draw(tensors(weight=1)),))


@held("Threshold", most=60)
def test_threshold(name: str, data: st.DataObject) -> None:
    bounds = data.draw(st.tuples(NUMBERS, NUMBERS))
    check_layer(name, bounds, data.draw(some(inplace=BOOLS)), (data.draw(tensors(weight=1)),))


@held("PReLU", most=120)
def test_prelu(name: str, data: st.DataObject) -> None:
    channels = data.draw(SIZES)
    input = tensor(*data.draw(nearly((2, channels, 3))), dtype=data.draw(dtypes()))
    dtype = data.draw(often(input.dtype, dtypes()))
    count = data.draw(st.sampled_from([channels, channels, 1, -1, 2]))
    check_layer(name, (count,), {"dtype": dtype} | data.draw(some(init=st.floats(-1, 1))), (input,))


def test_activations_keep_every_float() -> None:
    for name in ("ReLU", "GELU", "Softplus", "Sigmoid", "Tanhshrink"):
        for dtype in FLOATS:
            check_layer(name, (), {}, (tensor(2, 3, dtype=dtype),))
