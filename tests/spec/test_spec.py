"""A whole file: what each key gives, and what is said of each slip."""

import pytest

import nnshape
from nnshape.problems import SpecError
from nnshape.problems.kinds import kind_names
from nnshape.spec import Body, Expression, ShapePattern, Word, load, loads, nodes
from nnshape.spec.naming_rules import MODULE_ATTRIBUTES

H = "input: 3\nlayers:\n"
M = H + "  fc: Linear(3, 4)\n"


def problems(text: str):
    try:
        found = loads(text).problems
    except SpecError as error:
        found = error.problems
    assert all(problem.kind in kind_names() and problem.span is not None for problem in found)
    return found


def only(text: str):
    (problem,) = problems(text)
    return problem


def step(line: str):
    spec = loads(f"{H}  s: {line}\n")
    assert spec.problems == ()
    return spec.body.steps[0]


def test_a_file(tmp_path):
    path = tmp_path / "lenet.yaml"
    path.write_text("input: 1x32x32  # why\nlayers:\n  conv1: Conv2d(1, 6,  5) -> 6x28x28\n  relu: ReLU()\n")
    spec = load(path)
    assert (spec.name, spec.source.name, spec.problems) == ("lenet", str(path), ())
    (conv, relu) = spec.body.steps
    assert (conv.name, conv.text, relu.text) == ("conv1", "Conv2d(1, 6, 5)", "ReLU()")
    assert (conv.span.text, conv.name_span.text) == ("Conv2d(1, 6,  5) -> 6x28x28", "conv1")
    assert isinstance(conv.value, Expression)
    assert (conv.value.where().line, conv.value.where().column, conv.value.where().end_column) == (3, 10, 26)
    assert conv.assertion.span.text == "6x28x28"
    assert relu.assertion is None
    assert (spec.inputs[0].name, spec.inputs[0].name_span) == ("x", None)


def test_a_list_is_named_as_sequential_names_it():
    spec = loads("input: 3\nlayers:\n  - Linear(3, 4)\n  - a: ReLU()\n  - [Tanh(), GELU()]\n")
    assert spec.body.is_list
    assert [step.name for step in spec.body.steps] == ["0", "1", "2"]
    assert isinstance(spec.body.steps[1].value, Body)
    assert not spec.body.steps[1].value.is_list
    assert [inner.name for inner in spec.body.steps[2].value.steps] == ["0", "1"]


@pytest.mark.parametrize(
    ("line", "text", "shape"),
    [
        ("f(a) -> [1, 2]", "f(a)", "[1, 2]"),
        ("'f(\"->\") -> int64[N]'", 'f("->")', "int64[N]"),
        ('f("->")', 'f("->")', None),
        ("f(a)->3", "f(a)", "3"),
        ("|\n    f(a,\n      b)\n    -> 3 x\n    4\n", "f(a, b)", "3 x\n    4"),
    ],
)
def test_the_last_arrow_outside_quotes_begins_an_assertion(line, text, shape):
    read = step(line)
    assert read.text == text
    assert (read.assertion and read.assertion.span.text) == shape


@pytest.mark.parametrize("line", ["f(a", "", "''", "f(a) g", "{type: [1]}"])
def test_a_step_that_cannot_be_read_has_no_value_and_the_rest_is_read(line):
    spec = loads(f"{H}  s: {line}\n  t: ReLU() -> 6xx\n  u: f((\n  v: g(1)\n")
    assert [step.value is None for step in spec.body.steps] == [True, False, True, False]
    assert [problem.span.line for problem in spec.problems] == [3, 4, 5]
    assert spec.body.steps[1].assertion is None


@pytest.mark.parametrize("name", ["forward", "training", "parameters", "children", "type", "to", "double"])
def test_a_step_that_makes_a_module_cannot_hide_what_every_module_has(name):
    assert problems(f"{H}  {name}: ReLU()\n") == ()
    (problem,) = nnshape.trace(f"{H}  {name}: ReLU()\n").errors
    assert (problem.kind, problem.span.text, problem.help) == ("invalid-name", name, (f"call it {name}1 or {name}_",))


def test_the_names_that_modules_have_are_torchs():
    torch = pytest.importorskip("torch")
    from torch.fx import GraphModule, symbolic_trace

    class Empty(torch.nn.Module):
        def forward(self, x):
            return x

    graph_module = symbolic_trace(Empty())
    assert isinstance(graph_module, GraphModule)
    public = {name for name in [*dir(torch.nn.Module()), *dir(graph_module)] if not name.startswith("_")}
    assert public <= MODULE_ATTRIBUTES


