"""Layers that take the batch for the steps of a sequence, and masks repeated for other heads."""

from __future__ import annotations

import pytest

from nnshape.fixes import fixes

FIRST = ", batch_first=True"


@pytest.mark.parametrize(
    "step",
    [
        "l: LSTM(32, 8{})",
        "l: GRU(32, 8, 2, bidirectional=True{})(x)[0]",
        "l: LSTM(input_size=32, hidden_size=8{})",
        "l: MultiheadAttention(32, 4{})(x, x, x)[0]",
        "l: MultiheadAttention(32, 4{})(query=x, value=x, key=x)[0]",
        "l: TransformerEncoderLayer(32, 4{})",
        "l: TransformerDecoderLayer(32, 4{})(x, x)",
        "l: TransformerEncoder(TransformerEncoderLayer(32, 4{}), 2)",
        "l: TransformerDecoder(num_layers=2, decoder_layer=TransformerDecoderLayer(32, 4{}))(x, x)",
        "l: Transformer(32, 4, 1, 1{})(x, x)",
    ],
)
@pytest.mark.parametrize("input", ["50x32", "'[N, T, 32]'"])
def test_the_batch_where_a_layer_has_the_steps(steps, input, step):
    traced = steps(step.format(""), input)
    assert [(kind, line) for kind, line, _ in traced.problems] == [("mixes-samples", 3)]
    assert [fix.shown for fix in fixes(traced.trace)] == [step.format(FIRST)]
    assert steps(step.format(FIRST), input).problems == []


@pytest.mark.parametrize(
    "step", ["l: LSTM(32, 8, batch_first={})", "l: MultiheadAttention(32, 4, batch_first={})(x, x, x)[0]"]
)
def test_the_batch_second_where_a_layer_has_the_steps(steps, step):
    traced = steps(step.format(True), "'[T, N, 32]'")
    assert [fix.shown for fix in fixes(traced.trace)] == [step.format(False)]
    traced = steps(step.format(False), "'[N, T, 32]'")
    assert [fix.shown for fix in fixes(traced.trace)] == [step.format(True)]


@pytest.mark.parametrize(
    ("input", "told"),
    [("'[T, N, 32]'", True), ("32", True), ("'[4, N, 32]'", True), ("50x32", False), ("4x50x32", False)],
)
@pytest.mark.parametrize(
    "step", ["a: scaled_dot_product_attention(x, x, x)", "a: F.scaled_dot_product_attention(query=x, key=x, value=x)"]
)
def test_attention_without_a_layer(steps, input, told, step):
    assert [kind for kind, _, _ in steps(step, input).problems] == ["mixes-samples"] * told


def test_the_fix_of_a_step_that_is_a_mapping(steps):
    traced = steps("l: {type: LSTM, input_size: 32, hidden_size: 8}\nout: l[0]", "50x32")
    (fix,) = fixes(traced.trace)
    assert fix.shown == "l: {type: LSTM, input_size: 32, hidden_size: 8, batch_first: true}"


def test_windows_of_all_samples_are_a_batch_too(steps):
    traced = steps("w: flatten(0, 1)\nl: MultiheadAttention(32, 4)(w, w, w)[0]", "7x49x32")
    assert [(kind, line) for kind, line, _ in traced.problems] == [("mixes-samples", 4)]


@pytest.mark.parametrize(
    ("step", "fixed"),
    [
        ("l: LSTM(32, 8)(x)[0]", "l: LSTM(32, 8)(x.unsqueeze(0))[0]"),
        ("l: GRU(32, 8, batch_first=True)(x)[0]", "l: GRU(32, 8, batch_first=True)(x.unsqueeze(1))[0]"),
        ("l: MultiheadAttention(32, 4)(x, x, x)[0]", None),
    ],
)
def test_a_batch_of_vectors_is_no_sequence(steps, step, fixed):
    traced = steps(step, "32")
    assert [kind for kind, _, _ in traced.problems] == ["mixes-samples"]
    assert [fix.shown for fix in fixes(traced.trace)] == ([fixed] if fixed else [])


