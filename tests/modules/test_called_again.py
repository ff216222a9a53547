"""A shared module that is called again takes the same steps each time; one that does not is refused at the call."""

import pytest
import torch

from nnshape import build, loads, trace, verify

HEAD = """
input: {a: "[N, 4]", b: "[N, 6]", i: "int64[N, 4]", c: "[N, 3, 4]"}
blocks:
  B(n):
    p: Parameter(zeros(1) + n)
    l: Linear(4, 4)(x[..., :4].float())
    o: STEP
  Outer():
    inner: B(3)
    twice: inner(_ + 1)
layers:
  s: B(3)(a)
  t: s(OTHER)
output: [s, t]
"""

SAME = [
    ("l * x.shape[-1] + p", "b"),
    ("l * (x.shape[-1] // 2 - 1)", "b"),
    ("x[..., : x.shape[-1] // 2]", "b"),
    ("l[..., None] if x.ndim > 1 else l", "b"),
    ("Linear(4, 5)(l) if x.shape[-1] > 3 else Linear(4, 5)(l)", "b"),
    ("Sequential(Linear(4, 4), *[ReLU() for k in range(2)])(l)", "b"),
    ("Dropout(0.5)(l.reshape(x.shape[0], -1))", "a"),
    ("cat([l, l], -1).split(x.shape[-1] // 2, -1)[0]", "b"),
    ("l.mean(-1, keepdim=True) + p", "c"),
]
OTHER = [
    ("p + l if x.shape[-1] == 4 else p * l", "b"),
    ("l if x.shape[-1] == 4 else x", "b"),
    ("l * (x.shape[-1] if x.shape[-1] > 4 else 2)", "b"),
    ("l * (2.0 if x.shape[-1] > 4 else 3.0)", "b"),
    ("Linear(4, 4)(l) if x.shape[-1] == 4 else l", "b"),
    ("Sequential(Linear(4, 4) for i in range(x.shape[-1] - 3))(l)", "b"),
    ("cat([l for i in range(x.shape[-1])], -1)", "b"),
    ("x if x.dtype == float32 else x.float()", "i"),
    ("x if x.ndim == 3 else x[:, None]", "c"),
    ("l.sum(-1 if x.ndim == 2 else 1)", "c"),
    ("(l, l)[0] if x.shape[-1] == 4 else (x, l)[0]", "b"),
    ("l[:, : 2 if x.shape[-1] == 4 else 3]", "b"),
]


@pytest.mark.parametrize(("step", "other"), SAME)
def test_the_same_steps_at_other_sizes_are_right(step, other):
    traced = trace(loads(HEAD.replace("STEP", f'"{step}"').replace("OTHER", other)))
    assert [problem.message for problem in traced.errors] == []
    assert verify(traced).agree
    assert build(traced) is not None


@pytest.mark.parametrize(("step", "other"), OTHER)
def test_other_steps_are_refused_at_the_call_that_takes_them(step, other):
    traced = trace(loads(HEAD.replace("STEP", f'"{step}"').replace("OTHER", other)))
    (problem,) = traced.errors
    assert problem.kind == "invalid-argument"
    assert f"s({other})" in (problem.span.text, *(frame.span.text for frame in problem.frames))
    assert problem.message.startswith("s is called again, but its step o does") or "s.o is called again" in (
        problem.message
    )
    assert problem.help


def test_a_block_that_is_applied_in_a_shared_one_is_held_too():
    text = HEAD.replace("STEP", '"l if x.shape[0] == 2 else x"').replace("OTHER", "a")
    text = text.replace("s: B(3)(a)", "s: Outer()(a)").replace("[N, 4]", "[2, 4]")
    traced = trace(loads(text))
    assert [problem.message for problem in traced.errors] == []
    assert verify(traced).agree


def test_methods_and_items_of_the_parameters_of_nested_steps():
    traced = trace(loads("""
        input: 4x8
        layers:
          conv1d:
            weight: Parameter(4, 1, 4)
            y: weight.squeeze(1) @ x
          ps:
            - Parameter(8)
            - Parameter(1)
          o: conv1d.weight.squeeze(1) @ x * ps[0] + ps[-1] + conv1d
          q: o + sum(ps[k] for k in range(2))
    """))  # fmt: skip
    assert [problem.message for problem in traced.problems] == []
    assert verify(traced).agree
    model = build(traced)
    assert list(model.state_dict()) == ["conv1d.weight", "ps.0", "ps.1"]
    x = torch.rand(2, 4, 8)
    weight, (first, last) = model.conv1d.weight.squeeze(1), model.ps.parameters()
    assert torch.equal(model(x), weight @ x * first + last + weight @ x + (first + last))