@pytest.mark.parametrize("name", ["-a", "_", "__x", "auto", "N", "a.b", "'a b'", "a+b", "--", "a-é.", "x" * 201])
def test_what_names_no_step(name):
    assert only(f"{H}  {name}: ReLU()\n").kind in ("invalid-name", "too-large")


@pytest.mark.parametrize("name", ["0", "12", "relu", "flatten", "é", "_a", "N_"])
def test_what_names_a_step(name):
    assert problems(f"{H}  {name}: ReLU()\n") == ()


# Steps as mappings


@pytest.mark.parametrize(
    ("yaml", "text"),
    [
        ("{type: ReLU}", "ReLU()"),
        ("{type: Linear, args: [3, 4], bias: false, from: y}", "Linear(3, 4, bias=False)(y)"),
        ("{type: MHA, from: [q, 'k[0]', v]}", "MHA()(q, k[0], v)"),
        ("{type: Conv2d, kernel_size: [3], p: [], d: [[1, 2], 3]}", "Conv2d(kernel_size=(3,), p=(), d=((1, 2), 3))"),
        ("{type: relu, inplace: true, from: y}", "relu(y, inplace=True)"),
        ("{type: y.transpose, args: [1, 2]}", "y.transpose(1, 2)"),
        ("{type: cat, from: '[a, b]', dim: 1}", "cat([a, b], dim=1)"),
        ("{type: Linear, out: '4 * width', eps: 1e-5, device: null}", "Linear(out=4 * width, eps=1e-05, device=None)"),
        ("{type: Up, norm: {type: LayerNorm, args: [3]}}", "Up(norm=LayerNorm(3))"),
        ("{type: A, k: 'a, b'}", "A(k=(a, b))"),
        ('{"type": "Conv2d", "in_channels": 1}', "Conv2d(in_channels=1)"),
    ],
)
def test_a_mapping_is_the_same_step(yaml, text):
    assert step(yaml).text == text


def test_the_files_own_modules_are_constructed_in_lower_case_too():
    spec = loads("blocks: {up(c): {a: ReLU()}}\n" + H + "  s: {type: up, c: 3, from: x}\n")
    assert spec.body.steps[0].text == "up(c=3)(x)"


def test_a_word_may_be_a_name_or_a_string():
    call = step("{type: Conv2d, padding: same, mode: 'two words', n: '3', t: .inf, l: [relu]}").value.node
    values = [keyword.value for keyword in call.keywords]
    assert isinstance(values[0], Word)
    assert values[0].id == "same"
    assert [value.value for value in values[1:4]] == ["two words", 3, float("inf")]
    assert isinstance(values[4].items[0], Word)


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("{type: Conv2d(1)}", "type is the name of a layer"),
        ("{type: A, 1: 2}", "is not an argument name"),
        ("{type: A, from: 'a b'}", "b cannot follow here"),
        ("{type: A, from: {a: b}}", "from names tensors"),
        ("{type: A, args: 3}", "args is a list"),
        ("{type: A, k: {b: 1}}", "a mapping needs a type"),
        ("{type: A, k: 99999999999999999999}", "2**63"),
        ("{type: A, k: '" + "x " * 1100 + "'}", "characters"),
        ("{type: A, shape: [a, [b]]}", "a size is expected"),
    ],
)
def test_slips_in_a_mapping_step(yaml, message):
    assert message in only(f"{H}  s: {yaml}\n").message


# Blocks


def block(key: str):
    spec = loads(f"blocks:\n  {key}:\n    fc: Linear(3, 4)\n{M}")
    assert spec.problems == ()
    (found,) = spec.blocks.values()
    return found


def test_a_signature():
    found = block("Attn(d, heads=8)(x[N, T, D], y, mask=None)")
    assert (found.name, found.name_span.text) == ("Attn", "Attn")
    assert [(p.name, p.has_default, p.span.text) for p in found.parameters] == [
        ("d", False, "d"),
        ("heads", True, "heads"),
    ]
    assert isinstance(found.parameters[1].default, nodes.Constant)
    assert found.signature.span(found.parameters[1].default).text == "8"
    assert [(i.name, i.optional, i.span.text) for i in found.inputs] == [
        ("x", False, "x"),
        ("y", False, "y"),
        ("mask", True, "mask"),
    ]
    pattern = found.inputs[0].pattern
    assert [pattern.span_of(index).text for index in range(3)] == ["N", "T", "D"]
    assert pattern.span.text == "[N, T, D]"
    assert found.inputs[1].pattern is None


