"""`nnshape layer`: every layer and function by its own example, and the forms in which people type one."""

from __future__ import annotations

import json
import warnings

import pytest
import torch

from nnshape.shapes.functions import all_functions
from nnshape.shapes.layers import all_layers

torch.set_num_threads(1)
RULES = {**all_layers(), **all_functions()}
#: What meta cannot run, since the shape of the result hangs on the values: nothing is proved there.
HANGS_ON_VALUES = {
    "AdaptiveLogSoftmaxWithLoss", "CTCLoss", "GaussianNLLLoss", "argwhere", "ctc_loss", "gaussian_nll_loss", "istft",
    "masked_select", "nonzero", "unique", "unique_consecutive",
}  # fmt: skip
#: What torch's own repr does not say in full: it can be pasted, and lacks an argument or shows one that is none.
INCOMPLETE_REPR = {"FractionalMaxPool2d", "FractionalMaxPool3d", "UpsamplingNearest2d", "UpsamplingBilinear2d"}


def lines_of(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


@pytest.mark.parametrize("name", RULES)
def test_every_example_is_worked_out_and_proved(run, name):
    result = run("layer", *RULES[name].example, "--format", "json")
    assert result.code == 0, result.out + result.err
    answer = json.loads(result.out)
    assert answer["problems"] == []
    if answer["verification"] is not None and name not in HANGS_ON_VALUES:
        assert answer["verification"]["agree"]
        assert answer["verification"]["unproved"] == []


@pytest.mark.parametrize("name", RULES)
def test_every_example_fits_a_terminal(run, name):
    for columns in (60, 80, 200):
        result = run("layer", *RULES[name].example, "--device", "none", "--columns", str(columns))
        assert result.code == 0
        # A parameter's name and a symbolic shape are never cut.
        wide = [line for line in result.out.splitlines() if len(line) > columns]
        assert not wide or columns < 200, wide


@pytest.mark.parametrize("name", [name for name in all_layers() if not name.startswith("Lazy")])
def test_a_layer_pasted_from_a_printed_model(run, name):
    import nnshape
    from nnshape.calculator.symbolic_example import example_of

    layer = RULES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = next(iter(nnshape.build(example_of(layer), "meta").children()))
    text = repr(module)
    if "\n" in text or name in INCOMPLETE_REPR:
        pytest.skip("torch prints what it is made of, and not its arguments")
    typed = run("layer", *layer.example, "--device", "none", "--format", "json")
    shapes = [shape.rpartition("=")[2] for shape in layer.example[1:]]
    pasted = run("layer", f"(here): {text}", *shapes, "--device", "none", "--format", "json")
    assert pasted.code == 0, pasted.out
    for key in ("output", "parameters", "derivation"):
        both = [json.loads(result.out)[key] for result in (typed, pasted)]
        for each in both if key == "parameters" else ():
            [item.pop("span") for item in each]
        assert both[0] == both[1]


def test_the_calculator(run):
    result = run("layer", "Conv2d(1, 6, 5)", "1x32x32")
    assert result.code == 0
    assert lines_of(result.out) == lines_of(
        """\
Conv2d(1, 6, 5)
input   1x32x32  float32 [N, 1, 32, 32]
output  6x28x28  float32 [N, 6, 28, 28]
sizes   H: floor((32 + 2*0 - 1*(5 - 1) - 1)/1 + 1) = 28
        W: floor((32 + 2*0 - 1*(5 - 1) - 1)/1 + 1) = 28

weight      6x1x5x5  float32      150
bias        6        float32        6
parameters                        156  (624 bytes)
MACs                          117,600
  per sample, 235,200 FLOPs at 2 per MAC, 25 for each of 4,704 values

built on cpu with torch 2.13.0: 1 of 1 shapes and 156 parameters agree in evaluation mode
""".replace("2.13.0", torch.__version__.partition("+")[0])
    )


def test_symbolic_sizes(run):
    result = run("layer", "Conv2d(1, 6, 5)", "1xHxW", "--device", "none")
    assert "output  6 x (H - 4) x (W - 4)" in result.out
    assert "needs   H >= 5\n        W >= 5" in result.out
    assert "H: floor((H + 2*0 - 1*(5 - 1) - 1)/1 + 1) = H - 4" in result.out
    fixed = run("layer", "Conv2d(1, 6, 5)", "1xHxW", "--set", "H=12", "--device", "none")
    assert "output  6 x 8 x (W - 4)" in fixed.out


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["CrossEntropyLoss()", "10", "int64[N]"], []),
        (["CrossEntropyLoss(reduction='none')", "10", "target=int64[N]"], ["N"]),
        (["flatten(1)", "16x5x5"], ["N", 400]),
        (["view(N, -1)", "16x5x5"], ["N", 400]),
        (["x.view(N, H * W)", "1xHxW"], ["N", "H*W"]),
        (["einsum('nij,njk->nik', a, b)", "b=[N, 4, 5]", "a=[N, 3, 4]"], ["N", 3, 5]),
        (["x @ y", "3x4", "4x5"], ["N", 3, 5]),
        (["cat(dim=1)", "16x5x5", "32x5x5"], ["N", 48, 5, 5]),
        (["relu", "6x28x28"], ["N", 6, 28, 28]),
        (["nn.ReLU", "6x28x28"], ["N", 6, 28, 28]),
        (["torch.nn.functional.max_pool2d(2)", "6x28x28"], ["N", 6, 14, 14]),
        (["conv1: Conv2d(1, 6, 5)", "1x32x32"], ["N", 6, 28, 28]),
        (["(conv1): Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1))", "1x32x32"], ["N", 6, 28, 28]),
        (["Conv2d(3, 6, kernel_size=(3, 3), padding=same, padding_mode=circular)", "3x8x8"], ["N", 6, 8, 8]),
        (["Conv2d(1, 6, 5) -> 6x28x28", "1x32x32"], ["N", 6, 28, 28]),
        (["Linear(auto, 10)", "16x5x5"], ["N", 16, 5, 10]),
        (["Sequential(Conv2d(1, 6, 5), ReLU())", "1x32x32"], ["N", 6, 28, 28]),
        (["zeros(2, 3)"], [2, 3]),
        (["Linear(4, 5)", "--input", "input=3x4"], ["N", 3, 5]),
    ],
)  # fmt: skip
def test_forms(run, arguments, output):
    result = run("layer", *arguments, "--format", "json")
    assert result.code == 0, result.out + result.err
    assert json.loads(result.out)["output"]["shape"] == output


