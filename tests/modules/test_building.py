"""Built models against models written by hand: the same names, the same shapes, the same numbers."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from nnshape import SpecError, build, loads, trace, verify
from nnshape.shapes.layers import find_layer

CONFIGS = Path(__file__).parents[2] / "configs"


def assert_same_model(built: nn.Module, twin: nn.Module, *inputs: torch.Tensor, train: bool = True) -> None:
    """The same state dict, and with the same weights the same outputs, in eval and train mode."""
    shapes = {name: tensor.shape for name, tensor in twin.state_dict().items()}
    assert {name: tensor.shape for name, tensor in built.state_dict().items()} == shapes
    assert list(built.state_dict()) == list(twin.state_dict())
    built.load_state_dict(twin.state_dict())
    for mode in (False, True) if train else (False,):
        torch.manual_seed(0)
        wanted = twin.train(mode)(*inputs)
        torch.manual_seed(0)
        torch.testing.assert_close(built.train(mode)(*inputs), wanted, rtol=0, atol=0)


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(6, 16, 3)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(2)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(576, 120)
        self.relu3 = nn.ReLU()
        self.fc2 = nn.Linear(120, 84)
        self.relu4 = nn.ReLU()
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        for child in self.children():
            x = child(x)
        return x


def test_lenet_is_the_tutorials():
    built, twin = build(trace(CONFIGS / "lenet.yaml")), LeNet()
    assert_same_model(built, twin, torch.rand(3, 1, 32, 32))
    assert sum(parameter.numel() for parameter in built.parameters()) == 81_290
    assert str(built) == str(twin)
    assert [type(child) for child in built.children()] == [type(child) for child in twin.children()]


RESIDUAL = """
name: Small
input: 3x16x16
blocks:
  Basic(channels, stride=1)(x[N, C, H, W]):
    conv1: Conv2d(C, channels, 3, stride, 1, bias=False)
    bn1: BatchNorm2d(channels)
    relu: ReLU()
    conv2: Conv2d(channels, channels, 3, 1, 1)
    skip: (Conv2d(C, channels, 1, stride) if stride > 1 or C != channels else Identity())(x)
    out: relu(conv2 + skip)
layers:
  stem: Conv2d(3, 8, 3, padding=1)
  layer1: Sequential(Basic(8) for i in range(2))
  layer2: Sequential(Basic(16, stride=1 if i else 2) for i in range(2))
  pool: x.mean((2, 3))
  unused: Linear(3, 5)(pool)
  fc: Linear(16, 4)(layer2.mean((2, 3)))
