"""Names that people write from habit get their own words, and no far guess."""

import pytest

import nnshape
from nnshape.fixes.editing import edited
from nnshape.shapes.layers import all_layers

HABITS = {
    "self": ("a: self.conv1(x)", "unknown-name", "self", "a spec has no self"),
    "a Python constant": ("a: Linear(8, 4, bias=false)", "unknown-name", "false", "false is written False here"),
    "a step made later": ("a: stem + x\n  stem: ReLU()", "unknown-name", "stem", "stem is made later, at line 4"),
    "Keras": ("a: Dense(3)", "unknown-layer", "Dense", "Dense is a layer of Keras"),
    "einops": ("a: rearrange(x, 'b c -> c b')", "unknown-name", "rearrange", "rearrange is a function of einops"),
}


@pytest.mark.parametrize(("body", "kind", "text", "message"), HABITS.values(), ids=HABITS)
def test_a_habit_is_told_in_its_own_words(of, body, kind, text, message):
    t = of(f"input: 8\nlayers:\n  {body}\n")
    assert [(k, s) for k, _, s in t.problems] == [(kind, text)]
    assert message in t.trace.problems[0].message
    assert "did you mean" not in "".join(t.trace.problems[0].help)


def test_a_block_does_not_see_the_steps_of_the_model(of):
    t = of("input: 8\nblocks:\n  B():\n    s: x + stem\nlayers:\n  stem: ReLU()\n  b: B()\n")
    assert t.trace.problems[0].message == "the block B does not see the model's step stem"


def test_a_guess_is_of_the_same_sort_and_near(of):
    for name, help in (("softmaks(1)", ("did you mean softmax?",)), ("Tensorflow(1)", ()), ("foobar(1)", ())):
        assert of(f"input: 8\nlayers:\n  a: {name}\n").trace.problems[0].help == help


def test_a_fraction_asks_for_the_whole_division(of):
    (problem,) = of("input: 768\nhparams: {d: 768}\nlayers:\n  a: Linear(768, d / 12)\n").trace.problems
    assert (problem.kind, problem.span.text) == ("wrong-type", "d / 12")
    assert problem.help == ("use // to divide: / gives a float, even where nothing is left over",)
    assert of("input: 8\nlayers:\n  a: Linear(8, 2.5)\n").trace.problems[0].help == ()


BARE = {
    "a list item": ("- ReLU", "0 names the layer type ReLU without making one", "- ReLU()"),
    "a layer with a prefix": ("act: nn.SiLU", "act names the layer type SiLU without making one", "act: nn.SiLU()"),
    "a size of its input": (
        "bn: BatchNorm1d",
        "bn names the layer type BatchNorm1d without making one",
        "bn: BatchNorm1d(auto)",
    ),
    "a function": ("a: F.relu", "a names the function relu without calling it", "a: F.relu()"),
    "a function of all dimensions": ("- flatten", "0 names the function flatten without calling it", "- flatten(1)"),
    "an item": (
        "s: Sequential(Linear(8, 4), ReLU)",
        "1 names the layer type ReLU without making one",
        "s: Sequential(Linear(8, 4), ReLU())",
    ),
    "a block": ("b: B", "b names the block B without making one", "b: B()"),
}


@pytest.mark.parametrize(("step", "message", "fixed"), BARE.values(), ids=BARE)
def test_a_name_alone_is_no_step(of, step, message, fixed):
    blocks = "blocks:\n  B():\n    a: ReLU()\n" if "block" in message else ""
    text = f"input: 8\n{blocks}layers:\n{'' if step[0] == '-' else '  '}{step}\n"
    t = of(text)
    assert [(p.kind, p.message) for p in t.trace.problems] == [("wrong-type", message)]
    (fix,) = nnshape.find_fixes(t.trace)
    assert fix.shown == fixed
    assert edited(text, fix.edits) == text.replace(step, fixed)


@pytest.mark.parametrize("name", sorted(all_layers()))
def test_every_layer_that_is_named_alone_says_how_to_write_it(of, name):
    (problem,) = of(f"input: [N, 8, 4, 4]\nlayers:\n- {name}\n").trace.problems
    assert problem.kind == "wrong-type"
    assert problem.help[0].startswith(f"write {name}(")


