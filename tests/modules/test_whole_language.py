"""Models that use the corners of the language: each is proved on two devices, copied, pickled and exported."""

import copy
import pickle
import warnings

import pytest
import torch

from nnshape import build, loads, trace, verify
from nnshape.modules.verifying import Verification
from nnshape.shapes.functions import all_functions
from nnshape.shapes.layers import all_layers

MODELS = {
    "a loop over a size": """
        input: [N, 3, 8]
        layers:
          h: Sequential(Linear(8, 8) for i in range(x.shape[1]))
        """,
    "captured values in a block that is called again": """
        input: {a: "[N, T, 8]", b: "[N, S, 8]"}
        blocks:
          Dec(d)(x, memory):
            q: Linear(d, d)(x)
            out: x + (q @ memory.transpose(1, 2)) @ memory
          Net(d)(x, y):
            n: LayerNorm(d)(y)
            dec: Sequential(Dec(d)(_, n) for i in range(2))(x)
        layers:
          net: Net(8)(a, b)
          again: net(b, a)
          out: net(a, a)
        """,
    "captured values in a Sequential that is called again": """
        input: {a: "[N, T, 8]", m: "[N, S, 8]"}
        blocks:
          Dec(d)(x, memory):
            q: Linear(d, d)(x)
            out: x + q * memory.mean(1, keepdim=True)
        layers:
          dec: Sequential(Dec(8)(_, m) for i in range(2))(a)
          again: dec(a * 2)
          out: dec(again) + dec
        """,
    "modules and parameters of enclosing bodies among items": """
        input: int64[N, T]
        layers:
          embed: Embedding(9, 8)
          act: ReLU()
          h: Sequential(Linear(8, 8), act(_), _ @ embed.weight.T, _.softmax(-1) @ embed.weight,
                        Sequential(Linear(8, 8), act(_) + embed.weight.mean(0)))
        """,
    "sizes of the file in nested blocks": """
        input: [N, T, 8]
        dims: {T: 5}
        layers:
          a:
            b:
              r: x.reshape(N * T, 8)
              fc: Linear(8, 4)
              v: fc.view(N, T, 4)
            c: b + 1
          d: a.sum(1)
        """,
    "tuples in and out of blocks": """
        input: [N, T, 8]
        blocks:
          Rnn(d)(x[N, T, d], state=None):
            lstm: LSTM(d, d, batch_first=True)(x, state)
          Pair:
            a: Linear(8, 4)
            out: (a, x)
        layers:
          one: Rnn(8)
          two: Rnn(8)(one[0], one[1])
          three: two[0]
          p: Pair()(three)
          q: p[0] + 1
          r: p[1] + two[1][0].transpose(0, 1)
        output: {q: q, r: r, state: "two[1]"}
        """,
    "sizes that a pattern binds": """
        input: [N, 3, H, W]
        blocks:
          Patch(p)(x[B, C, A, D]):
            u: x.reshape(B, C, A // p, p, D // p, p).permute(0, 2, 4, 1, 3, 5)
            v: u.reshape(B, (A // p) * (D // p), C * p * p)
            fc: Linear(C * p * p, 16)
        layers:
          patch: Patch(4)
          pos: Parameter(1, 1, 16)
          out: patch + pos + arange(patch.shape[1]).unsqueeze(-1)
        """,
    "numbers in steps": """
        input: [N, T, 12]
        layers:
          hd: x.shape[2] // 3
          k: int(hd * 0.5)
          q: x.view(N, T, 3, hd)
          s: q[..., :k] / sqrt(hd)
          m: max(T, 4)
          z: zeros(m, k)
          n: relu(x).shape[1]
          out: arange(n)
        """,
    "the kin of dropout": """
        input: 3x8x8
        layers:
          a: dropout2d(0.3)
          b: alpha_dropout(a, p=0.2)
          c: F.rrelu(b)
          d: feature_alpha_dropout(c, 0.2)
        """,
    "buffers and parameters with first values": """
        input: [N, T, 8]
        dims: {T: 7}
        hparams: {L: 16}
        layers:
          mask: Buffer(ones(L, L).tril().view(1, L, L) > 0, persistent=False)
          freqs: Buffer(1.0 / (10000 ** (arange(0, 8, 2) / 8)))
          start: arange(8).float()
          w: Parameter(randn(8, 8) * 0.02)
          g: Parameter(start)
          s: x @ w * g
          a: (s @ s.transpose(1, 2)).masked_fill(~mask[:, :T, :T], -1e9).softmax(-1)
          out: a @ s + cat([freqs, freqs])
        """,
    "outputs that are computed": """
        input: [N, T, 8]
        layers:
          y: relu()
          t: T * 2
        output: [y * t, y]
        """,
    "a name with blanks, a list, and an empty Sequential": """
        name: ResNet-50 (v2)
        input: 8
        layers:
          - Linear(8, 8)
          - Sequential(Linear(8, 8), Sequential(("a", Linear(8, 4)), ("b", Sequential())), Identity())
        output: ["steps[0]", "steps[1]"]
        """,
    "tensors stay on the device of the model": """
        input: [2, 3]
        layers:
          a: x.cuda().to('cpu')
          b: zeros_like(a, device='cuda') + ones(3, device='cuda:1')
          c: b.to(float64)
        """,
}


