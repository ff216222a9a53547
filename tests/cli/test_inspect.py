"""`nnshape inspect`, as a person and as a program run it."""

from __future__ import annotations

import csv
import io
import json

import pytest
import torch

import nnshape.modules
from nnshape.problems import Problem

NO_PROOF = ("--device", "none")
SMALL = "input: 8\nhparams: {width: 4}\nvariants: {wide: {width: 64}}\nlayers:\n  fc: Linear(8, width)\n"


def test_the_table_comes_before_the_proof(run, lenet, monkeypatch, capsys):
    shown = []

    def verify(trace, device):
        shown.append(capsys.readouterr().out)
        return real(trace, device)

    real = nnshape.modules.verify
    monkeypatch.setattr(nnshape.modules, "verify", verify)
    result = run("inspect", lenet)
    assert result.code == 0
    assert "81,290" in shown[0]
    last = result.out.splitlines()[-1]
    assert last.startswith("built on cpu with torch ")
    assert last.endswith(": 12 of 12 shapes and 81,290 parameters agree in evaluation mode")


def test_without_a_proof(run, lenet):
    result = run("inspect", lenet, *NO_PROOF)
    assert (result.code, result.err) == (0, "")
    assert "built on" not in result.out


@pytest.mark.parametrize(("file", "device"), [("lenet", "cpu"), ("resnet", "meta")])
def test_the_size_of_a_model_decides_where_it_is_proved(run, lenet, file, device):
    for chosen in ([], ["--device", "auto"]):
        result = run("inspect", lenet.replace("lenet", file), "--no-cache", *chosen)
        assert result.out.splitlines()[-1].startswith(f"built on {device} with torch ")


@pytest.mark.parametrize("command", ["inspect", "params", "check", "layer"])
@pytest.mark.parametrize("device", ["cuda", "gpu"])
def test_a_device_that_is_not_there_is_refused_by_every_command(run, lenet, command, device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    what = ["ReLU()", "8"] if command == "layer" else [lenet]
    result = run(command, *what, "--device", device)
    assert result.code == 2
    assert "error[unavailable-device]: device cuda is not available: choose from cpu and meta" in result.err


def test_real_modules_on_the_cpu(run, lenet):
    result = run("inspect", lenet, "--device", "cpu", "--format", "json")
    assert result.code == 0
    verification = json.loads(result.out)["verification"]
    assert (verification["device"], verification["calls"], verification["agree"]) == ("cpu", 12, True)


def test_a_disagreement_is_a_problem(run, lenet, monkeypatch):
    real = nnshape.modules.verify

    def verify(trace, device):
        found = real(trace, device)
        problem = Problem("torch-disagrees", "fc1 gives 7", trace.calls[0].span)
        fields = {name: getattr(found, name) for name in found.__dataclass_fields__}
        return nnshape.modules.Verification(**{**fields, "agree": False, "disagreements": (problem,)})

    monkeypatch.setattr(nnshape.modules, "verify", verify)
    result = run("inspect", lenet)
    assert result.code == 1
    assert "error[torch-disagrees]: fc1 gives 7" in result.out
    document = run("inspect", lenet, "--format", "json")
    assert document.code == 1
    assert [problem["kind"] for problem in json.loads(document.out)["problems"]] == ["torch-disagrees"]


@pytest.mark.parametrize("device", ["cuda:17", "gpu", "", "cpu:x"])
@pytest.mark.parametrize("form", ["table", "json"])
def test_a_device_that_is_not_there(run, lenet, device, form):
    result = run("inspect", lenet, "--device", device, "--format", form)
    assert result.code == 2
    assert "error[unavailable-device]" in result.err
    assert "Traceback" not in result.err


def test_a_faulty_model_is_still_a_table(run, spec):
    result = run("inspect", spec("input: 8\nlayers:\n  a: Linear(8, 4)\n  b: Linear(5, 2)\n  c: ReLU()\n"))
    assert (result.code, result.err) == (1, "")
    assert "error[size-mismatch]: b wants 5 features, but 4 arrive" in result.out
    assert ":4:13" in result.out
    assert result.out.splitlines()[-1] == "not built: the model has 1 error"
    assert result.out.index("Linear") < result.out.index("error[")


def test_input_set_and_variant(run, spec):
    path = spec(SMALL)
    assert "[N, 8]" in run("inspect", path, *NO_PROOF).out
    assert "parameters" in (wide := run("inspect", path, "--variant", "wide", *NO_PROOF)).out
    assert "(wide)" in wide.out
    assert "576" in wide.out
    assert "90" in run("inspect", path, "--set", "width=10", *NO_PROOF).out
    assert "[N, 3, 8]" in run("inspect", path, "--input", "3x8", *NO_PROOF).out
    assert "[N, 3, 8]" in run("inspect", path, "--input", "x=3x8", *NO_PROOF).out


def test_symbolic(run, spec):
    path = spec("input: 3xHxW\ndims: {H: 32, W: 32}\nlayers:\n  conv: Conv2d(3, 8, 3)\n")
    assert "8x30x30" in run("inspect", path, *NO_PROOF).out
    symbolic = run("inspect", path, "--symbolic", *NO_PROOF).out
    assert "8 x (H - 2) x (W - 2)" in symbolic
    assert "needs H, W >= 3" in symbolic


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--variant", "wid"], "did you mean wide?"),
        (["--set", "widht=3"], "did you mean width?"),
        (["--set", "width"], "a setting is written NAME=VALUE"),
        (["--set", "=3"], "a setting is written NAME=VALUE"),
        (["--set", "width=[1"], "error[syntax]"),
        (["--set", "N=0"], "N is a size, which must be a whole number of 1 or more"),
        (["--input", "3xx"], "error["),
        (["--input", "y=3x8"], "no input y"),
        (["--depth", "0"], "--depth"),
        (["--columns", "3"], "--columns"),
        (["--format", "xml"], "--format"),
        (["--color", "red"], "--color"),
        (["--frmat", "json"], "--format"),
        (["more"], "more"),
    ],
)
def test_a_bad_option_is_wrong_usage(run, spec, arguments, said):
    result = run("inspect", spec(SMALL), *NO_PROOF, *arguments)
    assert result.code == 2
    assert said in result.err
    assert result.out == ""
    assert "Traceback" not in result.err


