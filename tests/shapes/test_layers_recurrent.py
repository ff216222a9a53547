"""RNN, LSTM, GRU and their cells against torch's own, on the CPU."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from conformance import check_layer, tensor
from drawing import dtypes, nearly, often, some
from gate import held
from hypothesis import assume
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode
from typing_extensions import get_overloads

from nnshape.shapes.arguments import REQUIRED
from nnshape.shapes.layers import find_layer
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor, tensors_in

torch.set_num_threads(1)

SIZES = often(3, st.sampled_from([1, 2, 4, 0, -1]))
FLAGS = often(True, st.sampled_from([False, 1, 0]), 3)


@st.composite
def states(draw: Any, shape: tuple[int, ...], dtype: str) -> Tensor:
    return tensor(*draw(nearly(shape)), dtype=draw(often(dtype, dtypes(), 8)))


@held("RNN", "LSTM", "GRU", most=150)
def test_recurrent(name: str, data: st.DataObject) -> None:
    draw = data.draw
    input_size, hidden = draw(SIZES), draw(SIZES)
    keywords = draw(
        some(
            num_layers=often(2, st.sampled_from([1, 3, 0, -1])),
            bias=often(False, FLAGS),
            batch_first=FLAGS,
            dropout=often(0.5, st.sampled_from([0, 1, 1.0, 1.5, -0.1, True])),
            bidirectional=FLAGS,
            dtype=st.none() | dtypes(weight=2),
            **({"nonlinearity": st.sampled_from(["relu", "tanh", "gelu"])} if name == "RNN" else {}),
            **({"proj_size": st.sampled_from([2, 1, 0, 3, -1])} if name == "LSTM" else {}),
        )
    )
    dtype = keywords.get("dtype") or "float32"
    batch = draw(st.sampled_from([2, 1, 0]))
    steps = draw(often(4, st.sampled_from([0, 1])))
    front = (batch, steps) if keywords.get("batch_first") is True else (steps, batch)
    if unbatched := draw(st.booleans()):
        front = (steps,)
    input = tensor(*draw(nearly((*front, max(input_size, 0)))), dtype=draw(often(dtype, dtypes(), 8)))
    call = {}
    if draw(st.booleans()):
        layers = max(keywords.get("num_layers", 1), 0) * (2 if keywords.get("bidirectional") is True else 1)
        places = (layers,) if unbatched else (layers, batch)
        size = max(hidden, 0)
        state = draw(states((*places, max(keywords.get("proj_size") or size, 0)), dtype))
        call["hx"] = state
        if name == "LSTM":
            cell = draw(states((*places, size), dtype))
            call["hx"] = draw(often((state, cell), st.sampled_from([(state,), (state, cell, cell)])))
            # Left out: with projections, torch looks at no dtype of the cell's state, and may take it or fail over it.
            assume(not keywords.get("proj_size") or cell.dtype == state.dtype)
    check_layer(name, (input_size, hidden), keywords, (input,), call)


@held("RNNCell", "LSTMCell", "GRUCell", most=150)
def test_cell(name: str, data: st.DataObject) -> None:
    draw = data.draw
    input_size, hidden = draw(SIZES), draw(SIZES)
    keywords = draw(
        some(
            bias=st.booleans(),
            dtype=st.none() | dtypes(weight=2),
            **({"nonlinearity": st.sampled_from(["relu", "tanh", "gelu"])} if name == "RNNCell" else {}),
        )
    )
    dtype = keywords.get("dtype") or "float32"
    front = draw(st.sampled_from([(2,), (1,), (), (0,)]))
    input = tensor(*draw(nearly((*front, max(input_size, 0)))), dtype=draw(often(dtype, dtypes(), 8)))
    call = {}
    if draw(st.booleans()):
        state = draw(states((*front, max(hidden, 0)), dtype))
        call["hx"] = state
        if name == "LSTMCell":
            cell = draw(states((*front, max(hidden, 0)), dtype))
            call["hx"] = draw(often((state, cell), st.just((state,))))
    # Left out: for an input without a batch, torch takes a state of [hidden_size, …], and reads past its end.
    given = tensors_in(call.get("hx"))
    assume(input.ndim == 2 or all(one.ndim < 2 or one.shape[0] != hidden for one in given))
    check_layer(name, (input_size, hidden), keywords, (input,), call)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"])
@pytest.mark.parametrize("deep", [False, True])
def test_macs_are_torch_s_flops_halved(name: str, deep: bool) -> None:
    keywords = {"num_layers": 2, "bidirectional": True} if deep and not name.endswith("Cell") else {}
    shape = (2, 3) if name.endswith("Cell") else (5, 2, 3)
    module = getattr(torch.nn, name)(3, 4, **keywords, device="meta")
    with FlopCounterMode(display=False) as counter:
        module(torch.zeros(shape, device="meta"))
    layer = find_layer(name)(3, 4, **keywords)
    input = tensor(*shape)
    assert layer.macs(layer.forward(input), input) == counter.get_total_flops() // 2


def refused(name: str, *arguments: Any, input: Tensor, **call: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        find_layer(name)(*arguments).apply((input,), call)
    return caught.value


def test_messages_name_what_arrives_and_what_is_wanted() -> None:
    refusal = refused("LSTM", 6, 6, input=Tensor((5, N, 8)))
    assert (refusal.problem, refusal.argument) == ("size-mismatch", "input_size")
    assert refusal.message == "{layer} reads 6 features per step, but 8 arrive"
    assert refusal.note == "input.size(-1) must be equal to input_size. Expected 6, got 8"
    refusal = refused("GRU", 6, 4, input=tensor(5, 2, 6), hx=tensor(2, 2, 4))
    assert refusal.message == (
        "{layer} wants a hidden state of [1, 2, 4] (layers x directions, batch, size), but [2, 2, 4] arrives"
    )
    tuple_given = (tensor(5, 2, 6), (tensor(1, 2, 6), tensor(1, 2, 6)))
    refusal = refused("GRU", 6, 4, input=tuple_given)  # type: ignore[arg-type]
    assert refusal.problem == "wrong-type"


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_fields_are_those_of_torch_s_overload(name: str) -> None:
    wanted = inspect.signature(get_overloads(getattr(torch.nn, name).__init__)[0]).parameters
    fields = find_layer(name).signature().parameters
    assert [(field.name, field.default) for field in fields] == [
        (one.name, REQUIRED if one.default is one.empty else one.default) for one in list(wanted.values())[1:]
    ]
