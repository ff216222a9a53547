"""The proof: what it counts, what it says, and that it finds what is wrong where it is wrong."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import nnshape.shapes.layers as layers
from nnshape import Problem, SpecError, load, trace, verify
from nnshape.modules.choosing import choose
from nnshape.shapes.constraints import Constraint
from nnshape.shapes.dims import symbol
from nnshape.shapes.functions import find_function
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.tensor import Tensor
from nnshape.tracing import layers as remembered

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
MODELS = [(path, variant) for path in CONFIGS for variant in (*load(path).variants, None)]


@pytest.mark.parametrize(("path", "variant"), MODELS, ids=lambda value: getattr(value, "stem", value) or "default")
def test_the_gallery_agrees_with_torch(path, variant):
    traced = trace(path, variant=variant)
    assert [problem.message for problem in traced.errors] == []
    verification = verify(traced)
    assert [(problem.message, problem.notes) for problem in verification.disagreements] == []
    assert verification.agree
    assert verification.parameters == traced.totals.parameters
    assert verification.calls == sum(1 for _ in traced.calls)


@pytest.mark.parametrize("path", [path for path in CONFIGS if path.stem in ("lenet", "tiny_model", "lstm_tagger")])
def test_small_models_agree_on_the_cpu_too(path):
    verification = verify(trace(path), "cpu")
    assert verification.agree
    assert verification.unproved == ()


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_the_sentence(device):
    version = torch.__version__.partition("+")[0]
    strides = "; meta proves no strides" if device == "meta" else ""
    assert verify(trace(CONFIGS[0].parent / "lenet.yaml"), device).sentence == (
        f"built on {device} with torch {version}: 12 of 12 shapes and 81,290 parameters agree in evaluation mode"
        f"{strides}"
    )


def planted(monkeypatch: pytest.MonkeyPatch, name: str, forward: object = None, **changes: object) -> None:
    """Let a layer's rule give wrong answers."""
    kind = layers.find_layer(name)
    # What the rule has said before is remembered.
    monkeypatch.setattr(remembered, "_answers", {})
    monkeypatch.setattr(remembered, "_layers", {})
    for change, value in {"forward": forward, **changes}.items():
        if value is not None:
            monkeypatch.setattr(kind, change, value)
    monkeypatch.setattr(kind, "_call_signature", None, raising=False)
    monkeypatch.delattr(kind, "_call_signature")


def test_a_wrong_shape_is_told_at_its_call_and_only_there(of, monkeypatch):
    def forward(self: Layer, input: "Tensor") -> "Tensor":
        return input.like((*input.shape[:-1], input.shape[-1] + 1))

    forward.__annotations__ = {"input": "Tensor"}
    planted(monkeypatch, "GELU", forward)
    traced = of("""
        input: 8
        blocks:
          Inner:
            fc: Linear(8, 4)
            act: GELU()
            fc2: Linear(5, 4)
        layers:
          one: Linear(8, 8)
          inner: Inner()
          two: Linear(4, 2)
        """)
    verification = verify(traced)
    assert not verification.agree
    (problem,) = verification.disagreements
    assert problem.kind == "torch-disagrees"
    assert problem.message == "inner.act: the table says float32[3, 5], but torch returns float32[3, 4]"
    assert (problem.span.line, problem.span.text) == (5, "GELU()")
    assert [frame.text for frame in problem.frames] == ["inner"]
    assert verification.sentence.endswith("142 parameters agree in evaluation mode, 1 does not: inner.act")


def test_what_torch_refuses_is_told_at_its_call_with_torchs_words(steps, monkeypatch):
    monkeypatch.setattr(find_function("matmul"), "rule", lambda input, other: input.like())
    verification = verify(steps("a: relu()\nb: a @ ones(3, 3)\nc: b + 1", "8"), "meta")
    (problem,) = verification.disagreements
    assert problem.message == "torch refuses b, but the table accepts it"
    assert problem.span.line == 4
    assert problem.notes == ("torch says: a and b must have same reduction dim, but got [2, 8] X [3, 3].",)


