"""`nnshape explain`: a page for every layer, function and kind of problem, and for any step of a file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import nnshape
from nnshape.problems.kinds import KINDS, kind_names
from nnshape.problems.pages import kind_of
from nnshape.shapes.functions import all_functions
from nnshape.shapes.layers import all_layers
from nnshape.spec.words import WORDS

CONFIGS = Path(__file__).parents[2] / "configs"
RULES = {**all_layers(), **all_functions()}


@pytest.fixture
def resnet(lenet) -> str:
    return lenet.replace("lenet", "resnet")


@pytest.mark.parametrize("name", RULES)
def test_every_layer_and_function_has_a_page_that_explains_every_argument(run, name):
    result = run("explain", name, "--format", "json")
    assert result.code == 0, result.err
    page = json.loads(result.out)
    assert page["sentence"].rstrip(".")
    assert page["page"].startswith("https://pytorch.org/docs/stable/")
    unexplained = [argument["name"] for argument in (*page["arguments"], *page["inputs"]) if not argument["meaning"]]
    assert unexplained == []
    assert page["example"]["command"].startswith("nnshape layer ")
    assert ("->" in page["shapes"]) is bool(page["example"]["inputs"])


@pytest.mark.parametrize("name", RULES)
def test_every_page_fits_a_terminal(run, name):
    for columns in ("60", "200"):
        result = run("explain", name, "--columns", columns)
        assert result.code == 0
        lines = [line for line in result.out.splitlines() if "$ nnshape" not in line and "https:" not in line]
        assert columns == "60" or max(map(len, lines)) <= 200


@pytest.mark.parametrize("name", kind_names())
def test_every_kind_of_problem_has_a_page(run, name):
    kind = kind_of(name)
    result = run("explain", name, "--columns", "80")
    assert result.code == 0
    text = " ".join(result.out.split())
    assert text.startswith(f"{kind.severity}[{name}] {kind.sentence} {kind.paragraphs[0]} ")
    fails, fixed = result.out.partition("\nFails\n")[2].split("\nFixed\n")
    assert "".join(f"  {line}\n" if line else "\n" for line in kind.fails.message.splitlines()) in fails
    assert all(f"  {line}\n" in fixed for file in kind.fixed.files.values() for line in file.splitlines() if line)
    page = json.loads(run("explain", name, "--format", "json").out)
    assert (page["name"], page["sentence"], page["severity"]) == (name, kind.sentence, kind.severity)
    assert page["fails"] == {
        "files": dict(kind.fails.files),
        "command": kind.fails.command or None,
        "message": kind.fails.message,
    }
    assert page["mended"]["files"] == dict(kind.fixed.files)
    assert page["fix"] == KINDS[name].fix
    assert ("sometimes finds a fix" in text) == (page["fix"] == "sometimes")


@pytest.mark.parametrize("subject", ["error[wrong-rank]", "error[wrong-rank]:", "[wrong-rank]", " wrong-rank "])
def test_a_kind_as_it_stands_in_a_message(run, subject):
    assert run("explain", subject).out == run("explain", "wrong-rank").out


def test_a_kind_in_colour(run):
    out = run("explain", "silent-broadcast", "--color", "always").out
    assert "\x1b[1;33mwarning[silent-broadcast]\x1b[0m" in out
    assert "\x1b[1;36mhelp\x1b[0m: drop" in out


def test_a_layer(run):
    out = run("explain", "Conv2d").out
    assert out.startswith("torch.nn.Conv2d\nApplies a 2D convolution")
    assert "https://pytorch.org/docs/stable/generated/torch.nn.Conv2d.html" in out
    assert "in_channels             the number of input channels; auto infers it from the" in out
    assert "padding_mode = 'zeros'  the values of the padding" in out
    assert "3 x H x W -> 64 x ceil(H/2) x ceil(W/2)" in out
    assert '$ nnshape layer "Conv2d(3, 64, 7, stride=2, padding=3)" 3x224x224' in out
    assert "H: floor((224 + 2*3 - 1*(7 - 1) - 1)/2 + 1) = 112" in out
    assert "64x3x7x7" in out


@pytest.mark.parametrize(
    ("name", "torch_name"),
    [
        ("torch.nn.Conv2d", "torch.nn.Conv2d"),
        ("nn.Conv2d()", "torch.nn.Conv2d"),
        ("view", "torch.Tensor.view"),
        ("F.relu", "torch.nn.functional.relu"),
        ("torch.cat", "torch.cat"),
        ("unfold", "torch.nn.functional.unfold"),
        ("Tensor.unfold", "torch.Tensor.unfold"),
        ("torch.Tensor.unfold", "torch.Tensor.unfold"),
        ("rfft", "torch.fft.rfft"),
    ],
)
def test_names_with_torchs_prefixes(run, name, torch_name):
    assert run("explain", name).out.startswith(f"{torch_name}\n")


def test_a_step(run, resnet):
    result = run("explain", resnet, "layer1.0.conv2", "--variant", "resnet50")
    assert result.code == 0
    out = result.out
    assert out.startswith("layer1.0.conv2  Conv2d  in ResNet (resnet50)\n")
    assert "in      layer1.0, Bottleneck(c=64, stride=1, dilation=1), line " in out
    assert "is      Conv2d(64, 64, 3" in out
    assert "from    layer1.0.relu (line " in out
    assert "H: floor((56 + 2*1 - 1*(3 - 1) - 1)/1 + 1) = 56" in out
    assert "64x64x3x3  float32" in out


def test_what_a_block_takes_is_followed_to_where_it_was_made(run, resnet):
    out = " ".join(run("explain", resnet, "layer1.0.conv1").out.split())
    assert re.search(r"from maxpool \(line \d+: MaxPool2d\(3, 2, 1\)\), by way of layer1, layer1\.0", out)


def test_a_block_lists_the_steps_inside(run, resnet):
    out = run("explain", resnet, "layer2.1").out
    assert "steps inside" in out
    assert "  conv1 " in out


def test_the_end_of_a_path_will_do(run, resnet):
    whole, end = (run("explain", resnet, path).out for path in ("layer1.0.downsample.0", "layer1.0.downsample.0"[:]))
    assert whole == end
    assert run("explain", resnet, "0.downsample.0").code == 2
    assert run("explain", resnet, "maxpool").out.startswith("maxpool  MaxPool2d")


def test_a_step_as_json(run, lenet):
    page = json.loads(run("explain", lenet, "fc1", "--format", "json").out)
    assert page["kind"] == "step"
    assert page["output"] == {"dtype": "float32", "shape": ["N", 120]}
    assert page["origins"] == [{"step": "flatten", "input": None, "through": []}]
    assert page["derivation"] == ["last dimension: 576 -> 120"]
    assert [parameter["name"] for parameter in page["own_parameters"]] == ["fc1.weight", "fc1.bias"]


def test_a_shared_module_shows_each_of_its_calls(run, spec):
    path = spec("input: 6x8x8\nlayers:\n  conv: Conv2d(6, 6, 3)\n  again: conv(_)\n")
    out = run("explain", path, "again").out
    assert "with the parameters of conv, counted there" in out


def test_a_step_at_fault_shows_its_problem(run, spec):
    path = spec("input: 1x32x32\nlayers:\n  conv: Conv2d(3, 6, 5)\n  relu: ReLU()\n")
    result = run("explain", path, "conv")
    assert "error[size-mismatch]: conv reads 3 channels, but 1 arrives" in result.out
    assert "error" not in run("explain", path, "relu").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["Conv2dd"], "Conv2dd is not a layer, function, kind of problem or topic. Did you mean Conv2d?"),
        (["size-mismach"], "Did you mean size-mismatch?"),
        (["error[unknown-lyer]"], "Did you mean unknown-layer?"),
        (["configs/lenet.yaml"], "name a step of configs/lenet.yaml"),
    ],
)
def test_what_is_unknown(run, arguments, words):
    result = run("explain", *arguments)
    assert result.code == 2
    assert words in result.err


def test_unknown_steps(run, lenet, resnet):
    assert "Did you mean conv1?" in run("explain", lenet, "conv11").err
    ambiguous = run("explain", resnet, "bn2")
    assert ambiguous.code == 2
    assert "bn2 is the end of 16 paths: layer1.0.bn2" in ambiguous.err
    assert run("explain", "no-such-file.yaml", "conv1").code == 2


@pytest.mark.parametrize("word", WORDS)
def test_a_word_of_the_language_has_a_page_whose_example_is_a_step(run, word):
    sentence, example = WORDS[word]
    result = run("explain", word)
    assert result.code == 0
    assert example in result.out
    assert json.loads(run("explain", word, "--format", "json").out)["description"] == sentence
    blocks = "blocks:\n  Block(d):\n    fc: Linear(d, d)\n"
    uses = {"heads": "head: heads[0](x)", "scales": "scaled: x"}.get(example.split(":")[0], "last: Linear(8, 8)(x)")
    uses = uses.replace("[0]", "['cls']") if "Dict" in word else uses
    text = f"input: 8\nhparams: {{d: 8, n: 2}}\n{blocks}layers:\n  {example}\n  {uses}\n"
    problems = nnshape.trace(nnshape.loads(text)).problems
    assert [problem for problem in problems if problem.kind != "unused-step"] == []


def test_a_function_without_a_rule_is_said_to_be_measured(run):
    result = run("explain", "diff")
    assert result.code == 2
    assert "diff has no rule: its shape is inferred by running torch" in " ".join(result.err.split())


def test_needs_of_a_file(run):
    result = run("explain", str(CONFIGS / "unet.yaml"), "--needs")
    assert result.code == 0
    assert "needs H, W: multiples of 16\n  up4.joined  H//8 == 2*(H//16)" in result.out
    found = json.loads(run("explain", str(CONFIGS / "unet.yaml"), "--needs", "--format", "json").out)
    (need,) = found["needs"]
    assert (found["kind"], need["text"]) == ("needs", "H, W: multiples of 16")
    assert need["steps"][0]["span"]["line"] == 17
    assert "it needs nothing of its sizes" in run("explain", str(CONFIGS / "lenet.yaml"), "--needs").out


def test_needs_speak_of_the_whole_file(run):
    result = run("explain", str(CONFIGS / "unet.yaml"), "up1", "--needs")
    assert result.code == 2
    assert "--needs" in result.err


def test_contradicting_needs(run, spec):
    path = spec('input: "[N, T, 4]"\nlayers:\n  e: x + Embedding(16, 4)(arange(T))\n  t: _ + zeros(1, 32, 4)\n')
    result = run("explain", path, "--needs")
    assert result.code == 1
    assert "no T meets both: e needs T <= 16, but t needs T == 32" in result.out


def test_the_first_of_equal_steps(run):
    result = run("explain", str(CONFIGS / "gpt2.yaml"), "c_fc")
    assert result.code == 0, result.err
    assert "first   of 12 equal steps, to transformer.h.11.mlp.c_fc" in result.out
    found = json.loads(run("explain", str(CONFIGS / "gpt2.yaml"), "c_fc", "--format", "json").out)
    assert (found["path"], len(found["equal_steps"])) == ("transformer.h.0.mlp.c_fc", 11)


def test_different_steps_of_one_name(run):
    result = run("explain", str(CONFIGS / "unet.yaml"), "conv1")
    assert result.code == 2
    assert "conv1 is the end of 9 paths: down1.conv1" in result.err
