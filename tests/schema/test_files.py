"""Whole files: what nnshape reads without a fault of form validates, and mistakes of form are found at their place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from nnshape.problems import SpecError
from nnshape.spec import loads

TESTS = Path(__file__).parents[1]
CONFIGS = TESTS.parent / "configs"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_gallery(refused, path):
    assert refused(path.read_text("utf-8")) == []


def specs_in_the_tests() -> list[str]:
    """Every text of the tests that is a spec without a fault."""
    texts = {path.read_text("utf-8") for path in TESTS.rglob("*.yaml")}
    for path in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "layers:" in node.value:
                texts.add(node.value)
    return sorted(filter(is_sound, texts))


def is_sound(text: str) -> bool:
    try:
        found = loads(text).problems
    except SpecError:
        return False
    return all(problem.kind == "include-refused" for problem in found)


#: Steps of the reader's tests that it reads, and that lack arguments which the trace asks for.
LACKING = {
    "{type: Conv2d, in_channels: 1, kernel_size: [5, w]": ["out_channels"],
    "{type: Conv2d, in_channels: 1, from: conv1": ["out_channels", "kernel_size"],
    "{type: Conv2d}": ["in_channels", "out_channels", "kernel_size"],
}


def test_every_sound_spec_of_the_tests(refused):
    texts = specs_in_the_tests()
    assert len(texts) > 100
    wrong = {text: found for text in texts if (found := refused(text))}
    for step, names in LACKING.items():
        (text,) = [text for text in wrong if step in text]
        assert [message for _, message in wrong.pop(text)] == [f"{name!r} is a required property" for name in names]
    assert wrong == {}


M = "input: 1x32x32\nlayers:\n"


@pytest.mark.parametrize(
    "text",
    [
        "input: 784\nlayers: [ReLU()]\n",
        "input: [N, 1, 'H + 1', 32]\nlayers: [ReLU()]\n",
        "input: {ids: 'int64[N, T]', mask: [T, T]}\nlayers: [ReLU()]\n",
        "blocks:\n  Only(p)(x[N, T], mask=None):\n    fc: Linear(auto, p)\n",
        f"{M}  a: {{type: Block, p: 1}}\nblocks:\n  Block(p): [ReLU()]\n",
        f"{M}  a: {{type: rn.Block, args: [1]}}\ninclude: {{rn: resnet.yaml}}\n",
        f"{M}  a: {{type: Conv2d, in_channels: auto, out_channels: d * 4, kernel_size: [3, k], bias: false}}\n",
        f"{M}  a: {{type: nn.Conv2d, args: [1, 6, 5], from: x, shape: 6x28x28}}\n",
        f"{M}  a: {{type: Conv2d, args: [1, 6], kernel_size: 5}}\n",
        f"{M}  a: {{type: embed}}\n  b: {{type: Sequential, args: [{{type: ReLU}}, Tanh()]}}\n",
        f"{M}  a: {{type: sum, axis: 1}}\n  b: {{type: Embedding, args: [3, 4], _freeze: true}}\n",
        f"{M}  a: {{type: TransformerEncoder, encoder_layer: {{type: TransformerEncoderLayer, args: [8, 2]}}, "
        "num_layers: 2}\n",
        f"{M}  a:\n    b: ReLU()\n    c: [Tanh(), {{type: GELU}}]\n  n: 3\n  t: True\n",
        f"{M}  a: ReLU()\nhparams:\ndims:\nexpect:\nvariants: {{small: }}\nfreeze:\n",
        f"{M}  a: ReLU()\nhparams: {{type: GELU, no: [1, [2, x]]}}\nname: 5\n",
        f"{M}  a: ReLU()\nexpect: {{parameters: 81_290, macs: <= 4.1G, output: [10, [N, 3]]}}\n",
    ],
)
def test_sound_forms(refused, text):
    assert refused(text) == []
    if "include:" not in text and not text.startswith("blocks"):
        assert loads(text).problems == ()


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("[ReLU()]", "", "is not of type 'object'"),
        ("layers: [ReLU()]\n", "", "'input' is a required property"),
        ("input: 3\n", "", "'layers' is a required property"),
        ("blocks: {B: [ReLU()]}\nlayers: [ReLU()]\n", "", "'input' is a required property"),
        (f"{M}  a: ReLU()\ninputs: 3\n", "", "'inputs' was unexpected"),
        ("input: 1,32\nlayers: [ReLU()]\n", "input", "does not match"),
        ("input: [N, -1]\nlayers: [ReLU()]\n", "input/1", "less than the minimum"),
        ("input: {a b: 3}\nlayers: [ReLU()]\n", "input", "does not match"),
        ("input: 3\nlayers: ReLU()\n", "layers", "is not of type"),
        ("input: 3\nlayers: {}\n", "layers", "non-empty"),
        (f"{M}  a:\n", "layers/a", "None is not of type"),
        (f"{M}  a b: ReLU()\n", "layers", "'a b' does not match"),
        (f"{M}  -a: ReLU()\n", "layers", "'-a' does not match"),
        ("input: 3\nlayers: {a: Conv2d(1, 6, 5)}\n", "layers/6", "None is not of type"),
        (f"{M}  a: {{type: Conv3dd, args: [1]}}\n", "layers/a/type", "does not match"),
        (f"{M}  a: {{b: [{{type: Relu}}]}}\n", "layers/a/b/0/type", "does not match"),
        (f"{M}  a: {{type: Sequential, args: [{{type: Relu}}]}}\n", "layers/a/args/0/type", "does not match"),
        (f"{M}  a: {{type: nn.Relu}}\nblocks: {{B: [ReLU()]}}\n", "layers/a/type", "does not match"),
        (f"{M}  a: {{type: [ReLU]}}\n", "layers/a/type", "is not of type 'string'"),
        (f"{M}  a: {{type: 'ReLU()'}}\n", "layers/a/type", "does not match"),
        (f"{M}  a: {{type: Conv2d, in_channels: 1, kernel_size: 5}}\n", "layers/a", "'out_channels' is a required"),
        (f"{M}  a: {{type: Conv2d, args: [1, 6]}}\n", "layers/a", "'kernel_size' is a required"),
        (f"{M}  a: {{type: nn.Conv2d, args: [1, 6, 5], strides: 2}}\n", "layers/a", "'strides' was unexpected"),
        (f"{M}  a: {{type: Conv2d, args: [1, 6, 5], bias: null}}\n", "layers/a/bias", "None is not of type"),
        (f"{M}  a: {{type: Conv2d, args: [1, 6.5, 5]}}\n", "layers/a/args/1", "6.5 is not of type"),
        (f"{M}  a: {{type: Conv2d, args: [true, 6, 5]}}\n", "layers/a/args/0", "True is not of type"),
        (f"{M}  a: {{type: Conv2d, args: [1, 6, 5], out_channels: 6}}\n", "layers/a/args", "is too long"),
        (f"{M}  a: {{type: Dropout, args: [0.5, true, 1]}}\n", "layers/a/args", "Additional items"),
        (f"{M}  a: {{type: Linear, args: 3}}\n", "layers/a/args", "is not of type 'array'"),
        (f"{M}  a: {{type: ReLU, from: 3}}\n", "layers/a/from", "is not of type"),
        (f"{M}  a: {{type: ReLU, shape: {{a: 3}}}}\n", "layers/a/shape", "is not of type"),
        (f"{M}  a: {{type: ReLU, inplace: {{a: 3}}}}\n", "layers/a/inplace", "is not of type"),
        (f"{M}  a: {{type: flatten, start: 1}}\n", "layers/a", "'start' was unexpected"),
        (f"{M}  a: {{type: F.softmax, dim: 0.5}}\n", "layers/a/dim", "0.5 is not of type"),
        (f"{M}  a: ReLU()\nblocks:\n  'B[N]': [ReLU()]\n", "blocks", "does not match"),
        (f"{M}  a: ReLU()\nblocks:\n  B: 3\n", "blocks/B", "is not of type"),
        (f"{M}  a: ReLU()\nhparams: {{a b: 1}}\n", "hparams", "does not match"),
        (f"{M}  a: ReLU()\nhparams: {{a: {{b: 1}}}}\n", "hparams/a", "is not of type"),
        (f"{M}  a: ReLU()\ndims: {{H: h}}\n", "dims/H", "is not of type 'integer'"),
        (f"{M}  a: ReLU()\ndims: {{H: -1}}\n", "dims/H", "less than the minimum"),
        (f"{M}  a: ReLU()\noutput: [[a]]\n", "output/0", "is not of type"),
        (f"{M}  a: ReLU()\ntie: {{a.weight: [b]}}\n", "tie/a.weight", "is not of type"),
        (f"{M}  a: ReLU()\nfreeze: {{a: b}}\n", "freeze", "is not of type"),
        (f"{M}  a: ReLU()\nexpect: {{params: 3}}\n", "expect", "'params' was unexpected"),
        (f"{M}  a: ReLU()\nexpect: {{macs: many}}\n", "expect/macs", "does not match"),
        (f"{M}  a: ReLU()\nvariants: {{s: 3}}\n", "variants/s", "is not of type"),
        (f"{M}  a: ReLU()\ninclude: {{rn: /etc/passwd}}\n", "include/rn", "does not match"),
        (f"{M}  a: ReLU()\nimport: {{A: my.layers.A}}\n", "import/A", "does not match"),
        (f"{M}  a: ReLU()\nname:\n", "name", "None is not of type"),
    ],
)
def test_a_mistake_of_form_is_found_at_its_place(refused, text, place, said):
    found = refused(text)
    assert any(path == place and said in message for path, message in found), found