MEANT = {
    "self": ("fc: Linear(8, 4)\n  a: self.fc(x)", "self", "a: fc(x)"),
    "NumPy": ("a: np.mean(x)", "np", "a: mean(x)"),
    "JAX": ("a: jax.nn.gelu(x)", "jax", "a: gelu(x)"),
    "newaxis": ("a: x[:, np.newaxis]", "np", "a: x[:, None]"),
    "TensorFlow": ("a: tf.reduce_mean(x, axis=1)", "tf", "a: mean(x, axis=1)"),
    "a layer in nn": ("a: nn.Relu()", "Relu", "a: nn.ReLU()"),
    "a function in F": ("a: F.rellu(x)", "rellu", "a: F.relu(x)"),
    "a method": ("a: x.flaten(1)", "flaten", "a: x.flatten(1)"),
    "an attribute": ("a: x.view(N, 2, x.shpe[1] // 2)", "x.shpe", "a: x.view(N, 2, x.shape[1] // 2)"),
    "a misspelt layer alone": ("a: Relu", "Relu", "a: ReLU()"),
}


@pytest.mark.parametrize(("steps", "place", "fixed"), MEANT.values(), ids=MEANT)
def test_a_habit_has_a_fix(of, steps, place, fixed):
    t = of(f"input: 8\nlayers:\n  {steps}\n")
    assert t.trace.problems[0].span.text == place
    (fix,) = nnshape.find_fixes(t.trace)
    assert fix.shown == fixed


SIZES = {
    "the batch": ("3x8x8", "view(B, -1)", "B is no size of this model, whose batch is N", "view(N, -1)"),
    "the batch in words": ("3x8x8", "x.view(batch_size, 3, -1)", "batch_size is no size of", "x.view(N, 3, -1)"),
    "any name in front": ("3x8x8", "x.view(rows, -1)", "rows is no size of this model", "x.view(N, -1)"),
    "a batch without N": ("[T, 8]", "x.reshape(B, 2, 4)", "B is no step, hparam", "x.reshape(x.shape[0], 2, 4)"),
    "a map": ("3x8x8", "x.view(B, C, H * W)", "B is no size", "x.view(N, x.shape[1], x.shape[2] * x.shape[3])"),
    "an attribute of torch": ("5x8", "x.view(N, T, 2, 4)", "T is no step, hparam", "x.view(N, x.shape[1], 2, 4)"),
    "in a factory": ("8", "x + zeros(B, 8)", "B is no size of this model", "x + zeros(N, 8)"),
}


@pytest.mark.parametrize(("shape", "step", "message", "fixed"), SIZES.values(), ids=SIZES)
def test_a_size_that_no_input_has(of, shape, step, message, fixed):
    (problem,) = (t := of(f"input: {shape}\nlayers:\n  a: {step}\n")).trace.problems
    assert problem.kind == "unknown-name"
    assert problem.message.startswith(message)
    (fix,) = nnshape.find_fixes(t.trace)
    assert fix.shown == f"a: {fixed}"


def test_a_size_that_nothing_tells_is_only_named(of):
    (problem,) = (t := of("input: 3x8x8\nlayers:\n  a: x.view(N, foo, -1)\n")).trace.problems
    assert problem.help == ("name it in the shape of an input", "or read it off a tensor: x.shape[1]")
    assert nnshape.find_fixes(t.trace) == ()


@pytest.mark.parametrize("name", ["sorted", "isinstance", "map", "getattr", "print"])
def test_a_function_of_python_is_no_misspelling(of, name):
    (problem,) = of(f"input: 8\nlayers:\n  a: {name}(x)\n").trace.problems
    assert problem.message == f"{name} is a function of Python that a spec does not have"