"""


class Basic(nn.Module):
    def __init__(self, inside, channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inside, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1)
        self.skip = nn.Conv2d(inside, channels, 1, stride) if stride > 1 or inside != channels else nn.Identity()

    def forward(self, x):
        return self.relu(self.conv2(self.relu(self.bn1(self.conv1(x)))) + self.skip(x))


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.layer1 = nn.Sequential(Basic(8, 8), Basic(8, 8))
        self.layer2 = nn.Sequential(Basic(8, 16, 2), Basic(16, 16))
        self.unused = nn.Linear(3, 5)
        self.fc = nn.Linear(16, 4)

    def forward(self, x):
        return self.fc(self.layer2(self.layer1(self.stem(x))).mean((2, 3)))


def test_blocks_are_modules_of_their_own(of):
    built = build(of(RESIDUAL))
    assert_same_model(built, Small(), torch.rand(5, 3, 16, 16))
    assert type(built.layer1) is nn.Sequential
    assert isinstance(built.layer1[0], torch.fx.GraphModule)
    assert type(built.layer1[0]).__name__ == "Basic"
    assert type(built).__name__ == "Small"
    assert built.layer1[1](torch.rand(1, 8, 4, 4)).shape == (1, 8, 4, 4)


def test_a_printed_model_is_readable(of):
    assert str(build(of(RESIDUAL))) == str(Small())


def test_a_model_may_have_a_name_that_no_class_can_have(of):
    built = build(of('name: "a\\0b\\e"\ninput: [N, 4]\nlayers:\n  fc: Linear(4, 2)'))
    assert type(built).__name__ == "a_b_"
    assert built(torch.rand(3, 4)).shape == (3, 2)


def test_a_module_that_is_called_again_is_one_module(steps):
    built = build(steps("fc: Linear(8, 8)\nagain: fc(relu(fc))\nthird: fc(x)\nout: again + third", "8"))

    class Twin(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 8)

        def forward(self, x):
            return self.fc(torch.relu(self.fc(x))) + self.fc(x)

    assert_same_model(built, Twin(), torch.rand(3, 8))


def test_a_block_that_is_called_again_is_one_module(of):
    traced = of("""
        input: {a: 8, b: 8}
        blocks:
          Head:
            scale: Parameter(full((8,), 0.5))
            fc: Linear(8, 8)
            out: fc * scale
        layers:
          head: Head()(a)
          other: head(b)
          out: head + other
        """)
    built = build(traced)
    assert list(built.state_dict()) == ["head.scale", "head.fc.weight", "head.fc.bias"]
    assert verify(traced).agree
    a, b = torch.rand(2, 8), torch.rand(2, 8)
    torch.testing.assert_close(built(a, b), built.head(a) + built.head(b))


def test_the_tuples_of_an_lstm(steps):
    traced = steps(
        """
        embed: Embedding(9, 6)
        lstm: LSTM(6, 5, batch_first=True)
        last: lstm[1][0][-1]
        fc: Linear(5, 3)(last)
        again: lstm(embed, (lstm[1][0], lstm[1][1]))
        whole: lstm(embed, lstm[1])
        out: (fc, lstm[0], again[0], whole[1])
        """,
        "int64[N, T]",
    )
    built = build(traced)
    ids = torch.randint(9, (2, 4))
    fc, outputs, again, state = built(ids)
    wanted, (hidden, cell) = built.lstm(built.embed(ids))
    torch.testing.assert_close(outputs, wanted)
    torch.testing.assert_close(fc, built.fc(hidden[-1]))
    torch.testing.assert_close(again, built.lstm(built.embed(ids), (hidden, cell))[0])
    assert [tensor.shape for tensor in state] == [(1, 2, 5), (1, 2, 5)]


def test_items_of_a_sequential_take_the_values_of_enclosing_steps(of):
    traced = of("""
        input: {x: "[N, T, 8]", memory: "[N, S, 8]"}
        blocks:
          Dec(d)(x[N, T, d], memory[N, S, d]):
            q: Linear(d, d)(x)
            attend: (q @ memory.transpose(1, 2)).softmax(-1) @ memory
            out: x + attend
        layers:
          normed: LayerNorm(8)(memory)
          act: ReLU()(x)
          dec: Sequential(Dec(8)(_, normed) for i in range(3))
          mixed: Sequential(Linear(8, 8), act(_), _ + normed.mean(1, keepdim=True), Linear(8, 2))
        """)
    built = build(traced)
    assert list(built.state_dict())[:4] == ["normed.weight", "normed.bias", "dec.0.q.weight", "dec.0.q.bias"]
    assert type(built.dec).__name__ == "Sequential"
    assert built.dec[0].q.weight.shape == (8, 8)
    assert len(built.dec) == 3
    x, memory = torch.rand(2, 4, 8), torch.rand(2, 7, 8)
    normed, value = built.normed(memory), x
    for layer in built.dec:
        value = value + (layer.q(value) @ normed.transpose(1, 2)).softmax(-1) @ normed
    first, _, _, last = (built.mixed.get_submodule(name) if name in "03" else None for name in "0123")
    wanted = last(torch.relu(first(value)) + normed.mean(1, keepdim=True))
    torch.testing.assert_close(built(x, memory), wanted)
    verification = verify(traced)
    assert verification.agree, verification.disagreements


def test_a_fully_convolutional_net_runs_at_any_size(steps):
    traced = steps(
        """
        conv: Conv2d(3, 8, 3, 2, 1)
        pool: MaxPool2d(2)
        up: adaptive_avg_pool2d((x.shape[2], x.shape[3]))
        flat: up.view(N, 8, H * W)
        back: flat.reshape(x.size(0), 8, H, W)
        head: Conv2d(8, 2, 1)
        """,
        "3xHxW",
    )
    built = build(traced)
    for sizes in ((1, 3, 8, 8), (2, 3, 13, 20), (5, 3, 64, 33)):
        assert built(torch.rand(sizes)).shape == (sizes[0], 2, *sizes[2:])
    assert verify(traced).sizes.keys() == {"N", "H", "W"}


def test_sizes_are_computed_at_run_time(steps):
    traced = steps(
        """
        some: (T + 1) // 2
        least: min(T, 5)
        places: arange(T)
        first: x[:, :some]
        rest: x[:, some:least + some]
        ones: ones(T, 4)
        wide: zeros(N, 2 * T, 4)
        out: cat([first, x * ones + places.unsqueeze(1), wide], 1)
        """,
        "[N, T, 4]",
    )
    built = build(traced)
    for batch, length in ((1, 3), (2, 6), (3, 11)):
        assert built(torch.rand(batch, length, 4)).shape == (batch, (length + 1) // 2 + 3 * length, 4)
    assert verify(traced).agree


def test_a_size_inside_an_expression_is_solved_for(steps):
    traced = steps("out: arange(T)", "[N, 2*T + 1]")
    assert build(traced)(torch.rand(1, 11)).shape == (5,)


def test_a_files_size_is_read_off_a_blocks_own_input(of):
    traced = of("""
        input: [N, T, 8]
        blocks:
          Flat:
            y: reshape(N * T, 8)
            fc: Linear(8, 3)
            out: fc.view(N, T, 3)
        layers:
          flat: Flat()
        """)
    built = build(traced)
    assert built.flat.code.startswith("\n\n\ndef forward(self, x):")
    assert built(torch.rand(4, 5, 8)).shape == (4, 5, 3)


def test_nested_mappings_are_anonymous_blocks(of):
    traced = of("""
        input: 8
        layers:
          body:
            a: Linear(8, 4)
            b: ReLU()
          list:
            - Linear(4, 4)
            - ReLU()
        """)
    built = build(traced)
    assert list(built.state_dict()) == ["body.a.weight", "body.a.bias", "list.0.weight", "list.0.bias"]
    assert built(torch.rand(2, 8)).shape == (2, 4)


def test_ties_freezes_parameters_and_buffers(of):
    traced = of("""
        input: int64[N, T]
        layers:
          embed: Embedding(11, 6)
          places: Parameter(1, 1, 6)
          scale: Parameter(ones(6) * 2)
          shift: Buffer(zeros(6))
          steps: Buffer(arange(3), persistent=False)
          sum: (embed + places) * scale + shift
          head: Linear(6, 11, bias=False)
        tie: {head.weight: embed.weight}
        freeze: [places]
        """)
    built = build(traced, seed=3)
    assert built.head.weight is built.embed.weight
    assert [name for name, p in built.named_parameters() if not p.requires_grad] == ["places"]
    assert sum(p.numel() for p in built.parameters()) == traced.totals.parameters == 66 + 6 + 6
    assert built.scale.tolist() == [2.0] * 6
    assert built.shift.tolist() == [0.0] * 6
    assert built.steps.tolist() == [0, 1, 2]
    assert "steps" not in built.state_dict()
    assert isinstance(built.scale, nn.Parameter)
    assert not isinstance(built.shift, nn.Parameter)
    verification = verify(traced)
    assert verification.agree, verification.disagreements
    assert verification.parameters == 78


def test_a_seed_decides_the_weights_and_leaves_torchs_alone(steps):
    traced = steps("fc: Linear(8, 4)", "8")
    state = torch.get_rng_state()
    one, other = build(traced, seed=1), build(traced, seed=1)
    assert torch.equal(one.fc.weight, other.fc.weight)
    assert not torch.equal(one.fc.weight, build(traced, seed=2).fc.weight)
    assert torch.equal(torch.get_rng_state(), state)


def test_functional_dropout_follows_the_mode(steps):
    built = build(steps("drop: dropout(0.5)\nalways: dropout(x, 0.5, True)\nout: (drop, always)", "100"))
    x = torch.ones(4, 100)
    assert torch.equal(built.eval()(x)[0], x)
    assert not torch.equal(built.eval()(x)[1], x)
    assert not torch.equal(built.train()(x)[0], x)


def test_factories_make_their_tensors_where_the_input_is(steps):
    traced = steps("out: x + arange(8) + zeros(8)", "8")
    built = build(traced, "meta")
    assert built(torch.empty(2, 8, device="meta")).device.type == "meta"
    assert built.to("cpu")(torch.rand(2, 8)).device.type == "cpu"


def test_outputs_by_name_and_in_order(of):
    text = "input: {image: 8}\nlayers:\n  fc: Linear(8, 4)\n  out: relu(fc)\noutput: "
    built = build(of(text + "{features: fc, logits: out * 2}"))
    answer = built(image=torch.rand(2, 8))
    assert {name: tensor.shape for name, tensor in answer.items()} == {"features": (2, 4), "logits": (2, 4)}
    assert torch.equal(answer["logits"], torch.relu(answer["features"]) * 2)
    one, other = build(of(text + "[out, fc]"))(torch.rand(2, 8))
    assert torch.equal(one, torch.relu(other))


def test_an_optional_input_may_be_left_out(of):
    traced = of("""
        input: [N, T, 8]
        blocks:
          Block(d)(x[N, T, d], mask=None):
            fc: Linear(d, d)
            out: fc if mask is None else fc + mask
        layers:
          one: Block(8)
          two: Block(8)(one, mask=x)
        """)
    built = build(traced)
    x = torch.rand(2, 3, 8)
    torch.testing.assert_close(built(x), built.two.fc(built.one.fc(x)) + x)


def test_signs_methods_and_properties(steps):
    traced = steps(
        """
        a: x.T @ x - 2 * -x.mT @ x
        b: a[..., None, 0] // 2 % 3 ** 2
        c: (b > 1) & ~(b <= 0) | (b != b)
        d: c.float().permute(1, 0).expand(4, 1, 6).contiguous()
        e: einsum('aij,ajk->aik', d.transpose(1, 2), d)
        f: split(e, [2, 4], dim=1)[1].chunk(2, 2)[0]
        g: stack((f, f), dim=1).sum(dim=(1, 2), keepdim=True).to(float64)
        h: F.softmax(g, dim=-1).max(-1)
        out: h.values + h[1]
        """,
        "[5, 6]",
    )
    built = build(traced)
    assert tuple(built(torch.rand(5, 6)).shape) == traced.output.shape
    verification = verify(traced)
    assert verification.agree, verification.disagreements


def test_names_that_the_code_of_a_graph_needs_itself(of):
    traced = of(
        "input: {device: 4, math: 4, inf: 4}\nlayers:\n  getattr: relu(device + math * inf)\n  operator: Linear(4, 2)\n"
    )
    built = build(traced)
    assert built(*(torch.ones(1, 4) for _ in range(3))).shape == (1, 2)


def test_a_trace_with_errors_is_not_built():
    wrong = trace(loads("input: 4\nlayers:\n  fc: Linear(5, 2)\n"))
    with pytest.raises(SpecError) as caught:
        build(wrong)
    assert caught.value.problems == wrong.errors


def test_a_parameter_of_unknown_size_asks_for_its_value(steps):
    traced = steps("fc: Linear(auto, 3)", "[N, D]")
    with pytest.raises(SpecError, match=r"depends on D, which has no value") as caught:
        build(traced)
    (problem,) = caught.value.problems
    assert (problem.kind, problem.span.line) == ("unknown-value", 3)
    # The proof takes a size of its own choice.
    assert verify(traced).agree


def test_leaves_take_all_their_arguments(steps):
    built = build(
        steps("bn: BatchNorm2d(1, eps=1e-3, affine=False, dtype=float64, device='cuda')", "float64[N, 1, 8, 8]")
    )
    assert (built.bn.eps, built.bn.affine) == (1e-3, False)
    assert built.bn.running_mean.dtype is torch.float64


def test_layers_are_arguments_of_layers(steps):
    body = "enc: TransformerEncoder(TransformerEncoderLayer(16, 4, 32, batch_first=True), 3, norm=LayerNorm(16))"
    built = build(steps(body, "[N, T, 16]"))
    assert len(built.enc.layers) == 3
    assert isinstance(built.enc.norm, nn.LayerNorm)


def test_gradients_reach_every_parameter(of):
    built = build(of(RESIDUAL))
    F.mse_loss(built(torch.rand(2, 3, 16, 16)), torch.rand(2, 4)).backward()
    assert [name for name, p in built.named_parameters() if p.grad is None] == ["unused.weight", "unused.bias"]


class OlderBatchNorm(nn.BatchNorm2d):
    """The layer of an older torch, which has no `bias`."""

    def __init__(self, num_features, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True):
        super().__init__(num_features, eps, momentum, affine, track_running_stats)


def test_a_torch_without_an_argument_makes_the_layers_that_do_not_use_it(of, monkeypatch):
    monkeypatch.setattr(nn, "BatchNorm2d", OlderBatchNorm)
    model = "input: 4x8x8\nlayers:\n  bn: BatchNorm2d(4, eps=0.001, bias={})\n"
    built = build(of(model.format(True)))
    assert (type(built.bn), built.bn.eps) == (OlderBatchNorm, 0.001)
    with pytest.raises(SpecError) as caught:
        build(of(model.format(False)))
    (problem,) = caught.value.problems
    assert "unexpected keyword argument 'bias'" in problem.notes[0]


def test_a_torch_without_a_layer_is_named_by_torch(of, monkeypatch):
    monkeypatch.delattr(nn, "BatchNorm2d")
    (problem,) = verify(of("input: 4x8x8\nlayers:\n  bn: BatchNorm2d(4)\n")).disagreements
    assert problem.notes == ("torch says: module 'torch.nn' has no attribute 'BatchNorm2d'",)


def test_an_argument_equal_to_the_default_but_of_another_type_reaches_torch():
    assert find_layer("Linear")(3, 8, bias=1).given() == {"in_features": 3, "out_features": 8, "bias": 1}
    assert find_layer("Linear")(3, 8, bias=True).given() == {"in_features": 3, "out_features": 8}


def test_a_long_chain_of_sizes_is_a_problem_and_no_crash():
    chain = "".join(f"  n{i + 1}: n{i} + 1\n" for i in range(900))
    traced = trace(loads(f'input: "[N, 4]"\nlayers:\n  n0: x.shape[1]\n{chain}  z: zeros(n900) + 1\n'))
    assert traced.problems == ()
    for act in (build, verify):
        with pytest.raises(SpecError) as raised:
            act(traced, device="cpu")
        (problem,) = raised.value.problems
        assert problem.kind == "too-large"
        assert problem.span is not None