def inputs_of(traced, verification: Verification) -> list[torch.Tensor]:
    from nnshape.modules.proof_runs import input_tensor

    return [input_tensor(value, verification.sizes, torch.device("cpu")) for value in traced.inputs.values()]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_proved_copied_and_exported(name, of):
    traced = of(MODELS[name])
    for device in ("meta", "cpu"):
        verification = verify(traced, device)
        assert verification.disagreements == ()
        assert verification.unproved == ()
    model = build(traced, seed=0).eval()
    inputs = inputs_of(traced, verification)
    wanted = model(*inputs)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        torch.testing.assert_close(other(*inputs), wanted)
    program = torch.export.export(model, tuple(inputs))
    torch.testing.assert_close(program.module()(*inputs), wanted)


def test_an_included_model_keeps_its_names(tmp_path):
    (tmp_path / "part.yaml").write_text(
        "input: [N, D]\nhparams: {d: 4}\nlayers:\n  fc: Linear(auto, d)\n  act: ReLU()\n"
    )
    whole = "input: 8\ninclude: {part: part.yaml}\nlayers:\n  one: part(d=6)\n  out: Linear(6, 2)\n"
    path = tmp_path / "whole.yaml"
    path.write_text(whole)
    traced = trace(path)
    assert [problem.message for problem in traced.errors] == []
    assert list(build(traced).state_dict()) == ["one.fc.weight", "one.fc.bias", "out.weight", "out.bias"]
    assert verify(traced).agree


RULES = {
    f"{kind} {name}": rule
    for kind, rules in (("layer", all_layers()), ("function", all_functions()))
    for name, rule in rules.items()
}


def traced_example(rule: object):
    """The trace of a rule's example; None where the example is not a step by itself."""
    step, *shapes = rule.example
    named = [
        shape.partition("=") if "=" in shape else (name, "=", shape)
        for name, shape in zip("xyzwv", shapes, strict=False)
    ]
    inputs = "{" + ", ".join(f'{name}: "{shape}"' for name, _, shape in named) + "}"
    call = f"({', '.join(name for name, _, _ in named)})"
    for text in (step, f"x.{step}", f"{step}{call}"):
        answer = trace(loads(f"input: {inputs}\nlayers:\n  step: {text}\n"))
        if not answer.errors:
            return answer
    return None


@pytest.mark.parametrize("name", RULES)
def test_the_example_of_a_rule_agrees_with_torch(name):
    if not RULES[name].example:
        pytest.skip("has no example")
    traced = traced_example(RULES[name])
    if traced is None:
        pytest.skip("is no step by itself")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for device in ("meta", "cpu"):
            assert verify(traced, device).disagreements == ()