def test_files_that_cannot_be_read(run, lenet, tmp_path):
    missing = run("inspect", lenet.replace("lenet", "lenett"), *NO_PROOF)
    assert missing.code == 2
    assert "there is no such file" in missing.err
    assert "lenet.yaml?" in missing.err
    folder = run("inspect", tmp_path, *NO_PROOF)
    assert folder.code == 2
    assert "it is a folder" in folder.err


@pytest.mark.parametrize("text", ["", "layers: [", "- 1", "input: 3\x00", "input: 8\nlayers: {}\n"])
def test_a_text_that_is_no_model(run, spec, text):
    result = run("inspect", spec(text), *NO_PROOF)
    assert result.code == 1
    assert "error[" in result.out + result.err
    assert "Traceback" not in result.err
    document = run("inspect", spec(text), *NO_PROOF, "--format", "json")
    assert document.code == 1
    assert json.loads(document.out)["problems"]


def test_standard_input(run):
    result = run("inspect", "-", *NO_PROOF, stdin=SMALL)
    assert result.code == 0
    assert "fc" in result.out
    broken = run("inspect", "-", *NO_PROOF, stdin=SMALL.replace("Linear", "Lineer"))
    assert broken.code == 1
    assert "<stdin>:5:7" in broken.out
    assert run("inspect", "-", *NO_PROOF, stdin=b"\xff\xff").code == 1


def test_an_import_is_refused_unless_allowed(run, spec):
    path = spec('input: 8\nimport: {Mine: "os:system"}\nlayers:\n  a: Mine()\n')
    result = run("inspect", path, *NO_PROOF)
    assert result.code == 1
    assert "import-refused" in result.out + result.err


def test_formats(run, lenet):
    lines = list(csv.DictReader(io.StringIO(run("inspect", lenet, *NO_PROOF, "--format", "csv").out)))
    assert len(lines) == 12
    markdown = run("inspect", lenet, "--format", "markdown").out
    assert markdown.startswith("## LeNet")
    assert "built on cpu" in markdown


def test_problems_leave_csv_readable(run, spec):
    result = run("inspect", spec(SMALL.replace("8, width", "5, width")), *NO_PROOF, "--format", "csv")
    assert result.code == 1
    assert len(list(csv.DictReader(io.StringIO(result.out)))) == 1
    assert "error[size-mismatch]" in result.err


def test_width(run, lenet, monkeypatch):
    assert "Conv2d(1, 6, 5)" in run("inspect", lenet, *NO_PROOF, "--columns", "120").out
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, run("inspect", lenet, *NO_PROOF).out.splitlines())) <= 60


def test_colour(run, lenet, monkeypatch):
    assert "\x1b[" not in run("inspect", lenet, *NO_PROOF).out
    assert "\x1b[" in run("inspect", lenet, *NO_PROOF, "--color", "always").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in run("inspect", lenet, *NO_PROOF).out
    assert "\x1b[" not in run("inspect", lenet, *NO_PROOF, "--color", "never").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run("inspect", lenet, *NO_PROOF).out


def test_a_table_in_a_pipe_is_as_wide_as_its_rows(run, monkeypatch, lenet):
    monkeypatch.delenv("COLUMNS", raising=False)
    gpt2 = lenet.replace("lenet", "gpt2")
    text = run("inspect", gpt2, *NO_PROOF).out
    assert "Sequential(Block(width, heads) for i in range(depth))" in text
    assert "not shown" not in text
    assert "\nnot shown for lack of room: MACs\n" in run("inspect", gpt2, "--columns", "80", *NO_PROOF).out
    monkeypatch.setenv("COLUMNS", "80")
    assert "\nnot shown for lack of room: MACs\n" in run("inspect", gpt2, *NO_PROOF).out
    text = run("params", lenet, "--columns", "50", *NO_PROOF).out
    assert "\nnot shown for lack of room: Dtype\n" in text
