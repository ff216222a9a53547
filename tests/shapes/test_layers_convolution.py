"""The convolutions and their transposes against torch's own, on the CPU.

Left out, because torch's answer hangs on the backend that it picks and not on the arguments: `in_channels=0` (an
output of 0 channels, whatever `out_channels` says), an empty batch that is faulty besides, a transposed convolution
whose output is exactly 0 long, and a dilation of 0 or less.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from conformance import TORCH_REFUSES, check_layer, real_argument, tensor
from drawing import SIZES, dtypes, often, some
from gate import each_rank, held
from hypothesis import assume
from hypothesis import strategies as st

from nnshape.shapes.layers import find_layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor

torch.set_num_threads(1)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

LENGTHS = st.sampled_from([5, 6, 7, 8, 4, 5, 3, 2, 1, 9, 0])


def each(dimensions: int, sizes: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    """One size, or a tuple of them, in some cases of a wrong length."""
    lengths = often(dimensions, st.sampled_from([1, 2, 3, 4]), 12)
    tuples = lengths.flatmap(lambda n: st.lists(sizes, min_size=n, max_size=n).map(tuple))
    return sizes | tuples


@st.composite
def maps(draw: Any, dimensions: int, channels: int, dtype: str = "float32") -> Tensor:
    """A map with the channels, in some cases a faulty one."""
    ahead = draw(st.sampled_from([(), (2,), (1,), (3,)]))
    shape = (
        *ahead,
        draw(often(channels, SIZES, 6)),
        *draw(st.lists(LENGTHS, min_size=dimensions, max_size=dimensions)),
    )
    if not draw(st.integers(0, 9)):
        shape = draw(st.sampled_from([shape[1:], (*shape, 3), (), (4,)]))
    return tensor(*shape, dtype=draw(dtypes(dtype, 12)))


def kernels(dimensions: int) -> st.SearchStrategy[Any]:
    return each(dimensions, often(3, often(2, st.sampled_from([1, 2, 4, 5, 0, -1]), 1), 1))


def few(usual: int, *others: int) -> st.SearchStrategy[int]:
    """The usual size, the others less often, the last ones (which are refused) the least."""
    good, bad = [size for size in others if size > 0], [size for size in others if size <= 0]
    rest = often(usual, st.sampled_from(bad), 4) if bad else st.just(usual)
    return often(usual, st.sampled_from(good) | rest if good else rest, 2)


@st.composite
def channels(draw: Any) -> tuple[int, int, int]:
    groups = draw(often(1, st.sampled_from([2, 3, 0, -1]), 2))
    times = max(groups, 1)
    fit = draw(st.integers(0, 9)) > 0
    inward, outward = draw(st.sampled_from([1, 2, 3])), draw(st.sampled_from([1, 2, 3, 4]))
    return (inward * times, outward * times, groups) if fit else (inward, draw(often(outward, st.just(0))), groups)


@held(*each_rank("Conv"), most=80)
def test_convolution(name: str, data: st.DataObject) -> None:
    dimensions = int(name[-2])
    into, out, groups = data.draw(channels())
    keywords = data.draw(
        some(
            stride=each(dimensions, few(1, 2, 3, 0, -1)),
            padding=st.sampled_from(["same", "valid", "same", "valid", "full"]) | each(dimensions, few(0, 1, 2, 3, -1)),
            dilation=each(dimensions, few(1, 2, 3)),
            bias=st.booleans(),
            padding_mode=st.sampled_from(["zeros", "reflect", "replicate", "circular", "zeros", "mirror"]),
            dtype=dtypes(),
        )
    )
    kernel = data.draw(kernels(dimensions))
    input = data.draw(maps(dimensions, into, keywords.get("dtype", "float32")))
    check_layer(name, (into, out, kernel), {"groups": groups, **keywords}, (input,))


@held(*each_rank("ConvTranspose"), most=80)
def test_transposed_convolution(name: str, data: st.DataObject) -> None:
    dimensions = int(name[-2])
    into, out, groups = data.draw(channels())
    keywords = data.draw(
        some(
            stride=each(dimensions, few(2, 1, 3, 0, -1)),
            padding=each(dimensions, few(0, 1, 2, 3, -1)),
            output_padding=each(dimensions, few(0, 1, 2, -1)),
            dilation=each(dimensions, few(1, 2, 3)),
            bias=st.booleans(),
            padding_mode=often("zeros", st.just("reflect")),
            dtype=dtypes(),
        )
    )
    kernel = data.draw(kernels(dimensions))
    input = data.draw(maps(dimensions, into, keywords.get("dtype", "float32")))
    call = data.draw(some(output_size=output_sizes(input, dimensions, keywords.get("stride", 1), kernel)))
    keywords["groups"] = groups
    try:
        torch_layer = getattr(torch.nn, name)(into, out, kernel, **{k: real_argument(v) for k, v in keywords.items()})
        assume(0 not in torch_layer(real_argument(input), **call).shape[1 if input.ndim == dimensions + 2 else 0 :])
    except TORCH_REFUSES:
        pass
    check_layer(name, (into, out, kernel), keywords, (input,), call)


@pytest.mark.parametrize(
    "name", ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]
)
def test_an_empty_batch_stays_empty(name: str) -> None:
    assert check_layer(name, (2, 4, 3), {"stride": 2}, (tensor(0, 2, *(4, 5, 6)[: int(name[-2])]),))


def output_sizes(input: Tensor, dimensions: int, stride: Any, kernel: Any) -> st.SearchStrategy[Any]:
    """The output that the strides make with no padding, and sizes about it."""
    step, width = (value[0] if isinstance(value, tuple) else value for value in (stride, kernel))
    about = [(size - 1) * step + width for size in input.shape[-dimensions:]]
    near = st.tuples(*[st.integers(-1, 2).map(size.__add__) for size in about])
    wrong = st.lists(SIZES, max_size=5)
    return near | near.map(list) | near.map(lambda sizes: [1, 1, *sizes]) | wrong


def refusal(name: str, arguments: tuple, input: Tensor, **keywords: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        find_layer(name)(*arguments, **keywords).apply((input,), {})
    return caught.value


def test_messages_say_what_arrives_and_what_was_wanted() -> None:
    fault = refusal("Conv2d", (3, 64, 7), tensor(2, 1, 224, 224))
    assert (fault.problem, fault.argument) == ("size-mismatch", "in_channels")
    assert fault.message == "{layer} reads 3 channels, but 1 arrives"
    assert fault.note == (
        "Given groups=1, weight of size [64, 3, 7, 7], expected input[2, 1, 224, 224] to have 3 channels, "
        "but got 1 channels instead"
    )
    fault = refusal("Conv2d", (1, 6, 5), Tensor((N, 784)))
    assert (fault.problem, fault.message) == ("wrong-rank", "{layer} wants [N, C, H, W], but a flat 784 arrives")
    assert fault.note.startswith("Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [N,")
    fault = refusal("Conv2d", (1, 6, 5), Tensor((N, 28, 28)))
    assert fault.message == "{layer} wants [N, C, H, W], but 28x28 arrives, which has no channels"
    fault = refusal("Conv2d", (16, 32, 7), Tensor((N, 16, 5, 5)))
    assert (fault.problem, fault.argument) == ("empty-output", "kernel_size")
    assert fault.message == "{layer}'s 7x7 kernel does not fit the 5x5 map"
    assert fault.note == (
        "Calculated padded input size per channel: (5 x 5). Kernel size: (7 x 7). "
        "Kernel size can't be greater than actual input size"
    )
    fault = refusal("Conv2d", (16, 32, 7), Tensor((N, 16, 4, 4)), padding=1)
    assert fault.message == "{layer}'s 7x7 kernel does not fit the 4x4 map, padded to 6x6"
    fault = refusal("Conv2d", (3, 4, 3), tensor(1, 3, 5, 5), groups=2)
    assert (fault.problem, fault.message) == ("not-divisible", "`in_channels` (=3) must be divisible by `groups` (=2)")


def test_what_a_symbolic_map_needs_is_its_smallest_size() -> None:
    from nnshape.shapes.constraints import collecting
    from nnshape.shapes.dims import symbol

    with collecting() as constraints:
        output = find_layer("Conv2d")(1, 6, 5).apply((Tensor((N, 1, symbol("H"), symbol("W"))),), {})
    assert str(output) == "6 x (H - 4) x (W - 4)"
    assert list(map(str, constraints)) == ["H >= 5", "W >= 5"]


def test_derivation_ends_in_the_size() -> None:
    layer = find_layer("Conv2d")(1, 6, 5)
    assert layer.derivation(tensor(1, 1, 32, 32))[0] == "H: floor((32 + 2*0 - 1*(5 - 1) - 1)/1 + 1) = 28"
    layer = find_layer("ConvTranspose1d")(1, 6, 2, stride=2)
    assert layer.derivation(tensor(1, 1, 16)) == ("L: (16 - 1)*2 - 2*0 + 1*(2 - 1) + 0 + 1 = 32",)


@pytest.mark.parametrize(
    "name", ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]
)
@pytest.mark.parametrize("batched", [True, False])
def test_macs_are_half_of_the_flops_that_torch_counts(name: str, batched: bool) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    shape = ((2,) if batched else ()) + (4,) + (7, 6, 5)[: int(name[-2])]
    layer = find_layer(name)(4, 6, 3, stride=2, groups=2)
    with FlopCounterMode(display=False) as counter:
        getattr(torch.nn, name)(4, 6, 3, stride=2, groups=2)(torch.zeros(shape))
    input = tensor(*shape)
    assert layer.macs(layer.forward(input), input) * 2 == counter.get_total_flops()
