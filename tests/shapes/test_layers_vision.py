"""Resizing, shuffles, fold and unfold, and distances against torch's own, on the CPU.

Left out: shuffles of empty maps, whose shape torch leaves as it is.
"""

from __future__ import annotations

from typing import Any

import torch
from conformance import check_layer, tensor
from drawing import SIZES, dtypes, nearly, some
from gate import held
from hypothesis import strategies as st
from test_layers_convolution import each, few, maps

from nnshape.shapes.dims import symbol
from nnshape.shapes.layers import find_layer
from nnshape.shapes.tensor import N, Tensor

torch.set_num_threads(1)

MODES = ["nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area", "lanczos", "cubic"]
FITTING = {1: ["nearest", "linear", "area"], 2: ["bilinear", "bicubic", "nearest"], 3: ["trilinear", "nearest-exact"]}
FLAGS = st.none() | st.booleans()


@st.composite
def targets(draw: Any, dimensions: int) -> dict[str, Any]:
    factors = st.sampled_from([2, 2.0, 0.5, 1.5, 1, 3, 0.3, 0, -1, 2.7])
    sizes = each(dimensions, st.sampled_from([4, 2, 1, 7, 0, -1]))
    scales = each(dimensions, factors)
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return {}
    if kind == 1:
        return {"size": draw(sizes), "scale_factor": draw(scales)}
    return {"size": draw(sizes)} if kind < 5 else {"scale_factor": draw(scales)}


@held("Upsample", most=300)
def test_upsample(name: str, data: st.DataObject) -> None:
    dimensions = data.draw(st.sampled_from([1, 2, 2, 3]))
    modes = st.sampled_from(FITTING[dimensions]) | st.sampled_from(MODES)
    keywords = data.draw(some(mode=modes, align_corners=FLAGS, recompute_scale_factor=FLAGS))
    input = data.draw(maps(dimensions, 2))
    check_layer(name, (), {**data.draw(targets(dimensions)), **keywords}, (input,))


@held("UpsamplingNearest2d", "UpsamplingBilinear2d", most=75)
def test_old_names_of_upsample(name: str, data: st.DataObject) -> None:
    check_layer(name, (), data.draw(targets(2)), (data.draw(maps(2, 2)),))


def test_a_scaled_symbol_stays_symbolic_where_that_is_exact() -> None:
    image = Tensor((N, 3, symbol("H"), 56))
    assert str(find_layer("Upsample")(scale_factor=2.5).forward(image)) == "3 x (2*H + H//2) x 140"
    assert find_layer("Upsample")(scale_factor=2).derivation(image) == (
        "H: floor(H * 2) = 2*H",
        "W: floor(56 * 2) = 112",
    )


@held("PixelShuffle", "PixelUnshuffle", "ChannelShuffle", most=70)
def test_shuffles(name: str, data: st.DataObject) -> None:
    factor = data.draw(st.sampled_from([1, 2, 3, 2, 0, -1]))
    lengths = SIZES | SIZES.map(lambda size: size * max(factor, 1)) | SIZES.map(lambda size: size * factor**2)
    shape = data.draw(st.lists(lengths.filter(bool), min_size=2, max_size=5))
    check_layer(name, (factor,), {}, (tensor(*shape, dtype=data.draw(dtypes())),))


def blocks(draw: Any) -> dict[str, Any]:
    keywords = draw(
        some(
            dilation=each(2, few(1, 2, 0, -1)),
            padding=each(2, few(0, 1, 2, -1)),
            stride=each(2, few(1, 2, 3, 0, -1)),
        )
    )
    return {"kernel_size": draw(each(2, st.sampled_from([2, 1, 3, 2, 0, -1]))), **keywords}


@held("Unfold", most=200)
def test_unfold(name: str, data: st.DataObject) -> None:
    check_layer(name, (), blocks(data.draw), (data.draw(maps(2, 2)),))


def folded(draw: Any) -> tuple[Any, Tensor, dict[str, Any]]:
    """An output size, the columns that mostly fold into it, and the blocks that they are."""
    keywords = blocks(draw)
    size = draw(each(2, st.sampled_from([4, 3, 5, 2, 1, 0, -1])))
    columns = (draw(st.sampled_from([4, 8, 9, 6, 2, 1])), draw(st.sampled_from([9, 4, 6, 12, 3, 1])))
    try:
        fitting = torch.nn.Unfold(**keywords)(torch.zeros(1, 2, *(size if isinstance(size, tuple) else (size, size))))
        columns = tuple(fitting.shape[1:])
    except (RuntimeError, TypeError, ValueError):
        pass
    shape = draw(nearly((*draw(st.sampled_from([(), (2,)])), *columns)))
    return size, tensor(*shape, dtype=draw(dtypes("float32", 9))), keywords


@held("Fold", most=200)
def test_fold(name: str, data: st.DataObject) -> None:
    size, columns, keywords = folded(data.draw)
    check_layer(name, (size,), keywords, (columns,))


@held("CosineSimilarity", "PairwiseDistance", most=120)
def test_distances(name: str, data: st.DataObject) -> None:
    one = data.draw(st.lists(st.sampled_from([1, 2, 3]), max_size=3).map(tuple))
    inputs = (tensor(*one, dtype=data.draw(dtypes())), tensor(*data.draw(nearly(one)), dtype=data.draw(dtypes())))
    if name == "CosineSimilarity":
        keywords = data.draw(some(dim=st.integers(-3, 3), eps=st.just(1e-3)))
    else:
        keywords = data.draw(some(p=st.sampled_from([1, 2.0, 0, 3.5]), eps=st.just(1e-3), keepdim=st.booleans()))
    check_layer(name, (), keywords, inputs, literal=(1,))
