"""Rules that are wrong in one way each: the proof finds every one of them, on the CPU and on meta."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from nnshape import Problem, SpecError, Trace, loads, trace, verify
from nnshape.shapes.dtypes import DTYPES
from nnshape.shapes.functions import find_function
from nnshape.shapes.layers import find_layer
from nnshape.shapes.tensor import Tensor
from nnshape.tracing import layers


def function(name: str, rule: Callable[[Any, Callable[..., Any]], Any]) -> Callable[[pytest.MonkeyPatch], None]:
    """Plant a rule of a function, made of the honest one's answer."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        found = find_function(name)
        found.signature()  # of the honest rule
        honest = found.rule
        patch.setattr(found, "rule", lambda *given, **named: rule(honest(*given, **named), (*given, *named.values())))

    return plant


def layer(name: str, method: str, answer: Callable[[Any], Any]) -> Callable[[pytest.MonkeyPatch], None]:
    """Plant a method of a layer, made of the honest one's answer."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        kind = find_layer(name)
        kind.call_signature()  # of the honest rule
        honest = getattr(kind, method)
        patch.setattr(kind, method, lambda self, *given, **named: answer(honest(self, *given, **named)))

    return plant


def instead(name: str, method: str, answer: Callable[..., Any]) -> Callable[[pytest.MonkeyPatch], None]:
    """Plant a method of a layer that never asks the honest one."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        find_layer(name).call_signature()
        patch.setattr(find_layer(name), method, answer)

    return plant


@dataclass(frozen=True)
class Plant:
    """A model, what is planted before or after it is traced, and what the proof says."""

    steps: str
    says: str
    before: Callable[[pytest.MonkeyPatch], None] | None = None
    after: Callable[[Trace], Trace] | None = None
    input: str = "8"
    #: Whether torch runs the model, so that it agrees before anything is planted.
    is_right: bool = True


FC = "fc: Linear(8, 4)"
BN = "bn: BatchNorm1d(8)"
ATTENTION = "a: MultiheadAttention(8, 2)(x, x, x)"

