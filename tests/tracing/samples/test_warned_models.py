"""Models that split the batch, or attend along it, on purpose: one warning each, which a run does not multiply."""

from __future__ import annotations

import pytest

import nnshape

MULTIPLES = "runs at some batches only (N: multiples of 4)"
MODELS = {
    # Groups of 4 samples share the statistics of a channel, as in the training code of DAWNBench.
    "ghost_batch_norm": (
        """
        input: 16x8x8
        layers:
          ghosts: x.view(-1, 64, 8, 8)
          bn: BatchNorm2d(64)
          back: bn.view(x.shape)
        """,
        [("restricted-batch", 3, MULTIPLES)],
    ),
    "ghost_batch_norm_in_chunks": (
        """
        input: 16x8x8
        layers:
          ghosts: x.view(4, N // 4, 16, 8, 8).transpose(0, 1).reshape(-1, 64, 8, 8)
          bn: BatchNorm2d(64)
          back: bn.view(-1, 4, 16, 8, 8).transpose(0, 1).reshape(N, 16, 8, 8)
        """,
        [("restricted-batch", 3, MULTIPLES)],
    ),
    "minibatch_stddev": (
        """
        input: 16x4x4
        layers:
          groups: x.view(4, -1, 1, 16, 4, 4)
          centered: groups - groups.mean(0)
          deviation: (centered.square().mean(0) + 1e-8).sqrt().mean((2, 3, 4), keepdim=True).squeeze(2)
          plane: deviation.repeat(4, 1, 4, 4)
          out: cat((x, plane), 1)
          conv: Conv2d(17, 16, 3)
        """,
        [("restricted-batch", 3, MULTIPLES)],
    ),
    "minibatch_stddev_by_division": (
        """
        input: 16x4x4
        layers:
          groups: x.reshape(4, N // 4, 1, 16, 4, 4)
          deviation: (groups.var(0, unbiased=False) + 1e-8).sqrt().mean((2, 3, 4))
          plane: deviation.reshape(-1, 1, 1, 1).repeat(4, 1, 4, 4)
          out: cat((x, plane), 1)
        """,
        [("restricted-batch", 3, MULTIPLES)],
    ),
    # TabPFN attends from row to row of a table: the rows are the batch.
    "rows_attend_to_rows": (
        """
        input: 20x32
        layers:
          t: transpose(0, 1)
          a: MultiheadAttention(32, 4, batch_first=True)(t, t, t)
          back: a[0].transpose(0, 1)
          fc: Linear(32, 4)
        """,
        [("mixes-samples", 4, "mixes the samples")],
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_one_warning(of, name):
    text, expected = MODELS[name]
    problems = of(text).trace.problems
    assert [(problem.kind, problem.severity, problem.span.line) for problem in problems] == [
        (kind, "warning", line) for kind, line, _ in expected
    ]
    for problem, (_, _, words) in zip(problems, expected, strict=True):
        assert words in problem.message


@pytest.mark.parametrize("name", MODELS)
def test_one_warning_after_the_proof(of, name):
    text, expected = MODELS[name]
    trace = of(text).trace
    verification = nnshape.verify(trace, "cpu")
    assert verification.agree, verification.sentence
    assert [problem.kind for problem in verification.kept(trace.problems)] == [kind for kind, _, _ in expected]
