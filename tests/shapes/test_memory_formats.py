"""Memory formats as arguments, by both of their names: shapes, strides and refusals are those of torch."""

import random
from functools import partial

import pytest
import torch
from laying import arranged, lay

import nnshape
from nnshape.shapes.functions import find_function
from nnshape.shapes.layouts.applied import result_layouts
from nnshape.shapes.layouts.finding import layout_of
from nnshape.shapes.layouts.layout import MODES, is_contiguous
from nnshape.shapes.memory_formats import MEMORY_FORMATS
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor

CALLS = {
    "contiguous": (), "clone": (), "to": (), "float": (), "double": (), "long": (), "empty_like": (), "zeros_like": (),
    "ones_like": (), "rand_like": (), "randn_like": (), "full_like": (2,),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_each_function_lays_out_its_result_in_the_format(name):
    function = find_function(name)
    choose = random.Random(name)
    compared, refused = set(), set()
    for number in range(400):
        shape = tuple(choose.choice([1, 1, 2, 3, 4]) for _ in range(choose.choice([3, 4, 4, 5, 5])))
        format = choose.choice(list(MEMORY_FORMATS.values()))
        (tensor,) = arranged((Tensor(shape),), choose if number % 4 else None)
        value = lay(torch.zeros(shape), tensor)
        keywords = {"memory_format": format}
        of_torch = {"memory_format": getattr(torch, format.name)}
        called = getattr(value, name) if function.method else partial(getattr(torch, name), value)
        layout = layout_of(tensor, MODES[0])
        said = f"{name} of {shape} with {layout.strides}, {format}"
        try:
            wanted = called(*CALLS[name], **of_torch)
        except RuntimeError as error:
            if "preserve memory format is unsupported" in str(error):
                continue
            with pytest.raises(Refusal) as caught:
                function.apply((tensor, *CALLS[name]), keywords)
            assert caught.value.note == str(error), said
            refused.add((len(shape), format))
            continue
        result = function.apply((tensor, *CALLS[name]), keywords)
        (found,) = result_layouts(function, (tensor, *CALLS[name]), keywords, result, MODES[0])
        assert result.shape == tuple(wanted.shape), said
        assert found.strides == wanted.stride(), said
        shares = wanted.data_ptr() == value.data_ptr()
        assert (found.storage is layout.storage) is shares, said
        compared.add((len(shape), format))
    assert len(compared) == 3 * 4 - 4
    assert len(refused) == 4


@pytest.mark.parametrize("name", ["channels_last", "torch.channels_last"])
def test_a_format_flows_through_a_network(name):
    text = f"""
input: 3x32x32
layers:
  last: x.to(memory_format={name})
  conv: Conv2d(3, 8, 3, padding=1)
  bn: BatchNorm2d(8)
  act: ReLU()
  pool: MaxPool2d(2)
  mean: AvgPool2d(2)
  up: interpolate(scale_factor=2)
  skip: up + 1
  joined: cat([up, skip], 1)
  flat: view(N, -1)
"""
    traced = nnshape.trace(nnshape.loads(text))
    *calls, _ = traced.calls
    assert [problem.kind for problem in traced.errors] == ["not-contiguous"]
    assert traced.errors[0].span.text == "view(N, -1)"
    for call in calls:
        for mode in MODES:
            strides = layout_of(call.output, mode).strides
            assert strides[1] == 1, call.path
            assert not is_contiguous(call.output.shape, strides), call.path
    fixed = nnshape.trace(nnshape.loads(text.replace("view(N, -1)", "reshape(N, -1)")))
    proof = nnshape.verify(fixed, "cpu", ("evaluation", "training"))
    assert (proof.agree, proof.strides) == (True, len(fixed.calls))


def test_the_built_model_gives_the_format_to_torch():
    traced = nnshape.trace(nnshape.loads("input: 3x4x5\nlayers:\n  a: x.contiguous(memory_format=channels_last)\n"))
    output = nnshape.build(traced, "cpu")(torch.zeros(2, 3, 4, 5))
    assert output.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("step", "kind", "text"),
    [
        ("x.contiguous(memory_format=channels_last_3d)", "wrong-rank", "x.contiguous(memory_format=channels_last_3d)"),
        ("x.clone(memory_format='channels_last')", "wrong-type", "'channels_last'"),
        ("x.to(memory_format=float32)", "wrong-type", "float32"),
        ("x.to(memory_format=torch.channels_lst)", "unknown-name", "channels_lst"),
        ("Linear(channels_last, 3)", "wrong-type", "channels_last"),
        ("x + channels_last", "wrong-type", "x + channels_last"),
        ("x.reshape(channels_last)", "wrong-type", "x.reshape(channels_last)"),
        ("x[channels_last]", "wrong-type", "x[channels_last]"),
        ("x.to(channels_last)", "wrong-type", "channels_last"),
    ],
)
def test_what_is_no_format_or_wants_none_is_refused_in_its_place(step, kind, text):
    traced = nnshape.trace(nnshape.loads(f"input: 3x4x5\nlayers:\n  a: {step}\n"))
    (problem,) = traced.errors
    assert (problem.kind, problem.span.text) == (kind, text)
