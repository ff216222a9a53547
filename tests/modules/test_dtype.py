"""The dtype of a whole file, held against models that torch makes with the same default dtype."""

import json

import jsonschema
import pytest
import torch
from torch import nn

from nnshape import SpecError, build, loads, trace, verify
from nnshape.schema import schema_text

TEXT = """
dtype: {dtype}
input: {{x: 3x16x16, ids: "int64[N, 4]"}}
layers:
  a: Conv2d(3, 8, 3)(x)
  bn: BatchNorm2d(8)
  p: relu(bn).mean((2, 3))
  e: Embedding(10, 8)(ids)
  s: e.sum(1) + p * 2.5
  z: s + zeros(8) + arange(0.0, 8.0)
  i: z + (ids / 2).sum() + ids.softmax(-1, dtype=s.dtype).sum()
  w: Parameter(8, 8)
  b: Buffer(linspace(0, 1, 8))
  l: LSTM(8, 8, batch_first=True)(unsqueeze(i @ w + b, 1))
  out: l[0]
"""


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.empty(8, 8))
        self.register_buffer("b", torch.linspace(0, 1, 8))
        self.a, self.bn = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)
        self.e, self.l = nn.Embedding(10, 8), nn.LSTM(8, 8, batch_first=True)

    def forward(self, x, ids):
        s = self.e(ids).sum(1) + torch.relu(self.bn(self.a(x))).mean((2, 3)) * 2.5
        z = s + torch.zeros(8) + torch.arange(0.0, 8.0)
        i = z + (ids / 2).sum() + ids.softmax(-1, dtype=s.dtype).sum()
        return self.l((i @ self.w + self.b).unsqueeze(1))[0]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
def test_the_model_is_the_one_that_torch_makes_with_that_default(dtype):
    traced = trace(loads(TEXT.format(dtype=dtype)))
    assert traced.problems == ()
    for device in ("cpu", "meta"):
        verification = verify(traced, device)
        assert (verification.agree, verification.unproved) == (True, ())
    model = build(traced, seed=0).eval()
    assert torch.get_default_dtype() == torch.float32
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        twin = Net().eval()
        assert {name: (t.shape, t.dtype) for name, t in model.state_dict().items()} == {
            name: (t.shape, t.dtype) for name, t in twin.state_dict().items()
        }
        assert list(model.state_dict()) == list(twin.state_dict())
        twin.load_state_dict(model.state_dict())
        given = torch.rand(2, 3, 16, 16), torch.randint(10, (2, 4))
        with torch.no_grad():
            assert torch.equal(model(*given), twin(*given))
        size = sum(p.numel() * p.element_size() for p in twin.parameters())
    finally:
        torch.set_default_dtype(torch.float32)
    assert traced.totals.parameter_bytes == size
    assert str(traced.output.dtype) == dtype


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_rules_follow_the_default_as_torch_does(dtype):
    """Numbers that become floats: factories, divisions of integers, functions of integers, windows, complex numbers."""
    steps = [
        "zeros(3)", "ones(N)", "full((2,), 1.5)", "eye(3)", "rand(3)", "randn(2, 3)", "arange(0.5, 3)", "tensor([1.5])",
        "hann_window(4)", "fftfreq(4)", "ids / 2", "ids / ids", "ids * 2.5", "ids.exp()", "sqrt(ids)", "sigmoid(ids)",
        "ids.float()", "ids.logsumexp(1)", "ids.double() + 1", "ids + zeros(3)", "sin(ids) * 2", "ids ** 0.5",
        "pow(ids, -1.5)", "atan2(ids, ids)", "true_divide(ids, 3)", "ids.to(float32) * zeros(3)", "logspace(0, 1, 3)",
        "tensor([1, 2]) * 0.5", "x + 1.5", "x.float() * x", "x.double() * x", "x * tensor(2.5)",
        "where(ids > 0, x, 0.5)",
    ]  # fmt: skip
    body = "".join(f"  s{index}: {step}\n" for index, step in enumerate(steps))
    names = ", ".join(f"s{index}" for index in range(len(steps)))
    text = f'dtype: {dtype}\ninput: {{x: 3, ids: "int64[N, 3]"}}\nlayers:\n{body}output: [{names}]\n'
    traced = trace(loads(text))
    assert [problem.message for problem in traced.errors] == []
    verification = verify(traced, "cpu")
    assert [problem.message for problem in verification.disagreements] == []
    assert verification.unproved == ()


def test_an_option_and_an_argument_replace_the_dtype_of_the_file():
    text = "dtype: bfloat16\ninput: 4\nlayers:\n  a: Linear(4, 4)\n"
    assert trace(text).totals.parameter_bytes == 40
    assert trace(text, dtype="float64").totals.parameter_bytes == 160
    assert trace(text, dtype=torch.float16).dtype == "float16"
    assert trace(text, dtype="float32").output.dtype == "float32"
    with pytest.raises(SpecError, match="float type of torch, not int64"):
        trace(text, dtype="int64")


def test_traces_of_one_layer_in_two_dtypes_do_not_share_answers():
    text = "input: 3x8x8\nlayers:\n  a: Conv2d(3, 4, 3)\n  b: MaxPool2d(2)\n"
    for dtype in ("float32", "bfloat16", "float32", "float64"):
        traced = trace(text, dtype=dtype)
        assert traced.problems == ()
        assert {row.tensor.dtype for row in traced.parameters} == {traced.output.dtype} == {dtype}


def test_an_input_with_a_dtype_of_its_own_keeps_it():
    text = "dtype: bfloat16\ninput: float32[N, 4]\nlayers:\n  a: Linear(4, 4)\n"
    assert [problem.kind for problem in trace(text).problems] == ["wrong-dtype"]
    assert trace(text.replace("a: Linear(4, 4)", "a: Linear(4, 4, dtype=float32)")).problems == ()


@pytest.mark.parametrize("dtype", ["int64", "bf16", "complex64", "[bfloat16]", "float8_e5m2"])
def test_a_dtype_that_is_no_default_is_refused(dtype):
    problems = loads(f"dtype: {dtype}\ninput: 4\nlayers:\n  a: Linear(4, 4)\n").problems
    assert [problem.span.text for problem in problems] == [dtype]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"dtype": dtype, "input": 4, "layers": ["ReLU()"]}, json.loads(schema_text()))


def test_an_included_model_has_the_dtype_of_the_file_that_includes_it(tmp_path):
    (tmp_path / "inner.yaml").write_text("dtype: float16\ninput: 4\nlayers:\n  a: Linear(4, 4)\n")
    outer = "input: 4\ninclude: {i: inner.yaml}\nlayers:\n  a: i()\n"
    (tmp_path / "outer.yaml").write_text(outer)
    (problem,) = trace(tmp_path / "outer.yaml").problems
    assert (problem.kind, problem.span.text) == ("wrong-dtype", "i()")
    (tmp_path / "outer.yaml").write_text(f"dtype: float16\n{outer}")
    assert trace(tmp_path / "outer.yaml").problems == ()
    assert verify(trace(tmp_path / "outer.yaml"), "cpu").agree
