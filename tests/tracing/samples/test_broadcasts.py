"""`[N] - [N, 1]` is `[N, N]`: told where nobody wrote the axis of 1."""

from __future__ import annotations

import pytest

from nnshape.fixes import fixes

HEAD = "{x: '16', y: '[N]', z: '[N, 1]'}"


@pytest.mark.parametrize(
    ("body", "fixed"),
    [
        ("fc: Linear(16, 1)(x)\nerr: fc - y", "err: fc.squeeze(1) - y"),
        ("fc: Linear(16, 1)(x)\nerr: y - fc", "err: y - fc.squeeze(1)"),
        ("fc: Linear(16, 1)(x)\nact: sigmoid(fc * 2)\nerr: act * y", "err: act.squeeze(1) * y"),
        ("fc: Linear(16, 1)(x)\nerr: sub(fc, y)", "err: sub(fc.squeeze(1), y)"),
        ("fc: Linear(16, 1)(x)\nerr: fc > y", "err: fc.squeeze(1) > y"),
        ("err: z - y", "err: z.squeeze(1) - y"),
        ("one: x[:, :1]\nerr: one + y", "err: one.squeeze(1) + y"),
        ("fc: Linear(16, 1)(x)\nerr: y.sub(fc)", "err: y.sub(fc.squeeze(1))"),
    ],
)
def test_an_axis_that_nobody_wrote(steps, body, fixed):
    traced = steps(body, HEAD)
    assert [(kind, line) for kind, line, _ in traced.problems] == [("silent-broadcast", body.count("\n") + 3)]
    assert fixed in [fix.shown for fix in fixes(traced.trace)]


@pytest.mark.parametrize(
    "body",
    [
        "d: y[:, None] - y",
        "d: y[:, None] - y[None]",
        "d: y.unsqueeze(1) == y",
        "fc: Linear(16, 1)(x)\nd: fc - fc.t()",
        "fc: Linear(16, 1)(x)\nd: fc - fc.T",
        "d: (x ** 2).sum(1, keepdim=True) + (x ** 2).sum(1)",
        "d: x.sum(1, True) - x.sum(1)",
        "d: y.view(-1, 1) - y",
        "a: y.view(-1, 1).float()\nd: a - y",
        "d: z - z.squeeze(1)[:, None]",
        "d: x - z",
        "d: outer(y, y)",
        "d: x @ x.t() * 2",
        "fc: Linear(16, 1)(x)\nerr: fc.squeeze(1) - y",
    ],
)
def test_pairs_that_are_written(steps, body):
    assert steps(body, HEAD).problems == []


def test_a_loss_without_a_reduction_is_told_once(steps):
    traced = steps("fc: Linear(16, 1)(x)\nloss: mse_loss(fc, y, reduction='none')", HEAD)
    assert [kind for kind, _, _ in traced.problems] == ["silent-broadcast"]
