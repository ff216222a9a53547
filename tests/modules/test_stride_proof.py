"""The proof compares strides on the CPU: it finds every wrong layout that is planted here."""

from __future__ import annotations

import pytest

from nnshape import loads, trace, verify
from nnshape.modules.stride_proof import StrideProof
from nnshape.proofs.modes import EVALUATION, TRAINING
from nnshape.shapes.layouts import applied
from nnshape.shapes.layouts.finding import layout_of
from nnshape.shapes.layouts.layout import MODES, contiguous_layout, new_layout


def reversed_strides(found):
    """Strides in reverse, which no result of two or more sizes of 2 has by chance."""
    results = [contiguous_layout(tensor) for tensor in found.outputs]
    return [
        new_layout(tensor.shape, tensor.dtype, layout.strides[::-1])
        for tensor, layout in zip(found.outputs, results, strict=True)
    ]


def as_contiguous(found):
    return [contiguous_layout(tensor) for tensor in found.outputs]


def as_argument(found):
    return found.layout(found.operands[0])


#: The model, the name of the wrong layout, and the layout.
PLANTS = {
    "a permutation forgotten": ("3x5", "a: permute(0, 2, 1)", "permute", as_argument),
    "a transpose forgotten": ("3x5", "a: transpose(1, 2)", "transpose", as_contiguous),
    "a copy taken for a view": ("3x5", "t: transpose(1, 2)\na: t.contiguous()", "contiguous", as_argument),
    "an expansion taken for a copy": ("3x1", "a: expand(-1, -1, 5)", "expand", as_contiguous),
    "a slice taken for a copy": ("3x5", "a: x[:, :, 1:3]", "getitem", as_contiguous),
    "channels-last forgotten": ("3x5x7", "t: permute(0, 2, 3, 1)\na: t * 2", "mul", as_contiguous),
    "an order made up": ("3x5", "a: gelu()", "gelu", reversed_strides),
    "a layer's order made up": ("3x6x6", "a: Conv2d(3, 4, 3)", "conv2d", reversed_strides),
    "a wrong order of the batch": ("[N, 5, 8]", "a: LSTM(8, 4, batch_first=True)", "LSTM", as_contiguous),
    "one of several outputs": ("6x5", "a: chunk(2, 1)", "chunk", as_contiguous),
}


@pytest.mark.parametrize("name", PLANTS)
def test_a_wrong_layout_is_found(monkeypatch, name):
    input, steps, key, wrong = PLANTS[name]
    lines = "".join(f"  {line}\n" for line in steps.splitlines())
    text = f'input: "{input}"\nlayers:\n{lines}'
    traced = trace(loads(text))
    honest = verify(traced, "cpu")
    assert (honest.agree, honest.strides) == (True, len(traced.calls))
    assert key in applied.REGISTRY
    monkeypatch.setitem(applied.REGISTRY, key, wrong)
    # The layouts of the first trace are known.
    found = verify(trace(loads(text)), "cpu")
    assert not found.agree
    (problem,) = found.disagreements
    assert problem.kind == "torch-disagrees"
    assert problem.message.startswith("a: nnshape expects strides (")
    assert problem.span.line == 2 + len(steps.splitlines())
    # On meta, torch has other strides for some operations, and so none are compared.
    assert verify(trace(loads(text)), "meta").agree


def test_one_wrong_layout_is_told_once(monkeypatch):
    monkeypatch.setitem(applied.REGISTRY, "permute", as_argument)
    found = verify(trace(loads("input: 3x5\nlayers:\n  a: permute(0, 2, 1)\n  b: a * 2\n  c: relu(b)\n")), "cpu")
    assert [problem.message.partition(":")[0] for problem in found.disagreements] == ["a"]


def test_a_layout_of_training_alone_is_compared_in_training(monkeypatch):
    text = "input: 3x5\nlayers:\n  t: transpose(1, 2)\n  a: Dropout(0.5)\n"
    assert verify(trace(loads(text)), "cpu", (EVALUATION, TRAINING)).agree
    monkeypatch.setitem(
        applied.REGISTRY,
        "dropout",
        lambda found: as_contiguous(found) if found.mode == "training" else as_argument(found),
    )
    assert verify(trace(loads(text)), "cpu").agree
    both = verify(trace(loads(text)), "cpu", (EVALUATION, TRAINING))
    assert [problem.message.rpartition(")")[2] for problem in both.disagreements] == [" in training"]


def test_strides_of_symbols_that_are_1_are_not_compared():
    tensor = trace(loads("input: 3\nlayers:\n  a: relu()\n")).output
    assert StrideProof({"N": 1}, EVALUATION).difference(tensor, None) is None


def test_attention_takes_its_fast_path_in_the_proof():
    traced = trace(loads('input: "[N, T, 8]"\nlayers:\n  a: MultiheadAttention(8, 2, batch_first=True)(x, x, x)\n'))
    modes = [layout_of(traced.output[0], mode).strides for mode in MODES]
    assert modes[0] == modes[1] != modes[2]
    both = verify(traced, "cpu", (EVALUATION, TRAINING))
    assert (both.agree, both.strides) == (True, 1)
