"""Power-average pools, fractional pools and unpools against torch's own, on the CPU."""

from __future__ import annotations

from typing import Any

import torch
from conformance import Refused, check_layer, tensor
from drawing import FLOATS, dtypes, nearly, often, some
from gate import each_rank, held
from hypothesis import strategies as st
from test_layers_convolution import each, few, kernels, maps

from nnshape.shapes.tensor import Tensor

torch.set_num_threads(1)

DIMENSIONS = st.sampled_from([1, 2, 2, 3])
FLAGS = st.booleans()


@held(*each_rank("LPPool"), most=60)
def test_power_average_pool(name: str, data: st.DataObject) -> None:
    dimensions = int(name[-2])
    keywords = data.draw(some(stride=st.none() | each(dimensions, few(2, 1, 3, 0, -1)), ceil_mode=FLAGS))
    power = data.draw(st.sampled_from([2, 1, 3.5, 2.0, 0, -1, float("inf"), -float("inf")]))
    input = data.draw(maps(dimensions, 2))
    check_layer(name, (power, data.draw(kernels(dimensions))), keywords, (input,))


@st.composite
def ratios(draw: Any, dimensions: int) -> Any:
    one = st.sampled_from([0.5, 0.25, 0.7, 0.9, 0.1, 0, 1, 1.5, -0.5])
    return draw(st.none() | one | st.tuples(*[one] * dimensions) | st.tuples(one) | st.tuples(one, one, one))


@held("FractionalMaxPool2d", "FractionalMaxPool3d", most=100)
def test_fractional_pool(name: str, data: st.DataObject) -> None:
    dimensions = int(name[-2])
    keywords: dict[str, Any] = {"return_indices": data.draw(FLAGS)}
    given_size = data.draw(st.integers(0, 2))
    if given_size != 0:
        keywords["output_size"] = data.draw(each(dimensions, st.sampled_from([1, 2, 3, 0, -1])))
    if given_size != 1:
        keywords["output_ratio"] = data.draw(ratios(dimensions))
    input = data.draw(maps(dimensions, 2))
    if input.dtype not in FLOATS:  # of an empty output, torch looks at no dtype: left out
        keywords = {"output_size": 2}
    if not data.draw(st.integers(0, 5)) and input.dtype in FLOATS:
        batch = input.shape[0] if input.ndim == dimensions + 2 else 1
        keywords["_random_samples"] = tensor(*data.draw(nearly((batch, 2, dimensions))), dtype=data.draw(dtypes()))
    kernel = data.draw(each(dimensions, st.sampled_from([1, 2, 3, 2])))  # torch takes windows of 0 too: left out
    check_layer(name, (kernel,), keywords, (input,))


@held(*each_rank("MaxUnpool"), most=80)
def test_unpool(name: str, data: st.DataObject) -> None:
    dimensions = int(name[-2])
    strides = st.none() | each(dimensions, few(2, 1, 3, 0, -1))
    keywords = data.draw(some(stride=strides, padding=each(dimensions, few(0, 1, 2, -1))))
    kernel = data.draw(kernels(dimensions))
    input = data.draw(maps(dimensions, 2))
    if input.dtype not in FLOATS:  # of an empty output, torch looks at no dtype: left out
        kernel, keywords = 2, {}
        input = input.like(size or 1 for size in input.shape)
    indices = Tensor(data.draw(nearly(input.shape)), data.draw(dtypes("int64", 8)))
    call = {}
    if data.draw(st.booleans()):
        call["output_size"] = data.draw(output_sizes(dimensions, input, keywords, kernel))
    check_layer(name, (kernel,), keywords, (input, indices), call)


def output_sizes(dimensions: int, input: Tensor, keywords: dict, kernel: Any) -> st.SearchStrategy[Any]:
    def first(value: Any) -> int:
        return value[0] if isinstance(value, tuple) else value

    width = first(kernel)
    step = width if keywords.get("stride") is None else first(keywords["stride"])
    usual = [(size - 1) * step + width - 2 * first(keywords.get("padding", 0)) for size in input.shape[-dimensions:]]
    near = st.tuples(*[often(size, st.integers(-3, 3).map(size.__add__), 2) for size in usual])
    return near | near.map(list) | near.map(lambda sizes: (1, 1, *sizes)) | st.just([3]) | st.just([3, 3, 3])


def test_a_fractional_pool_takes_more_random_samples_than_it_reads() -> None:
    """Torch asks for as many as the batch has, and lets more pass; an input without a batch wants one."""
    for dimensions in (2, 3):
        image = tensor(2, 3, *[5] * dimensions)
        for count in (0, 1, 2, 3):
            for input in (image, image.like(image.shape[1:])):
                keywords = {"output_size": 2, "_random_samples": tensor(count, 3, dimensions)}
                answer = check_layer(f"FractionalMaxPool{dimensions}d", (2,), keywords, (input,))
                assert isinstance(answer, Refused) == (count < (2 if input is image else 1))
