"""MultiheadAttention against torch's own, on the CPU."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from conformance import check_layer, tensor
from drawing import dtypes, nearly, often, some
from gate import held
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from nnshape.shapes.layers import find_layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor

torch.set_num_threads(1)

MASKS = often("bool", dtypes(weight=2), 2)


@st.composite
def attention_masks(draw: Any, batch: int | None, length: int, source: int, heads: int) -> dict[str, Tensor]:
    """Some of the two masks, nearly always of a shape that fits; `batch` is None without one."""
    masks = {}
    if draw(st.booleans()):
        padding = (source,) if batch is None else (batch, source)
        masks["key_padding_mask"] = tensor(*draw(nearly(padding)), dtype=draw(MASKS))
    if draw(st.booleans()):
        whole = ((batch or 1) * heads if batch is not None else heads, length, source)
        if batch == 0:
            whole = (0, length, source)
        shape = draw(nearly(draw(st.sampled_from([(length, source), whole]))))
        masks["attn_mask"] = tensor(*shape, dtype=draw(MASKS))
    return masks


@held("MultiheadAttention", most=400)
def test_multihead_attention(name: str, data: st.DataObject) -> None:
    draw = data.draw
    embed_dim = draw(often(4, st.sampled_from([6, 2, 0, -4, 3])))
    heads = draw(often(2, st.sampled_from([1, 4, 3, 0, -2])))
    keywords = draw(
        some(
            dropout=st.sampled_from([0.0, 0.5, 1, 1.5, -0.5]),
            bias=st.booleans(),
            add_bias_kv=st.booleans(),
            add_zero_attn=st.booleans(),
            kdim=often(None, st.sampled_from([3, 4, 5, 0, -1]), 2),
            vdim=often(None, st.sampled_from([3, 4, 5, 0, -1]), 2),
            batch_first=st.booleans(),
            dtype=often(None, dtypes(weight=1), 3),
        )
    )
    dtype = keywords.get("dtype") or "float32"
    batch = draw(st.sampled_from([None, 2, 1, 3, 0]))
    length, source = draw(often(3, st.sampled_from([1, 2, 0]))), draw(often(4, st.sampled_from([1, 3, 0])))

    def one(steps: int, features: Any) -> Tensor:
        size = max(embed_dim if features is None else features, 0)
        front = (steps,) if batch is None else (batch, steps) if keywords.get("batch_first") else (steps, batch)
        shape = (*front, size)
        shape = shape if draw(st.integers(0, 6)) else draw(nearly(shape))
        return tensor(*shape, dtype=draw(often(dtype, dtypes(), 15)))

    query, key = one(length, None), one(source, keywords.get("kdim"))
    value = one(source, keywords.get("vdim"))
    call = draw(attention_masks(batch, length, source, max(heads, 0)))
    call |= draw(
        some(need_weights=st.booleans(), average_attn_weights=st.booleans(), is_causal=often(False, st.just(True)))
    )
    check_layer(name, (embed_dim, heads), keywords, (query, key, value), call)


@pytest.mark.parametrize("keywords", [{}, {"kdim": 3, "vdim": 5}, {"add_bias_kv": True, "add_zero_attn": True}])
@pytest.mark.parametrize("need_weights", [True, False])
def test_macs_are_torch_s_flops_halved(keywords: dict[str, Any], need_weights: bool) -> None:
    module = torch.nn.MultiheadAttention(8, 2, **keywords, device="meta")
    shapes = (5, 2, 8), (7, 2, keywords.get("kdim", 8)), (7, 2, keywords.get("vdim", 8))
    with FlopCounterMode(display=False) as counter:
        module(*(torch.zeros(shape, device="meta") for shape in shapes), need_weights=need_weights)
    layer = find_layer("MultiheadAttention")(8, 2, **keywords)
    inputs = [tensor(*shape) for shape in shapes]
    output = layer.forward(*inputs, need_weights=need_weights)
    assert layer.macs(output, *inputs) == counter.get_total_flops() // 2


def test_messages_put_names_and_numbers_together() -> None:
    with pytest.raises(Refusal) as refused:
        find_layer("MultiheadAttention")(512, 7)
    assert refused.value.message == "`embed_dim` (=512) must be divisible by `num_heads` (=7)"
    x = tensor(5, 2, 256)
    with pytest.raises(Refusal) as refused:
        find_layer("MultiheadAttention")(512, 8).forward(x, x, x)
    assert refused.value.message == "{layer} works on 512 features, but 256 arrive as query"
    assert refused.value.note == "was expecting embedding dimension of 512, but got 256"
