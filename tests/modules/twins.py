"""Holds the model of a spec against a module written by hand: names and order of the state dict, values and outputs."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import torch

from nnshape import Trace, build, loads, trace, verify


def held_against(text: str, twin: torch.nn.Module, *inputs: torch.Tensor, train: bool = False, **options: Any) -> Trace:
    """Trace, prove and build a spec, and compare the built model with its twin, bit for bit, on some inputs."""
    traced = trace(loads(dedent(text).lstrip("\n")), **options)
    assert [problem.message for problem in traced.problems] == []
    verification = verify(traced, "cpu")
    assert verification.agree
    assert verification.unproved == ()
    model = build(traced)
    assert list(model.state_dict()) == list(twin.state_dict())
    assert [name for name, _ in model.named_parameters()] == [name for name, _ in twin.named_parameters()]
    assert traced.totals.parameters == sum(parameter.numel() for parameter in twin.parameters())
    torch.manual_seed(1)
    with torch.no_grad():
        for value in twin.state_dict().values():
            if value.is_floating_point():
                value.uniform_(0.1, 1)
    model.load_state_dict(twin.state_dict(), strict=True)
    model.train(train)
    twin.train(train)
    with torch.no_grad():
        _same(model(*inputs), twin(*inputs))
    return traced


def _same(left: Any, right: Any) -> None:
    if isinstance(left, torch.Tensor):
        assert left.dtype == right.dtype
        assert torch.equal(left, right)
        return
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        _same(one, other)