def test_several_outputs_are_named_by_the_way_to_them(run):
    result = run("layer", "LSTM(6, 8, bidirectional=True)", "[T, 6]", "--device", "none")
    assert lines_of(result.out)[:5] == lines_of("""\
LSTM(6, 8, bidirectional=True)
input           [T, 6]   float32
output  [0]     [T, 16]  float32
        [1][0]  [2, 8]   float32
        [1][1]  [2, 8]   float32
""")
    named = run("layer", "max(1)", "[5, 6]", "--device", "none").out
    assert "output  .values   [5]     float32\n        .indices  [5]     int64\n" in named


def test_a_state_by_name(run):
    result = run("layer", "LSTM(6, 8)(x, (h, c))", "[T, 6]", "h=[1, 8]", "c=[1, 8]", "--device", "none")
    assert result.code == 0
    assert "input   x       [T, 6]" in result.out


def test_auto_shows_what_it_became(run):
    assert "auto    Linear(576, 120)" in run("layer", "Linear(auto, 120)", "576", "--device", "none").out


def test_a_number_is_no_tensor_and_needs_no_proof(run):
    result = run("layer", "numel()", "3x4")
    assert result.code == 0
    assert "output  12*N" in result.out
    assert "built" not in result.out


@pytest.mark.parametrize(
    ("arguments", "code", "place", "words"),
    [
        (["Conv2d(3, 6, 5)", "1x32x32"], 1, "<layer>:1:8", "Conv2d reads 3 channels, but 1 arrives"),
        (["Conv2d(3, 6, 5, strid=1)", "3x32x32"], 1, "<layer>:1:17", "did you mean stride?"),
        (["Conv2d(4, 6, 5, groups=3)", "4x32x32"], 1, "<layer>:1:24", "must be divisible by"),
        (["(conv1): Conv2d(3, 6, 5)", "1x32x32"], 1, "<layer>:1:17", "conv1 reads 3 channels, but 1 arrives"),
        (["Conv2dd(3, 6, 5)", "3x32x32"], 1, "<layer>:1:1", "did you mean Conv2d?"),
        (["CrossEntropyLos()", "10", "int64[N]"], 1, "<layer>:1:1", "did you mean CrossEntropyLoss?"),
        (["Conv2d(3, 6", "3x32x32"], 1, "<layer>:1:7", "never closed"),
        (["flatten(3, 1)", "16x5x5"], 1, "<layer>:1:9", "start_dim"),
        (["transpose(1, 7)", "16x5x5"], 1, "<layer>:1:14", "7"),
        (["Conv2d(1, 6, 5) -> 6x28x27", "1x32x32"], 1, "<layer>:1:20", "6x28x28"),
        (["MultiheadAttention(64, 8)", "[T, N, 64]", "[S, N, 64]", "[S, N, 32]"], 1, "<layer>:4:1", "value"),
        (["CrossEntropyLoss()", "10", "target=int64[N, 1]"], 1, "<layer>:3:8", "class indices"),
        (["Conv2d(3, 6, 5)", "3x32xx"], 2, "<layer>:2:6", "not a shape"),
        (["Conv2d(3, 6, 5)"], 2, "<layer>:1:1", "needs the shape of its input"),
        (["nn", "4"], 2, "<layer>:1:1", "nn is not a layer or function"),
        (["zeros(2, 3)", "4"], 2, "<layer>:2:1", "takes no input"),
        (["einsum('ij,jk->ik', a, b)", "a=[3, 4]"], 2, "<layer>:1:1", "a=SHAPE b=SHAPE"),
        (["einsum('ij,jk->ik', a, b)", "a=[3, 4]", "bb=[4, 5]"], 2, "<layer>:3:1", "did you mean b?"),
        (["Linear(4, 5)", "x=3x4", "x=3x4"], 2, "<layer>:3:1", "given twice"),
        (["Linear(4, 5)", "3x4", "--device", "tpu!"], 2, "--device", "is not a device"),
        (["Linear(4, 5)", "3x4", "--values", "--device", "none"], 2, "--device", "--values"),
        (["Linear(4, 5)", "3x4", "--set", "H"], 2, "--set", "NAME=VALUE"),
    ],
)
def test_a_fault_stands_at_its_own_column(run, arguments, code, place, words):
    result = run("layer", *arguments)
    assert result.code == code
    shown = result.out if code == 1 and "never" not in words else result.err
    assert f"--> {place}" in shown or f"--> the option {place}\n" in shown
    assert words in shown
    assert "built" not in result.out


