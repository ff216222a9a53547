"""Hostile models through the proof: a bounded amount of work and memory, and a reason where something is not proved."""

from __future__ import annotations

import json
import subprocess
import sys
from textwrap import dedent

import pytest
import torch
from torch import nn

import nnshape
from nnshape import build, loads, trace
from nnshape.modules import budget, questions, standing_in
from nnshape.modules.asking import Asker
from nnshape.modules.choosing import choose
from nnshape.modules.measured import TorchMeasure
from nnshape.proofs.verification import Verification


def verify(traced: nnshape.Trace, device: str = "meta") -> Verification:
    """The proof on meta, whose budget most of these tests are about."""
    return nnshape.verify(traced, device)


#: What a process with torch may take here: 1 GB for the model, and what torch's own libraries map at the start.
ADDRESS_SPACE = 6 * 2**30
RESIDENT = 1_000_000_000

SCRIPT = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))
import nnshape
from nnshape.modules import verify
answers = []
for text in json.load(sys.stdin):
    traced = nnshape.trace(nnshape.loads(text))
    said = [f"{{problem.severity}} {{problem.kind}} {{problem.message[:300]}}" for problem in traced.problems]
    if not traced.errors:
        said.append(verify(traced, {device!r}).sentence)
    answers.append("; ".join(said))
# Of this program alone: `ru_maxrss` begins at the peak of the process that started it.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(json.dumps([answers, int(peak.split()[1])]))
"""


def proved(*texts: str, device: str = "meta") -> list[str]:
    """What a process of its own says of some models; it is killed where it takes too much memory or hangs."""
    script = SCRIPT.format(limit=ADDRESS_SPACE, device=device)
    ran = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    answers: list[str]
    answers, kilobytes = json.loads(ran.stdout)
    assert kilobytes * 1024 < RESIDENT
    return answers


def model(*steps: str, input: str = "8", head: str = "") -> str:
    lines = "".join(f"  s{index}: {step}\n" for index, step in enumerate(steps))
    return f"input: {input}\n{dedent(head)}layers:\n{lines}"


BLOCK = """
blocks:
  B(n)(x):
    z: SIZED