@pytest.mark.parametrize(
    ("input", "step"),
    [
        ("50x32", "l: LSTM(32, 8, batch_first=True)"),
        ("'[T, N, 32]'", "l: LSTM(32, 8)"),
        ("'[50, N, 32]'", "l: TransformerEncoder(TransformerEncoderLayer(32, 4), 2)"),
        ("50x32", "t: transpose(0, 1)\nl: MultiheadAttention(32, 4)(t, t, t)[0]"),
        ("32", "l: LSTMCell(32, 8)"),
        # Queries of all samples, and keys of none.
        ("32", "bank: Parameter(100, 32)\nl: MultiheadAttention(32, 4)(x, bank, bank)[0]"),
        ("'[B, N, 32]'", "l: MultiheadAttention(32, 4, batch_first=True)(x, x, x)[0]"),
        ("'[N, N, 32]'", "l: LSTM(32, 8)"),
        ("'[T, 32]'", "l: LSTM(32, 8)"),
    ],
)
def test_layers_that_take_the_batch_for_the_batch(steps, input, step):
    assert steps(step, input).problems == []


def test_a_block_that_is_repeated_is_told_once(of):
    traced = of("""
        input: 50x32
        layers:
          h: Sequential(TransformerEncoderLayer(32, 4) for i in range(6))
        """)
    assert [kind for kind, _, _ in traced.problems] == ["mixes-samples"]
    (fix,) = fixes(traced.trace)
    assert "batch_first=True" in fix.shown


MASKED = "a: MultiheadAttention(32, 4, batch_first=True)(x, x, x, attn_mask={})"


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (MASKED.format("m.{}"), 3),
        ("heads: m.{}\n" + MASKED.format("heads"), 3),
        ("w: m * 2\nheads: (w > 0).{}\nb: ~heads\n" + MASKED.format("b"), 4),
        ("heads: m.{}\nt: TransformerEncoderLayer(32, 4, batch_first=True)(x, heads)", 3),
    ],
)
@pytest.mark.parametrize("repeat", ["repeat(4, 1, 1)", "repeat((4, 1, 1))", "tile(4, 1, 1)", "repeat( 4,1, 1 )"])
def test_a_mask_repeated_for_the_samples_of_each_head(steps, body, line, repeat):
    traced = steps(body.format(repeat), "{x: 50x32, m: 50x50}")
    assert [(kind, line) for kind, line, _ in traced.problems] == [("mixes-samples", line)]
    (fix,) = fixes(traced.trace)
    assert fix.shown == body.format("repeat_interleave(4, 0)").splitlines()[line - 3]


@pytest.mark.parametrize(
    "mask",
    [
        "cat((m, m, m, m))",
        "stack((m, m, m, m)).flatten(0, 1)",
        "m[None].expand(4, -1, -1, -1).reshape(-1, 50, 50)",
    ],
)
def test_a_mask_made_otherwise_for_the_samples_of_each_head(steps, mask):
    traced = steps(f"heads: {mask}\n{MASKED.format('heads')}", "{x: 50x32, m: 50x50}")
    assert [(kind, line) for kind, line, _ in traced.problems] == [("mixes-samples", 3)]


@pytest.mark.parametrize(
    "body",
    [
        MASKED.format("m.repeat_interleave(4, 0)"),
        MASKED.format("m[:, None].repeat(1, 4, 1, 1).flatten(0, 1)"),
        MASKED.format("m[:, None].expand(-1, 4, -1, -1).reshape(-1, 50, 50)"),
        MASKED.format("ones(50, 50).tril()"),
    ],
)
def test_a_mask_with_the_heads_of_each_sample(steps, body):
    assert steps(body, "{x: 50x32, m: 50x50}").problems == []
