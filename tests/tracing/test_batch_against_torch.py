"""What nnshape says of the batch, held against torch on the CPU at many batches: one random step at a time."""

from __future__ import annotations

import re
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import nnshape

SIZES = st.sampled_from([1, 2, 3, 4, 6, 8, 12])
#: Batches at which torch is asked: small ones, and all sizes that a step may be made for.
BATCHES = (1, 2, 3, 4, 5, 6, 8, 9, 12, 18, 24, 36, 48, 72, 96, 144, 288, 576, 1728)
#: A step tells one message, and these come before that of the batches at which it runs.
STRONGER = ("loses-batch", "mixes-samples", "scrambled", "silent-broadcast")
OWN = ("fixed-batch", "restricted-batch")


@st.composite
def shapes(draw, least=1, most=3):
    """The sizes of an input: N first, or none of it."""
    sizes = [str(draw(SIZES)) for _ in range(draw(st.integers(least, most)))]
    return "[" + ", ".join(["N", *sizes] if draw(st.booleans()) else sizes) + "]"


@st.composite
def steps(draw):
    """The shapes of two inputs, and a step of both that is Python as well."""
    kind = draw(
        st.sampled_from(["add", "where", "cat", "stack", "view", "matmul", "mask", "split", "gru", "expand", "rows"])
    )
    a, b, c = (draw(SIZES) for _ in range(3))
    if kind in ("add", "where", "cat", "stack", "matmul"):
        x, y = draw(shapes()), draw(shapes())
        texts = {
            "add": "x + y", "where": "where(x > 0, x, y)", "cat": f"cat([x, y], {min(a, 2) - 1})",
            "stack": "stack([x, y])", "matmul": "x @ y",
        }  # fmt: skip
        return x, y, texts[kind]
    if kind == "view":
        targets = [f"{a}, {b}", f"{a}, -1", f"-1, {b * c}", f"N, {b}, {c}", f"{a}, {b}, {c}", f"{a}, N, -1"]
        return f"[N, {b}, {c}]", "[1]", f"x.reshape({draw(st.sampled_from(targets))})"
    if kind == "mask":
        return (
            f"[N, {a}, {b}]",
            "[1]",
            f"x @ x.transpose(1, 2) + ones({draw(st.sampled_from(['N, N', f'{a}, N', 'N, 1']))})",
        )
    if kind == "split":
        return f"[N, {a}]", "[1]", f"x.unflatten(0, ({b}, -1))"
    if kind == "gru":
        return f"[N, {a}, 4]", f"[1, {b}, 4]", "GRU(4, 4, batch_first=True)(x, y)"
    if kind == "expand":
        return f"[N, {a}]", f"[1, {a}]", f"x + y.expand({b}, -1)"
    return (
        f"[N, {a}]",
        f"[{b}, {a}]",
        draw(st.sampled_from(["x + y[:N]", "x[:4] + y", f"y[:{c}] * x", "x.topk(3, 0)[0]"])),
    )


def torch_runs(x, y, text, batch):
    names = {name: getattr(torch, name) for name in ("where", "cat", "stack", "ones")} | {
        "GRU": torch.nn.GRU,
        "N": batch,
    }
    tensors = {
        name: torch.zeros([eval(size, {"N": batch}) for size in shape.strip("[]").split(",")])
        for name, shape in (("x", x), ("y", y))
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            eval(text, {**names, **tensors})
    except (RuntimeError, IndexError):
        return False
    return True


@settings(max_examples=25, deadline=None)
@given(steps())
def test_the_verdict_is_that_of_torch_at_every_batch(step):
    x, y, text = step
    if "N" not in x + y:
        return
    trace = nnshape.trace(nnshape.loads(f"input: {{x: '{x}', y: '{y}'}}\nlayers:\n  s: {text}\n"))
    own = [problem for problem in trace.problems if problem.kind in OWN]
    runs = [batch for batch in BATCHES if torch_runs(x, y, text, batch)]
    several = [batch for batch in runs if batch > 1]
    if [problem for problem in trace.errors if problem.kind not in OWN]:
        assert len(several) < 2 or "swallows" in str([p.kind for p in trace.problems]), (step, runs, trace.problems)
    elif len(several) == len(BATCHES) - 1:
        assert not own, (step, runs, own)
    elif len(several) < 2:
        assert [problem.kind for problem in own] == ["fixed-batch"], (step, runs, trace.problems)
        assert [int(number) for number in re.findall(r"N = (\d+)", own[0].message)] == runs, (step, runs, own)
    else:
        told = [problem.kind for problem in trace.problems]
        assert {*told} & {"restricted-batch", *STRONGER}, (step, runs, trace.problems)


def test_this_test_can_fail():
    assert torch_runs("[N, 3]", "[8, 3]", "x + y", 8)
    assert not torch_runs("[N, 3]", "[8, 3]", "x + y", 2)
    with pytest.raises(SyntaxError):
        torch_runs("[N, 3]", "[8, 3]", "x +", 2)