"""
#: Tensors of 4 GB and more that no tensor of the model leads to.
FACTORIES = [
    "zeros(n)", "ones(n)", "full((n,), 1.5)", "rand(n)", "randn(n)", "arange(n)", "linspace(0, 1, n)", "empty(n)",
    "eye(n, 2)", "hann_window(n)", "kaiser_window(n, device='cpu')", "tril_indices(n, 1)", "randint(3, (n,))",
    "randperm(n)", "logspace(0, 1, n)", "zeros(n, device='cpu')", "normal(0.0, 1.0, (n,))", "torch.fft.fftfreq(n)",
]  # fmt: skip


def test_a_block_without_tensors_takes_no_memory_on_meta():
    texts = [model("B(1000000000)(1)", head=BLOCK.replace("SIZED", sized)) for sized in FACTORIES]
    for said in proved(*texts):
        assert "2 of 2 shapes" in said


#: Steps that name a device, or make a tensor where no device is near.
ON_THE_CPU = [
    "Buffer(zeros(2000000000))", "Parameter(randn(2000000000))", "Buffer(kaiser_window(2000000000, device='cpu'))",
    "Sequential(Sequential(Linear(8, 8), ReLU()))(x) + zeros(200000000, 1)", "x + ones(200000000, 1, device='cpu')",
    "x.new_zeros(2000000000, device='cpu')", "kaiser_window(2000000000, device='cpu')",
    "x.to('cpu').repeat(200000000, 1)",
]  # fmt: skip


def test_no_word_of_a_spec_takes_memory_on_another_device():
    for said in proved(*(model(step, input="[1, 8]") for step in ON_THE_CPU)):
        built = said.removesuffix("; meta proves no strides").rpartition("; ")[2]
        assert built.startswith("built on meta")
        assert "not" not in built


def test_a_block_without_tensors_is_built_on_the_models_device(of):
    traced = of(f"{dedent(BLOCK).replace('SIZED', 'zeros(n)')}input: 8\nlayers:\n  a: B(4)(1)\n")
    assert build(traced, "meta").a(1).device.type == "meta"
    assert build(traced, "cpu").a(1).device.type == "cpu"


# ---- loops over sizes ----


LONG = {
    "LSTM(4, 5)": "[100000000, N, 4]",
    "LSTM(4, 5, 2, batch_first=True, bidirectional=True, proj_size=3)": "[N, 1000000, 4]",
    "GRU(4, 5)": "[100000, 4]",
    "RNN(4, 5, batch_first=True)": "[N, 100000, 4]",
    "CrossMapLRN2d(5)": "10000000x5x5",
    "CrossMapLRN2d(3)": "[10000000, 3, 5, 5]",
}


def test_a_long_size_is_proved_by_a_short_stand_in():
    head = "layers:\n  a: Bilinear(20, 30, 1099511627776)(x, y)\n  w: Parameter(16777216, 20, 30)\n"
    pair = f"input: {{x: 20, y: 30}}\n{head}  b: bilinear(x, y, w)\n  c: a * 2\n"
    *layers, bilinear = proved(*(model(step, input=input) for step, input in LONG.items()), pair)
    assert all("1 of 1 shapes" in said for said in layers)
    assert "4 of 4 shapes" in bilinear


@pytest.mark.parametrize("steps", [standing_in.FEW, standing_in.FEW + 1])
def test_a_stand_in_gives_the_shape_that_the_cpu_gives(of, steps):
    for layer in ("LSTM(4, 5, 2, bidirectional=True)", "GRU(4, 5, batch_first=True)", "RNN(4, 5)"):
        for input in (f"[3, {steps}, 4]", f"[{steps}, 3, 4]", f"[{steps}, 4]"):
            traced = of(f"input: {input}\nlayers:\n  a: {layer}\n")
            assert verify(traced).agree
            assert verify(traced, "cpu").agree


def test_a_stand_in_still_finds_what_is_wrong(of, monkeypatch):
    traced = of("input: [N, 50, 4]\nlayers:\n  a: LSTM(4, 5, batch_first=True)\n")
    traced.root.children[0].module.layer.__dict__["hidden_size"] = 6
    assert not verify(traced).agree


def test_a_stack_of_many_layers_is_not_proved_and_says_so():
    stacks = ("TransformerEncoder(TransformerEncoderLayer(4, 2), 9000)", "RNN(4, 4, 30000)")
    for said in proved(*(model("Linear(4, 4)", step, input="[T, N, 4]") for step in stacks)):
        assert "too-large" in said or said.partition("not proved, since a proof")[2].endswith(": s1")


def test_a_stack_of_some_layers_is_proved(of):
    assert verify(of("input: [T, N, 4]\nlayers:\n  a: LSTM(4, 4, 100)\n")).unproved == ()


def test_the_modules_of_a_proof_are_counted(of, monkeypatch):
    traced = of("input: 4\nlayers:\n  a: Linear(4, 4)\n  b: Linear(4, 4)\n  c: relu()\ntie: {b.weight: a.weight}\n")
    monkeypatch.setattr("nnshape.modules.building.MADE", 6)
    assert verify(traced).unproved == ()
    monkeypatch.setattr("nnshape.modules.building.MADE", 5)
    verification = verify(traced)
    assert verification.unproved == ("b",)
    assert verification.agree
    assert verification.sentence.endswith("; 1 not proved, since a proof makes at most 5 modules and parameters: b")


@pytest.mark.parametrize(("calls", "is_run"), [(20, True), (19, False)])
def test_the_calls_of_a_proof_are_counted(of, monkeypatch, calls, is_run):
    monkeypatch.setattr(budget, "CALLS", calls)
    verification = verify(of("input: 8\nlayers:\n  h: Sequential(ReLU() for i in range(19))\n"))
    assert (verification.reason == "") is is_run
    assert is_run or verification.reason == f"it makes 20 calls, but a proof runs at most {calls}"


def test_an_answer_of_several_tensors_is_asked_once(of, monkeypatch):
    asked = []
    run = standing_in._recurrent
    monkeypatch.setattr(standing_in, "_recurrent", lambda *given: asked.append(given) or run(*given))
    block = "blocks:\n  B:\n    l: LSTM(8, 8, batch_first=True)\n    o: l[0]\n"
    verification = verify(of(f"input: [N, 10, 8]\n{block}layers:\n  h: Sequential(B() for i in range(20))\n"))
    assert verification.agree
    assert not verification.unproved
    assert len(asked) == 2 * 2  # at two sets of sizes  # the output of the first has other strides than the input


def test_the_steps_of_a_recurrent_layer_are_counted():
    layers = {1: nn.LSTM(8, 8), 6: nn.GRU(8, 8, 3, bidirectional=True)}
    for factor, layer in layers.items():
        assert standing_in.steps_run(layer, (torch.empty(10, 2, 8),)) == 10 * factor
        assert standing_in.steps_run(layer, (torch.empty(100_000, 2, 8, device="meta"),)) == standing_in.FEW * factor
    assert standing_in.steps_run(nn.Linear(8, 8), (torch.empty(10, 8),)) == 0


def test_the_operations_of_a_proof_are_counted(of, monkeypatch):
    traced = of("input: 4\nlayers:\n  a: relu()\n  b: relu()\n  c: exp()\n")
    monkeypatch.setattr(budget, "RUN", 7)
    assert verify(traced).unproved == ()  # 3, then 1 for the same again, then 3
    monkeypatch.setattr(budget, "RUN", 6)
    verification = verify(traced)
    assert verification.unproved == ("c",)
    assert verification.reasons == {"c": "a proof runs at most 6 operations of torch"}


def test_a_run_that_the_budget_does_not_allow_is_named(of, monkeypatch):
    traced = of("input: 4\nlayers:\n  a: relu()\n  b: exp()\n")
    limit = "since a proof runs at most {} operations of torch"
    for most, told in (
        (6, ("N = 3 was not run, " + limit, "the forward method as a whole was not run, " + limit)),
        (12, ("the forward method as a whole was not run, " + limit,)),
        (18, ()),
    ):
        monkeypatch.setattr(budget, "RUN", most)
        verification = verify(traced)
        assert verification.unproved == ()
        assert verification.remarks == tuple(remark.format(most) for remark in told)
        assert verification.sentence.endswith("".join(f"; {remark}" for remark in verification.remarks))
        assert verification.is_complete is (told == ())


def test_a_warning_tells_why_a_call_is_not_proved(of, monkeypatch, tmp_path):
    from nnshape.checking.judging import _proof

    monkeypatch.setattr(budget, "RUN", 3)
    (problem,) = _proof(of("input: 4\nlayers:\n  a: relu()\n  b: exp()\n"), "meta", ())
    assert (problem.kind, problem.severity, problem.span.text) == ("unproved", "warning", "exp()")
    assert problem.message == "b is not proved: a proof runs at most 3 operations of torch"


def test_the_same_question_is_asked_once(of, monkeypatch):
    asked = []
    ask = Asker._ask

    def spied(self, operation, question, run, steps=0):
        return ask(self, operation, question, lambda: (asked.append(operation), run())[1], steps)

    monkeypatch.setattr(Asker, "_ask", spied)
    traced = of("input: 4\nlayers:\n  h: Sequential(Linear(4, 4) for i in range(50))\n  r: relu()\n  q: relu()\n")
    assert verify(traced).agree
    assert len(asked) == 2 * 2  # at two sets of sizes


# ---- devices that hold values ----


TOO_MUCH = [
    ("Linear(100000, 100000)", "100000", "GiB"),
    ("repeat(1, 1000000000)", "[N, 8]", "GiB"),
    ("Buffer(zeros(2000000000))", "8", "GiB"),
    ("B(2000000000)(1)", "8", "GiB"),
    ("Conv2d(64, 64, 63)", "64x500x500", "multiply-accumulates"),
    ("MaxPool2d(1500, 1)", "2x3000x3000", "multiply-accumulates"),
    ("max_pool2d(1500, 1)", "2x3000x3000", "multiply-accumulates"),
    ("LocalResponseNorm(10000)", "10000x100x200", "multiply-accumulates"),
    ("MultiheadAttention(8, 8, batch_first=True)(x, x, x)", "20000x8", "GiB"),
    ("inv()", "[8000, 8000]", "multiply-accumulates"),
]


def test_a_real_device_runs_no_model_beyond_its_budget():
    head = BLOCK.replace("SIZED", "zeros(n)")
    answers = proved(*(model(step, input=input, head=head) for step, input, _ in TOO_MUCH), device="cpu")
    for (_, _, why), said in zip(TOO_MUCH, answers, strict=True):
        assert "not proved on cpu" in said
        assert why in said
        assert said.endswith("use the meta device, which needs none")


@pytest.mark.parametrize("name", ["BYTES", "WORK"])
def test_a_real_device_runs_what_is_within_its_budget(of, monkeypatch, name):
    traced = of("input: [2, 8]\nlayers:\n  a: Linear(8, 16)\n")
    needed = {"BYTES": (16 + 8 * 16 + 16 + 2 * 16) * 4}
    for most, agrees in ((needed.get(name, 10_000), True), (needed.get(name, 100) - 1, False)):
        monkeypatch.setattr(budget, name, most)
        assert verify(traced, "cpu").agree is agrees
        assert verify(traced).agree


def test_a_tensor_that_torch_cannot_count_is_told():
    (said,) = proved(model("relu()", input="4000000000x4000000000x100"))
    assert "2**63 bytes or more" in said or "too-large" in said


# ---- symbols ----


@pytest.mark.parametrize("count", [3, 2000])
def test_many_symbols_have_values(count):
    names = [f"T{index}" for index in range(count)]
    values = choose(["N", *names], [])
    assert values is not None
    assert values["N"] == 2
    assert len({values[name] for name in names[:1000]}) == min(count, 1000)


def test_many_symbolic_inputs_are_proved():
    inputs = ", ".join(f"a{index}: '[N, T{index}]'" for index in range(1500))
    assert "1 of 1 shapes" in proved(f"input: {{{inputs}}}\nlayers:\n  c: a0 + 1\n")[0]


# ---- what has no rule ----


def test_a_function_is_measured_once_for_the_same_arguments(monkeypatch):
    runs = []
    measured = questions.measured

    def counted(name, *given):
        runs.append(name)
        return measured(name, *given)

    monkeypatch.setattr(questions, "measured", counted)
    questions._answers.clear()
    text = model(*["torch.special.entr(x)"] * 500, "torch.special.entr(s0)", "torch.special.entr(x[:, 0])")
    traced = trace(loads(text))
    assert {problem.kind for problem in traced.problems} == {"unused-step"}
    assert runs == ["entr", "entr"]
    # A later model of the same process is not asked again, and is told the same.
    assert [str(call.output) for call in trace(loads(text)).calls] == [str(call.output) for call in traced.calls]
    assert runs == ["entr", "entr"]


@pytest.mark.parametrize("remembered", [False, True])
def test_the_measurements_of_one_model_are_counted(monkeypatch, remembered):
    monkeypatch.setattr(questions, "QUESTIONS", 2)
    text = model("torch.special.entr(x)", "torch.special.entr(x[:, 0])", "torch.special.entr(x)", "diff(x)")
    if not remembered:
        questions._answers.clear()
    traced = trace(loads(text))
    unmeasured, *others = traced.problems
    assert (unmeasured.kind, {problem.kind for problem in others}) == ("unmeasured", {"unused-step"})
    assert unmeasured.message.endswith("at most 2 times per model")
    assert [str(call.output) for call in traced.calls] == ["8", "[N]", "8", "?"]
    (other,) = trace(loads(model("torch.special.entr(x)", "torch.special.entr(x[:, 0])"))).problems
    assert other.kind == "unused-step"


def test_what_a_refusal_says_is_remembered_too():
    traced = trace(loads("input: [4, 4, 4]\nlayers:\n  a: cov()\n  b: cov(x)\n"))
    assert [problem.span.line for problem in traced.errors] == [3, 4]


def test_a_split_into_too_many_is_refused():
    steps = ("unsafe_split(x, 1, 1)", "unsafe_chunk(x, 100000000, 1)", "unbind_copy(x, 1)")
    for said in proved(*(model(step, input="[2, 100000000]") for step in steps)):
        assert "error too-large" in said


@pytest.mark.parametrize("name", ["unsafe_split", "split_copy", "vsplit"])
def test_a_list_that_may_be_long_is_refused_without_a_rule(name):
    function = TorchMeasure().function(name)
    assert len(function.apply((nnshape.shapes.tensor.Tensor((10_000, 2)), 10), {})) in (10, 1_000)
    with pytest.raises(nnshape.shapes.refusal.Refusal, match="may return 10,001 tensors: the limit is 10,000"):
        function.apply((nnshape.shapes.tensor.Tensor((10_001, 2)), 1), {})


OUTSIDE = [
    "x.apply_(1)", "x.map_(x, 1)", "x.numpy()", "x.storage()", "x.untyped_storage()", "x.share_memory_()",
    "x.register_hook(1)", "x.tolist()", "x.item()", "x.data_ptr()", "x.set_(x)", "x.pin_memory()", "x.resize_(4)",
    "x.backward()", "x.__class__", "x.__reduce_ex__(2)", "x._make_subclass(x)", "x.to_sparse()", "x.data.tolist()",
    "torch.ops.aten.add(x, x)", "torch._C._jit_get_schemas_for_operator('a')", "torch.load('f')", "torch.save(x, 'f')",
    "torch.hub.load('a', 'b')", "torch.compile(x)", "torch.set_default_device('cpu')", "torch.set_num_threads(1)",
    "torch.from_file('f', size=4)", "torch.utils.cpp_extension.load('a')", "torch.multiprocessing.spawn(1)",
    "torch.classes.load_library('f')", "F.handle_torch_function(x)", "F.os.system('a')",
    "nn.modules.module.sys.exit(1)",
    "torch.serialization.os.getcwd()", "torch.import_ir_module('f')", "torch.manual_seed(1)", "torch.vmap(x)",
    "torch.cond(x, x, x)", "torch.quantize_per_tensor(x, 1.0, 0, float32)", "torch.sparse_coo_tensor(x, x)",
    "torch.fbgemm_pack_gemm_matrix_fp16(x)", "torch.lstm(x, x, x)",
    "torch.special.chebyshev_polynomial_t(x, 1000000000)", "torch.as_tensor([1, 2])", "_VF.lstm(x)",
    "torch.functional.os.getcwd()", "torch.cuda.init()", "torch.jit.load('f')",
]  # fmt: skip


@pytest.mark.parametrize("step", OUTSIDE)
def test_nothing_but_operations_on_tensors_is_reached(step, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seed = torch.initial_seed()
    traced = trace(loads(f"input: 4\nlayers:\n  a: {step}\n"))
    assert {problem.kind for problem in traced.errors} <= {"unknown-name", "wrong-type", "syntax", "unmeasured"}
    assert traced.errors
    assert torch.initial_seed() == seed
    assert list(tmp_path.iterdir()) == []


def test_by_default_no_hostile_model_takes_much_either():
    head = BLOCK.replace("SIZED", "zeros(n)")
    texts = [model("B(1000000000)(1)", head=BLOCK.replace("SIZED", sized)) for sized in FACTORIES[:4]]
    texts += [model(step, input="[1, 8]") for step in ON_THE_CPU]
    texts += [model(step, input=input) for step, input in LONG.items()]
    texts += [model(step, input=input, head=head) for step, input, _ in TOO_MUCH]
    texts += [model(step, input="[1500, 1000]") for step in ("cdist(x, x, p=3.0)", "x @ x.t() @ x @ x.t()")]
    for said in proved(*texts, device="auto"):
        assert "shapes and" in said
        assert "not proved" not in said
