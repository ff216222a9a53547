"""Models that nobody vouches for: what they compute is bounded, whatever they are made of."""

import pytest

from nnshape import loads, trace
from nnshape.spec.limits import PROBLEMS

DOUBLED = "\n".join(f"t{i}: (t{i - 1}, t{i - 1})" for i in range(1, 60))
LOOPS = " ".join(f"for i{k} in range(100)" for k in range(9))
#: Each with the text at which reading ends, and the step that it stands in.
HOSTILE = {
    "nested tuples": (f"t0: (1, 1)\n{DOUBLED}", "t16", "t15"),
    "nested tuples of tensors": (f"t0: (x, x)\n{DOUBLED}", "t15", "t14"),
    "a tuple of tuples": ("a: ((0,) * 9999,) * 9999", "a", "((0,) * 9999,) * 9999"),
    "a text of tuples": ("a: f'{((0,) * 9999,) * 9999}'", "a", "((0,) * 9999,) * 9999"),
    "a loop in a loop": ("a: len([0 for i in range(5000) for j in range(5000) if 0])", "a", "range(5000)"),
    "nine loops": (f"a: sum([1 {LOOPS}])", "a", None),
    "loops one after the other": ("\n".join(f"a{i}: len([{i} for i in range(9999)])" for i in range(300)), None, None),
    "lists in a sum": ("a: sum([[0] * 10000 for i in range(10000)])", "a", "[0] * 10000"),
    "compared tuples": ("a: ((0,) * 499,) * 499\n" + "\n".join(f"b{i}: a == a" for i in range(9)), None, "a"),
    "unpacked tuples": ("a: (0,) * 9999\n" + "\n".join(f"b{i}: ({'*a, ' * 200})" for i in range(9)), None, None),
    "texts": ("a: [f'{(0,) * 2000}' for i in range(10000)]", "a", None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_model_computes_is_bounded(name):
    text, step, place = HOSTILE[name]
    lines = [f'  {line.partition(": ")[0]}: "{line.partition(": ")[2]}"' for line in text.split("\n")]
    (problem,) = trace(loads("\n".join(["input: 4", "layers:", *lines]))).problems
    assert problem.kind == "too-large"
    assert problem.span is not None
    assert step is None or lines[problem.span.line - 3].startswith(f"  {step}:")
    assert place is None or problem.span.text == place


def test_a_model_of_many_calls_is_no_hostile_one(of):
    t = of("input: 4\nlayers:\n" + "".join(f"  s{i}: Sequential(Linear(4, 4) for i in range(999))\n" for i in range(9)))
    assert not t.problems


def test_problems_are_read_to_a_limit(of):
    t = of("input: 4\nlayers:\n" + "".join(f"  s{i}: Linear(5, 3)(x)\n" for i in range(PROBLEMS + 50)))
    assert len(t.problems) == PROBLEMS + 2
    assert t.problems[-1][0] == "too-large"


@pytest.mark.parametrize(
    ("step", "name"),
    [
        ("LSTM(4, 4, 2**62)", "num_layers"),
        ("Transformer(4, 2, 10**9, 1)", "num_encoder_layers"),
        ("TransformerEncoder(TransformerEncoderLayer(4, 2), 10**12)", "num_layers"),
        ("chain_matmul(*[x @ x.T] * 5000)", None),
        ("x.unbind(1)", None),
    ],
)
def test_an_argument_asks_for_no_more_than_there_can_be(steps, step, name):
    t = steps(f'a: "{step}"', input="[4, 20000]")
    assert [kind for kind, _, _ in t.problems] == ["too-large"]
    assert name is None or t.trace.problems[0].message.startswith(name)


def test_a_text_has_a_limit(steps):
    t = steps("a: \"[f'{i}' + f'{i}' for i in range(3)]\"\nb: \"(0,) * 9999\"\nc: \"f'{b}'\"")
    assert t.problems == [("too-large", 5, "f'{b}'")]


@pytest.mark.parametrize(
    ("step", "kind", "words"),
    [
        ("Parameter(4, dtype=int64)", "wrong-dtype", "int64 numbers cannot learn"),
        ("Parameter(4, dtype=bool)", "wrong-dtype", "bool numbers cannot learn"),
        ("Parameter(arange(4))", "wrong-dtype", "int64 numbers cannot learn"),
        ("Parameter(4, dtype='a')", "wrong-type", "dtype is one of torch's"),
        ("Parameter(4, dtype=7)", "wrong-type", "dtype is one of torch's"),
        ("Parameter(4, requires_grad=1)", "wrong-type", "requires_grad is True or False"),
        ("Parameter(-1)", "wrong-type", "takes sizes"),
        ("Parameter(True)", "wrong-type", "takes sizes"),
        ("Buffer(4, requires_grad=True)", "unknown-argument", "requires_grad"),
        ("Buffer(4, persistent='no')", "wrong-type", "persistent is True or False"),
    ],
)
def test_a_tensor_that_cannot_be_a_parameter(steps, step, kind, words):
    t = steps(f'a: "{step}"\nb: relu(x)')
    (problem,) = t.trace.problems
    assert problem.kind == kind
    assert words in problem.message
    assert problem.span.text == step


def test_a_parameter_that_asks_for_no_gradient_is_frozen(steps):
    t = steps(
        "a: Parameter(4, dtype=int64, requires_grad=False)\nb: Parameter(3, requires_grad=False)\nc: Parameter(2)"
    )
    assert [row.trainable for row in t.trace.parameters] == [False, False, True]
    assert (t.trace.totals.parameters, t.trace.totals.trainable) == (9, 2)
