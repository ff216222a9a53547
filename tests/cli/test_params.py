"""`nnshape params`, with and without real values."""

from __future__ import annotations

import csv
import io
import json

import pytest
import torch

from nnshape.shapes.layers import find_layer


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
    assert "[0, 0, :, :] = tensor([[" in text
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


@pytest.mark.parametrize("device", ["cpu", "meta", "auto"])
def test_a_device_lists_what_the_real_modules_hold(run, lenet, device):
    result = run("params", lenet, "--device", device)
    assert result.code == 0
    assert result.out.startswith(run("params", lenet).out.removesuffix("\n"))
    built = "cpu" if device == "auto" else device
    last = result.out.splitlines()[-1]
    assert last.startswith(f"built on {built} with torch ")
    assert last.endswith(": the rows are those of the real modules")
    document = json.loads(run("params", lenet, "--device", device, "--format", "json").out)
    assert document["built"]["device"] == built
    assert json.loads(run("params", lenet, "--format", "json").out)["built"] is None
    assert last.replace("_", "\\_") in run("params", lenet, "--device", device, "--format", "markdown").out


def test_without_a_device_nothing_is_built(run, lenet):
    assert run("params", lenet, "--device", "none").out == run("params", lenet).out


def test_a_listing_of_real_modules_shows_theirs_and_tells_where_the_file_differs(run, spec, monkeypatch):
    kind = find_layer("Linear")
    honest = kind.parameters

    def parameters(self):
        found = honest(self)
        return {**found, "bias": found["bias"].like((7,)), "extra": found["bias"]}

    monkeypatch.setattr(kind, "parameters", parameters)
    path = spec("input: 8\nlayers:\n  fc3: Linear(8, 10)\n")
    result = run("params", path, "--device", "cpu")
    assert result.code == 1
    table, _, problems = result.out.partition("error[")
    assert "fc3.bias    10     float32" in table
    assert "extra" not in table
    assert "fc3.bias: the table says float32[7], but torch has float32[10]" in problems
    assert "fc3.extra is in the table, but torch has no such parameter" in problems
    assert result.out.endswith("the real modules hold other tensors than the file says\n")
    assert json.loads(run("params", path, "--device", "cpu", "--format", "json").out)["problems"]


def test_a_device_that_is_not_there_is_refused_before_the_model_is_judged(run, spec):
    path = spec("input: 8\nlayers:\n  b: Linear(5, 2)\n")
    assert run("params", path, "--device", "cuda:17").code == 2
    result = run("params", path, "--device", "cpu")
    assert (result.code, result.out.splitlines()[-1]) == (1, "not built: the model has 1 error")


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