LATER = {
    "of the model": "input: 8\nlayers:\n  a: relu(stem)\n  stem: Linear(8, 4)\n",
    "of a block": "input: 8\nblocks:\n  B():\n    a: relu(stem)\n    stem: Linear(8, 4)\nlayers:\n  b: B()\n",
    "of a nested block": "input: 8\nlayers:\n  b:\n    a: relu(stem)\n    stem: Linear(8, 4)\n",
    "of the body around it": "input: 8\nlayers:\n  b:\n    a: relu(stem)\n  stem: Linear(8, 4)\n",
}


@pytest.mark.parametrize("text", LATER.values(), ids=LATER)
def test_a_step_that_is_made_later(of, text):
    t = of(text)
    line = next(i for i, line in enumerate(text.splitlines(), 1) if line.strip().startswith("stem:"))
    assert t.trace.problems[0].message == f"stem is made later, at line {line}"
    if text != LATER["of the body around it"]:
        (fix,) = nnshape.find_fixes(t.trace)
        after = edited(text, fix.edits)
        assert after.index("stem: Linear") < after.index("a: relu(stem)")
        assert nnshape.trace(nnshape.loads(after)).problems == ()


REST = {
    "numbers": "q: x.view(N, 5, 7, 768 // 7)",
    "the size of a tensor": "q: x.view(N, 5, 7, x.shape[-1] // 7)",
    "an unflatten": "q: unflatten(2, (7, 768 // 7))",
    "a step": "d: 768 // 7\n  q: x.view(N, 5, 7, d)",
}


@pytest.mark.parametrize("steps", REST.values(), ids=REST)
def test_a_division_that_leaves_a_rest_is_shown(of, steps):
    (problem,) = of(f"input: 5x768\nlayers:\n  {steps}\n").trace.problems
    assert problem.kind == "size-mismatch"
    (label,) = [label for label in problem.related if "over" in label.text]
    assert label.text == "768 // 7 leaves 5 over"
    assert label.span.text.endswith("// 7")


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ("MultiheadAttention(768, 7, batch_first=True)(x, x, x)", "768 // 7 leaves 5 over"),
        ("TransformerEncoderLayer(768, 7, batch_first=True)", "768 // 7 leaves 5 over"),
        ("GroupNorm(2, 5)", "5 // 2 leaves 1 over"),
    ],
)
def test_what_a_division_leaves_over_is_the_label(of, step, text):
    (problem,) = of(f"input: 5x768\nlayers:\n  a: {step}\n").trace.problems
    assert (problem.kind, problem.label) == ("not-divisible", text)


B = "input: 64x8x8\nblocks:\n  B(c)(x[N, c, 8, 8], y=None):\n    a: Conv2d(c, 3, 3)\nlayers:\n  a: "
ARGUMENTS = {
    "a surplus hyperparameter": ("B(64, 31)", "31"),
    "a surplus input": ("B(64)(x, None, x.T)", "x.T"),
    "an input of a wrong shape": ("B(32)(x, None)", "x"),
    "an input of a wrong shape by name": ("B(32)(y=None, x=x)", "x"),
    "an unknown input": ("B(64)(x, z=x)", "z=x"),
    "the running value": ("B(32)", "B(32)"),
    "a missing input": ("B(64)(y=x)", "B(64)(y=x)"),
}


