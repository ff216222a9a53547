"""Models of the literature, as their authors name them: every count the published one, every shape proved on meta."""

from pathlib import Path

import pytest

import nnshape

MODELS = Path(__file__).parent / "models"
FILES = sorted(path.stem for path in MODELS.glob("*.yaml"))

#: Parameters as published, where a file has variants; a file without any expects its own.
PARAMETERS = {
    # num_params of https://docs.pytorch.org/vision/stable/models.html
    ("convnext", "tiny"): 28_589_128,
    ("convnext", "small"): 50_223_688,
    ("convnext", "base"): 88_591_464,
    ("convnext", "large"): 197_767_336,
    ("swin", "swin_t"): 28_288_354,
    ("swin", "swin_s"): 49_606_258,
    ("swin", "swin_b"): 87_768_224,
    ("vgg", "vgg11"): 132_863_336,
    ("vgg", "vgg16"): 138_357_544,
    ("vgg", "vgg16_bn"): 138_365_992,
    ("vgg", "vgg19"): 143_667_240,
    # the weights at https://huggingface.co/TinyLlama and https://huggingface.co/meta-llama
    ("llama", "tinyllama"): 1_100_048_384,
    ("llama", "llama2_7b"): 6_738_415_616,
    ("llama", "llama3_8b"): 8_030_261_248,
}
#: Models whose BatchNorm sees one value a channel in training when the batch is one sample.
NEEDS_A_BATCH = {"inception_v3", "pointnet"}


def variants(name: str) -> list[str | None]:
    return list(nnshape.load(MODELS / f"{name}.yaml").variants) or [None]


EACH = [(name, variant) for name in FILES for variant in variants(name)]


@pytest.mark.parametrize(("name", "variant"), EACH)
def test_it_traces_without_problems_to_the_published_count(name, variant):
    trace = nnshape.trace(MODELS / f"{name}.yaml", variant=variant)
    wanted = {"fails-in-training"} if name in NEEDS_A_BATCH else set()
    assert {problem.kind for problem in trace.problems} == wanted
    if variant is not None:
        assert trace.totals.parameters == PARAMETERS[name, variant]


@pytest.mark.parametrize(("name", "variant"), EACH)
def test_every_call_is_proved_on_meta(name, variant):
    trace = nnshape.trace(MODELS / f"{name}.yaml", variant=variant)
    verification = nnshape.verify(trace)
    assert verification.agree, verification.sentence
    assert not verification.unproved
    assert verification.parameters == trace.totals.parameters


def test_a_wrong_published_count_is_told():
    text = (MODELS / "vae.yaml").read_text("utf-8").replace("652_824", "652_825")
    assert [problem.kind for problem in nnshape.trace(text).problems] == ["over-budget"]
