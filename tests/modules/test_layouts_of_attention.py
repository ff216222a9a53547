"""How torch lays out attention with a mask: the proof compares the strides, and messages name the mode."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from nnshape import loads, trace, verify
from nnshape.shapes.dims import substitute
from nnshape.shapes.layouts.finding import layout_of
from nnshape.shapes.layouts.layout import MODES

#: Masks by how they are made: whether the kernel keeps the layout of the query in each mode, None if unknown.
MASKS = {
    "zeros(5, 5)": (True, True),
    "ones(5, 5, dtype=bool)": (True, True),
    "zeros(1, 5)": (True, True),
    "zeros(N, 1, 1, 5)": (True, True),
    "zeros(1, 3, 5, 1)": (True, True),
    "zeros(3, 5, 5)": (False, False),
    "bias": (False, False),
    "bias + 0": (False, True),
    "(bias > 0)": (True, True),
    "bias.detach()": (True, True),
    "zeros_like(bias)": (True, True),
    "relu(fixed)": (True, True),
    "table(ids)": (False, True),
    "bias.t()": (False, None),
    "bias.contiguous()": (False, None),
    "Doubled(bias)": (False, True),
}
TEXT = """
input: [N, 5, 12]
blocks:
  Doubled(b):
    twice: b * 2
layers:
{made}
  q: x.view(N, 5, 3, 4).transpose(1, 2)
  mask: {mask}
  a: scaled_dot_product_attention(q, q, q, mask)
  out: {out}
"""
#: The steps that masks are made from, by their names.
STEPS = {
    "bias": "Parameter(zeros(5, 5))",
    "fixed": "Buffer(zeros(5, 5))",
    "table": "Module(Embedding(5, 5))",
    "ids": "arange(5)",
    "Doubled": None,
}


def traced(mask: str, out: str = "a.transpose(1, 2)", head: str = ""):
    made = "\n".join(f"  {name}: {step}" for name, step in STEPS.items() if step and name in mask)
    text = TEXT.format(made=made, mask=mask, out=out)
    if "Doubled" not in mask:
        text = text.replace(text[text.index("blocks:") : text.index("layers:")], "")
    return trace(loads(head + text))


@pytest.mark.parametrize("mask", MASKS)
def test_the_mask_decides_the_kernel(mask):
    found = traced(mask)
    assert not [problem for problem in found.problems if problem.severity == "error"]
    call = next(call for call in found.calls if call.name == "a")
    layouts = [layout_of(call.output, mode) for mode in MODES]
    kept = [None if layout is None else layout.strides[2] == 12 for layout in layouts]
    with_gradients, without = MASKS[mask]
    assert kept == [with_gradients, with_gradients, without]
    proof = verify(found)
    assert proof.device == "cpu"
    assert proof.agree, proof.disagreements


@pytest.mark.parametrize(
    ("mask", "end"),
    [("bias + 0", " in training"), ("zeros(3, 5, 5)", "without a copy"), ("bias", "without a copy")],
)
def test_the_message_names_the_mode(mask, end):
    (problem,) = [p for p in traced(mask, "a.transpose(1, 2).view(N, 5, 12)").problems if p.kind == "not-contiguous"]
    assert problem.message.endswith(" where there are gradients" if mask == "bias + 0" else end)


def test_a_view_that_only_evaluation_without_gradients_refuses():
    (problem,) = traced("bias + 0", "a.view(N, 15, 4)").problems
    assert problem.kind == "not-contiguous"
    assert problem.message.endswith(" in evaluation without gradients")


def test_what_freeze_names_is_unknown():
    call = next(call for call in traced("bias + 0", head="freeze: ['*']").calls if call.name == "a")
    assert [layout_of(call.output, mode) is None for mode in MODES[:2]] == [True, True]


@pytest.mark.parametrize("heads", [1, 3])
def test_grouped_heads_keep_the_layout_of_the_query(heads):
    text = f"""
input:
  x: [N, 5, 12]
  k: [N, {heads}, 5, 4]
layers:
  q: x.view(N, 5, 3, 4).transpose(1, 2)
  a: scaled_dot_product_attention(q, k, k, enable_gqa=True)
"""
    found = trace(loads(text))
    query = torch.rand(2, 5, 3, 4).transpose(1, 2)
    keys = torch.rand(2, heads, 5, 4)
    wanted = scaled_dot_product_attention(query, keys, keys, enable_gqa=True).stride()
    call = found.calls[-1]
    strides = layout_of(call.output, MODES[0]).strides
    assert tuple(substitute(step, {"N": 2}) for step in strides) == wanted
    assert verify(found).agree