@pytest.mark.parametrize(("step", "place"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_a_fault_of_a_block_s_argument_is_at_the_argument(of, step, place):
    problem = of(f"{B}{step}\n").trace.problems[0]
    assert problem.span.text == place


SEVERAL = "input: 5x64\nlayers:\n  a: MultiheadAttention(64, 4, batch_first=True)(x, x, x)\n  b: "


@pytest.mark.parametrize(("step", "fixed"), [("a + 1", "a[0] + 1"), ("1 - a", "1 - a[0]"), ("a / 8", "a[0] / 8")])
def test_arithmetic_takes_one_of_several_values(of, step, fixed):
    (problem,) = (t := of(SEVERAL + step + "\n")).trace.problems
    assert (problem.kind, problem.span.text) == ("wrong-type", step)
    (fix,) = nnshape.find_fixes(t.trace)
    assert edited(SEVERAL + step, fix.edits) == SEVERAL + fixed


def test_tuples_are_still_joined_and_repeated(of):
    assert of("input: 5x8\nlayers:\n  a: x.chunk(2, 2)\n  b: a + a\n  c: cat(b, 2)\n").problems == []


def test_a_label_names_the_output_of_an_attention(of):
    (problem,) = of(SEVERAL.replace("5x64", "{x: 5x64, k: 7x64}") + "a[0] + k\n").trace.problems
    assert [(label.span.line, label.text) for label in problem.related] == [(3, "attn_output: 5x64"), (1, "k is 7x64")]


def test_a_list_in_a_sequential_is_refused_as_torch_does(of):
    text = "input: 8\nlayers:\n  a: nn.Sequential([Linear(8, 4), ReLU()])\n"
    (problem,) = (t := of(text)).trace.problems
    assert problem.notes == ("torch says: list is not a Module subclass",)
    (fix,) = nnshape.find_fixes(t.trace)
    assert edited(text, fix.edits) == text.replace("[", "*[")


METHODS = {
    "item": "item reads the values of a tensor, which are unknown until the model runs",
    "numpy": "numpy reads the values of a tensor, which are unknown until the model runs",
    "tolist": "tolist reads the values of a tensor, which are unknown until the model runs",
    "backward": "a step cannot call the method backward of a tensor",
    "is_contiguous": "a step cannot call the method is_contiguous of a tensor",
    "relu6": "a tensor has no method relu6",
    "foo": "a tensor has no method foo",
}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_of_torch_is_told_from_one_that_there_is_not(of, name):
    (problem,) = (t := of(f"input: 8\nlayers:\n  a: x.{name}()\n")).trace.problems
    assert (problem.kind, problem.span.text, problem.message) == ("unknown-name", name, METHODS[name])
    assert nnshape.find_fixes(t.trace) == ()


def test_a_spec_names_no_device(of):
    (problem,) = of("input: 8\nlayers:\n  a: x.to(device)\n").trace.problems
    assert (problem.span.text, problem.help) == ("device", ("leave it out",))


OUTER = {
    "with its inputs": ("B(c)(x)", "B(3)(x)", "B(c)(x, stem)", "B(3)(x, stem)"),
    "without its inputs": ("B(c)", "B(3)", "B(c)(x, stem)", "B(3)(_, stem)"),
    "without brackets": ("B", "B()", "B()(x, stem)", "B()(_, stem)"),
    "in a loop": ("B(c)", "Sequential(B(3) for i in range(2))", "B(c)(x, stem)",
                  "Sequential(B(3)(_, stem) for i in range(2))"),
}  # fmt: skip


@pytest.mark.parametrize(("key", "step", "new_key", "new_step"), OUTER.values(), ids=OUTER)
def test_a_step_of_the_model_becomes_an_input_of_the_block(of, key, step, new_key, new_step):
    c = "c" if "c" in key else "3"
    text = (
        f"input: 3x8x8\nblocks:\n  {key}:\n    a: Conv2d(3, {c}, 3, 1, 1)\n    b: a + stem\n"
        f"layers:\n  stem: Conv2d(3, 3, 3, 1, 1)\n  b: {step}\n"
    )
    (fix,) = nnshape.find_fixes(of(text).trace)
    after = edited(text, fix.edits)
    assert f"  {new_key}:\n" in after
    assert after.endswith(f"  b: {new_step}\n")
    assert nnshape.verify(nnshape.trace(nnshape.loads(after)), device="cpu").agree


def test_a_block_that_is_called_twice_has_only_words(of):
    text = "input: 8\nblocks:\n  B():\n    s: x + stem\nlayers:\n  stem: ReLU()\n  b: B()\n  c: B()\n"
    t = of(text)
    assert t.trace.problems[0].help == ("give it to the block as an input: B()(x, stem):",)
    assert nnshape.find_fixes(t.trace) == ()


@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax", "softmax", "F.log_softmax"])
def test_a_softmax_that_is_named_alone_is_along_the_last_dimension(of, name):
    (fix,) = nnshape.find_fixes(of(f"input: 8\nlayers:\n  a: {name}\n").trace)
    assert fix.shown == f"a: {name}(-1)"