PLANTS = {
    "a size of one more": Plant(
        "a: gelu()", "a: the table says float32[", function("gelu", lambda x, _: x.like((*x.shape[:-1], 9)))
    ),
    "the number that N often is": Plant(
        "a: gelu()", "a: the table says float32[2, 8], but", function("gelu", lambda x, _: x.like((2, 8)))
    ),
    "a size that is right at odd lengths only": Plant(
        "a: avg_pool1d(2)",
        "but torch returns float32[",
        function("avg_pool1d", lambda x, given: x.like((*x.shape[:-1], (given[0].shape[-1] - 1) // 2))),
        input="3xL",
    ),
    "a size that is right at even lengths only": Plant(
        "a: avg_pool1d(2)",
        "but torch returns float32[",
        function("avg_pool1d", lambda x, given: x.like((*x.shape[:-1], (given[0].shape[-1] + 1) // 2))),
        input="3xL",
    ),
    "two dimensions in the wrong order": Plant(
        "a: transpose(1, 2)", "a: the table says", function("transpose", lambda x, given: given[0]), input="3x5"
    ),
    "a dimension too many": Plant(
        "a: sum(1)", "a: the table says", function("sum", lambda x, _: x.like((*x.shape, 1))), input="3x5"
    ),
    "the dtype of a layer": Plant(
        "a: Embedding(9, 4)",
        "a: the table says float64",
        layer("Embedding", "forward", lambda x: x.like(dtype=DTYPES["float64"])),
        input="int64[N, 5]",
    ),
    "the dtype of a function": Plant(
        "a: argmax(1)", "a: the table says int32", function("argmax", lambda x, _: x.like(dtype=DTYPES["int32"]))
    ),
    "outputs of two dtypes swapped": Plant("a: sort(1)", "a: the table says", function("sort", lambda x, _: x[::-1])),
    "outputs of two shapes swapped": Plant(
        "a: split([3, 5], 1)", "a: the table says", function("split", lambda x, _: x[::-1])
    ),
    "an output too many": Plant(
        "a: chunk(2, 1)", "a: the table says a tuple of 3", function("chunk", lambda x, _: (*x, x[0]))
    ),
    "an output too few": Plant("a: chunk(2, 1)", "the table says a tuple of 1", function("chunk", lambda x, _: x[:1])),
    "a list in place of a tuple": Plant(
        "a: chunk(2, 1)", "a: the table says a list of 2", function("chunk", lambda x, _: list(x))
    ),
    "a mapping in place of a tuple": Plant(
        "a: chunk(2, 1)",
        "a: the table says a mapping of low, high, but torch returns (float32[3, 4], float32[3, 4])",
        function("chunk", lambda x, _: dict(zip(("low", "high"), x, strict=True))),
    ),
    "None in place of a tensor": Plant(
        ATTENTION,
        "a: the table says None, but torch returns float32",
        layer("MultiheadAttention", "forward", lambda x: (x[0], None)),
        input="[5, N, 8]",
    ),
    "a tensor in place of None": Plant(
        "a: MultiheadAttention(8, 2)(x, x, x, need_weights=False)",
        "but torch returns None",
        layer("MultiheadAttention", "forward", lambda x: (x[0], x[0])),
        input="[5, N, 8]",
    ),
    "a wrong structure inside": Plant(
        "a: LSTM(8, 4)",
        "a: the table says",
        layer("LSTM", "forward", lambda x: (x[0], x[1][0])),
        input="[5, N, 8]",
    ),
    "what torch refuses": Plant(
        "a: relu()\nb: Linear(9, 4)",
        "torch refuses b, but the table accepts it",
        instead("Linear", "forward", lambda self, input: input.like((*input.shape[:-1], self.out_features))),
        is_right=False,
    ),
    "a constructor that torch refuses": Plant(
        "a: MultiheadAttention(8, 3)(x, x, x)",
        "torch refuses a, but the table accepts it",
        instead("MultiheadAttention", "check", lambda self: None),
        input="[5, N, 8]",
        is_right=False,
    ),
    "a missing buffer": Plant(
        BN,
        "bn.running_var: torch has float32[8], but the table does not",
        layer("BatchNorm1d", "buffers", lambda x: {k: v for k, v in x.items() if k != "running_var"}),
    ),
    "a buffer that torch has not": Plant(
        FC,
        "fc.extra is in the table, but torch has no such buffer",
        layer("Linear", "buffers", lambda x: {"extra": Tensor((2,))}),
    ),
    "a missing parameter": Plant(
        FC,
        "fc.bias: torch has float32[4], but the table does not",
        layer("Linear", "parameters", lambda x: {"weight": x["weight"]}),
    ),
    "a parameter of another name": Plant(
        FC,
        "fc.kernel is in the table, but torch has no such parameter",
        layer("Linear", "parameters", lambda x: {"kernel": x["weight"], "bias": x["bias"]}),
    ),
    "a parameter of another shape": Plant(
        FC,
        "fc.weight: the table says float32[8, 4], but torch has float32[4, 8]",
        layer("Linear", "parameters", lambda x: {**x, "weight": x["weight"].like((8, 4))}),
    ),
    "a parameter of another dtype": Plant(
        FC,
        "fc.bias: the table says float64[4], but torch has float32[4]",
        layer("Linear", "parameters", lambda x: {**x, "bias": x["bias"].like(dtype=DTYPES["float64"])}),
    ),
    "parameters in another order": Plant(
        FC,
        "fc.bias stands in the table where torch has fc.weight: the order differs",
        layer("Linear", "parameters", lambda x: dict(reversed(x.items()))),
    ),
    "buffers in another order": Plant(
        BN, "the order differs", layer("BatchNorm1d", "buffers", lambda x: dict(reversed(x.items())))
    ),
    "a parameter that is not trained": Plant(
        "p: Parameter(ones(8), requires_grad=False)\na: x + p",
        "p is frozen in torch, but not in the table",
        after=lambda traced: replace(traced, parameters=tuple(replace(p, trainable=True) for p in traced.parameters)),
    ),
    "a wrong count": Plant(
        FC,
        "the table counts 37 parameters, but torch 36",
        after=lambda traced: replace(traced, totals=replace(traced.totals, parameters=37)),
    ),
    "a wrong count of what is trained": Plant(
        FC,
        "the table counts 35 trainable parameters, but torch 36",
        after=lambda traced: replace(traced, totals=replace(traced.totals, trainable=35)),
    ),
    "the output of the whole model": Plant(
        "a: relu()\nb: Linear(8, 4)",
        "the forward method: the table says float32[",
        after=lambda traced: replace(traced, output=traced.calls[0].output),
    ),
}


def proved(traced: Trace, device: str) -> tuple[Problem, ...]:
    """What the proof finds, whether the model is built or not."""
    try:
        found = verify(traced, device)
    except SpecError as error:
        return error.problems
    assert not found.agree
    return found.disagreements


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("name", PLANTS)
def test_a_wrong_rule_is_found(monkeypatch, name, device):
    plant = PLANTS[name]
    steps = "".join(f"  {line}\n" for line in plant.steps.splitlines())
    text = f'input: "{plant.input}"\nlayers:\n{steps}'
    if plant.is_right:
        honest = verify(trace(loads(text)), device)
        assert (honest.agree, honest.remarks) == (True, ())
    # What a rule has said of a layer before is remembered.
    monkeypatch.setattr(layers, "_answers", {})
    monkeypatch.setattr(layers, "_layers", {})
    if plant.before is not None:
        plant.before(monkeypatch)
    traced = trace(loads(text))
    assert traced.errors == ()
    problems = proved(plant.after(traced) if plant.after is not None else traced, device)
    assert plant.says in "; ".join(problem.message for problem in problems)
    assert {problem.kind for problem in problems} == {"torch-disagrees"}
    assert all(problem.span is not None for problem in problems)


def test_there_are_twenty():
    assert len(PLANTS) >= 20
