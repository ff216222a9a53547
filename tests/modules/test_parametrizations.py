"""weight_norm, spectral_norm and orthogonal, held against torch: state dict, outputs, refusals."""

import warnings
from textwrap import dedent

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrizations as new
from twins import held_against

from nnshape import build, loads, trace, verify

TEXT = """
input: 3xHxW
blocks:
  Critic(w):
    conv: spectral_norm(Conv2d(auto, w, 3, padding=1))
    up: nn.utils.spectral_norm(ConvTranspose2d(w, w, 2, 2, bias=False), n_power_iterations=2)
    norm: weight_norm(BatchNorm2d(w), 'bias')
    mix: nn.utils.parametrizations.spectral_norm(weight_norm(Conv2d(w, w, 1), dim=None))
layers:
  stem: weight_norm(Conv2d(3, 4, 3, padding=1), dim=1)
  body: Sequential(Critic(4) for i in range(2))
  old: nn.utils.weight_norm(Conv2d(4, 8, 1))
  pooled: mean((2, 3))
  wide: orthogonal(Linear(8, 12))
  square: orthogonal(Linear(12, 12), orthogonal_map='cayley')
  free: torch.nn.utils.parametrizations.orthogonal(Linear(12, 6), use_trivialization=False)
  twice: weight_norm(spectral_norm(Bilinear(6, 6, 3)), name='bias')(free, free)
"""


