"""The device `auto`: each limit from both sides, and what is not known to be small."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnshape import load, loads, trace, verify
from nnshape.modules import auto_device
from nnshape.modules.run_sizes import first_sizes, second_sizes

ROOT = Path(__file__).parents[2]

LINEAR = "input: [2, 8]\nlayers:\n  a: Linear(8, 16)\n"
LIMITS = {
    "PARAMETERS": (LINEAR, (8 * 16 + 16) * 4),
    "VALUES": (LINEAR, (2 * 8 + 2 * 16) * 4),
    "MACS": (LINEAR, 2 * 8 * 16),
    "WORK": ("input: [2, 8]\nlayers:\n  a: relu()\n", 2 * 8 * 4 + 2 * 8 * 4 + 2 * 8),
    "CALLS": ("input: 8\nlayers:\n  a: relu()\n  b: relu()\n", 2),
    "STEPS": ("input: [7, 4]\nlayers:\n  a: GRU(4, 5, 3)\n", 7 * 3),
}


@pytest.mark.parametrize("name", LIMITS)
def test_each_limit(monkeypatch, name):
    text, needed = LIMITS[name]
    for most, device in ((needed, "cpu"), (needed - 1, "meta")):
        monkeypatch.setattr(auto_device, name, most)
        assert verify(trace(loads(text))).device == device


def test_both_sets_of_sizes_must_be_small(monkeypatch):
    traced = trace(loads("input: 8\nlayers:\n  a: Linear(8, 16)\n"))
    found = verify(traced)
    assert found.second_sizes["N"] > found.sizes["N"]
    monkeypatch.setattr(auto_device, "MACS", found.sizes["N"] * 8 * 16)
    assert verify(traced).device == "meta"
    monkeypatch.setattr(auto_device, "MACS", found.second_sizes["N"] * 8 * 16)
    assert verify(traced).device == "cpu"


@pytest.mark.parametrize(
    "text",
    [
        "input: 8\nlayers:\n  mask: x > 0\n  a: x[mask]\n",
        "input: [N, 8]\nlayers:\n  a: diff()\n",
        "input: float16[N, 8]\nlayers:\n  a: Linear(8, 4, dtype=float16)\n",
        "input: bfloat16[N, 8]\nlayers:\n  a: relu()\n",
        "input: 8\nlayers:\n  a: x.to(float16)\n",
    ],
    ids=["a size of the run", "no rule", "half precision", "bfloat16", "half precision inside"],
)
def test_what_is_not_known_to_be_small_runs_on_meta(text):
    assert verify(trace(loads(text))).device == "meta"


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool", "complex64"])
def test_dtypes_that_the_cpu_computes_fast(dtype):
    assert verify(trace(loads(f"input: {dtype}[N, 8]\nlayers:\n  a: flip(1)\n"))).device == "cpu"


#: The models that take less CPU time on the CPU than on meta, and more, of those that were measured.
FASTER_ON_THE_CPU = {
    "dcgan", "gat", "gcn", "lenet", "listener", "lstm_tagger", "mnasnet", "mobilenet_v2", "nerf", "pointnet",
    "shufflenet_v2", "textcnn", "tiny_model", "transformer", "vae", "wavenet",
}  # fmt: skip
FASTER_ON_META = {
    "albert", "bert", "densenet", "detr", "efficientnet", "googlenet", "gpt2", "inception_v3", "llama", "resnet",
    "seq2seq", "siamese", "swin", "unet", "vgg", "vit",
}  # fmt: skip


def test_the_faster_device_is_taken_for_each_model():
    found: dict[str, set[str]] = {"cpu": set(), "meta": set()}
    for path in (ROOT / "configs").glob("*.yaml"):
        traced = trace(load(path), variant=next(iter(load(path).variants), None))
        sizes = first_sizes(traced)
        found[auto_device.auto_device(traced, sizes, second_sizes(traced, sizes)).type].add(path.stem)
    assert found["cpu"] >= FASTER_ON_THE_CPU
    assert found["meta"] >= FASTER_ON_META
