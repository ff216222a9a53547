"""The paddings against torch's own, on the CPU."""

from __future__ import annotations

from typing import Any

import torch
from conformance import check_layer, tensor
from gate import each_rank, held
from hypothesis import strategies as st
from test_layers_convolution import few, maps

from nnshape.shapes.layers import find_layer

torch.set_num_threads(1)

PADS = few(1, 0, 2, 3, 4, 6, -1, -3)


@st.composite
def paddings(draw: Any, dimensions: int) -> Any:
    count = draw(st.sampled_from([2 * dimensions] * 4 + [2, 4, 6, 1, 3, 0, 8]))
    return draw(PADS | st.lists(PADS, min_size=count, max_size=count).map(tuple))


@held(*each_rank("ConstantPad", "ZeroPad", "ReflectionPad", "ReplicationPad", "CircularPad"), most=40)
def test_padding(name: str, data: st.DataObject) -> None:
    dimensions = int(name[-2])
    value = (data.draw(st.sampled_from([0, 1, 2.5, -1])),) if name.startswith("Constant") else ()
    input = data.draw(maps(dimensions, 2))
    check_layer(name, (data.draw(paddings(dimensions)), *value), {}, (input,))


def test_derivation_ends_in_the_size() -> None:
    layer = find_layer("ZeroPad2d")((1, 2, 3, 4))
    assert layer.derivation(tensor(1, 3, 5, 6)) == ("H: 5 + 3 + 4 = 12", "W: 6 + 1 + 2 = 9")
