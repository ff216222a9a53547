"""A step that runs at one batch only is an error, and one that runs at some only a warning: torch is asked at each."""

from __future__ import annotations

import pytest

import nnshape


def problems(text):
    trace = nnshape.trace(nnshape.loads(text))
    return trace, [(problem.kind, problem.message) for problem in trace.problems]


def of(input, *steps):
    return problems(f"input: {input}\nlayers:\n" + "".join(f"  {step}\n" for step in steps))


@pytest.mark.parametrize(
    ("input", "steps", "where"),
    [
        ("{x: 64x8x64, e: 64}", ["h: x + e"], "h runs at N = 1 and N = 8 only"),
        ("{x: 64x8x64, e: 64}", ["h: where(x > 0, x, e)"], "h runs at N = 1 and N = 8 only"),
        ("{x: 8x10, c: '[1, 3, 10]'}", ["s: cat([c, x], 1)"], "s runs at N = 1 only"),
        ("{x: '10', c: '[8, 10]'}", ["s: stack([x, c])"], "s runs at N = 8 only"),
        ("16x5x5", ["v: view(32, 400)"], "v runs at N = 32 only"),
        ("16x5x5", ["v: flatten()", "fc: Linear(400, 10)"], "fc runs at N = 1 only"),
        ("[N, 50, 300]", ["l: GRU(300, 128, batch_first=True)(x, zeros(1, 64, 128))"], "l runs at N = 64 only"),
        ("[N, 50, 64]", ["s: x @ x.transpose(1, 2) + ones(N, N)"], "s runs at N = 1 and N = 50 only"),
        ("[N, T, 64]", ["s: x @ x.transpose(1, 2) + ones(N, N)"], "s runs only where N = 1 or N == T"),
        ("{x: '[N, 133]', target: '[N]'}", ["loss: MSELoss()(x, target)"], "loss runs at N = 1 and N = 133 only"),
        ("{x: '[T, N, 64]', e: '[8, 64]'}", ["h: x + e"], "h runs at N = 1 and N = 8 only"),
        ("[N, 10]", ["v: view(2, 10)"], "v runs at N = 2 only"),
        ("[N, 10]", ["p: zeros(2, 10)[:N] + x"], "p runs at N = 1 and N = 2 only"),
    ],
)
def test_a_step_that_runs_at_one_batch_is_an_error(input, steps, where):
    trace, found = of(input, *steps)
    assert found == [("fixed-batch", f"{where}, not at every batch")]
    assert not [constraint for constraint in trace.constraints if "N" in str(constraint)]


@pytest.mark.parametrize(
    ("input", "steps", "where"),
    [
        ("16x8", ["g: reshape(4, -1, 16, 8)"], "g runs at some batches only (N: multiples of 4)"),
        ("[N, 8]", ["g: topk(5, 0)"], "g runs at some batches only (N >= 5)"),
        ("[N, 8]", ["g: x + zeros(512, 8)[:N]"], "g runs at some batches only (N <= 512)"),
        ("{a: '[N, 10]', c: '[B, 10]'}", ["s: cat([a, c], 1)"], "s runs only where N == B"),
    ],
)
def test_a_step_that_runs_at_some_batches_is_a_warning(input, steps, where):
    _, found = of(input, *steps)
    assert found == [("restricted-batch", where)]


def test_a_condition_is_told_once():
    _, found = of("16x8", "g: reshape(4, -1, 16, 8)", "m: g - g.mean(0)", "s: cat([x, m.reshape(-1, 16, 8)], 1)")
    assert found == [("restricted-batch", "g runs at some batches only (N: multiples of 4)")]


@pytest.mark.parametrize(
    ("input", "steps"),
    [
        ("[64, 3, 8, 8]", ["v: view(64, 192)"]),
        ("{x: '[N, 16]', a: '[N, N]'}", ["s: x + zeros(8, 16)"]),
        ("[N, 3, H, W]", ["v: view(N, 3600)"]),  # a condition on H and W
        ("[B, N, 64]", ["s: x + zeros(8, 64)"]),
        ("[N, 8]", ["g: zeros(N - 2, 8)"]),  # every batch from 2 on
        ("[N, 8]", ["g: x[x > 0] + zeros(5)"]),  # as many as the values decide
    ],
)
def test_nothing_is_said(input, steps):
    assert of(input, *steps)[1] == []


def test_the_trace_goes_on_as_if_the_batch_were_free():
    trace, found = of("16x5x5", "v: view(32, 400)", "fc: Linear(400, 10)", "w: fc.view(32, 2, 5)")
    assert [kind for kind, _ in found] == ["fixed-batch", "fixed-batch"]
    assert [str(call.output) for call in trace.calls] == ["400", "10", "2x5"]
    trace, found = of("{x: 8x10, c: '[1, 3, 10]'}", "s: cat([c, x], 1)", "t: s + x[:, :1]")
    assert (len(found), str(trace.output)) == (1, "11x10")


def test_what_was_made_for_one_batch_is_told_once():
    text = [
        "h: zeros(1, 64, 128)",
        "a: GRU(30, 128, batch_first=True)(x, h)",
        "b: GRU(30, 128, batch_first=True)(x, h)",
    ]
    assert len(of("[N, 50, 30]", *text)[1]) == 1


def test_an_assertion_on_one_batch():
    _, found = problems("input: [N, 10]\nlayers:\n  a: ReLU() -> [32, 10]\n")
    assert found == [("fixed-batch", "a gives 10, which is [32, 10] at N = 32 only")]
    _, found = problems("input: [N, 10]\nlayers:\n  a: ReLU()\nexpect: {output: '[32, 10]'}\n")
    assert [kind for kind, _ in found] == ["fixed-batch"]
