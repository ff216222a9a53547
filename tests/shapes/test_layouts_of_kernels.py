"""How torch's CPU lays out results whose kernel depends on sizes, dtypes and masks: random cases in many layouts."""

import random
from collections import Counter

import pytest
import torch
from laying import arranged, lay
from torch import nn

from nnshape.shapes.dtypes import DTYPES
from nnshape.shapes.functions import find_function
from nnshape.shapes.layers import find_layer
from nnshape.shapes.layouts.applied import result_layouts
from nnshape.shapes.layouts.layout import MODES
from nnshape.shapes.tensor import Tensor


def compared(rule, tensors, call, real) -> str:
    """Hold one result against torch; tell whether it is known, and whether it is contiguous."""
    result = rule.apply(tensors, call)
    (found,) = result_layouts(rule, tensors, call, result, MODES[0])
    values = [lay(torch.rand(tensor.shape).to(getattr(torch, tensor.dtype)), tensor) for tensor in tensors]
    wanted = real(*values)
    assert tuple(wanted.shape) == result.shape
    if found is None:
        return "unknown"
    said = (call, [(value.shape, value.stride(), value.dtype) for value in values])
    assert found.strides == wanted.stride(), said
    return "contiguous" if wanted.is_contiguous() else "otherwise"


@pytest.mark.parametrize("name", ["Conv3d", "ConvTranspose3d"])
def test_convolutions_of_three_dimensions(name):
    choose = random.Random(name)
    found: Counter[tuple[str, str]] = Counter()
    for _ in range(300):
        channels, size = choose.choice([1, 2, 4]), choose.choice([1, 1, 2, 3, 4])
        dtype = DTYPES[choose.choice(["float32", "float32", "float64"])]
        options = {
            "stride": choose.choice([1, 1, 2]), "dilation": choose.choice([1, 1, 2]),
            "groups": choose.choice([1, channels]),
        }  # fmt: skip
        if name == "ConvTranspose3d" and (options["stride"] > 1 or options["dilation"] > 1):
            options["output_padding"] = choose.choice([0, 0, 1])
        arguments = (channels, channels * choose.choice([1, 2]), (choose.choice([1, size]), size, size))
        places = [choose.choice([7, 8, 9, 30]) for _ in range(3)]
        shape = (channels, *places) if choose.random() < 0.2 else (choose.choice([1, 1, 2, 16]), channels, *places)
        rule = find_layer(name)(*arguments, **options, dtype=dtype)
        module = getattr(nn, name)(*arguments, **options, dtype=getattr(torch, dtype))
        tensors = arranged((Tensor(shape, dtype),), choose if choose.random() < 0.5 else None)
        if len(shape) == 5 and choose.random() < 0.5:
            tensors = arranged((Tensor(shape, dtype),), _LastDimension())
        found[dtype, compared(rule, tensors, {}, module)] += 1
    assert found["float32", "otherwise"] > 30, found
    assert found["float64", "otherwise"] == 0, found
    known = found["float32", "contiguous"] + found["float32", "otherwise"]
    assert found["float32", "unknown"] < known / 4, found


class _LastDimension(random.Random):
    """Chooses channels-last."""

    def choice(self, seq):
        return "last" if "last" in seq else super().choice(seq)


@pytest.mark.parametrize("function", ["conv3d", "conv_transpose3d"])
@pytest.mark.parametrize("batch", [1, 2])
def test_a_weight_in_channels_last_counts_too(function, batch):
    rule, real = find_function(function), getattr(nn.functional, function)
    tensors = (Tensor((batch, 4, 5, 6, 7)), Tensor((4, 4, 3, 3, 3)))
    (input,), (weight,) = arranged(tensors[:1], None), arranged(tensors[1:], _LastDimension())
    assert compared(rule, (input, weight), {}, real) == ("contiguous" if batch == 1 else "otherwise")


def test_normalize_keeps_the_order_of_its_input():
    choose = random.Random(0)
    rule = find_function("normalize")
    found: Counter[str] = Counter()
    for number in range(600):
        shape = tuple(choose.choice([1, 2, 3, 4]) for _ in range(choose.randrange(1, 6)))
        dim = choose.randrange(-len(shape), len(shape))
        if len(shape) > 1 and choose.random() < 0.3:
            dim = tuple(choose.sample(range(len(shape)), 2))
        call = {"dim": dim, "p": choose.choice([1.0, 2.0])}
        tensors = arranged((Tensor(shape),), choose if number % 4 else None)
        found[compared(rule, tensors, call, lambda x, c=call: nn.functional.normalize(x, **c))] += 1
    assert found["unknown"] == 0, found
    assert found["otherwise"] > 100, found


def test_index_add_gives_a_contiguous_copy():
    choose = random.Random(0)
    rule = find_function("index_add")
    for _ in range(200):
        shape = tuple(choose.choice([1, 2, 3, 4]) for _ in range(choose.randrange(1, 5)))
        dim = choose.randrange(len(shape))
        places = choose.randrange(1, 4)
        source = (*shape[:dim], places, *shape[dim + 1 :])
        one, two = arranged((Tensor(shape), Tensor(source)), choose)
        result = rule.apply((one, dim, Tensor((places,), DTYPES["int64"]), two), {})
        (found,) = result_layouts(rule, (one, dim, Tensor((places,), DTYPES["int64"]), two), {}, result, MODES[0])
        values = [lay(torch.zeros(tensor.shape), tensor) for tensor in (one, two)]
        wanted = torch.index_add(values[0], dim, torch.zeros(places, dtype=torch.int64), values[1])
        assert found is not None
        assert found.strides == wanted.stride()


@pytest.mark.parametrize("name", ["quantile", "nanquantile"])
def test_several_quantiles_are_the_last_dimension_in_memory(name):
    choose = random.Random(name)
    rule, real = find_function(name), getattr(torch, name)
    for _ in range(200):
        shape = tuple(choose.choice([1, 2, 3, 4]) for _ in range(choose.randrange(1, 5)))
        dim = choose.choice([None, *range(len(shape))])
        keepdim, count = choose.random() < 0.5, choose.choice([(), (1,), (3,)])
        call = {"dim": dim, "keepdim": keepdim}
        (input,) = arranged((Tensor(shape),), choose)
        assert compared(rule, (input, Tensor(count)), call, lambda x, q, c=call: real(x, q, **c)) != "unknown"
