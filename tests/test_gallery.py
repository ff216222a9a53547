"""The gallery: published counts, proofs on meta, and twins written by hand."""

import copy
import io
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

import nnshape

CONFIGS = Path(__file__).parent.parent / "configs"

FILES = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
#: Models whose BatchNorm sees one value a channel in training when the batch is one sample.
NEEDS_A_BATCH = {"deeplab_v3", "inception_v3", "pointnet"}


def traced(name: str, variant: str | None = None, **options: object) -> nnshape.Trace:
    return nnshape.trace(CONFIGS / f"{name}.yaml", variant=variant, **options)


def variants(name: str) -> list[str | None]:
    return list(nnshape.load(CONFIGS / f"{name}.yaml").variants) or [None]


EACH = [(name, variant) for name in FILES for variant in variants(name)]


@pytest.mark.parametrize(("name", "variant"), EACH)
def test_it_traces_without_problems_to_the_published_count(name, variant):
    spec = nnshape.load(CONFIGS / f"{name}.yaml")
    expect = [*spec.expect, *(spec.variants[variant].expect if variant else ())]
    assert "parameters" in [expectation.quantity for expectation in expect]
    trace = nnshape.trace(spec, variant=variant)
    assert {problem.kind for problem in trace.problems} == ({"fails-in-training"} if name in NEEDS_A_BATCH else set())


@pytest.mark.parametrize("name", FILES)
def test_each_file_names_its_source(name):
    assert (CONFIGS / f"{name}.yaml").read_text("utf-8").startswith("# ")


def test_a_wrong_published_count_is_told():
    text = (CONFIGS / "vae.yaml").read_text("utf-8").replace("652_824", "652_825")
    assert [problem.kind for problem in nnshape.trace(text).problems] == ["over-budget"]


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_proved_on_meta(name):
    trace = traced(name, variants(name)[0])
    verification = nnshape.verify(trace, device="meta")
    assert verification.agree, verification.sentence
    assert (verification.reason, verification.reasons, verification.unproved) == ("", {}, ())
    assert verification.parameters == trace.totals.parameters


@pytest.mark.parametrize("name", FILES)
def test_every_file_traces_with_symbols(name):
    trace = traced(name, symbolic=True)
    assert not [problem for problem in trace.errors if problem.kind != "unknown-value"]