class Critic(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.conv = new.spectral_norm(nn.Conv2d(w, w, 3, padding=1))
        up = nn.ConvTranspose2d(w, w, 2, 2, bias=False)
        self.up = nn.utils.spectral_norm(up, n_power_iterations=2)
        self.norm = new.weight_norm(nn.BatchNorm2d(w), "bias")
        self.mix = new.spectral_norm(new.weight_norm(nn.Conv2d(w, w, 1), dim=None))

    def forward(self, x):
        return self.mix(self.norm(self.up(self.conv(x))))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = new.weight_norm(nn.Conv2d(3, 4, 3, padding=1), dim=1)
        self.body = nn.Sequential(Critic(4), Critic(4))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.old = nn.utils.weight_norm(nn.Conv2d(4, 8, 1))
        self.wide = new.orthogonal(nn.Linear(8, 12))
        self.square = new.orthogonal(nn.Linear(12, 12), orthogonal_map="cayley")
        self.free = new.orthogonal(nn.Linear(12, 6), use_trivialization=False)
        self.twice = new.weight_norm(new.spectral_norm(nn.Bilinear(6, 6, 3)), name="bias")

    def forward(self, x):
        x = self.free(self.square(self.wide(self.old(self.body(self.stem(x))).mean((2, 3)))))
        return self.twice(x, x)


@pytest.mark.parametrize("train", [False, True])
def test_the_model_is_the_one_written_by_hand(train):
    traced = held_against(TEXT, Net(), torch.randn(2, 3, 6, 5), train=train)
    assert [row.name for row in traced.parameters if row.buffer] == [name for name, _ in Net().named_buffers()]
    assert str(traced.output) == "3"
    assert verify(traced, "meta").agree


def test_weights_of_recurrent_layers_and_embeddings():
    text = """
        input: int64[N, T]
        layers:
          embed: weight_norm(Embedding(11, 6))
          rnn: weight_norm(weight_norm(GRU(6, 5, batch_first=True), 'weight_hh_l0'), 'weight_ih_l0', dim=1)
          last: rnn[0]
          cell: nn.utils.weight_norm(LSTM(5, 4, batch_first=True), 'weight_ih_l0')
          out: cell[0]
        """

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = new.weight_norm(nn.Embedding(11, 6))
            rnn = new.weight_norm(nn.GRU(6, 5, batch_first=True), "weight_hh_l0")
            self.rnn = new.weight_norm(rnn, "weight_ih_l0", dim=1)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.cell = nn.utils.weight_norm(nn.LSTM(5, 4, batch_first=True), "weight_ih_l0")

        def forward(self, x):
            return self.cell(self.rnn(self.embed(x))[0])[0]

    assert str(held_against(text, Net(), torch.randint(11, (2, 3))).output) == "T x 4"


LAYERS = {
    "Linear(3, 5)": lambda: nn.Linear(3, 5),
    "Linear(4, 4, bias=False)": lambda: nn.Linear(4, 4, bias=False),
    "Conv1d(2, 6, 3)": lambda: nn.Conv1d(2, 6, 3),
    "ConvTranspose2d(3, 4, 2)": lambda: nn.ConvTranspose2d(3, 4, 2),
    "Embedding(7, 3)": lambda: nn.Embedding(7, 3),
    "BatchNorm1d(4)": lambda: nn.BatchNorm1d(4),
    "LSTM(3, 2)": lambda: nn.LSTM(3, 2),
    "PReLU()": lambda: nn.PReLU(),
    "ReLU()": lambda: nn.ReLU(),
    "MultiheadAttention(4, 2)": lambda: nn.MultiheadAttention(4, 2),
}
FUNCTIONS = {
    "weight_norm": new.weight_norm,
    "nn.utils.weight_norm": nn.utils.weight_norm,
    "spectral_norm": new.spectral_norm,
    "nn.utils.spectral_norm": nn.utils.spectral_norm,
    "orthogonal": new.orthogonal,
}
NAMES = [
    "weight",
    "weight",
    "weight",
    "bias",
    "out_proj.weight",
    "weight_hh_l0",
    "in_proj_weight",
    "running_mean",
    "absent",
]


def arguments(draw, function):
    found = {}
    if draw(st.booleans()):
        found["name"] = draw(st.sampled_from(NAMES))
    if "norm" in function and draw(st.booleans()):
        found["dim"] = draw(st.sampled_from([None, 0, 1, -1, -2, 3, -4]))
    if "spectral" in function and draw(st.booleans()):
        found["n_power_iterations"] = draw(st.sampled_from([1, 2, 0, -1]))
    if function == "orthogonal" and draw(st.booleans()):
        found["orthogonal_map"] = draw(st.sampled_from([None, "matrix_exp", "cayley", "householder", "qr"]))
    if function == "orthogonal" and draw(st.booleans()):
        found["use_trivialization"] = draw(st.booleans())
    return found


@given(st.data())
def test_random_calls_store_and_refuse_what_torch_does(data):
    layer = data.draw(st.sampled_from(list(LAYERS)))
    calls = []
    for _ in range(data.draw(st.integers(1, 2))):
        function = data.draw(st.sampled_from(list(FUNCTIONS)))
        calls.append((function, arguments(data.draw, function)))
    text = layer
    for function, given_ in calls:
        text = f"{function}({', '.join([text, *(f'{key}={value!r}' for key, value in given_.items())])})"
    traced = trace(loads(f"input: 4\nlayers:\n  a: ModuleList({text})\n  b: ReLU()(x)\n"))
    refused = any(problem.kind != "unused-step" for problem in traced.problems)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = LAYERS[layer]()
            for function, given_ in calls:
                module = FUNCTIONS[function](module, **given_)
            # torch registers weight_norm after another parametrization, and then cannot compute the weight.
            [getattr(module, name) for name in getattr(module, "parametrizations", ())]
    except Exception:
        assert refused, text
        return
    assert not refused, (text, traced.problems)
    rows = {f"{row.name}": tuple(row.tensor.shape) for row in traced.parameters}
    real = {f"a.0.{name}": tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    assert rows == real
    assert list(build(traced).state_dict()) == list(real)
    assert verify(traced, "cpu").agree
    assert verify(traced, "meta").agree


@pytest.mark.parametrize(
    ("step", "wanted"),
    [
        ("weight_norm(Linear(4, 4), 'weigt')", ("invalid-argument", "'weigt'")),
        ("weight_norm(Linear(4, 4), dim=2)", ("invalid-argument", "2")),
        ("weight_norm(Linear(4, 4), axis=0)", ("unknown-argument", "axis=0")),
        ("weight_norm(Linear(auto, 4), 'bia')", ("invalid-argument", None)),
        ("weight_norm(4)", ("wrong-type", "weight_norm(4)")),
        ("weight_norm(x)", ("wrong-type", "weight_norm(x)")),
        ("weight_norm()", ("missing-argument", "weight_norm()")),
        ("weight_norm(Sequential(Linear(4, 4)))", ("wrong-type", "weight_norm(Sequential(Linear(4, 4)))")),
        ("weight_norm(LazyLinear(4))", ("invalid-argument", None)),
        ("spectral_norm(Linear(4, 4), n_power_iterations=0)", ("invalid-argument", "0")),
        ("spectral_norm(Linear(4, 4), n_power_iterations=1.5)", ("wrong-type", "1.5")),
        ("orthogonal(Linear(4, 4), 'bias')", ("invalid-argument", "'bias'")),
        ("orthogonal(Linear(4, 4), orthogonal_map='qr')", ("invalid-argument", "'qr'")),
        ("orthogonal(spectral_norm(Linear(4, 4)))", ("invalid-argument", None)),
        ("nn.utils.orthogonal(Linear(4, 4))", ("unknown-name", "orthogonal")),
        ("nn.utils.parametrizations.weigth_norm(Linear(4, 4))", ("unknown-name", "weigth_norm")),
        ("TransformerEncoder(weight_norm(TransformerEncoderLayer(4, 2), 'x'), 1)", ("invalid-argument", None)),
        ("weight_norm(Linear(4, 5, 6, 7, 8, 9))", ("unknown-argument", None)),
    ],
)
def test_what_is_refused_is_told_at_its_place(step, wanted):
    problems = trace(loads(f"input: 4\nlayers:\n  a: {step}\n")).problems
    kind, text = wanted
    assert [problem.kind for problem in problems] == [kind]
    assert text is None or problems[0].span.text == text


def test_a_layer_that_is_made_already_is_refused():
    (problem,) = trace(
        loads("input: 4\nlayers:\n  m: Module(Linear(4, 4))\n  a: weight_norm(m)(x)\n  b: m(a)\n")
    ).problems
    assert (problem.kind, problem.span.text) == ("wrong-type", "weight_norm(m)")


def test_originals_are_read_frozen_and_tied_by_their_names():
    text = """
        input: 4
        tie: {b.parametrizations.weight.original1: a.parametrizations.weight.original1}
        freeze: ["*.original0"]
        layers:
          a: weight_norm(Linear(4, 4))
          b: weight_norm(Linear(4, 4))
          c: _ * a.parametrizations.weight.original0.mean()
        """
    traced = trace(loads(dedent(text).lstrip("\n")))
    assert traced.problems == ()
    assert (traced.totals.parameters, traced.totals.trainable) == (32, 24)
    assert verify(traced, "cpu").agree
    model = build(traced)
    x = torch.randn(2, 4)
    scale = model.a.parametrizations.weight.original0.mean()
    assert torch.equal(model(x), model.b(model.a(x)) * scale)


def test_a_weight_that_is_computed_cannot_be_read():
    for function, original in (
        ("weight_norm", "parametrizations.weight.original1"),
        ("nn.utils.weight_norm", "weight_v"),
    ):
        text = f"input: 4\nlayers:\n  a: {function}(Linear(4, 4))\n  b: _ + a.weight.mean()\n"
        (problem,) = trace(loads(text)).problems
        assert (problem.kind, problem.span.text, problem.help) == ("wrong-type", "a.weight", (f"read a.{original}",))
        assert trace(loads(text.replace("a.weight", f"a.{original}"))).problems == ()


def test_a_block_and_an_hparam_can_choose_the_parametrization():
    text = """
        input: 3xHxW
        hparams: {norm: spectral_norm}
        blocks:
          Conv(a, b, norm=weight_norm): norm(Conv2d(a, b, 3))
          Late(b, norm)(x): norm(Conv2d(x.shape[1], b, 1))
        layers:
          a: Conv(3, 4)
          b: Conv(4, 4, norm)
          c: Sequential(Conv(4, 4, norm) for i in range(2))
          d: Late(3, norm)
        """

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = new.weight_norm(nn.Conv2d(3, 4, 3))
            self.b = new.spectral_norm(nn.Conv2d(4, 4, 3))
            self.c = nn.Sequential(*[new.spectral_norm(nn.Conv2d(4, 4, 3)) for _ in range(2)])
            self.d = new.spectral_norm(nn.Conv2d(4, 3, 1))

        def forward(self, x):
            return self.d(self.c(self.b(self.a(x))))

    assert str(held_against(text, Net(), torch.randn(2, 3, 12, 11)).output) == "3 x (H - 8) x (W - 8)"