def test_a_wrong_parameter_is_told_by_name(steps, monkeypatch):
    kind = layers.find_layer("Linear")
    honest = kind.parameters

    def parameters(self: Layer) -> dict[str, Tensor]:
        found = honest(self)
        return {**found, "weight": Tensor((9, 9)), "extra": Tensor((1,))}

    monkeypatch.setattr(kind, "parameters", parameters)
    verification = verify(steps("fc: Linear(8, 4)", "8"))
    assert [problem.message for problem in verification.disagreements] == [
        "fc.weight: the table says float32[9, 9], but torch has float32[4, 8]",
        "fc.extra is in the table, but torch has no such parameter",
    ]
    assert verification.sentence.endswith("shapes agree in evaluation mode; 2 parameters do not: fc.weight, fc.extra")
    monkeypatch.setattr(kind, "parameters", lambda self: {"weight": honest(self)["weight"]})
    (problem,) = verify(steps("fc: Linear(8, 4)", "8")).disagreements
    assert problem.message == "fc.bias: torch has float32[4], but the table does not"


def test_a_construction_that_torch_refuses_is_told_once(steps, monkeypatch):
    monkeypatch.setattr(layers.find_layer("MultiheadAttention"), "check", lambda self: None)
    verification = verify(steps("a: ReLU()\nmha: MultiheadAttention(6, 4)(a, a, a)\nb: ReLU()(a)", "[T, N, 6]"))
    assert [problem.message for problem in verification.disagreements] == [
        "torch refuses mha, but the table accepts it"
    ]
    assert "embed_dim must be divisible by num_heads" in verification.disagreements[0].notes[0]


def test_what_cannot_run_on_meta_is_counted_and_named(steps):
    verification = verify(steps("a: relu()\nmask: x > 0\nb: x[mask]\nc: ones(3)", "8"))
    assert verification.unproved == ("b",)
    assert verification.sentence.endswith("mode; meta proves no strides; 1 could not run there: b")


def test_every_call_is_watched_also_in_a_shared_block(of, monkeypatch):
    traced = of("""
        input: {a: "[N, 3, 8]", b: "[N, 5, 8]"}
        blocks:
          Enc:
            fc: Linear(8, 8)
            act: ReLU()
            rows: Sequential(Linear(8, 4), Tanh())
        layers:
          one: Enc()(a)
          two: one(b)
        """)
    verification = verify(traced)
    assert (verification.calls, verification.agree) == (12, True)


@pytest.mark.parametrize(
    ("body", "input", "wanted"),
    [
        ("conv: Conv2d(3, 8, 7)", "3xHxW", lambda n: n["H"] >= 7 and n["W"] >= 7 and n["H"] != n["W"]),
        ("flat: Flatten()\nfc: Linear(576, 2)", "16xHxW", lambda n: n["H"] * n["W"] == 36),
        ("a: view(N, 4, D // 4)\nb: a.reshape(N, D)", "[N, D]", lambda n: n["D"] % 4 == 0),
        ("a: x.unflatten(1, (96, -1))", "[N, D]", lambda n: n["D"] % 96 == 0),
        ("a: x + y", {"x": "[N, T]", "y": "[N, S]"}, lambda n: n["T"] == n["S"]),
        ("a: Linear(300, 2)", "[N, T, D]", lambda n: n["D"] == 300 and n["T"] != 300),
        ("a: x.view(5, 3)", "[M, 5]", lambda n: n["M"] == 3),
    ],
)
def test_sizes_are_chosen_so_that_the_model_runs(of, body, input, wanted):
    shapes = input if isinstance(input, str) else "{" + ", ".join(f'{k}: "{v}"' for k, v in input.items()) + "}"
    steps = "".join(f"  {line}\n" for line in body.splitlines())
    verification = verify(of(f"input: {shapes}\nlayers:\n{steps}"), "cpu")
    assert verification.agree, verification
    assert wanted(verification.sizes)


def test_sizes_that_cannot_be_found_are_said_to_be_missing():
    h, w = symbol("H"), symbol("W")
    assert choose(["N", "H"], [Constraint(h, ">=", 5)]) == {"N": 2, "H": 7} | {"H": 5}
    assert choose(["H", "W"], [Constraint(h * w, "==", 1_000_003 * 1_000_033)]) is None
    assert choose(["H"], [Constraint(h * 2, "==", 2 * 999_983)]) == {"H": 999_983}


