"""Models that look right and are wrong: each has one problem, at the batches at which torch runs it."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest
from at_batches import runs_at

import nnshape

FIXED, MIXED, SOME = "fixed-batch", "mixes-samples", "restricted-batch"
#: Batches at which torch is asked, beside those in a message.
BATCHES = (2, 3, 4, 5, 6, 8)
#: The steps of a model, and the step with its one problem: kind, name, and for a fixed batch all that work.
MODELS = {
    # ---- a vector per sample meets a map ----
    "in_a_block": (
        """
        input: {x: 6x5x8, e: 8}
        blocks:
          Add()(x, e):
            c: Conv2d(6, 6, 3, padding=1)(x)
            y: c + e
        layers:
          a: Add()(x, e)
        """,
        (FIXED, "a.y", [1, 5]),
    ),
    "in_a_loop": (
        """
        input: {x: 4x5x6, e: 6}
        blocks:
          Scale()(x, e): {y: x * e}
        layers:
          s: Sequential(Scale()(_, e) for i in range(2))
        """,
        (FIXED, "s.0.y", [1, 5]),
    ),
    "in_a_nested_mapping": (
        """
        input: {x: 4x8x6, e: 6}
        layers:
          a:
            m: torch.maximum(x, e)
        """,
        (FIXED, "a.m", [1, 8]),
    ),
    "modulation_without_axes": (
        """
        input: {x: 4x8x6, e: 6}
        layers:
          p: Linear(6, 12)(e).chunk(2, 1)
          y: addcmul(p[1], x, p[0])
        """,
        (FIXED, "y", [1, 8]),
    ),
    "mask_of_steps": (
        """
        input: {x: 50x8, m: '[N, 8]'}
        layers:
          y: x * m
        """,
        (FIXED, "y", [1, 50]),
    ),
    "mask_of_scores": (
        """
        input: {x: 6x8, m: 'bool[N, 6]'}
        layers:
          s: x @ x.transpose(1, 2)
          y: s.masked_fill(m, -1e9)
        """,
        (FIXED, "y", [1, 6]),
    ),
    "gate_of_steps": (
        """
        input: '[N, 7, 7]'
        layers:
          g: sigmoid(Linear(7, 1)(x)).squeeze(-1)
          y: where(x > 0, x, g)
        """,
        (FIXED, "y", [1, 7]),
    ),
    # ---- tensors that are made for one batch ----
    "token_in_front": (
        """
        input: 9x8
        layers:
          cls: Parameter(1, 1, 8)
          y: concat([cls, x], 1)
        """,
        (FIXED, "y", [1]),
    ),
    "token_repeated_for_32": (
        """
        input: 9x8
        layers:
          cls: Parameter(1, 1, 8)
          y: cat([cls.repeat(32, 1, 1), x], dim=1)
        """,
        (FIXED, "y", [32]),
    ),
    "positions_of_a_batch": (
        """
        input: 9x8
        layers:
          pe: Parameter(16, 9, 8)
          y: x + pe
        """,
        (FIXED, "y", [1, 16]),
    ),
    "state_of_64": (
        """
        input: 9x8
        layers:
          h: (zeros(1, 64, 6), zeros(1, 64, 6))
          l: LSTM(8, 6, batch_first=True)(x, h)
          y: l[0]
        """,
        (FIXED, "l", [64]),
    ),
    "state_without_the_batch_in_a_cell": (
        """
        input: 8
        layers:
          y: GRUCell(8, 6)(x, zeros(4, 6))
        """,
        (FIXED, "y", [4]),
    ),
    "labels_of_64": (
        """
        input: {q: 8, k: 8}
        layers:
          logits: q @ k.t()
          y: cross_entropy(logits, arange(64))
        """,
        (FIXED, "y", [64]),
    ),
    "own_pairs_of_32": (
        """
        input: 8
        layers:
          sim: x @ x.t()
          y: sim.masked_fill(eye(32).bool(), -1e9)
        """,
        (FIXED, "y", [1, 32]),
    ),
    "rows_of_32": (
        """
        input: {x: 10, y: 'int64[N]'}
        layers:
          p: x[arange(32), y]
        """,
        (FIXED, "p", [32]),
    ),
    "product_with_16_matrices": (
        """
        input: 5x4
        layers:
          w: Parameter(16, 4, 3)
          y: bmm(x, w)
        """,
        (FIXED, "y", [16]),
    ),
    "einsum_with_16_matrices": (
        """
        input: 5x4
        layers:
          w: Parameter(16, 4, 3)
          y: einsum('bij,bjk->bik', x, w)
        """,
        (FIXED, "y", [1, 16]),
    ),
    "added_product": (
        """
        input: 5x4
        layers:
          b: zeros(12, 5, 5)
          y: baddbmm(b, x, x.transpose(1, 2))
        """,
        (FIXED, "y", [12]),
    ),
    "stack_with_zeros": (
        """
        input: 5x4
        layers:
          y: stack([x, zeros(6, 5, 4)], 1)
        """,
        (FIXED, "y", [6]),
    ),
    "expand_to_a_number": (
        """
        input: 1x4
        layers:
          e: x.expand(8, 5, 4)
          y: e + 1
        """,
        (FIXED, "e", [1, 8]),
    ),
    # ---- shapes for one batch ----
    "view_of_a_batch": (
        """
        input: 16x5x5
        layers:
          y: x.reshape([32, 400])
        """,
        (FIXED, "y", [32]),
    ),
    "view_of_heads": (
        """
        input: 6x8
        layers:
          h: x.view(32, 6, 2, 4)
          y: h.transpose(1, 2)
        """,
        (FIXED, "h", [32]),
    ),
    "joined_with_the_batch": (
        """
        input: 6x8
        layers:
          f: flatten(0)
          y: Linear(96, 4)
        """,
        (FIXED, "y", [2]),
    ),
    "features_of_a_transpose": (
        """
        input: 6x8
        layers:
          t: x.permute(1, 2, 0)
          y: Linear(10, 4)
        """,
        (FIXED, "y", [10]),
    ),
    "block_for_32": (
        """
        input: 6x8
        blocks:
          B()(x[32, T, 8]): {y: 'Linear(8, 4)'}
        layers:
          y: B()(x)
        """,
        (FIXED, "", [32]),
    ),
    "parameter_of_the_batch": (
        """
        input: 6x8
        layers:
          p: Parameter(x.shape[0], 6, 8)
          y: x + p
        """,
        (FIXED, "p", []),
    ),
    "mask_of_the_batch_squared": (
        """
        input: 6x8
        layers:
          m: ones(N, N).tril().bool()
          a: TransformerEncoderLayer(8, 2, 16, batch_first=True)(x, m)
        """,
        (FIXED, "a", [6]),
    ),
    "loss_of_a_column": (
        """
        input: {x: '[N, 5]', y: '[N]'}
        layers:
          loss: smooth_l1_loss(x, y)
        """,
        (FIXED, "loss", [1, 5]),
    ),
    # ---- some batches only ----
    "statistics_of_groups": (
        """
        input: 6x5x5
        layers:
          g: x.view(4, -1, 6, 5, 5)
          s: g.std(0, correction=0).mean((1, 2, 3), keepdim=True)
          y: cat([x, s.repeat(4, 1, 1, 1).expand(-1, -1, 5, 5)], 1)
        """,
        (SOME, "g", "multiples of 4"),
    ),
    "two_halves": (
        """
        input: 6
        layers:
          h: x.view(2, -1, 6)
          y: h[0] - h[1]
        """,
        (SOME, "h", "N: even"),
    ),
    "the_best_three": (
        """
        input: 6
        layers:
          b: x.norm(dim=1).topk(3)
          y: x[b[1]]
        """,
        (SOME, "b", "N >= 3"),
    ),
    "table_of_five": (
        """
        input: 6
        layers:
          p: zeros(5, 6)
          y: x + p[:x.shape[0]]
        """,
        (SOME, "y", "N <= 5"),
    ),
    # ---- samples that mix ----
    "gru_in_a_block": (
        """
        input: {x: 9x8, z: 4}
        blocks:
          Reader(n)(x):
            g: GRU(8, n)
            y: g[0][:, -1]
        layers:
          r: Reader(6)(x)
          y: cat([r, z], 1)
        """,
        (MIXED, "r.g", None),
    ),
    "rnn_of_two_inputs": (
        """
        input: {a: 9x8, b: 9x8}
        layers:
          s: cat([a, b], 2)
          r: RNN(16, 6)
          y: r[0].mean(1)
        """,
        (MIXED, "r", None),
    ),
    "encoder_of_images": (
        """
        input: 3x8x8
        layers:
          p: Conv2d(3, 8, 4, 4)
          t: flatten(2).transpose(1, 2)
          e: TransformerEncoder(TransformerEncoderLayer(8, 2, 16), 2)
          y: e.mean(1)
        """,
        (MIXED, "e", None),
    ),
    "cross_attention": (
        """
        input: {x: 5x8, m: 7x8}
        layers:
          a: MultiheadAttention(8, 2)(x.transpose(0, 1), m, m)
          y: a[0]
        """,
        (FIXED, "a", [7]),
    ),
    "softmax_of_heads_by_default": (
        """
        input: 5x8
        layers:
          s: x @ x.transpose(1, 2)
          y: softmax(s)
        """,
        (MIXED, "y", None),
    ),
    "softmax_in_a_loop": (
        """
        input: 5x8
        blocks:
          Head()(x):
            w: softmax(Linear(8, 1)(x), 0)
            y: x * w
        layers:
          h: Sequential(Head() for i in range(2))
        """,
        (MIXED, "h.0.w", None),
    ),
    "log_softmax_layer": (
        """
        input: 8
        layers:
          f: Linear(8, 4)
          y: LogSoftmax(0)
        """,
        (MIXED, "y", None),
    ),
    "running_sum": (
        """
        input: 9x8
        layers:
          c: cumsum(0)
          y: c.mean(1)
        """,
        (MIXED, "c", None),
    ),
    "sorted_scores": (
        """
        input: 8
        layers:
          s: sort(dim=0)
          y: s[0]
        """,
        (MIXED, "s", None),
    ),
    "spectrum": (
        """
        input: 8
        layers:
          f: torch.fft.fft(x, dim=0)
          y: f.abs()
        """,
        (MIXED, "f", None),
    ),
    "sequence_turned_by_a_reshape": (
        """
        input: '[T, N, 8]'
        layers:
          r: x.reshape(N, -1, 8)
          y: r.mean(1)
        """,
        (MIXED, "r", None),
    ),
    "steps_joined_after_a_transpose": (
        """
        input: 9x8
        layers:
          t: x.transpose(0, 1)
          j: t.reshape(N, 72)
          y: Linear(72, 4)
        """,
        (MIXED, "j", None),
    ),
    "positions_by_the_batch": (
        """
        input: 9x8
        layers:
          pe: Buffer(zeros(500, 1, 8))
          p: pe[:x.size(0)]
          y: x + p
        """,
        (MIXED, "p", None),
    ),
    "samples_by_length": (
        """
        input: {ids: 'int64[N, 9]', x: 8}
        layers:
          n: (ids > 0).sum(1)
          s: x[n % N]
          y: softmax(s, 0)
        """,
        (MIXED, "y", None),
    ),
    "neighbours_are_labels": (
        """
        input: {x: 8, y: 'int64[N]'}
        layers:
          z: softmax(Linear(8, 4)(x), 0)
          p: z.gather(1, y[:, None])
        """,
        (MIXED, "z", None),
    ),
    # ---- scrambled, lost, stretched, cut ----
    "steps_for_channels": (
        """
        input: 9x8
        layers:
          v: x.reshape(-1, 8, 9)
          y: Conv1d(8, 4, 3)
        """,
        ("scrambled", "v", None),
    ),
    "channels_last_by_a_view": (
        """
        input: 5x6x3
        layers:
          v: x.view(x.size(0), 3, 5, 6)
          y: Conv2d(3, 4, 3)
        """,
        ("scrambled", "v", None),
    ),
    "last_sample_for_last_step": (
        """
        input: 9x8
        layers:
          l: LSTM(8, 6, batch_first=True)
          h: l[0][-1]
          y: Linear(6, 2)
        """,
        ("loses-batch", "h", None),
    ),
    "squeezed": (
        """
        input: 8x5x5
        layers:
          p: adaptive_avg_pool2d(1)
          s: squeeze()
          y: Linear(8, 2)
        """,
        ("loses-batch", "s", None),
    ),
    "column_minus_row": (
        """
        input: {x: 8, y: '[N]'}
        layers:
          s: Linear(8, 1)(x)
          d: torch.sub(s, y)
          loss: d.abs().mean()
        """,
        ("silent-broadcast", "d", None),
    ),
    "pieces_for_samples": (
        """
        input: 8x6x6
        layers:
          v: x.view(-1, 144)
          y: Linear(144, 2)
        """,
        ("swallows-batch", "v", None),
    ),
}


def _name(trace, problem):
    """The path of the step that holds a problem."""
    context = next(c for key, c in trace.contexts.items() if key[:2] == (problem.kind, problem.message))
    return context.call.path


@pytest.mark.parametrize("name", MODELS)
def test_one_problem_that_torch_confirms(name):
    text, expected = MODELS[name]
    text = dedent(text)
    trace = nnshape.trace(text)
    found = [problem for problem in trace.problems if problem.kind != "unused-step"]
    assert [problem.kind for problem in found] == [expected[0]], found
    kind, path, more = expected
    assert not path or _name(trace, found[0]) == path
    assert found[0].severity == ("error" if kind == FIXED else "warning")
    if kind == FIXED:
        told = [int(number) for number in re.findall(r"N = (\d+)", found[0].message)]
        assert told == more
        assert [batch for batch in sorted({1, *BATCHES, *more}) if runs_at(text, batch)] == more or not more
    elif kind == SOME:
        assert more in found[0].message
    else:
        assert all(runs_at(text, batch) for batch in (1, 2, 3, 5))
    if kind == MIXED:
        assert "mixes-samples" in {problem.kind for problem in nnshape.verify(trace, "cpu").kept(trace.problems)}
