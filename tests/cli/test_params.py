"""`nnshape params`, with and without real values."""

from __future__ import annotations

import csv
import io
import json

import pytest
import torch


def test_table(run, lenet):
    result = run("params", lenet)
    assert result.code == 0
    assert "conv1.weight" in result.out
    assert "6x1x5x5" in result.out
    assert "81,290" in result.out


def test_layer(run, lenet):
    result = run("params", lenet, "--layer", "fc1")
    assert result.code == 0
    assert "conv1" not in result.out
    assert "fc1 has 69,240 of 81,290 parameters (85.2%), 270.5 KiB" in result.out
    assert "fc1.bias" in run("params", lenet, "--layer", "fc1.bias").out
    assert "relu1 has no parameters" in run("params", lenet, "--layer", "relu1").out


def test_a_layer_that_is_not_there(run, lenet):
    result = run("params", lenet, "--layer", "fcl")
    assert (result.code, result.out) == (2, "")
    assert "did you mean fc" in result.err


def test_values_are_those_of_the_seed(run, lenet):
    def values(*arguments):
        document = json.loads(run("params", lenet, "--values", "--format", "json", *arguments).out)
        return {row["name"]: row for row in document["parameters"]}

    first, again, other = values(), values("--seed", "0"), values("--seed", "1")
    assert first == again
    assert first["conv1.weight"]["values"] != other["conv1.weight"]["values"]
    tensor = torch.tensor(first["conv1.weight"]["values"])
    assert tensor.shape == (6, 1, 5, 5)
    assert tensor.mean().item() == pytest.approx(first["conv1.weight"]["statistics"]["mean"], abs=1e-6)
    assert first["fc1.weight"]["values"] is None
    assert set(first["fc1.weight"]["statistics"]) == {"mean", "std", "min", "max"}


def test_values_show_a_corner_of_each_tensor(run, lenet):
    text = run("params", lenet, "--layer", "conv1", "--values").out
    assert "[0, 0, :4, :] = tensor([[" in text
    assert "mean " in text


def test_values_of_every_shape(run, spec):
    path = spec(
        "input: 8\nlayers:\n  s: Parameter(zeros(()))\n  e: Parameter(0, 3)\n  b: Buffer(arange(20))\n"
        "  m: Buffer(ones(2, dtype=bool))\n  fc: Linear(8, 2)(x)\n"
    )
    assert run("params", path, "--values").code == 0
    for form in ("json", "csv", "markdown"):
        assert run("params", path, "--values", "--format", form).code == 0


def test_formats(run, lenet):
    lines = list(csv.DictReader(io.StringIO(run("params", lenet, "--format", "csv").out)))
    assert sum(int(line["count"]) for line in lines) == 81290
    assert run("params", lenet, "--format", "markdown").out.startswith("## LeNet")
    with_values = csv.DictReader(io.StringIO(run("params", lenet, "--values", "--format", "csv").out))
    assert all(line["std"] for line in with_values)


def test_a_faulty_model(run, spec):
    result = run("params", spec("input: 8\nlayers:\n  a: Linear(8, 4)\n  b: Linear(5, 2)\n"), "--values")
    assert result.code == 1
    assert "a.weight" in result.out
    assert "error[size-mismatch]" in result.out
    assert result.out.splitlines()[-1] == "not built: the model has 1 error"


@pytest.mark.parametrize("device", ["meta", "none", "cuda:17", "gpu"])
def test_values_need_a_device_that_holds_them(run, lenet, device):
    result = run("params", lenet, "--values", "--device", device)
    assert result.code == 2
    assert "error[unavailable-device]" in result.err