@pytest.mark.parametrize(("key", "count"), [("Name", 0), ("Name(p)", 1), ("Name()", 0), ("Name(p, q=(1, 2))", 2)])
def test_a_block_takes_one_tensor_unless_it_says_so(key, count):
    found = block(key)
    assert len(found.parameters) == count
    assert [(entry.name, entry.pattern, entry.optional) for entry in found.inputs] == [("x", None, False)]


def test_a_block_may_take_nothing_and_any_shape():
    assert block("Name()()").inputs == ()
    assert len(block("Name()(x[..., D])").inputs[0].pattern.dims) == 2


@pytest.mark.parametrize(
    ("key", "message", "pointed"),
    [
        ("B(x[N])", "an input is not allowed among the hyperparameters", "x[N]"),
        ("B(1)", "a hyperparameter is a name", "1"),
        ("B(a, a=3)", "a hyperparameter a is named twice", "a"),
        ("B()(x, x=None)", "an input x is named twice", "x"),
        ("B()(x=3)", "an optional input is written x=None", "3"),
        ("B()(1)", "an input is a name", "1"),
        ("B(**p)", "** is not allowed", "**p"),
        ("B()(x[1:2])", "a size is an integer", "1:2"),
        ("B()()()", "not a block signature", None),
        ("B.c", "not a block signature", "B.c"),
        ("B(", "( is never closed", "("),
        ("class", "class is a Python keyword", None),
        ("auto()", "auto means a size", "auto"),
    ],
)
def test_slips_in_a_signature(key, message, pointed):
    problem = only(f"blocks:\n  {key}:\n    fc: Linear(3, 4)\n{M}")
    assert message in problem.message
    if pointed is not None:
        assert problem.span.text == pointed


# The other keys


def test_the_settings_of_a_file():
    text = """\
name: Net
hparams: {depth: 12, act: relu, sizes: [3, [4, no]], drop: 1e-1, flag: true, none: null}
dims: {H: 224}
import: {Mine: "pkg.layers:Mine"}
variants: {small: {depth: 6, H: 32}, big: {W: 9}}
tie: {head.weight: embed.weight}
freeze: [features.*, "stem.?"]
expect: {parameters: 25.6M, macs: <= 4.1G, trainable: "> 1_000", buffers: "81,290", parameter_bytes: 300K, output: 10}
output: {logits: fc, other: "fc[0]"}
input: {img: 3xHxW, words: "int64[N, T]"}
layers:
  fc: Linear(3, 4)
"""
    spec = loads(text)
    assert spec.problems == ()
    assert spec.name == "Net"
    assert {name: value.value for name, value in spec.hparams.items()} == {
        "depth": 12, "act": "relu", "sizes": [3, [4, "no"]], "drop": 0.1, "flag": True, "none": None,
    }  # fmt: skip
    assert spec.hparams["sizes"].span.text == "[3, [4, no]]"
    assert spec.dims["H"].value == 224
    assert spec.imports["Mine"].target == "pkg.layers:Mine"
    assert {key: {k: v.value for k, v in variant.values.items()} for key, variant in spec.variants.items()} == {
        "small": {"depth": 6, "H": 32}, "big": {"W": 9},
    }  # fmt: skip
    tie = spec.tie["head.weight"]
    assert (tie.to, tie.path_span.text, tie.to_span.text) == ("embed.weight", "head.weight", "embed.weight")
    assert [(glob.value, glob.span.text) for glob in spec.freeze] == [
        ("features.*", "features.*"), ("stem.?", '"stem.?"'),
    ]  # fmt: skip
    counts = {entry.quantity: (entry.relation, entry.value) for entry in spec.expect}
    assert isinstance(counts.pop("output")[1], ShapePattern)
    assert counts == {
        "parameters": ("==", 25_600_000), "macs": ("<=", 4_100_000_000), "trainable": (">", 1000),
        "buffers": ("==", 81290), "parameter_bytes": ("==", 300_000),
    }  # fmt: skip
    assert {name: value.text for name, value in spec.output.value.items()} == {"logits": "fc", "other": "fc[0]"}
    assert [(entry.name, entry.name_span.text) for entry in spec.inputs] == [("img", "img"), ("words", "words")]


