"""Names that people write from habit get their own words, and no far guess."""

import pytest

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
