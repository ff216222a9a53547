"""Packed sequences, and the recurrent layers that read them, against torch's own on the CPU."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from conformance import check_function, check_layer, tensor
from gate import held
from hypothesis import strategies as st
from operands import flags, mostly_float, shapes
from torch.nn.utils import rnn

from nnshape.shapes.dtypes import INT64
from nnshape.shapes.functions import find_function
from nnshape.shapes.layers import find_layer
from nnshape.shapes.packed import PackedSequence
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor

positive = st.integers(1, 4)
lengths_of = st.sampled_from(["int64", "int64", "int32", "float32", "bool"])


@st.composite
def packs(draw: Any) -> tuple[tuple, dict]:
    """Sequences, and lengths that are mostly as many; real lengths are 1."""
    batch_first, is_sorted = draw(flags), draw(flags)
    shape = (
        list(draw(shapes(2, 4, positive))) if draw(st.integers(0, 9)) else list(draw(shapes(0, 3, st.integers(0, 2))))
    )
    batch = shape[0 if batch_first else 1] if len(shape) > 1 else 1
    if draw(st.integers(0, 9)) == 0 and is_sorted:  # torch drops sequences in place of refusing, if it sorts them
        batch = draw(positive)
    lengths: Any = tensor(batch, dtype=draw(lengths_of))
    if draw(st.integers(0, 9)) == 0:
        lengths = tensor(*draw(st.sampled_from([(), (batch, 1), (batch, 2)])), dtype="int64")
    elif draw(st.integers(0, 2)) == 0 and len(shape) > 1:
        steps = shape[1 if batch_first else 0]
        least = 0 if draw(st.integers(0, 9)) == 0 else min(1, steps)
        lengths = draw(st.lists(st.integers(least, max(steps, least)), min_size=batch, max_size=batch))
        lengths = tuple(sorted(lengths, reverse=True)) if draw(st.integers(0, 5)) else tuple(lengths)
    return (tensor(*shape, dtype=draw(mostly_float)), lengths), {
        "batch_first": batch_first,
        "enforce_sorted": is_sorted,
    }


@held("pack_padded_sequence", most=150)
def test_sequences_packed(name: str, data: st.DataObject) -> None:
    arguments, call = data.draw(packs())
    # Lengths that are given as numbers are literal: their sum is the size of the result.
    check_function(name, arguments, call)


def packed(batch: int, steps: int, *features: int, is_sorted: bool, dtype: str = "float32") -> PackedSequence:
    """Sequences of one length."""
    order = None if is_sorted else tensor(batch, dtype="int64")
    return PackedSequence(
        tensor(batch * steps, *features, dtype=dtype), Tensor((steps,), INT64, (1, batch)), order, order
    )


@st.composite
def packed_ones(draw: Any, features: st.SearchStrategy) -> PackedSequence:
    own = draw(features)
    return packed(draw(positive), draw(positive), *own, is_sorted=draw(flags), dtype=draw(mostly_float))


@held("pad_packed_sequence", most=100)
def test_sequences_padded(name: str, data: st.DataObject) -> None:
    lengths = st.none() | st.integers(1, 6)
    optional = {"batch_first": flags, "total_length": lengths, "padding_value": st.just(1.0)}
    call = data.draw(st.fixed_dictionaries({}, optional=optional))
    check_function(name, (data.draw(packed_ones(shapes(0, 3, positive))),), call)


@held("LSTM", "GRU", "RNN", most=60)
def test_a_recurrent_layer_on_packed_sequences(name: str, data: st.DataObject) -> None:
    # An LSTM of torch has no check of its own, and reads beyond the features of sequences of one length.
    wrong = [(2, 4)] if name == "LSTM" else [(3,), (), (2, 4)]
    sequence = data.draw(packed_ones(st.sampled_from([(4,), (4,), (4,), *wrong])))
    keywords = data.draw(
        st.fixed_dictionaries(
            {}, optional={"num_layers": st.integers(1, 2), "bidirectional": flags, "batch_first": flags, "bias": flags}
        )
    )
    if name == "LSTM" and data.draw(flags):
        keywords["proj_size"] = 2
    check_layer(name, (4, 3), keywords, (sequence,))


@pytest.mark.parametrize("is_sorted", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
def test_what_is_packed_is_padded_again(batch_first: bool, is_sorted: bool) -> None:
    lengths = (5, 3, 3, 1)
    shape = (4, 6, 2) if batch_first else (6, 4, 2)
    real = rnn.pack_padded_sequence(torch.zeros(shape), torch.tensor(lengths), batch_first, is_sorted)
    made = find_function("pack_padded_sequence").apply((tensor(*shape), lengths, batch_first, is_sorted), {})
    assert [tuple(one.shape) for one in made if one] == [tuple(one.shape) for one in real if one is not None]
    for total in (None, 5, 8):
        wanted = rnn.pad_packed_sequence(real, batch_first, total_length=total)
        got = find_function("pad_packed_sequence").apply((made, batch_first), {"total_length": total})
        assert [one.shape for one in got] == [tuple(one.shape) for one in wanted]
    with pytest.raises(Refusal, match="pads to 4 steps, but the longest sequence has 5"):
        find_function("pad_packed_sequence").apply((made, batch_first), {"total_length": 4})


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_wrong_features_are_refused_in_the_words_of_torch(name: str) -> None:
    real = rnn.pack_padded_sequence(torch.zeros(3, 5, 4), torch.tensor([5, 3, 1]), True)
    with pytest.raises(RuntimeError) as refused:
        getattr(torch.nn, name)(5, 6)(real)
    made = find_function("pack_padded_sequence").apply((tensor(3, 5, 4), (5, 3, 1), True), {})
    with pytest.raises(Refusal, match="reads 5 features per step, but 4 arrive") as refusal:
        find_layer(name)(5, 6).apply((made,), {})
    assert refusal.value.note == str(refused.value)


def test_lengths_that_torch_reads_beyond_the_steps_are_refused() -> None:
    with pytest.raises(Refusal, match="reads 7 steps of a sequence, but there are 6"):
        find_function("pack_padded_sequence").apply((tensor(6, 2, 3), (7, 1)), {})
