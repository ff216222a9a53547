"""The five Transformer classes against torch's own, on the CPU."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from conformance import check_layer, tensor
from drawing import dtypes, nearly, often, some
from gate import held
from hypothesis import strategies as st
from test_layers_attention import MASKS
from torch.utils.flop_counter import FlopCounterMode

from nnshape.shapes.arguments import AUTO
from nnshape.shapes.functions import find_function
from nnshape.shapes.layers import find_layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor

torch.set_num_threads(1)

CAUSAL = often(False, st.just(True))
CAUSAL_OR_NONE = often(None, st.booleans())


def layer_arguments() -> st.SearchStrategy[dict[str, Any]]:
    functions = st.sampled_from(["relu", "silu", "glu", "sigmoid"]).map(find_function)
    layers = st.sampled_from(["ReLU", "GELU", "PReLU", "Softmax2d"]).map(lambda name: find_layer(name)())
    return some(
        dim_feedforward=often(3, st.sampled_from([1, 4, 0, -1])),
        dropout=often(0.5, st.sampled_from([0.0, 1, 1.5, -0.5])),
        activation=st.sampled_from(["relu", "gelu"]) | often("gelu", st.just("silu")) | functions | layers,
        layer_norm_eps=st.floats(1e-6, 1e-3),
        norm_first=st.booleans(),
        bias=st.booleans(),
        dtype=often(None, dtypes(weight=1), 5),
    )


@st.composite
def stacks(draw: Any) -> dict[str, Any]:
    """The sizes and arguments of a case, and a way to draw its inputs and masks."""
    case: dict[str, Any] = {
        "width": draw(often(4, st.sampled_from([2, 6, 3, 0, -2]), 6)),
        "heads": draw(often(2, st.sampled_from([1, 3, 0]), 6)),
        "keywords": draw(layer_arguments()),
        "batch": draw(st.sampled_from([None, 2, 3, 1, 0])),
        "target": draw(often(3, st.sampled_from([1, 0, 2]))),
        "source": draw(often(5, st.sampled_from([1, 0, 3]))),
        "batch_first": draw(st.booleans()),
    }
    return case


def sequence(draw: Any, case: dict[str, Any], length: int) -> Tensor:
    batch, size = case["batch"], max(case["width"], 0)
    shape = (length, size) if batch is None else (batch, length, size) if case["batch_first"] else (length, batch, size)
    dtype = case["keywords"].get("dtype") or "float32"
    shape = shape if draw(st.integers(0, 5)) else draw(nearly(shape))
    return tensor(*shape, dtype=draw(often(dtype, dtypes(), 15)))


def masks(draw: Any, case: dict[str, Any], length: int, source: int, mask: str, padding: str) -> dict[str, Tensor]:
    found = {}
    batch, heads = case["batch"], max(case["heads"], 0)
    if draw(st.integers(0, 2)) == 0:
        shape = (source,) if batch is None else (batch, source)
        found[padding] = tensor(*draw(nearly(shape)), dtype=draw(MASKS))
    if draw(st.integers(0, 2)) == 0:
        rows = heads if batch is None else batch * heads
        shape = draw(st.sampled_from([(length, source), (rows, length, source)]))
        found[mask] = tensor(*draw(nearly(shape)), dtype=draw(MASKS))
    return found


def decoder_call(draw: Any, case: dict[str, Any]) -> dict[str, Any]:
    target, source = case["target"], case["source"]
    call = masks(draw, case, target, target, "tgt_mask", "tgt_key_padding_mask")
    return call | masks(draw, case, target, source, "memory_mask", "memory_key_padding_mask")


def layer_of(kind: str, case: dict[str, Any]) -> Any:
    try:
        return find_layer(kind)(case["width"], case["heads"], batch_first=case["batch_first"], **case["keywords"])
    except Refusal:
        return None


def norm_of(draw: Any, case: dict[str, Any]) -> Any:
    width = draw(often(case["width"], st.just(5)))
    return draw(st.sampled_from([None, find_layer("PReLU")(max(width, 1), dtype=case["keywords"].get("dtype"))]))


@held("TransformerEncoderLayer", most=150)
def test_encoder_layer(name: str, data: st.DataObject) -> None:
    draw, case = data.draw, data.draw(stacks())
    src = sequence(draw, case, case["source"])
    call = masks(draw, case, case["source"], case["source"], "src_mask", "src_key_padding_mask")
    call |= draw(some(is_causal=CAUSAL))
    keywords = case["keywords"] | {"batch_first": case["batch_first"]}
    check_layer(name, (case["width"], case["heads"]), keywords, (src,), call)


@held("TransformerDecoderLayer", most=150)
def test_decoder_layer(name: str, data: st.DataObject) -> None:
    draw, case = data.draw, data.draw(stacks())
    inputs = sequence(draw, case, case["target"]), sequence(draw, case, case["source"])
    call = decoder_call(draw, case) | draw(some(tgt_is_causal=CAUSAL, memory_is_causal=CAUSAL))
    keywords = case["keywords"] | {"batch_first": case["batch_first"]}
    check_layer(name, (case["width"], case["heads"]), keywords, inputs, call)


@held("TransformerEncoder", most=100)
def test_encoder(name: str, data: st.DataObject) -> None:
    draw, case = data.draw, data.draw(stacks())
    layer = layer_of(draw(often("TransformerEncoderLayer", st.just("TransformerDecoderLayer"), 12)), case)
    if layer is None:
        return
    src = sequence(draw, case, case["source"])
    call = masks(draw, case, case["source"], case["source"], "mask", "src_key_padding_mask")
    call |= draw(some(is_causal=CAUSAL_OR_NONE))
    keywords = {"norm": norm_of(draw, case)} | draw(some(enable_nested_tensor=st.booleans(), mask_check=st.booleans()))
    check_layer(name, (layer, draw(often(2, st.integers(-1, 3)))), keywords, (src,), call)


@held("TransformerDecoder", most=100)
def test_decoder(name: str, data: st.DataObject) -> None:
    draw, case = data.draw, data.draw(stacks())
    layer = layer_of(draw(often("TransformerDecoderLayer", st.just("TransformerEncoderLayer"), 12)), case)
    # Left out: the copies that TransformerDecoder makes forget an activation with parameters, and take relu for it.
    if layer is None or "PReLU" in str(layer):
        return
    inputs = sequence(draw, case, case["target"]), sequence(draw, case, case["source"])
    call = decoder_call(draw, case) | draw(some(tgt_is_causal=CAUSAL_OR_NONE, memory_is_causal=CAUSAL))
    arguments = (layer, draw(often(2, st.integers(-1, 3))))
    check_layer(name, arguments, {"norm": norm_of(draw, case)}, inputs, call)


@held("Transformer", most=100)
def test_transformer(name: str, data: st.DataObject) -> None:
    draw, case = data.draw, data.draw(stacks())
    keywords = case["keywords"] | {"batch_first": case["batch_first"]}
    for side, kind in (("encoder", "TransformerEncoder"), ("decoder", "TransformerDecoder")):
        keywords[f"num_{side}_layers"] = draw(often(1, st.integers(-1, 2)))
        layer = layer_of(kind + "Layer", case)
        if layer is not None and draw(st.integers(0, 5)) == 0:
            keywords[f"custom_{side}"] = find_layer(kind)(layer, 1)
    inputs = sequence(draw, case, case["source"]), sequence(draw, case, case["target"])
    call = decoder_call(draw, case) | masks(
        draw, case, case["source"], case["source"], "src_mask", "src_key_padding_mask"
    )
    call |= draw(some(src_is_causal=CAUSAL_OR_NONE, tgt_is_causal=CAUSAL_OR_NONE, memory_is_causal=CAUSAL))
    check_layer(name, (case["width"], case["heads"]), keywords, inputs, call)


def test_bert_base_has_its_published_count_of_parameters() -> None:
    encoder = find_layer("TransformerEncoder")(find_layer("TransformerEncoderLayer")(768, 12, 3072), 12)
    assert sum(tensor.numel() for tensor in encoder.parameters().values()) == 85_054_464


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_parameters_come_in_torch_s_order() -> None:
    layer = find_layer("Transformer")(8, 2, 1, 1, 16, activation=find_layer("PReLU")(), batch_first=True)
    module = torch.nn.Transformer(8, 2, 1, 1, 16, activation=torch.nn.PReLU(), batch_first=True)
    assert list(layer.parameters()) == [name for name, _ in module.named_parameters()]


@pytest.mark.parametrize("name", ["TransformerEncoderLayer", "TransformerDecoderLayer", "Transformer"])
def test_macs_are_torch_s_flops_halved(name: str) -> None:
    arguments = (8, 2, 2, 3, 16) if name == "Transformer" else (8, 2, 16)
    module = getattr(torch.nn, name)(*arguments, batch_first=True, device="meta")
    shapes = ((2, 5, 8), (2, 7, 8))[: 1 if name == "TransformerEncoderLayer" else 2]
    with FlopCounterMode(display=False) as counter:
        module(*(torch.zeros(shape, device="meta") for shape in shapes))
    layer = find_layer(name)(*arguments, batch_first=True)
    inputs = [tensor(*shape) for shape in shapes]
    assert layer.macs(layer.forward(*inputs), *inputs) == counter.get_total_flops() // 2


def test_auto_reaches_the_layer_inside() -> None:
    stack = find_layer("TransformerEncoder")(find_layer("TransformerEncoderLayer")(AUTO, 2, 16), 3)
    resolved = stack.resolve((Tensor((5, N, 8)),))
    assert resolved.layer.d_model == 8
    assert resolved.forward(Tensor((5, N, 8))).shape == (5, N, 8)


def test_messages_name_the_arguments_of_the_layer_that_was_called() -> None:
    with pytest.raises(Refusal) as refused:
        find_layer("TransformerEncoderLayer")(512, 7)
    assert refused.value.message == "`d_model` (=512) must be divisible by `nhead` (=7)"
    layer = find_layer("TransformerDecoderLayer")(8, 2)
    with pytest.raises(Refusal) as refused:
        layer.forward(tensor(5, 2, 8), tensor(7, 2, 8), memory_mask=tensor(5, 5))
    assert refused.value.argument == "memory_mask"
    assert refused.value.message == "{layer} wants memory_mask of [5, 7], but [5, 5] arrives"
