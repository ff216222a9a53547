"""Convolutions, pools, norms, paddings, resizing and their kin as functions, against torch's own, on the CPU.

What the layers' tests leave out is left out here too, for the same reasons; so is a convolution's bias of another
dtype (some backends do not look at it), and an empty grid to sample at.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from conformance import TORCH_REFUSES, check_function, check_layer, real, tensor, torch_function
from drawing import FLOATS, cases, dtypes, nearly, often, some, tensors
from hypothesis import assume, given
from hypothesis import strategies as st
from test_functions_losses import EPSILONS
from test_layers_convolution import each, few, kernels, maps
from test_layers_padding import PADS
from test_layers_unpooling import output_sizes, ratios
from test_layers_vision import MODES, blocks, targets

from nnshape.shapes.functions import find_function, find_method
from nnshape.shapes.tensor import Tensor

torch.set_num_threads(1)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

DIMENSIONS = st.sampled_from([1, 2, 2, 3])
FLAGS = st.booleans()
NARROW = ("float16", "bfloat16")
NUMBERS = st.sampled_from([3, 2, 1])


@st.composite
def weights(draw: Any, dimensions: int, groups: int, transpose: bool, dtype: str) -> tuple[Tensor, Tensor | None, int]:
    """A weight, perhaps a bias, and the channels that the weight reads."""
    times, inner = max(groups, 1), draw(NUMBERS)
    outer = draw(NUMBERS) * (times if draw(st.integers(0, 6)) else 1)
    kernel = [draw(st.sampled_from([1, 2, 3])) for _ in range(dimensions)]
    made, reads = (inner * times, outer) if transpose else (outer, inner * times)
    shape = (outer, inner, *kernel) if draw(st.integers(0, 8)) else draw(nearly((outer, inner, *kernel)))
    bias = tensor(*draw(often((made,), nearly((made,)), 5)), dtype=dtype)
    return tensor(*shape, dtype=draw(often(dtype, dtypes(), 9))), bias if draw(FLAGS) else None, reads


@cases(250)
@given(DIMENSIONS, st.booleans(), st.data())
def test_convolution(dimensions: int, transpose: bool, data: st.DataObject) -> None:
    groups = data.draw(few(1, 2, 3, 0, -1))
    dtype = data.draw(often("float32", st.sampled_from(FLOATS)))
    weight, bias, reads = data.draw(weights(dimensions, groups, transpose, dtype))
    call: dict[str, Any] = {
        "groups": groups,
        **data.draw(
            some(
                stride=each(dimensions, few(1, 2, 3, 0, -1)),
                padding=each(dimensions, few(0, 1, 2, -1)),
                dilation=each(dimensions, few(1, 2)),
            )
        ),
    }
    if transpose:
        call |= data.draw(some(output_padding=each(dimensions, few(0, 1, -1))))
    elif data.draw(st.integers(0, 3)) == 0:
        call["padding"] = data.draw(st.sampled_from(["same", "valid", "full"]))
    input = data.draw(maps(dimensions, reads, dtype))
    name = f"conv{'_transpose' if transpose else ''}{dimensions}d"
    assume(0 not in weight.shape and input.dtype in FLOATS and weight.dtype in FLOATS)
    # Left out: a bias of another dtype, which torch's transposed kernels look at only for two samples or more.
    assume(not transpose or bias is None or bias.dtype == weight.dtype)
    try:
        made = torch_function(name)(*map(real, (input, weight, bias)), **call).shape
        assume(0 not in made)
    except TORCH_REFUSES:
        pass
    check_function(name, (input, weight, bias), call)


@cases(250)
@given(st.sampled_from(["max", "avg", "lp", "adaptive_max", "adaptive_avg"]), DIMENSIONS, st.data())
def test_pool(kind: str, dimensions: int, data: st.DataObject) -> None:
    input, kernel = data.draw(maps(dimensions, 2)), data.draw(kernels(dimensions))
    strides, pads = st.none() | each(dimensions, few(2, 1, 3, 0, -1)), each(dimensions, few(0, 1, 2, -1))
    options: dict[str, st.SearchStrategy[Any]] = {}
    arguments: tuple = (input, kernel)
    if kind.startswith("adaptive"):
        arguments = (input, data.draw(st.sampled_from([1, 2, 3, 0, -1]) | each(dimensions, few(2, 1, 3, 0))))
        if kind == "adaptive_max":
            options = {"return_indices": FLAGS}
    elif kind == "max":
        options = {"stride": strides, "padding": pads, "dilation": each(dimensions, few(1, 2, 0)), "ceil_mode": FLAGS}
        options["return_indices"] = FLAGS
    elif kind == "avg":
        options = {"stride": strides, "padding": pads, "ceil_mode": FLAGS, "count_include_pad": FLAGS}
        if dimensions > 1:
            options["divisor_override"] = st.none() | st.integers(-1, 3)
    else:
        arguments = (input, data.draw(st.sampled_from([2, 1, 3, 0, -1, 2.0, 1.5, float("inf")])), kernel)
        options = {"stride": strides, "ceil_mode": FLAGS}
    check_function(f"{kind}_pool{dimensions}d", arguments, data.draw(some(**options)))


@cases(150)
@given(st.sampled_from([2, 3]), st.data())
def test_fractional_pool(dimensions: int, data: st.DataObject) -> None:
    call: dict[str, Any] = {"return_indices": data.draw(FLAGS)}
    if data.draw(FLAGS):
        call["output_size"] = data.draw(each(dimensions, st.sampled_from([1, 2, 3])))
    else:
        call["output_ratio"] = data.draw(ratios(dimensions))
    kernel = data.draw(each(dimensions, st.sampled_from([1, 2, 3])))
    input = data.draw(maps(dimensions, 2))
    # Left out: where a ratio leaves nothing to compute, torch looks at no dtype.
    assume(input.dtype in FLOATS or "output_size" in call)
    check_function(f"fractional_max_pool{dimensions}d", (input, kernel), call)


@cases(150)
@given(DIMENSIONS, st.data())
def test_unpool(dimensions: int, data: st.DataObject) -> None:
    call = data.draw(some(stride=st.none() | few(2, 1, 3), padding=few(0, 1)))
    kernel = data.draw(st.sampled_from([2, 3]))
    input = data.draw(maps(dimensions, 2))
    assume(input.dtype in FLOATS or 0 not in input.shape)
    if data.draw(FLAGS):
        call["output_size"] = data.draw(output_sizes(dimensions, input, call, kernel))
    indices = Tensor(data.draw(nearly(input.shape)), data.draw(dtypes("int64", 8)))
    check_function(f"max_unpool{dimensions}d", (input, indices, kernel), call)


@st.composite
def vectors(draw: Any, size: int, dtype: str) -> Tensor | None:
    given_dtype = draw(often(dtype, st.sampled_from(FLOATS), 8))
    return (
        None if draw(st.integers(0, 5)) == 0 else tensor(*draw(often((size,), nearly((size,)), 9)), dtype=given_dtype)
    )


@cases(300)
@given(st.sampled_from(["batch_norm", "instance_norm", "group_norm"]), st.data())
def test_norm_of_channels(name: str, data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.sampled_from([2, 3, 4, 1]), min_size=data.draw(few(2, 3, 0)), max_size=5))
    dtype = data.draw(st.sampled_from(FLOATS))
    input = tensor(*shape, dtype=data.draw(often(dtype, dtypes(), 6)))
    channels = shape[1] if len(shape) > 1 else 2
    own = {key: data.draw(vectors(channels, data.draw(often(dtype, st.just("float32"))))) for key in ("weight", "bias")}
    if name == "group_norm":
        check_function(name, (input, data.draw(few(1, 2, 3, 0, -1))), {**own, **data.draw(some(eps=st.just(1e-3)))})
        return
    running = {key: data.draw(vectors(channels, dtype)) for key in ("running_mean", "running_var")}
    # Of two dtypes among these, torch takes some pairs and refuses others: left out.
    assume(len({tensor.dtype for tensor in running.values() if tensor is not None}) < 2)
    flag = "training" if name == "batch_norm" else "use_input_stats"
    epsilons = often(1e-3, st.sampled_from([0, -1]), 6)
    check_function(name, (input,), {**running, **own, **data.draw(some(eps=epsilons, **{flag: FLAGS}))})


@cases(200)
@given(st.sampled_from(["layer_norm", "rms_norm"]), st.data())
def test_norm_of_trailing_dimensions(name: str, data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.sampled_from([2, 3, 1]), max_size=4)))
    dtype = data.draw(st.sampled_from(FLOATS))
    input = tensor(*shape, dtype=data.draw(often(dtype, dtypes(), 6)))
    trailing = shape[max(0, len(shape) - data.draw(st.integers(0, 3))) :]
    sizes = data.draw(often(trailing, nearly(trailing), 5))
    call = {}
    for key in ("weight", "bias")[: 2 if name == "layer_norm" else 1]:
        given_dtype = data.draw(often(dtype, st.just("float32")))
        call[key] = tensor(*data.draw(often(sizes, nearly(sizes), 8)), dtype=given_dtype) if data.draw(FLAGS) else None
    check_function(name, (input, data.draw(st.sampled_from([sizes, list(sizes)]))), call)


@cases(100)
@given(st.data())
def test_local_response_norm(data: st.DataObject) -> None:
    check_function("local_response_norm", (data.draw(tensors(1, 5)), data.draw(st.sampled_from([1, 2, 3, 5, 0, -1]))))


@cases(300)
@given(st.data())
def test_pad(data: st.DataObject) -> None:
    pads = data.draw(st.lists(PADS, max_size=8) | st.lists(PADS, min_size=4, max_size=4))
    modes = st.sampled_from(["constant", "reflect", "replicate", "circular", "constant", "mirror"])
    call = data.draw(some(mode=modes, value=st.sampled_from([None, 0, 1, 2.5, -1])))
    check_function(
        "pad", (data.draw(maps(data.draw(DIMENSIONS), 2)), data.draw(st.sampled_from([pads, tuple(pads)]))), call
    )


@cases(300)
@given(st.sampled_from(["interpolate", "upsample", "upsample_nearest", "upsample_bilinear"]), st.data())
def test_interpolate(name: str, data: st.DataObject) -> None:
    dimensions = data.draw(DIMENSIONS)
    options: dict[str, Any] = {"mode": st.sampled_from(MODES), "align_corners": st.none() | FLAGS}
    if name == "interpolate":
        options |= {"recompute_scale_factor": st.none() | FLAGS, "antialias": FLAGS}
    call = data.draw(targets(dimensions)) | (data.draw(some(**options)) if name in ("interpolate", "upsample") else {})
    check_function(name, (data.draw(maps(dimensions, 2)),), call)


@cases(150)
@given(st.sampled_from(["pixel_shuffle", "pixel_unshuffle", "channel_shuffle"]), st.data())
def test_shuffles(name: str, data: st.DataObject) -> None:
    factor = data.draw(st.sampled_from([1, 2, 3, 2, 0, -1]))
    lengths = st.sampled_from([1, 2, 3]).flatmap(
        lambda size: st.sampled_from([size, size * max(factor, 1), size * factor**2])
    )
    shape = data.draw(st.lists(lengths.filter(bool), min_size=2, max_size=5))
    check_function(name, (tensor(*shape, dtype=data.draw(dtypes())), factor))


@cases(150)
@given(st.data())
def test_unfold_and_fold(data: st.DataObject) -> None:
    call = blocks(data.draw)
    check_function("unfold", (data.draw(maps(2, 2)),), call)
    shape = (*data.draw(st.sampled_from([(), (2,)])), data.draw(st.sampled_from([4, 8, 9])), data.draw(NUMBERS))
    check_function("fold", (tensor(*shape), data.draw(each(2, st.sampled_from([4, 3, 2, 0])))), call)


def test_unfold_is_a_function_and_another_method() -> None:
    image = tensor(1, 3, 8, 8)
    assert find_function("unfold").apply((image, 2), {}).shape == (1, 12, 49)
    assert find_method("unfold").apply((image, 2, 3, 1), {}).shape == (1, 3, 6, 8, 3)
    assert image.unfold(2, 3, 1).shape == (1, 3, 6, 8, 3)


@cases(250)
@given(st.sampled_from([2, 3]), st.data())
def test_grid_sample(dimensions: int, data: st.DataObject) -> None:
    input = data.draw(maps(dimensions, 2))
    assume(0 not in input.shape)
    sizes = [data.draw(NUMBERS) for _ in range(dimensions)]
    grid = data.draw(
        often((input.shape[0] if input.shape else 1, *sizes, dimensions), nearly((1, *sizes, dimensions)), 4)
    )
    modes = st.sampled_from(["bilinear", "nearest", "bicubic", "area"])
    paddings = st.sampled_from(["zeros", "border", "reflection", "same"])
    call = data.draw(some(mode=modes, padding_mode=paddings, align_corners=st.none() | FLAGS))
    check_function("grid_sample", (input, tensor(*grid, dtype=data.draw(often(input.dtype, dtypes(), 6)))), call)


@cases(200)
@given(st.data())
def test_affine_grid(data: st.DataObject) -> None:
    dimensions = data.draw(st.sampled_from([2, 3, 1]))
    size = data.draw(st.lists(st.sampled_from([1, 2, 3, 2, 3]), min_size=dimensions + 2, max_size=dimensions + 2))
    if data.draw(st.integers(0, 5)) == 0:
        size[data.draw(st.integers(0, dimensions + 1))] = data.draw(st.sampled_from([0, -1]))
    theta = data.draw(often((size[0], dimensions, dimensions + 1), nearly((2, dimensions, dimensions + 1)), 5))
    assume(min(theta) >= 0)
    # With align_corners and a size of 1, torch looks at no other size: left out.
    call = data.draw(some(align_corners=st.none() | FLAGS)) if min(size) > 0 else {}
    kinds = dtypes("float32", 6)
    if 1 in size:  # which the CPU has for no narrow floats: left out
        kinds = kinds.filter(lambda dtype: dtype not in NARROW)
    check_function("affine_grid", (tensor(*theta, dtype=data.draw(kinds)), tuple(size)), call)


@cases(200)
@given(
    st.sampled_from(["dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"]),
    st.data(),
)
def test_dropout(name: str, data: st.DataObject) -> None:
    call = data.draw(some(p=st.sampled_from([0.5, 0, 1, 0.1, -1, 2]), training=FLAGS, inplace=FLAGS))
    check_function(name, (data.draw(tensors(most=5)),), call)


@cases(250)
@given(st.sampled_from(["cosine_similarity", "pairwise_distance", "normalize"]), st.data())
def test_lengths(name: str, data: st.DataObject) -> None:
    one = data.draw(st.lists(st.sampled_from([1, 2, 3]), max_size=3).map(tuple))
    first = tensor(*one, dtype=data.draw(dtypes()))
    if name == "normalize":
        dims = st.integers(-3, 3) | st.lists(st.integers(-2, 2), max_size=2).map(tuple)
        check_function(name, (first,), data.draw(some(p=st.sampled_from([1, 2.0, 0, 3]), dim=dims, eps=EPSILONS)))
        return
    second = tensor(*data.draw(nearly(one)), dtype=data.draw(dtypes()))
    options = {"eps": EPSILONS}
    options |= {"dim": st.integers(-3, 3)} if name == "cosine_similarity" else {"keepdim": FLAGS, "p": NUMBERS}
    check_function(name, (first, second), data.draw(some(**options)), literal=(1,))


def test_a_layer_and_its_function_share_their_answer() -> None:
    image = tensor(2, 3, 9, 9)
    layer = check_layer("MaxPool2d", (3,), {"stride": 2, "ceil_mode": True}, (image,))
    assert layer[0] == check_function("max_pool2d", (image, 3), {"stride": 2, "ceil_mode": True})