@pytest.mark.parametrize(
    ("yaml", "count"),
    [("10", None), ("[N, 10]", None), ("[1x10, '[N, 3]']", 2), ("[[N, 1], [N, 2]]", 2), ("{a: 10, b: [N]}", 2)],
)
def test_an_expected_output_mirrors_the_output(yaml, count):
    spec = loads(f"expect: {{output: {yaml}}}\n{M}")
    assert spec.problems == ()
    value = spec.expect[0].value
    assert isinstance(value, ShapePattern) if count is None else len(value) == count


@pytest.mark.parametrize(("yaml", "count"), [("fc", None), ("[fc, fc]", 2), ("(fc, fc)", None), ("{a: fc}", 1)])
def test_an_output(yaml, count):
    value = loads(f"output: {yaml}\n{M}").output.value
    assert isinstance(value, Expression) if count is None else len(value) == count


def test_a_single_glob_freezes():
    assert loads(f"freeze: a.*\n{M}").freeze[0].value == "a.*"


def test_a_text_has_a_name_too():
    assert loads(M).name == "model"
    assert loads(M, name="folder/net.yaml").name == "net"


@pytest.mark.parametrize(
    ("text", "kind", "message", "pointed"),
    [
        ("input: 3\n", "missing-key", "no layers", ""),
        ("layers: {a: b}\n", "missing-key", "no input", ""),
        ("input: 3\nlayers: 5\n", "wrong-type", "layers expects steps", "5"),
        ("input: 3\nlayers:\n", "wrong-type", "not nothing", ""),
        ("input: 3\nlayers: {}\n", "missing-key", "has no steps", "{}"),
        ("input: 3\nlayers:\n  a:b\n", "syntax", "a space is missing", ":"),
        ("outputs: a\n" + M, "unknown-key", "outputs is not a key", "outputs"),
        ("hparams: 3\n" + M, "wrong-type", "hparams is a mapping", "3"),
        ("hparams: {a: {b: c}}\n" + M, "wrong-type", "a number, a word or a list", "{b: c}"),
        ("hparams: {N: 3}\n" + M, "invalid-name", "N means the batch", "N"),
        ("hparams: {a b: 3}\n" + M, "invalid-name", "cannot name an hparam", "a b"),
        ("dims: {H: 1.5}\n" + M, "wrong-type", "a whole number", "1.5"),
        ("dims: {H: -1}\n" + M, "wrong-type", "a whole number", "-1"),
        ("variants: {a: {b: 1}}\n" + M, "unknown-name", "neither an hparam nor a size", "b"),
        *[
            (
                f"variants: {{a: {{H: {size}}}}}\ninput: [N, H]\nlayers:\n  a: ReLU()\n",
                "wrong-type",
                "the size H is",
                size,
            )
            for size in ("-3", "abc", "[1]", "1.5", "true")
        ],
        ("variants: {a: 3}\n" + M, "wrong-type", "the variant a is a mapping", "3"),
        ("expect: {foo: 3}\n" + M, "unknown-key", "not a quantity of expect", "foo"),
        ("expect: {macs: 1.5}\n" + M, "wrong-type", "a whole number", "1.5"),
        ("expect: {macs: lots}\n" + M, "wrong-type", "macs is a count", "lots"),
        ("expect: {macs: " + "9" * 30 + "}\n" + M, "too-large", "2**63", None),
        ("tie: {a: a}\n" + M, "ambiguous-name", "tied to itself", "a"),
        ("tie: {a: [b]}\n" + M, "wrong-type", "a parameter's path", "[b]"),
        ("freeze: {a: b}\n" + M, "wrong-type", "a list of globs", "{a: b}"),
        ("import: {A: foo}\n" + M, "syntax", "module.path:Class", "foo"),
        ("import: {A: [a]}\n" + M, "wrong-type", "module.path:Class", "[a]"),
        ("include: {a: b.yaml}\n" + M, "include-refused", "only a file can include", "b.yaml"),
        ("output: [[a]]\n" + M, "wrong-type", "output names a value", "[a]"),
        ("output: f(\n" + M, "syntax", "( is never closed", "("),
        ("name: [a]\n" + M, "wrong-type", "the model's name", "[a]"),
        ("blocks: {B: 3}\n" + M, "wrong-type", "the block B expects steps", "3"),
        ("blocks: {B: {a: b}, B(c): {a: b}}\n" + M, "duplicate-key", "the block B is written twice", "B"),
    ],
)
def test_slips(text, kind, message, pointed):
    problem = only(text)
    assert problem.kind == kind
    assert message in problem.message
    if pointed is not None:
        assert problem.span.text == pointed