# ---- twins ----


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 3)
        self.fc1 = nn.Linear(16 * 6 * 6, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = torch.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = torch.max_pool2d(torch.relu(self.conv2(x)), 2)
        x = torch.relu(self.fc1(torch.flatten(x, 1)))
        return self.fc3(torch.relu(self.fc2(x)))


class LSTMTagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.word_embeddings = nn.Embedding(9, 6)
        self.lstm = nn.LSTM(6, 6)
        self.hidden2tag = nn.Linear(6, 3)

    def forward(self, x):
        out, _ = self.lstm(self.word_embeddings(x))
        return torch.log_softmax(self.hidden2tag(out), 1)


class Residual(nn.Module):
    """torchvision's BasicBlock and Bottleneck, by the paper."""

    def __init__(self, inplanes, planes, stride, bottleneck):
        super().__init__()
        self.bottleneck = bottleneck
        out = 4 * planes if bottleneck else planes
        self.relu = nn.ReLU()
        if bottleneck:
            self.conv1 = nn.Conv2d(inplanes, planes, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(planes)
            self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(planes)
            self.conv3 = nn.Conv2d(planes, out, 1, bias=False)
            self.bn3 = nn.BatchNorm2d(out)
        else:
            self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(planes)
            self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(planes)
        if stride > 1 or inplanes != out:
            self.downsample = nn.Sequential(nn.Conv2d(inplanes, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        if self.bottleneck:
            out = self.bn3(self.conv3(self.relu(out)))
        return self.relu(out + (self.downsample(x) if hasattr(self, "downsample") else x))


class ResNet(nn.Module):
    def __init__(self, depths, bottleneck):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        width = 64
        for stage, depth in enumerate(depths):
            planes = 64 << stage
            blocks = []
            for i in range(depth):
                blocks.append(Residual(width, planes, 2 if i == 0 and stage else 1, bottleneck))
                width = planes * (4 if bottleneck else 1)
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(width, 1000)

    def forward(self, x):
        x = torch.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


TWINS = {
    "lenet": (None, LeNet, (3, 1, 32, 32)),
    "lstm_tagger": (None, LSTMTagger, None),
    "resnet18": ("resnet18", lambda: ResNet([2, 2, 2, 2], False), (2, 3, 64, 64)),
    "resnet50": ("resnet50", lambda: ResNet([3, 4, 6, 3], True), (2, 3, 64, 64)),
}


@pytest.mark.parametrize("name", TWINS)
def test_a_twin_with_the_same_weights_gives_the_same(name):
    variant, make, shape = TWINS[name]
    model = nnshape.build(traced("resnet" if variant else name, variant))
    twin = make()
    assert shapes(model) == shapes(twin)
    assert list(model.state_dict()) == list(twin.state_dict())
    twin.load_state_dict(model.state_dict())
    x = torch.rand(shape) if shape else torch.arange(7)
    for mode in (True, False):
        model.train(mode)
        twin.train(mode)
        with torch.no_grad():
            torch.testing.assert_close(model(x), twin(x))
    torch.testing.assert_close(model.state_dict(), twin.state_dict())


# ---- ResNet-50 as a module like any other ----


def expected_names() -> list[str]:
    """The 320 names of ResNet-50's state dict, from the architecture."""

    def norm(prefix: str) -> list[str]:
        return [f"{prefix}.{name}" for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")]

    names = ["conv1.weight", *norm("bn1")]
    for layer, depth in enumerate([3, 4, 6, 3], 1):
        for block in range(depth):
            prefix = f"layer{layer}.{block}"
            for i in (1, 2, 3):
                names += [f"{prefix}.conv{i}.weight", *norm(f"{prefix}.bn{i}")]
            if block == 0:
                names += [f"{prefix}.downsample.0.weight", *norm(f"{prefix}.downsample.1")]
    return [*names, "fc.weight", "fc.bias"]


@pytest.fixture(scope="module")
def resnet() -> nn.Module:
    return nnshape.build(traced("resnet", "resnet18"), seed=0).eval()


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_resnet50_has_torchvisions_names():
    names = expected_names()
    assert len(names) == 320
    assert list(nnshape.build(traced("resnet", "resnet50"), device="meta").state_dict()) == names


def test_it_is_copied_pickled_saved_and_loaded(resnet, image):
    want = resnet(image)
    torch.testing.assert_close(copy.deepcopy(resnet)(image), want)
    torch.testing.assert_close(pickle.loads(pickle.dumps(resnet))(image), want)
    file = io.BytesIO()
    torch.save(resnet.state_dict(), file)
    file.seek(0)
    other = nnshape.build(traced("resnet", "resnet18"), seed=1).eval()
    other.load_state_dict(torch.load(file))
    torch.testing.assert_close(other(image), want)


def test_it_is_compiled_and_exported(resnet, image):
    want = resnet(image)
    torch.testing.assert_close(torch.compile(resnet, backend="eager")(image), want)
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(resnet, (image,), dynamic_shapes=({0: batch},))
    torch.testing.assert_close(program.module()(image[:1]), resnet(image[:1]))


def test_hooks_fire_and_the_batch_may_have_another_size(resnet, image):
    seen = []
    hook = resnet.layer1[0].register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    try:
        resnet(image)
        assert resnet(image[:1]).shape == (1, 1000)
    finally:
        hook.remove()
    assert seen == [(2, 64, 16, 16), (1, 64, 16, 16)]


def test_it_prints_as_what_it_is(resnet):
    text = str(resnet)
    assert text.startswith("ResNet(")
    assert "(layer1): Sequential(" in text
    assert "(0): BasicBlock(" in text


def test_a_tied_head_is_one_tensor():
    model = nnshape.build(traced("gpt2", overrides={"width": 32, "heads": 2, "depth": 2}, symbolic=True))
    assert model.lm_head.weight is model.transformer.wte.weight
    tokens = torch.zeros(3, 9, dtype=torch.int64)
    assert model(tokens).shape == (3, 9, 50257)
