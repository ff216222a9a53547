"""What a YAML text is, before anything of it is shown: a spec or nearly one, a library of blocks, or something else."""

from pathlib import Path

import pytest

import nnshape
from nnshape.problems.kinds import kind_names
from nnshape.problems.pages import kind_of
from nnshape.spec import source_of_text
from nnshape.spec.likeness import likeness

CONFIGS = Path(nnshape.__file__).parents[1] / "configs"

TEXTS = {
    "spec": [
        "input: 8\nlayers:\n  a: ReLU()\n",
        "{input: 3x4, layers: {a: ReLU()}}",
        "layer:\n a: ReLU()\n",
        "inputs: 8\nlayers: [relu]\n",
        "inputs: 1x32x32\nlayer:\n  a: Conv2d(1,2,3)\n",
        "input: 8\nlayers:\n",
        "layers: [",
        "input: 8\n  layers:\n a: b\n",
        "input: 8\nLAYERS:\n- ReLU()\n",
        "input: 8\nlayers: [ReLU, ReLU]",
        "input: [N, 3]\nlayers: [a]",
        "input: 8\nlayers: Linear(8, 4)",
        "input: 1x2x3\nstack: {a: 'Conv2d(1,2,3)'}",
        "input: 8\nlayers: {a: {type: Conv2d}}",
        "input: 3x4\nlayers: 12\n",
        "input: {a: 3, b: 4}\nlayers: {a: a}\n",
        "a: 1\n---\ninput: 8\nlayers: {a: ReLU()}\n",
        "input: 8\nlayers: {a: !x ReLU()}\n",
        "layers:\n  - a: [\n",
    ],
    "library": [
        "blocks:\n  B(): {a: ReLU()}\n",
        "blocks: {B: {a: b}}",
    ],
    "other": [
        "layers: 12\n",
        "site_name: x\nlayers: [a, b]\nx: !!python/name:foo\n",
        "input: data.csv\nlayers: [64, 32]\nlr: 0.1\n",
        "input: 784\nlayers: [128, 10]\n",
        "input: 8\nlayers: 12\n",
        "services:\n  layers: {image: x}\n",
        "on: push\njobs: {a: {steps: [{run: 'f(x)'}]}}\n",
        "kind: Pod\n---\nkind: Layer\n",
        "defaults: [a]\nmodel: {layers: 3, input: 4}\n",
        "openapi: 3.0\npaths: {/input: {}}\n",
        "a: {{ .Values.layers }}\n",
        "layers: {{ .x }}\n",
        "- a\n- layers\n",
        "",
        "input: x.csv\nlayers: [relu, tanh]\n",
        "text: |\n  layers:\n",
        "a: {layers: ",
        "a: [layers]\n",
        "# layers:\na: 1\n",
        '{"type": "service_account", "input": "x", "k": "f(x)"}',
        "blocks: {a: 1}\npassword: x\n",
        "x: &a {layers: 1}\ny: *a\n<<: *a\n",
        "[" * 100_000 + "layer",
        "players: [a]\ninputs: [b]\n",
    ],
}

#: Texts that a loader takes for specs, written so that a search for their keys does not find them.
DISGUISED = {
    "escaped keys": '"inp\\x75t": 8\n"l\\x61yers":\n  a: "Linear\\x287, 4)"\n',
    "keys of two lines": '? "lay\\\n  ers"\n: {a: ReLU()}\n? "inp\\\n  ut"\n: 8\n',
    "keys with comments": "? input  # :\n: 8\n? layers  # :\n: {a: ReLU()}\n",
    "keys in a flow mapping": "{? input # c\n  : 8, ? layers # c\n  : {a: ReLU()}}",
    "tags before the keys": "!!str input: 8\n!!str layers: {a: ReLU()}\n",
    "2,000 numbers first": "{input: 8, layers: {" + ", ".join(f"a{i}: 1" for i in range(2_000)) + ", z: Tanh()}}",
    "a second layers": "input: x.csv\nlayers: 12\ninput: 8\nlayers: {a: ReLU()}",
    "no call at all": "input: T\nlayers: [x * 2, _ + 1]",
    "a second document": "a: 1\n---\ninput: 8\nlayers: {a: ReLU()}\n",
    "anchors": "input: &n 8\nlayers: {a: &r ReLU(), b: *r}\n",
    "tags": "input: !!int 8\nlayers: !!omap [a: !!str ReLU()]\n",
    "a directive": "%YAML 1.1\n---\ninput: 8\nlayers: {a: ReLU()}\n",
    "a line of its own": "{input:\n8,\nlayers:\n{a: ReLU()\n}}",
}


@pytest.mark.parametrize("text", DISGUISED.values(), ids=DISGUISED)
def test_a_spec_in_disguise_is_one(text):
    assert likeness(source_of_text(text)).kind == "spec"


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in TEXTS.items() for text in texts])
def test_what_a_text_is(kind, text):
    assert likeness(source_of_text(text)).kind == kind


def test_every_model_of_the_gallery_is_a_spec():
    for path in CONFIGS.glob("*.yaml"):
        assert likeness(source_of_text(path.read_text("utf-8"))).kind == "spec", path


def test_every_example_of_a_problem_is_a_spec_or_a_library():
    for name in kind_names():
        for example in (kind_of(name).fails, kind_of(name).fixed):
            for file, text in example.files.items():
                if not file.endswith(".yaml"):
                    continue
                assert likeness(source_of_text(text)).kind in ("spec", "library"), (name, text)


@pytest.mark.parametrize(
    "text",
    [
        "layers" + " " * 500_000,
        "layers: " + "1x" * 250_000 + "!",
        "input: " + "x" * 500_000 + "\nlayers: 1",
        "".join(f"inptu{index}: 1\n" for index in range(50_000)) + "layers: 1",
        "---\ninpt: layers\n" * 30_000,
        " \t" * 250_000 + "layers: (",
        "input: [" + "N, " * 100_000 + "]\nlayers: 3",
        "a" * 100_000 + "(\n" + "layer " * 50_000,
        "\\" * 1_000_000,
        '\\a"' + " " * 500_000 + "layer" + " " * 500_000,
        "layer" * 200_000,
        '\\" ' * 300_000,
    ],
    ids=range(12),
)
def test_a_long_text_is_judged_in_work_that_is_in_proportion_to_it(text):
    # Work that grows with the square of the length would take many minutes here.
    assert likeness(source_of_text(text)).kind in ("spec", "library", "other")
