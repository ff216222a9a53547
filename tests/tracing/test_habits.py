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
