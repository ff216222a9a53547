"""What nnshape prints of a symbolic shape can be pasted back: as an assertion, an input and an expectation."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nnshape

#: Layers that keep 3 channels, with odd and even kernels, and the sizes that they need.
LAYERS = (
    "Conv2d(3, 3, 3, 2, 1)", "Conv2d(3, 3, 5, 3, 2)", "Conv2d(3, 3, 7, 2, 3)", "Conv2d(3, 3, 2, 2)",
    "Conv2d(3, 3, 3)", "MaxPool2d(2)", "MaxPool2d(3, 2, 1)", "MaxPool2d(2, ceil_mode=True)",
    "ConvTranspose2d(3, 3, 2, 2)", "AvgPool2d(3, 2)", "Upsample(scale_factor=2)",
)  # fmt: skip


@given(st.lists(st.sampled_from(LAYERS), min_size=1, max_size=5))
def test_the_shape_of_each_row_holds_as_an_assertion(layers):
    steps = [f"  s{i}: {layer}" for i, layer in enumerate(layers)]
    trace = nnshape.trace(nnshape.loads("\n".join(["input: 3xHxW", "layers:", *steps, ""])))
    assert trace.errors == ()
    shapes = [str(call.output) for call in trace.calls]
    pasted = [f"{step} -> {shape}" for step, shape in zip(steps, shapes, strict=True)]
    text = "\n".join(["input: 3xHxW", "layers:", *pasted, f"expect: {{output: {shapes[-1]}}}", ""])
    again = nnshape.trace(nnshape.loads(text))
    assert again.errors == ()
    assert [str(call.output) for call in again.calls] == shapes
    as_input = nnshape.trace(nnshape.loads(f"input: {shapes[-1]}\nlayers:\n  a: ReLU()\n"))
    assert [str(tensor) for tensor in as_input.inputs.values()] == [shapes[-1]]


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ("3 x ceil(H/2) x W", "3 x ceil(H/2) x W"),
        ("3xceil(H/2)xmax(W, 3)", "3 x ceil(H/2) x max(W, 3)"),
        ("[N, 3, ceil(H / 2), W]", "3 x ceil(H/2) x W"),
        ("3 x floor(H/2) x W", "3 x (H//2) x W"),
        ("3 x ((H - 1)//2 + 1) x W", "3 x ceil(H/2) x W"),
        ("3 x ceil((H + 1)/2) x W", "3 x (H//2 + 1) x W"),
    ],
)
def test_a_ceiling_in_a_shape(shape, text):
    trace = nnshape.trace(nnshape.loads(f"input: {shape}\nlayers:\n  a: ReLU()\n"))
    assert trace.problems == ()
    assert str(trace.output) == text


@pytest.mark.parametrize("value", ["ceil(H/2)", "ceil(x.shape[2]/2)", "math.ceil(H / 2)"])
def test_a_ceiling_in_a_step_is_computed_again_by_the_module(value):
    text = f"input: 3xHxW\nlayers:\n  a: Conv2d(3, 4, 3, 2, 1)\n  b: _.reshape(N, 4 * ({value}), -1)\n"
    trace = nnshape.trace(nnshape.loads(text))
    assert trace.errors == ()
    assert str(trace.output) == "(4*ceil(H/2)) x ceil(W/2)"
    assert nnshape.verify(trace, device="cpu").agree


@pytest.mark.parametrize(
    ("step", "kind"),
    [("zeros(ceil(H/0), 3)", "wrong-type"), ("zeros(ceil(H), 3)", "unknown-value"), ("x + ceil(x/2)", "")],
)
def test_other_arguments_of_ceil_are_as_before(step, kind):
    trace = nnshape.trace(nnshape.loads(f"input: 3xHxW\nlayers:\n  a: {step}\n"))
    assert [problem.kind for problem in trace.problems] == ([kind] if kind else [])


def test_json_keeps_floor_divisions():
    trace = nnshape.trace(nnshape.loads("input: 3xHxW\nlayers:\n  a: Conv2d(3, 4, 3, 2, 1)\n"))
    rows = json.loads(nnshape.render(trace, format="json"))["rows"]
    assert rows[0]["output"]["shape"] == ["N", 4, "(H - 1)//2 + 1", "(W - 1)//2 + 1"]
    assert "4 x ceil(H/2) x ceil(W/2)" in nnshape.render(trace, format="table")


def test_a_size_may_not_be_called_ceil():
    trace = nnshape.trace(nnshape.loads("input: [N, ceil]\nlayers:\n  a: ReLU()\n"))
    assert [(problem.kind, problem.span.text) for problem in trace.errors] == [("wrong-type", "ceil")]
