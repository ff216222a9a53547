"""The pools against torch's own, on the CPU."""

from __future__ import annotations

import pytest
import torch
from conformance import check_layer, tensor
from drawing import some
from gate import each_rank, held
from hypothesis import strategies as st
from test_layers_convolution import each, few, kernels, maps

from nnshape.shapes.constraints import collecting
from nnshape.shapes.dims import symbol
from nnshape.shapes.layers import find_layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor

torch.set_num_threads(1)

DIMENSIONS = st.sampled_from([1, 2, 2, 3])
FLAGS = st.booleans()


@held(*each_rank("MaxPool"), most=80)
def test_max_pool(name: str, data: st.DataObject) -> None:
    dimensions = int(name[-2])
    keywords = data.draw(
        some(
            stride=st.none() | each(dimensions, few(2, 1, 3, 0, -1)) | st.just(()),
            padding=each(dimensions, few(0, 1, 2, -1)),
            dilation=each(dimensions, few(1, 2, 3, 0, -1)),
            return_indices=FLAGS,
            ceil_mode=FLAGS,
        )
    )
    check_layer(name, (data.draw(kernels(dimensions)),), keywords, (data.draw(maps(dimensions, 2)),))


@held(*each_rank("AvgPool"), most=60)
def test_average_pool(name: str, data: st.DataObject) -> None:
    dimensions = int(name[-2])
    strides = st.none() | each(dimensions, few(2, 1, 3, 0, -1)) | st.just(())
    divisor = {} if dimensions == 1 else {"divisor_override": st.none() | st.integers(-1, 5)}
    pads = each(dimensions, few(0, 1, 2, -1))
    keywords = data.draw(some(stride=strides, padding=pads, ceil_mode=FLAGS, count_include_pad=FLAGS, **divisor))
    check_layer(name, (data.draw(kernels(dimensions)),), keywords, (data.draw(maps(dimensions, 2)),))


@held(*each_rank("AdaptiveAvgPool", "AdaptiveMaxPool"))
def test_adaptive_pool(name: str, data: st.DataObject) -> None:
    dimensions = int(name[-2])
    sizes = st.sampled_from([1, 2, 3, 5, 0, -1, None])
    keywords = data.draw(some(return_indices=FLAGS)) if "Max" in name else {}
    size = data.draw(sizes | each(dimensions, sizes))
    check_layer(name, (size,), keywords, (data.draw(maps(dimensions, 2)),))


def test_messages_say_what_is_left() -> None:
    def refused(name: str, arguments: tuple, input: Tensor) -> Refusal:
        with pytest.raises(Refusal) as caught:
            find_layer(name)(*arguments).apply((input,), {})
        return caught.value

    fault = refused("MaxPool2d", (2,), Tensor((N, 16, 1, 1)))
    assert (fault.problem, fault.message) == ("empty-output", "{layer} halves 1x1 to nothing")
    expected = "Given input size: (16x1x1). Calculated output size: (16x0x0). Output size is too small"
    assert fault.note == expected
    fault = refused("AvgPool2d", (3, 2), Tensor((N, 16, 2, 2)))
    assert fault.message == "{layer} leaves nothing of 2x2: its window is 3x3"
    fault = refused("MaxPool2d", (2,), Tensor((N, 16)))
    assert fault.message == "{layer} wants [N, C, H, W], but a flat 16 arrives"
    fault = refused("MaxPool2d", (3, 2, 2), Tensor((N, 16, 8, 8)))
    assert fault.message == "`padding` (=2) must be at most half of `kernel_size` (=3)"


def test_symbolic_sizes_are_written_as_floor_divisions() -> None:
    image = Tensor((N, 64, symbol("H"), 56))
    with collecting() as constraints:
        assert str(find_layer("MaxPool2d")(3, 2, 1).forward(image)) == "64 x ceil(H/2) x 28"
        assert str(find_layer("MaxPool2d")(2).forward(image)) == "64 x (H//2) x 28"
        assert str(find_layer("MaxPool2d")(2, ceil_mode=True).forward(image)) == "64 x ceil(H/2) x 28"
    assert list(map(str, constraints)) == ["H >= 2"]


def test_derivation_ends_in_the_size() -> None:
    layer = find_layer("MaxPool1d")(2)
    assert layer.derivation(tensor(1, 1, 5)) == ("L: floor((5 + 2*0 - 1*(2 - 1) - 1)/2 + 1) = 2",)
    layer = find_layer("AdaptiveAvgPool2d")((1, None))
    assert layer.derivation(tensor(1, 1, 5, 6)) == ("H: 5 -> 1", "W: 6 -> 6")
