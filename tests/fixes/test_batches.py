"""The fixes of a step that is made for one batch: each is one that was traced, and lets the batch be any number."""

from __future__ import annotations

import pytest

import nnshape
from nnshape.fixes import edited, fixes


def fixed(text):
    """The error of a spec, its line and column, and the lines that the first fix changes."""
    trace = nnshape.trace(nnshape.loads(text))
    (problem,) = [p for p in trace.problems if p.kind != "fails-in-training"]
    found = fixes(trace)
    assert found, problem
    after = edited(text, found[0].edits)
    again = nnshape.trace(nnshape.loads(after))
    assert not [p for p in again.problems if p.kind != "fails-in-training"], again.problems
    assert not [str(c) for c in again.constraints if "N" in str(c)]
    changed = [new for old, new in zip(text.splitlines(), after.splitlines(), strict=True) if old != new]
    return problem.kind, problem.span.line, problem.span.column, [line.strip() for line in changed]


def spec(input, *steps):
    return f"input: {input}\nlayers:\n" + "".join(f"  {step}\n" for step in steps)


ENCODED = ["patch: Conv2d(3, 64, 4, 4)", "tok: flatten(2).transpose(1, 2)"]


@pytest.mark.parametrize(
    ("text", "kind", "place", "lines"),
    [
        (
            spec("{x: 64x64x64, e: 256}", "c: Conv2d(64, 64, 3, padding=1)(x)", "p: Linear(256, 64)(e)", "h: c + p"),
            "fixed-batch", (5, 6), ["h: c + p[:, :, None, None]"],
        ),
        (
            spec("3x32x32", *ENCODED, "cls: Parameter(1, 1, 64)", "seq: cat([cls, tok], 1)", "h: Linear(64, 9)"),
            "fixed-batch", (6, 12), ["seq: cat([cls.expand(N, -1, -1), tok], 1)"],
        ),
        (
            spec('"[N, 50, 300]"', "h0: zeros(1, 64, 128)", "l: GRU(300, 128, batch_first=True)(x, h0)"),
            "fixed-batch", (4, 41), ["h0: zeros(1, N, 128)"],
        ),
        (
            spec('{a: "[N, 10]", c: "[8, 10]"}', "s: cat([a, c], 1)"),
            "fixed-batch", (3, 10), ['input: {a: "[N, 10]", c: "[N, 10]"}'],
        ),
        (
            spec('{x: "[N, 50, 64]", p: "bool[N, 50]"}', "mha: MultiheadAttention(64, 4)(x, x, x, key_padding_mask=p)"),
            "fixed-batch", (3, 60), ["mha: MultiheadAttention(64, 4, batch_first=True)(x, x, x, key_padding_mask=p)"],
        ),
        (spec("16x5x5", "v: view(32, 400)", "fc: Linear(400, 9)"), "fixed-batch", (3, 6), ["v: view(N, 400)"]),
        (
            spec(
                '{x: "int64[N, 20]", y: "int64[N, 20]"}', "e: Embedding(99, 32)(x)", "h: Linear(32, 100)",
                "loss: CrossEntropyLoss()(h, y)",
            ),
            "size-mismatch", (5, 28), ["loss: CrossEntropyLoss()(h.transpose(1, 2), y)"],
        ),
    ],
)  # fmt: skip
def test_the_cases_of_the_issue(text, kind, place, lines):
    assert fixed(text) == (kind, *place, lines)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            spec("{x: '[N, 4, 50, 50]', m: 'bool[N, 50]'}", "s: x.masked_fill(m, 0)"),
            ["s: x.masked_fill(m[:, None, None], 0)"],
        ),
        (
            spec(
                "[N, 50, 30]", "h: zeros(2, 64, 16)", "c: zeros(2, 64, 16)",
                "l: LSTM(30, 16, 2, batch_first=True)(x, (h, c))",
            ),
            ["h: zeros(2, N, 16)", "c: zeros(2, N, 16)"],
        ),
        (
            spec("[N, 50, 30]", "l: LSTM(30, 16, batch_first=True)(x, (zeros(1, 64, 16), zeros(1, 64, 16)))"),
            ["l: LSTM(30, 16, batch_first=True)(x, (zeros(1, N, 16), zeros(1, N, 16)))"],
        ),
        (
            spec("[N, 50, 30]", "h: Parameter(1, 1, 16)", "l: GRU(30, 16, batch_first=True)(x, h)"),
            ["l: GRU(30, 16, batch_first=True)(x, h.repeat(1, N, 1))"],
        ),
        (spec("[N, 50, 64]", "s: x @ x.transpose(1, 2) + ones(N, N)"), ["s: x @ x.transpose(1, 2) + ones(50, 50)"]),
        (spec("[N, T, 64]", "m: ones(N, N)", "s: x @ x.transpose(1, 2) + m"), ["m: ones(T, T)"]),
        (spec("[N, 50, 64]", "p: Parameter(64, 50, 64)", "s: x + p"), ["p: Parameter(1, 50, 64)"]),
        (spec("16x5x5", "v: flatten()", "fc: Linear(400, 10)"), ["v: flatten(1)"]),
        (spec("16x5x5", "v: view(-1)", "fc: Linear(400, 10)"), ["v: view(N, -1)"]),
        (
            spec(
                "{t: '[N, 9, 64]', m: '[N, 7, 64]', pad: 'bool[N, 9]'}",
                "d: TransformerDecoderLayer(64, 4, batch_first=True)(t, m, tgt_mask=pad)",
            ),
            ["d: TransformerDecoderLayer(64, 4, batch_first=True)(t, m, tgt_key_padding_mask=pad)"],
        ),
        (spec("{a: '[N, 10]', c: '[B, 10]'}", "s: cat([a, c], 1)"), ["input: {a: '[N, 10]', c: '[N, 10]'}"]),
        (spec("[N, 10]", "i: arange(32)", "s: x[i, x.argmax(1)]"), ["i: arange(N)"]),
        (spec("[N, 10]", "b: Parameter(1, 10)", "e: b.expand(32, -1)", "s: x + e"), ["e: b.expand(N, -1)"]),
        (
            "input: [N, 30]\nhparams: {batch: 64}\nlayers:\n  h: zeros(batch, 30)\n  s: cat([x, h], 1)\n",
            ["h: zeros(N, 30)"],
        ),
    ],
)  # fmt: skip
def test_their_kin(text, lines):
    kind, *_, changed = fixed(text)
    assert kind in ("fixed-batch", "restricted-batch")
    assert changed == lines


@pytest.mark.parametrize("steps", [("h: x.transpose(0, 1)", "s: x + h"), ("fc: Linear(8, 9)(x.t())",)])
def test_no_fix_is_offered_that_fixes_the_batch_elsewhere(steps):
    trace = nnshape.trace(nnshape.loads(spec("[N, 8]", *steps)))
    for fix in fixes(trace):
        again = nnshape.trace(nnshape.loads(edited(trace.spec.source.text, fix.edits)))
        assert not again.errors
        assert not [str(c) for c in again.constraints if "N" in str(c)]


def test_two_sizes_that_are_equal_by_chance_change_nothing_where_the_target_tells():
    kind, *_, changed = fixed(spec("{h: '[N, T, 20, 20]', y: 'int64[N, T, 20]'}", "l: cross_entropy(h, y)"))
    assert (kind, changed) == ("size-mismatch", ["l: cross_entropy(h.permute(0, 3, 1, 2), y)"])
    for input in ("{h: '[N, C, H, W]', y: 'int64[N, H, W]'}", "{h: '[N, 20, 20]', y: 'int64[N, 20]'}"):
        assert not nnshape.trace(nnshape.loads(spec(input, "l: cross_entropy(h, y)"))).problems