def test_a_proof_without_sizes_says_so(steps):
    traced = steps("a: x.view(N, 1000003 * 1000033)", "HxW")
    verification = verify(traced)
    assert not verification.agree
    assert verification.disagreements == ()
    assert verification.unproved == ("a",)
    assert "no sizes were found that meet the requirements" in verification.sentence


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_proof_leaves_the_state_of_torch_alone(steps, device):
    def state():
        modes = (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_default_dtype())
        return (*modes, torch.get_num_threads(), torch.get_default_device(), torch.get_rng_state().tolist())

    before = state()
    verify(steps("fc: Linear(8, 4)\nbn: BatchNorm1d(4)\ndrop: Dropout(0.5)", "8"), device, ("evaluation", "training"))
    assert state() == before


def test_a_trace_with_errors_is_not_proved():
    from nnshape import loads

    with pytest.raises(SpecError):
        verify(trace(loads("input: 4\nlayers:\n  fc: Linear(5, 2)\n")))


def test_nothing_of_a_model_is_allocated_on_meta():
    script = (
        "import resource, nnshape\n"
        f"trace = nnshape.trace({str(CONFIGS[0].parent / 'gpt2.yaml')!r}, variant='xl')\n"
        "import torch\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert nnshape.verify(trace).agree\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    grown = int(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout)
    assert grown < 400  # MiB; the weights alone would be 6 GiB


# ---- sizes ----


def test_the_sizes_of_both_runs_are_numbers_that_the_model_does_not_have(of):
    verification = verify(
        of("input: [N, 3, H, W]\nlayers:\n  a: Conv2d(3, 5, 2)\n  b: MaxPool2d(4)\n  c: flatten(2)\n")
    )
    sets = (verification.sizes, verification.second_sizes)
    assert [set(sizes) for sizes in sets] == [{"N", "H", "W"}] * 2
    numbers = [value for sizes in sets for value in sizes.values()]
    assert len(set(numbers)) == 6
    assert not {1, 2, 3, 4, 5} & set(numbers)
    assert all((sets[0][name] + sets[1][name]) % 2 for name in "NHW")


def test_sizes_that_are_needed_are_kept(of):
    verification = verify(of("input: [N, C]\nlayers:\n  a: x.view(N, 2, C // 2)\n  p: Parameter(C)\n  b: x * p\n"))
    assert verification.sizes["C"] == verification.second_sizes["C"]  # one parameter has this size
    assert verification.sizes["N"] != verification.second_sizes["N"]
    fixed = verify(of("input: [4, 8]\nlayers:\n  a: Linear(8, 4)\n"))
    assert (fixed.sizes, fixed.second_sizes, fixed.agree) == ({}, {}, True)


# ---- modes ----


def test_training_is_run_with_gradients_and_named(of):
    spec = "input: 8\nlayers:\n  p: Parameter(ones(8))\n  a: p.mul_(2)\n  b: x + a\n"
    assert verify(of(spec), "cpu").agree
    both = verify(of(spec), "cpu", ("evaluation", "training"))
    (problem,) = both.disagreements
    assert problem.message == "torch refuses a in training, but the table accepts it"
    assert "leaf Variable that requires grad" in problem.notes[0]
    assert "in evaluation and training mode" in both.sentence


def test_a_step_that_is_warned_of_may_fail_in_training(of):
    traced = of("input: 8\nlayers:\n  p: Parameter(ones(8))\n  a: p.mul_(2)\n  b: x + a\n")
    warning = Problem("fails-in-training", "a fails", traced.calls[1].span, severity="warning")
    both = verify(replace(traced, problems=(warning,)), "cpu", ("evaluation", "training"))
    assert both.agree
    assert both.remarks == ("a fails in training, as the warning says",)


def test_what_torch_refuses_for_its_values_alone_is_asked_again(of):
    inputs = '{x: "[N, 8]", y: "[N, 8]"}'
    for step in ("BCELoss()(x * 9, y)", "nll_loss(x, y[:, 0].long() + 9)", "cholesky(x.t() @ y)"):
        verification = verify(of(f"input: {inputs}\nlayers:\n  a: {step}\n"), "cpu")
        assert (verification.agree, verification.unproved) == (True, ())