@pytest.mark.parametrize(
    ("step", "shape", "fixes"),
    [
        ("Conv2d(3, 6, 5)", "1x32x32", ["match the input: Conv2d(1, 6, 5)", "or change the input: 3x32x32"]),
        ("fc1: Linear(400, 120)", "576", ["match the input: fc1: Linear(576, 120)", "or change the input: 400"]),
        ("Embedding(10, 4)", "[N, T]", ["change the input: int64[N, T]"]),
    ],
)
def test_the_fixes_are_those_that_a_file_would_get(run, step, shape, fixes):
    answer = json.loads(run("layer", step, shape, "--format", "json").out)
    assert [" ".join(text.split()) for text in answer["problems"][0]["help"]] == fixes


def test_a_fault_as_json(run):
    result = run("layer", "Conv2d(3, 6, 5)", "1x32x32", "--format", "json")
    assert result.code == 1
    (problem,) = json.loads(result.out)["problems"]
    assert problem["kind"] == "size-mismatch"
    assert (problem["span"]["line"], problem["span"]["column"], problem["span"]["end_column"]) == (1, 8, 9)


def test_a_warning_leaves_the_answer(run):
    result = run("layer", "BatchNorm1d(6)", "6")
    assert result.code == 0
    assert "warning[fails-in-training]" in result.out
    assert "12 parameters agree" in result.out


def test_values_are_those_of_the_seed(run):
    arguments = ["layer", "Linear(3, 2)", "[4, 3]", "--values", "--format", "json", "--seed"]
    first, again, other = (json.loads(run(*arguments, seed).out)["values"] for seed in ("1", "1", "2"))
    assert first == again != other
    torch.manual_seed(1)
    layer = torch.nn.Linear(3, 2)
    x = torch.randn(4, 3)
    assert torch.allclose(torch.tensor(first["inputs"]["x"]["values"]), x)
    assert torch.allclose(torch.tensor(first["outputs"][""]["values"]), layer(x), atol=1e-6)


def test_values_on_a_page(run):
    result = run("layer", "Embedding(10, 3)", "int64[N, T]", "--values")
    assert result.code == 0
    assert "values at seed 0, N = 2, T = 3" in result.out
    assert "built on cpu" in result.out
    assert "output  2x3x3  mean" in result.out


def test_what_torch_does_not_run_says_so(run):
    result = run("layer", "cholesky()", "[4, 4]", "--values")
    assert result.code == 1
    assert "torch says: linalg.cholesky" in result.err or "torch says: cholesky" in result.err


def test_values_in_both_modes(run):
    text = run("layer", "Dropout(0.5)", "8", "--values", "--device", "cpu").out
    assert "values at seed 0, N = 2, in each mode" in text
    assert [line.split("  ")[0] for line in text.splitlines() if line.startswith("output in")] == [
        "output in training", "output in training, again", "output in evaluation",
    ]  # fmt: skip
    answer = json.loads(run("layer", "Dropout(0.5)", "8", "--values", "--device", "cpu", "--format", "json").out)
    values = answer["values"]
    assert values["other_runs"]["evaluation"][""]["values"] == values["inputs"]["x"]["values"]
    assert values["outputs"][""]["values"] != values["other_runs"]["training, again"][""]["values"]
    assert "in training and in evaluation alike" in run("layer", "ReLU()", "8", "--values", "--device", "cpu").out


def test_a_small_matrix_is_shown_whole(run):
    text = run("layer", "MaxPool2d(2)", "1x6x6", "--values").out
    assert text.count("tensor([[") == 2
    assert "[0, 0, :, :] = tensor([[-1.1258, -1.1524, -0.2506, -0.4339,  0.8487,  0.6920]," in text
    assert "[:4, :6]" in run("layer", "Linear(9, 9)", "[9, 9]", "--values").out
