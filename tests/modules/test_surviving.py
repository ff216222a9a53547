"""What a hand-written model survives, a built one does too."""

import copy
import io
import pickle

import pytest
import torch
from torch import nn

from nnshape import build

MODEL = """
name: ResNet-ish
input: 3xHxW
blocks:
  Basic(channels)(x[N, C, H, W]):
    conv1: Conv2d(C, channels, 3, padding=1)
    bn1: BatchNorm2d(channels)
    unused: Linear(2, 2)(x.mean((2, 3))[:, :2])
    last: Dropout(0.5)(conv1 + x)
    out: dropout(last, 0.5) * scale(x)[0] if False else dropout(last, 0.5)
layers:
  stem: Conv2d(3, 8, 3, padding=1)
  layer1: Sequential(Basic(8) for i in range(2))
  pooled: layer1.mean((2, 3))
  shift: Parameter(zeros(8))
  mixed: Sequential(Linear(8, 8), _ + shift + zeros(N, 8))
  table: Linear(8, 8)
  tied: Linear(8, 8)(mixed)
  places: arange(H).sum() + H * W
  out: tied + places
tie: {tied.weight: table.weight}
""".replace("scale(x)[0] if False else dropout(last, 0.5)", "1")
SIZES = ((2, 3, 8, 8), (3, 3, 9, 12))


@pytest.fixture
def model(of):
    return build(of(MODEL), seed=0).eval()


def assert_same(one: nn.Module, other: nn.Module) -> None:
    assert list(one.state_dict()) == list(other.state_dict())
    assert [name for name, _ in one.named_modules()] == [name for name, _ in other.named_modules()]
    for sizes in SIZES:
        x = torch.rand(sizes)
        torch.testing.assert_close(one(x), other(x))


def test_deepcopy(model):
    copied = copy.deepcopy(model)
    assert_same(model, copied)
    assert str(copied) == str(model)
    assert type(copied).__name__ == "ResNet-ish"
    assert copied.tied.weight is copied.table.weight
    assert copied.tied.weight is not model.tied.weight
    copied.layer1[0].conv1.weight.data.zero_()
    assert model.layer1[0].conv1.weight.abs().sum() > 0


def test_a_shallow_copy_shares_its_children(model):
    copied = copy.copy(model)
    assert copied.stem is model.stem
    assert_same(model, copied)


def test_pickle(model):
    model.layer1[0].bn1.train()
    copied = pickle.loads(pickle.dumps(model))
    assert [module.training for module in copied.modules()] == [module.training for module in model.modules()]
    copied.eval()
    assert_same(model.eval(), copied)
    assert copied.tied.weight is copied.table.weight
    assert not torch.equal(copied.train()(torch.ones(2, 3, 8, 8)), copied.eval()(torch.ones(2, 3, 8, 8)))


def test_saving_and_loading(of, model):
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    other = build(of(MODEL), seed=1).eval()
    other.load_state_dict(torch.load(file, weights_only=True))
    assert_same(model, other)
    whole = io.BytesIO()
    torch.save(model, whole)
    whole.seek(0)
    assert_same(model, torch.load(whole, weights_only=False))


def test_training_mode_reaches_every_block(model):
    x = torch.rand(2, 3, 8, 8)
    assert torch.equal(model(x), model(x))
    model.train()
    assert not torch.equal(model(x), model(x))
    assert all(module.training for module in model.modules())


def test_hooks_fire(model):
    fired = []
    model.layer1[0].register_forward_hook(lambda module, args, output: fired.append(type(module).__name__))
    model.layer1[1].conv1.register_forward_pre_hook(lambda module, args: fired.append("conv1"))
    model.mixed.register_forward_hook(lambda module, args, output: fired.append("mixed"))
    model(torch.rand(2, 3, 8, 8))
    assert fired == ["Basic", "conv1", "mixed"]


@pytest.mark.filterwarnings("ignore")
def test_compile(model):
    compiled = torch.compile(model, backend="eager")
    for sizes in SIZES:
        x = torch.rand(sizes)
        torch.testing.assert_close(compiled(x), model(x))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("strict", [False, True])
def test_export_with_a_batch_of_any_size(model, strict):
    batch = torch.export.Dim("batch", min=2, max=64)
    program = torch.export.export(model, (torch.rand(2, 3, 8, 8),), dynamic_shapes=({0: batch},), strict=strict)
    x = torch.rand(7, 3, 8, 8)
    torch.testing.assert_close(program.module()(x), model(x))


@pytest.mark.filterwarnings("ignore")
def test_export_with_all_sizes_open(model):
    shapes = ({0: torch.export.Dim("n"), 2: torch.export.Dim("h"), 3: torch.export.Dim("w")},)
    program = torch.export.export(model, (torch.rand(2, 3, 8, 10),), dynamic_shapes=shapes)
    x = torch.rand(5, 3, 17, 9)
    torch.testing.assert_close(program.module()(x), model(x))


def test_moving_between_devices(model):
    moved = copy.deepcopy(model).to("meta")
    assert moved(torch.empty(2, 3, 8, 8, device="meta")).device.type == "meta"
    assert moved.to(torch.bfloat16).stem.weight.dtype is torch.bfloat16
