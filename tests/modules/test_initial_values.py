"""The initial values of Parameters and Buffers: those computed from others, and those that torch could not compute."""

import pytest
import torch

import nnshape


def test_a_buffer_is_computed_from_the_buffers_before_it():
    spec = nnshape.loads("""
        input: 3x4x4
        layers:
          betas: Buffer(linspace(1e-4, 0.02, 10))
          alphas: Buffer(cumprod(1 - betas, 0))
          start: Parameter(alphas.sqrt() * 2)
          drawn: randn(4)
          first: Buffer(drawn)
          second: Buffer(drawn + 1)
          out: x * alphas[3] + start[2] + first + second + drawn
        """)
    trace = nnshape.trace(spec)
    model = nnshape.build(trace, seed=0)
    state = model.state_dict()
    betas = torch.linspace(1e-4, 0.02, 10)
    assert list(state) == ["start", "betas", "alphas", "first", "second"]
    assert torch.equal(state["alphas"], (1 - betas).cumprod(0))
    assert torch.equal(state["start"], state["alphas"].sqrt() * 2)
    assert torch.equal(state["second"], state["first"] + 1)
    assert nnshape.verify(trace, device="cpu").is_complete


@pytest.mark.parametrize(
    ("step", "source"),
    [
        ("Buffer(x)", "the input x"),
        ("Buffer(inner(x))", "the module inner"),
        ("Parameter(x.mean(0) + 1)", "the input x"),
        ("Buffer(steps[0])", "the module 0"),
        ("Buffer(steps[0].weight * 2)", "0.weight"),
        ("Buffer(body.b)", "the Buffer body.b"),
        ("Parameter(pair[1])", "the input x"),
    ],
)
def test_a_value_that_is_not_there_in_time_is_refused(step, source):
    spec = nnshape.loads(f"""
        input: [4, 16]
        layers:
          0: Linear(16, 16)
          inner: Module(Linear(16, 16))
          body: {{b: Buffer(16), out: x + b}}
          pair: (body, x * 2)
          late: {step}
          out: inner(pair[0]) + late
        """)
    (problem,) = nnshape.trace(spec).errors
    assert problem.kind == "invalid-argument"
    assert f"the initial value of late depends on {source}, but a " in problem.message
