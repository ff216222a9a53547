"""The lazy layers against torch's own, on the CPU: the outputs, and the parameters after the first call.

Left out: a LazyConvTranspose without bias whose groups do not divide out_channels. Torch checks that in the twin's
constructor only, and makes fewer channels than it was asked for.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from conformance import TORCH_REFUSES, check_layer, real_argument, tensor
from drawing import dtypes, some
from gate import each_rank, held
from hypothesis import assume
from hypothesis import strategies as st
from test_layers_convolution import channels, each, few, kernels, maps
from test_layers_normalization import channelled

from nnshape.shapes.layers import find_layer
from nnshape.shapes.refusal import Refusal

torch.set_num_threads(1)
pytestmark = pytest.mark.filterwarnings("ignore:Lazy modules are a new feature", "ignore::UserWarning")

FLAGS = st.booleans()


@held(*each_rank("LazyConv", "LazyConvTranspose"))
def test_lazy_convolution(name: str, data: st.DataObject) -> None:
    dimensions, transpose = int(name[-2]), "Transpose" in name
    into, out, groups = data.draw(channels())
    strategies: dict[str, Any] = {
        "stride": each(dimensions, few(1, 2, 0)),
        "padding": each(dimensions, few(0, 1, -1)),
        "dilation": each(dimensions, few(1, 2)),
        "bias": FLAGS,
        "dtype": dtypes(),
    }
    if transpose:
        strategies["output_padding"] = each(dimensions, few(0, 1))
        assume(groups < 1 or out % groups == 0)
    else:
        strategies["padding"] |= st.sampled_from(["same", "valid", "full"])
        strategies["padding_mode"] = st.sampled_from(["zeros", "reflect", "circular", "mirror"])
    keywords = data.draw(some(**strategies))
    keywords["groups"] = groups
    kernel = data.draw(kernels(dimensions))
    input = data.draw(maps(dimensions, into, keywords.get("dtype", "float32")))
    try:  # as in test_layers_convolution
        module = getattr(torch.nn, name)(out, kernel, **{k: real_argument(v) for k, v in keywords.items()})
        assume(0 not in module(real_argument(input)).shape)
    except TORCH_REFUSES:
        pass
    check_layer(name, (out, kernel), keywords, (input,))


@held(*each_rank("LazyBatchNorm", "LazyInstanceNorm"))
def test_lazy_normalization(name: str, data: st.DataObject) -> None:
    dimensions = int(name[-2])
    keywords = data.draw(some(affine=FLAGS, track_running_stats=FLAGS, bias=FLAGS, dtype=dtypes()))
    input = data.draw(channelled(3, (dimensions + 2,), keywords.get("dtype", "float32")))
    if data.draw(st.integers(0, 3)) == 0 and 0 not in input.shape:
        input = input.like(input.shape[1:])
    check_layer(name, (), keywords, (input,))


@held("LazyLinear", most=100)
def test_lazy_linear(name: str, data: st.DataObject) -> None:
    keywords = data.draw(some(bias=FLAGS, dtype=dtypes().filter(lambda dtype: dtype != "complex32")))
    input = data.draw(channelled(3, (1, 2, 3), keywords.get("dtype", "float32")))
    check_layer(name, (data.draw(st.sampled_from([1, 3, 0, -1])),), keywords, (input,))


def test_a_lazy_layer_has_no_parameters_before_its_first_input() -> None:
    layer = find_layer("LazyLinear")(5)
    with pytest.raises(Refusal, match="has no parameters until in_features is read from an input"):
        layer.parameters()
    assert layer.resolve((tensor(2, 7),)).parameters()["weight"].shape == (5, 7)
