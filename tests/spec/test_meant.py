"""Texts in the syntax of Python, and shapes as other tools write them, are told what to write, with a fix."""

import pytest

import nnshape
from nnshape.fixes.editing import edited

SHAPES = {
    "(3, 8, 8)": "3x8x8",
    "(3, H, W)": "3xHxW",
    "(3, max_h, max_w)": "3 x max_h x max_w",
    "(N, 3, 8, 8)": "[N, 3, 8, 8]",
    "(None, 3, 8, 8)": "[N, 3, 8, 8]",
    "(-1, 3, 8, 8)": "[N, 3, 8, 8]",
    "(batch_size, 3, 8, 8)": "[N, 3, 8, 8]",
    "torch.Size([3, 8, 8])": "3x8x8",
    "Size((3, 8, 8))": None,
    "(32, 3, 8, 8)": "3x8x8",
    "3, 8, 8": "3x8x8",
    "3*8*8": "3x8x8",
    "3X8X8": "3x8x8",
    "3 × 8 × 8": "3x8x8",
    "N x 3 x 8 x 8": "[N, 3, 8, 8]",
    "Nx3xHxW": "[N, 3, H, W]",
    "[None, 3, 8, 8]": "[N, 3, 8, 8]",
    "[-1, 3, 8, 8]": "[N, 3, 8, 8]",
}


@pytest.mark.parametrize(("written", "meant"), SHAPES.items(), ids=SHAPES)
def test_a_shape_as_others_write_it(written, meant):
    text = f"input: {written}\nlayers:\n  a: Conv2d(3, 4, 3)\n"
    trace = nnshape.trace(nnshape.loads(text))
    (problem,) = trace.problems
    assert (problem.kind, problem.span.line) == ("syntax", 1)
    fixes = nnshape.find_fixes(trace)
    assert [edited(text, fix.edits).splitlines()[0] for fix in fixes] == ([f"input: {meant}"] if meant else [])
    if meant:
        assert nnshape.trace(nnshape.loads(edited(text, fixes[0].edits))).problems == ()


@pytest.mark.parametrize("shape", ["(784)", "(784) x 3", "(H//2) x W", "3 x (H + 1) x (W)"])
def test_brackets_around_one_size_are_arithmetic(shape):
    assert nnshape.trace(nnshape.loads(f"input: {shape}\nlayers:\n  a: ReLU()\n")).problems == ()


def test_an_assertion_may_be_meant_too():
    trace = nnshape.trace(nnshape.loads("input: 3x8x8\nlayers:\n  a: Conv2d(3, 4, 3) -> (4, 6, 6)\n"))
    (fix,) = nnshape.find_fixes(trace)
    assert fix.shown == "a: Conv2d(3, 4, 3) -> 4x6x6"


def test_an_option_says_it_without_a_file():
    with pytest.raises(nnshape.SpecError) as caught:
        nnshape.trace(nnshape.loads("input: 3x8x8\nlayers:\n  a: ReLU()\n"), input="(3, 16, 16)")
    assert caught.value.problems[0].help == ("write 3x16x16",)


STEPS = {
    "x += 1": "x + 1",
    "x //= 2": "x // 2",
    "x @= x": None,
    "y = relu(x)": "relu(x)",
    "relu(x);": "relu(x)",
    "return relu(x)": "relu(x)",
    "Linear(8, 4),": "Linear(8, 4)",
}


@pytest.mark.parametrize(("written", "meant"), STEPS.items(), ids=STEPS)
def test_a_statement_of_python(written, meant):
    text = f"input: 8\nlayers:\n  a: {written}\n"
    trace = nnshape.trace(nnshape.loads(text))
    (problem,) = trace.problems
    assert problem.kind in ("syntax", "wrong-type")
    assert problem.help
    fixes = nnshape.find_fixes(trace)
    assert [edited(text, fix.edits).splitlines()[2].split() for fix in fixes] == (
        [f"a: {meant}".split()] if meant else []
    )


@pytest.mark.parametrize(
    "word", ["import torch", "from torch import nn", "def f(x)", "class A", "for i in x", "while x"]
)
def test_a_keyword_says_what_a_spec_has_for_it(word):
    (problem,) = nnshape.trace(nnshape.loads(f"input: 8\nlayers:\n  a: {word}\n")).problems
    assert problem.message == f"{word.split()[0]} is a Python keyword and is not allowed here"
    assert problem.help


@pytest.mark.parametrize(
    ("inputs", "meant"),
    [
        ("{image: (3, 8, 8)}", "{image: 3x8x8}"),
        ("{image: (3, 8, 8), scale: 4}", "{image: 3x8x8, scale: 4}"),
        ("{scale: 4, image: (N, 3, 8, 8)}", "{scale: 4, image: [N, 3, 8, 8]}"),
    ],
)
def test_a_tuple_that_yaml_cuts_at_its_commas_is_one_fault(inputs, meant):
    text = f"input: {inputs}\nlayers:\n  a: Conv2d(3, 4, 3)(image)\n"
    trace = nnshape.trace(nnshape.loads(text))
    assert [problem.kind for problem in trace.problems] == ["syntax"]
    (fix,) = nnshape.find_fixes(trace)
    assert edited(text, fix.edits).splitlines()[0] == f"input: {meant}"


def test_brackets_that_stay_open_are_told_each():
    inputs = ", ".join(f"a{i}: (3" for i in range(20))
    problems = nnshape.loads(f"input: {{{inputs}}}\nlayers:\n  a: ReLU()\n").problems
    assert {problem.message for problem in problems} == {"( is never closed"}
    assert len(problems) == 20
