"""The warnings that samples mix: a run on the CPU drops those that it refutes, in every command that proves."""

from __future__ import annotations

import json

import pytest

import nnshape

BACK = "input: 20x16\nlayers:\n  t: view(20, N, 16)\n  r: relu(t)\n  back: r.view(N, 20, 16)\n"
MIXED = "input: 50x30\nlayers:\n  l: LSTM(30, 8)\n  last: l[0][:, -1]\n  fc: Linear(8, 2)\n"
LOSS = "input: {x: 50x30, y: 50x8}\nlayers:\n  l: LSTM(30, 8)(x)\n  loss: mse_loss(l[0], y)\n"


@pytest.fixture
def file(tmp_path):
    def write(text: str) -> str:
        path = tmp_path / "model.yaml"
        path.write_text(text)
        return str(path)

    return write


@pytest.mark.parametrize(
    ("text", "device", "told"),
    [
        (BACK, "cpu", 0),
        (BACK, "meta", 0),  # the table is proved on meta, and the samples on the CPU
        (BACK, "none", 2),
        (MIXED, "cpu", 1),
        (MIXED, "none", 1),
        (LOSS, "cpu", 1),  # a loss tells nothing of the samples
    ],
)
def test_a_warning_that_the_run_refutes_is_dropped(run, file, text, device, told):
    path = file(text)
    shown = run("inspect", path, "--device", device)
    assert (shown.code, shown.out.count("warning[mixes-samples]")) == (0, told)
    assert shown.out.count("! ") == told  # the mark of the row
    answer = json.loads(run("inspect", path, "--device", device, "--format", "json").out)
    assert [problem["kind"] for problem in answer["problems"]] == ["mixes-samples"] * told
    checked = run("check", path, "--device", device, "--no-cache")
    assert (checked.code, checked.out.count("warning[mixes-samples]")) == (0, told)
    assert run("check", path, "--device", device, "--no-cache", "--strict").code == bool(told)


def test_the_same_in_python():
    for text, told, apart in ((BACK, 2, True), (MIXED, 1, False), (LOSS, 1, None)):
        trace = nnshape.trace(nnshape.loads(text))
        verification = nnshape.verify(trace)
        assert (len(trace.problems), verification.samples_apart) == (told, apart)
        text = nnshape.render(trace, verification=verification)
        assert text.count("warning[mixes-samples]") == (0 if apart else told)


def test_a_clean_model_is_not_run_for_its_samples():
    verification = nnshape.verify(nnshape.trace(nnshape.loads("input: 8\nlayers:\n  a: Linear(8, 4)\n")))
    assert verification.samples_apart is None