@pytest.mark.parametrize(
    ("key", "near"), [("inputs", "input"), ("layer", "layers"), ("hparam", "hparams"), ("dim", "dims")]
)
def test_an_unknown_key_offers_the_nearest(key, near):
    assert problems(f"{key}: 3\n{M}")[0].help == (f"did you mean {near}?",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hparams: {fc: 1}\n" + M, "fc is a step and also an hparam"),
        ("hparams: {a: 1}\ndims: {a: 2}\n" + M, "a is a size and also an hparam"),
        ("hparams: {x: 1}\n" + M, "x is an input and also an hparam"),
        ("blocks: {fc: {a: ReLU()}}\n" + M, "fc is a step and also a block"),
        ("blocks: {B()(): {a: ReLU()}}\ninput: {B: 3}\nlayers: {fc: ReLU()}\n", "B is an input and also a block"),
        ("import: {B: 'a:B'}\nblocks: {B: {a: ReLU()}}\n" + M, "B is a block and also an import"),
        ("blocks: {B(p): {p: ReLU()}}\n" + M, "p is a step and also a hyperparameter"),
        ("blocks: {B(p)(p): {a: ReLU()}}\n" + M, "p is an input and also a hyperparameter"),
        ("blocks: {B()(y): {y: ReLU()}}\n" + M, "y is a step and also an input"),
        ("hparams: {d: 1}\ninput: 3\nlayers: {d: ReLU()}\n", "d is a step and also an hparam"),
        ("input: HxW\nlayers: {H: ReLU()}\n", "H is a step and also a size of the input"),
        ("input: {x: '[x, 3]'}\nlayers: {a: ReLU()}\n", "x is an input and also a size of the input"),
        ("blocks:\n  A()(x[x, T]): {a: ReLU()}\n" + M, "x is an input and also a size of the input"),
        ("blocks:\n  A()(x[N, T]): {T: ReLU()}\n" + M, "T is a step and also a size of the input"),
        ("hparams: {maxlen: 3}\ninput: 1xmaxlen\nlayers: {a: b}\n", "maxlen reads as ma x len here"),
    ],
)
def test_names_that_could_be_confused_are_both_shown(text, message):
    problem = only(text)
    assert problem.kind == "ambiguous-name"
    assert message in problem.message
    assert problem.related[0].span.text != ""


@pytest.mark.parametrize(
    "text",
    [
        "hparams: {d: 1}\nblocks: {B: {c: {d: ReLU()}}}\n" + M,
        "hparams: {d: 1}\nblocks: {B: {d: ReLU()}}\n" + M,
        "hparams: {d: 1}\nblocks: {B()(d): {a: ReLU()}}\n" + M,
        "blocks: {B(d): {a: {d: ReLU()}}, d: {a: ReLU()}}\n" + M,
        "hparams: {d: 1}\ninput: {y: 3}\nlayers: {a: {d: ReLU(), a: ReLU(), y: ReLU()}}\n",
        "input: 3\nlayers: {fc: ReLU()}\nblocks: {B(fc)(y): {a: ReLU()}}\n",
    ],
)
def test_an_inner_name_may_hide_an_outer_one(text):
    assert problems(text) == ()


def test_a_blocks_hyperparameter_may_hide_an_hparam():
    assert problems("hparams: {d: 1}\nblocks: {B(d=d): {a: 'Linear(d, d)'}}\n" + M) == ()


def test_all_faults_come_at_once_in_the_order_of_the_text():
    text = "inptu: 3\nhparams: {a: {b: 1}}\nlayers:\n  a: f(\n  a.b: g\n  c: h -> 3xx\nexpect: {foo: 1}\n"
    lines = [problem.span.line for problem in problems(text)]
    assert lines == sorted(lines)
    assert set(lines) == {1, 2, 4, 5, 6, 7}
