"""Tables, linear maps and attention as functions, against torch's own, on the CPU."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from conformance import check_function, tensor
from drawing import SIZES, dtypes, nearly, often, some, tensors
from gate import held
from hypothesis import assume
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from nnshape.shapes.dtypes import INT64
from nnshape.shapes.functions import find_function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor

torch.set_num_threads(1)

FLOATS = st.sampled_from(["float32", "float32", "float64", "float16", "bfloat16"])


@held("embedding", most=150)
def test_embedding(name: str, data: st.DataObject) -> None:
    arguments = data.draw(st.tuples(tensors(0, 3, "int64"), tensors(2, 2) | tensors(0, 3)))
    options = {"padding_idx": often(None, st.integers(-5, 5)), "max_norm": st.none() | st.floats(0.1, 2)}
    check_function(name, arguments, data.draw(some(**options, sparse=st.booleans())), literal=(1,))


@held("embedding_bag", most=100)
def test_embedding_bag(name: str, data: st.DataObject) -> None:
    input, weight = data.draw(st.tuples(tensors(1, 2, "int64"), tensors(2, 2)))
    call = data.draw(some(mode=st.sampled_from(["sum", "mean", "max"])))
    if input.ndim == 1:
        call["offsets"] = tensor(data.draw(st.integers(1, 3)), dtype="int64")
    check_function(name, (input, weight), call | data.draw(some(padding_idx=often(None, st.integers(-5, 5)))))


@held("one_hot", most=80)
def test_one_hot(name: str, data: st.DataObject) -> None:
    input, classes = data.draw(st.tuples(tensors(0, 3, "int64"), st.integers(-2, 5)))
    assume(classes != -1 or 0 in input.shape)  # the number of classes would come from the values
    check_function(name, (input, classes))


def test_one_hot_of_unknown_classes_asks_for_their_number() -> None:
    with pytest.raises(Refusal) as refused:
        find_function("one_hot").apply((Tensor((N,), INT64),), {})
    assert (refused.value.problem, refused.value.argument) == ("unknown-value", "num_classes")


@held("linear", most=200)
def test_linear(name: str, data: st.DataObject) -> None:
    draw, features, outputs = data.draw, data.draw(SIZES), data.draw(SIZES)
    dtype = draw(dtypes())
    front = draw(st.lists(SIZES, max_size=2))
    input = tensor(*draw(nearly((*front, features))), dtype=dtype)
    weight = tensor(*draw(nearly((outputs, features))), dtype=draw(often(dtype, dtypes())))
    call = {}
    if draw(st.booleans()):
        call["bias"] = tensor(*draw(often((outputs,), st.just((1,)) | st.just(()))), dtype=draw(often(dtype, dtypes())))
    # Left out: where nothing is computed, torch looks at no dtype.
    assume(dtype not in ("bool", "complex32") or (0 not in input.shape and 0 not in weight.shape))
    check_function(name, (input, weight), call, literal=(1,))


@held("bilinear", most=150)
def test_bilinear(name: str, data: st.DataObject) -> None:
    draw = data.draw
    one, two, outputs = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(SIZES)
    dtype = draw(dtypes())
    others = often(dtype, dtypes(), 8)
    front = draw(st.lists(SIZES, max_size=2))
    inputs = (
        tensor(*draw(nearly((*front, one))), dtype=dtype),
        tensor(*draw(nearly((*front, two))), dtype=draw(others)),
        tensor(*draw(nearly((outputs, one, two))), dtype=draw(others)),
    )
    call = {"bias": tensor(draw(often(outputs, SIZES)), dtype=draw(others))} if draw(st.booleans()) else {}
    # Left out: where nothing is computed, torch looks at no dtype, nor at the rank of the weight.
    wrong = dtype in ("bool", "complex32") or inputs[2].ndim != 3
    assume(not wrong or all(0 not in t.shape for t in inputs))
    check_function(name, inputs, call)


@held("scaled_dot_product_attention", most=400)
def test_scaled_dot_product_attention(name: str, data: st.DataObject) -> None:
    draw = data.draw
    dtype = draw(FLOATS)
    ahead = draw(often((2, 3), st.lists(SIZES, max_size=3).map(tuple), 2))
    length, source, width = draw(SIZES), draw(SIZES), draw(st.integers(1, 3))
    gqa = draw(often(False, st.just(True), 3))
    groups = draw(st.sampled_from([1, 2, 3])) if gqa else 1
    query_ahead = (*ahead[:-1], ahead[-1] * groups) if ahead else ()

    def one(*shape: int) -> Tensor:
        return tensor(*draw(often(shape, nearly(shape), 8)), dtype=draw(often(dtype, dtypes(), 20)))

    query, key = one(*query_ahead, length, width), one(*ahead, source, width)
    value = one(*ahead, source, draw(often(width, SIZES)))
    call = draw(
        some(
            dropout_p=often(0.0, st.sampled_from([0.5, 1.0, 1.5]), 2),
            is_causal=often(False, st.just(True), 2),
            scale=st.none() | st.floats(0.1, 2),
            enable_gqa=st.just(gqa),
        )
    )
    if draw(st.booleans()):
        full = (*query_ahead, length, source)
        shape = draw(st.sampled_from([full, full[-2:], (1, *full[1:]), (1, source), full[-3:], (length, 1)]))
        masks = often("bool", st.just(dtype) | dtypes(), 2)
        call["attn_mask"] = tensor(*draw(often(shape, nearly(shape), 6)), dtype=draw(masks))
    # Left out: a negative dropout_p, which only torch's fused kernel refuses. With nothing to compute, torch looks
    # at no dtype, no mask and no rank of grouped heads, and takes 0 heads for any number.
    assume(
        all(t.dtype in ("float16", "bfloat16", "float32", "float64") or 0 not in t.shape for t in (query, key, value))
    )
    empty = any(0 in t.shape for t in (query, key, value))
    fitting = (
        key.shape[:-1] == value.shape[:-1] and key.shape[:-2] == query.shape[:-2] and key.shape[-1:] == query.shape[-1:]
    )
    assume(not empty or (fitting and not gqa and "attn_mask" not in call))
    assume(not gqa or all(t.ndim < 3 or t.shape[-3] for t in (query, key, value)))
    # Left out: the fused kernel does not compare the lengths of key and value, and reads past the shorter one.
    assume(any(t.ndim != 4 for t in (query, key, value)) or key.shape[-2] == value.shape[-2])
    check_function(name, (query, key, value), call, literal=(1,))


@pytest.mark.parametrize("shapes", [((2, 4, 5, 8), (2, 4, 7, 8), (2, 4, 7, 8)), ((3, 5, 8), (3, 7, 8), (3, 7, 6))])
def test_attention_s_macs_are_torch_s_flops_halved(shapes: Any) -> None:
    with FlopCounterMode(display=False) as counter:
        torch.nn.functional.scaled_dot_product_attention(*(torch.zeros(shape, device="meta") for shape in shapes))
    rule = find_function("scaled_dot_product_attention")
    inputs = tuple(tensor(*shape) for shape in shapes)
    assert rule.macs(rule.apply(inputs, {}), inputs, {}) == counter.get_total_flops() // 2
