"""Devices that are there, and what is said of those that are not."""

import pytest
import torch

from nnshape import SpecError, build
from nnshape.modules import available_device


@pytest.mark.parametrize("name", ["cpu", "meta"])
def test_these_are_always_there(name):
    assert available_device(name) == torch.device(name)


def without_accelerators(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("cuda", "xpu", "mtia"):
        monkeypatch.setattr(getattr(torch, kind), "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.parametrize("name", ["cuda", "cuda:1", "mps", "xpu", "cpu:3", "none", "cuda:x", "tpu", ""])
def test_a_device_that_is_not_there(monkeypatch, name):
    without_accelerators(monkeypatch)
    with pytest.raises(SpecError) as caught:
        available_device(name)
    (problem,) = caught.value.problems
    assert problem.kind == "unavailable-device"
    assert problem.message == f"device {name or repr(name)} is not available: choose from cpu and meta"


@pytest.mark.parametrize(("name", "told"), [("gpu", "cuda"), ("gpu:1", "cuda:1")])
def test_gpu_means_cuda(monkeypatch, name, told):
    without_accelerators(monkeypatch)
    with pytest.raises(SpecError, match=f"device {told} is not available"):
        available_device(name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert available_device(name) == torch.device(told)


def test_the_numbers_of_accelerators_are_told(monkeypatch):
    without_accelerators(monkeypatch)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert available_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(SpecError, match="device cuda:2 is not available: choose from cpu, cuda:0, cuda:1 and meta"):
        available_device("cuda:2")


def test_building_asks_for_the_device_first(monkeypatch, steps):
    without_accelerators(monkeypatch)
    with pytest.raises(SpecError, match="device cuda is not available: choose from cpu and meta"):
        build(steps("fc: Linear(8, 4)", "8"), "cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_model_on_cuda(steps):
    model = build(steps("fc: Linear(8, 4)\nout: fc + arange(4)", "8"), "cuda")
    assert model(torch.rand(2, 8, device="cuda")).device.type == "cuda"
