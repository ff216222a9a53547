"""Packed sequences around recurrent layers: modules written by hand, the proof, and what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from nnshape import build, loads, trace, verify
from nnshape.modules.sample_run import run_once

TAGGER = """
input:
  words: int64[N, T]
  lengths: int64[N]
layers:
  embed: Embedding(50, 8)(words)
  packed: pack_padded_sequence(embed, lengths, batch_first=True, enforce_sorted=False)
  lstm: LSTM(8, 6, 2, batch_first=True, bidirectional=True)
  padded: pad_packed_sequence(lstm[0], batch_first=True, total_length=T)
  tags: Linear(12, 5)(padded[0])
"""


class Tagger(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, 8)
        self.lstm = nn.LSTM(8, 6, 2, batch_first=True, bidirectional=True)
        self.tags = nn.Linear(12, 5)

    def forward(self, words: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        packed = pack_padded_sequence(self.embed(words), lengths, batch_first=True, enforce_sorted=False)
        padded, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=words.shape[1])
        return self.tags(padded)


def test_a_tagger_is_the_module_written_by_hand() -> None:
    traced = trace(loads(TAGGER))
    assert traced.problems == ()
    assert str(traced.output) == "T x 5"
    verified = verify(traced, "cpu", modes=("evaluation", "training"))
    assert (verified.agree, verified.unproved, verified.remarks) == (True, (), ())
    twin, model = Tagger(), build(traced)
    assert list(model.state_dict()) == list(twin.state_dict())
    model.load_state_dict(twin.state_dict())
    words, lengths = torch.randint(50, (4, 7)), torch.tensor([2, 7, 1, 5])
    assert torch.equal(model(words, lengths), twin(words, lengths))
    assert torch.equal(model(words, lengths.float()), twin(words, lengths))


@pytest.mark.parametrize("layer", ["GRU", "RNN", "LSTM"])
@pytest.mark.parametrize("is_sorted", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
def test_each_layer_in_each_order(layer: str, is_sorted: bool, batch_first: bool) -> None:
    order = f"batch_first={batch_first}"
    text = f"""
input:
  x: "[{"N, T" if batch_first else "T, N"}, 3]"
  lengths: int64[N]
layers:
  packed: nn.utils.rnn.pack_padded_sequence(x, lengths.cpu(), {order}, enforce_sorted={is_sorted})
  rnn: {layer}(3, 4)(packed)
  last: rnn[1]{"[0]" if layer == "LSTM" else ""}[-1]
  padded: torch.nn.utils.rnn.pad_packed_sequence(rnn[0], {order})
  steps: padded[0]
  ends: padded[1]
output: [last, steps, ends]
"""
    traced = trace(loads(text))
    assert traced.problems == ()
    verified = verify(traced, "cpu")
    assert (verified.agree, verified.unproved, verified.remarks) == (True, (), ())
    model = build(traced)
    x, lengths = torch.randn(3, 5, 3), torch.tensor([4, 3, 1])
    x = x if batch_first else x.transpose(0, 1)
    lengths = lengths if is_sorted else lengths.flip(0)
    out, states = model.rnn(pack_padded_sequence(x, lengths, batch_first, is_sorted))
    state = states[0][-1] if layer == "LSTM" else states[-1]
    wanted = [state, *pad_packed_sequence(out, batch_first)]
    assert all(map(torch.equal, model(x, lengths), wanted))
    assert wanted[1].shape[1 if batch_first else 0] == 4


def test_packed_sequences_pass_through_blocks_and_stay_packed() -> None:
    text = """
input:
  x: [N, T, 3]
  lengths: int64[N]
blocks:
  Layers()(seq):
    a: LSTM(3, 3)(seq)
    b: GRU(3, 3)(a[0])
    out: b[0]
layers:
  packed: pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
  both: Layers()(packed)
  items: ModuleList(LSTM(3, 3) for i in range(2))
  again: items[1](items[0](both)[0])[0]
  sum: again.data.sum() + again.batch_sizes.sum() + packed[0].sum()
output: [again, sum]
"""
    traced = trace(loads(text))
    assert traced.problems == ()
    assert verify(traced, "cpu").agree
    x, lengths = torch.randn(3, 5, 3), torch.tensor([1, 4, 5])
    packed, _ = build(traced)(x, lengths)
    assert isinstance(packed, PackedSequence)
    assert torch.equal(pad_packed_sequence(packed, True)[1], lengths)


def test_the_values_of_a_run_are_those_of_lengths_that_torch_takes() -> None:
    real = run_once(trace(loads(TAGGER)))
    assert real.inputs["lengths"].min() >= 1


def problems(text: str) -> list:
    return [(problem.kind, problem.message, *problem.help) for problem in trace(loads(text)).problems]


REFUSED = [
    (
        "batch_first=True, enforce_sorted=False",
        "batch_first=False, enforce_sorted=False",
        "size-mismatch",
        "a length for each of T sequences, but N lengths arrive",
    ),
    ("lengths, batch", "lengths.unsqueeze(1), batch", "wrong-rank", "wants lengths [N], but int64[N, 1] arrives"),
    ("embed, lengths", "words[:, 0], lengths", "wrong-rank", "wants [N, T, features]"),
    ("embed, lengths", "embed, 5", "wrong-type", "as lengths, but 5 arrives"),
    ("LSTM(8", "LSTM(9", "size-mismatch", "lstm reads 9 features per step, but 8 arrive"),
    ("(embed, lengths", "(embed.double(), lengths", "wrong-dtype", "lstm computes in float32, but input is float64"),
    ("lstm[0], batch", "embed, batch", "wrong-type", "takes a packed sequence or a tuple as sequence"),
    ("lstm[0], batch", "lstm, batch", "wrong-type", "takes a packed sequence, but a tuple of 2"),
    ("Linear(12, 5)(padded[0])", "Linear(12, 5)(lstm[0])", "wrong-type", "Linear takes one tensor"),
]


@pytest.mark.parametrize(("written", "instead", "kind", "message"), REFUSED)
def test_what_torch_refuses_is_refused_with_a_place(written: str, instead: str, kind: str, message: str) -> None:
    assert written in TAGGER
    found = problems(TAGGER.replace(written, instead))
    assert found
    assert found[0][0] == kind
    assert message in found[0][1]


def test_a_length_that_only_a_run_knows_is_told_where_it_must_be_another() -> None:
    text = TAGGER.replace(", total_length=T", "")
    assert problems(text) == []
    added = text + "  sum: Linear(8, 5)(embed) + tags\n"
    message = "sum needs T steps, but pad_packed_sequence pads to the longest length of the batch"
    assert problems(added) == [("size-mismatch", message, "write pad_packed_sequence(…, total_length=T)")]
    assert problems(TAGGER + "  sum: Linear(8, 5)(embed) + tags\n") == []


def test_a_symbol_of_the_file_may_have_the_name_of_a_longest_length() -> None:
    text = 'input: {x: "[N, longest0]", y: "[N, T]"}\nlayers:\n  sum: x + y\n'
    assert problems(text) == []
