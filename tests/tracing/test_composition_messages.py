"""Messages about names, values and containers that are put together in a way that the language does not know."""

import pytest

import nnshape

CASES = {
    "--x: ReLU()": "'--x' cannot name a step: a name does not begin with a hyphen",
    "-: ReLU()": "'-' cannot name a step: a name does not begin with a hyphen",
    "a.b: ReLU()": "'a.b' cannot name a step: a name is letters, digits, _ and hyphens",
    "a: y := relu(x)": ":= is not allowed here",
    "a: shared": "a is the module shared, not a tensor: call it",
    "a: \"{'low': x}\"": "a dict in braces is not part of the language",
}
HELP = {
    "a: shared": "write shared(_), which applies it with the same weights",
    "a: y := relu(x)": "write the name and its value in parentheses: (name := value)",
    "a: \"{'low': x}\"": "for values, write dict(low=a, high=b)",
}


def problems_of(spec):
    try:
        return nnshape.trace(nnshape.loads(spec)).errors
    except nnshape.SpecError as error:
        return error.problems


@pytest.mark.parametrize("step", CASES)
def test_a_composition_that_is_wrong_is_told_in_one_located_sentence(step):
    spec = f"input: 16\nlayers:\n  shared: Module(Linear(16, 16))\n  {step}\n  after: shared(x)\n"
    (problem,) = problems_of(spec)
    assert problem.message == CASES[step]
    assert problem.span.line == 4
    if step in HELP:
        assert problem.help[0] == HELP[step]


def test_output_names_a_step_that_python_reads_as_a_constant():
    trace = nnshape.trace(nnshape.loads("input: 16\nlayers: {None: relu(x), True: tanh(x)}\noutput: [None, True]\n"))
    assert trace.problems == ()
    assert [tensor.producer.call.name for tensor in trace.output] == ["None", "True"]


def test_an_hparam_cannot_use_a_size_of_an_input():
    (problem,) = problems_of("input: [N, T]\nhparams: {inner: 2 * T}\nlayers: {out: x * inner}\n")
    assert problem.message == "T is a size of an input, and hparams are evaluated before any input has a size"
    assert problem.span.text == "T"
    assert problem.help == ("compute it in a step",)


def test_an_attribute_of_tensors_is_no_suggestion_for_its_own_name():
    (problem,) = problems_of("input: [N, 16]\nlayers: {out: x * T}\n")
    assert problem.help == ()


@pytest.mark.parametrize("step", ["w: Parameter(4)", "n: 3", "m: Module(Linear(3, 3))", "b: {w: Parameter(4)}"])
def test_a_model_without_an_input_needs_an_output(step):
    (problem,) = problems_of(f"input: {{}}\nlayers:\n  {step}\n")
    assert problem.message == "model has no output: no step gives a tensor, and it has no input"
    assert problem.span.line == 3
    assert problems_of(f"input: 4\nlayers:\n  {step}\n") == ()
