"""A step that nothing uses is a warning; what works in another way is none."""

from __future__ import annotations

import pytest

import nnshape


def told(text: str) -> list[tuple[str, int, int]]:
    trace = nnshape.trace(nnshape.loads(text))
    assert trace.errors == ()
    return [
        (problem.message, problem.span.line, problem.span.column)
        for problem in trace.problems
        if problem.kind == "unused-step" and problem.span is not None
    ]


def test_a_step_that_the_next_one_passes_by() -> None:
    text = "input: 16\nlayers:\n  fc1: Linear(16, 8)\n  act: relu(x)\n  fc2: Linear(16, 2)\n"
    assert told(text) == [("nothing uses fc1", 3, 8)]


def test_a_step_of_a_block_is_told_once() -> None:
    text = (
        "input: 8\nblocks:\n  B(d):\n    a: Linear(d, d)\n    b: Linear(d, d)(x)\nlayers:\n  one: B(8)\n  two: B(8)\n"
    )
    assert told(text) == [("nothing uses a", 4, 8)]


def test_what_an_output_does_not_name() -> None:
    text = "input: 8\nlayers:\n  a: Linear(8, 4)\n  b: Linear(8, 2)(x)\noutput: a\n"
    assert told(text) == [("nothing uses b", 4, 6)]
    assert told(text.replace("output: a", "output: [a, b]")) == []


@pytest.mark.parametrize(
    "steps",
    [
        "  a: Linear(8, 8)\n  b: relu_(a)\n  c: Linear(8, 2)(a)",  # in place
        "  a: Linear(8, 8)\n  b: ReLU(inplace=True)(a)\n  c: Linear(8, 2)(a)",
        "  a: Linear(8, 8)\n  b: a(x)\n  c: Linear(8, 2)",  # its module is applied again
        "  a: Linear(8, 8)\n  b: x @ a.weight",  # its parameter is read
        "  a: Linear(8, 4)\n  b: x.view(N, a.shape[1], 2)",  # its size is used
        "  a: (x, x)\n  b: a[0] + 1",
        "  a: x.chunk(2, 1)\n  b: cat(a, 1)",
        "  k: x.shape[1] // 2\n  b: Linear(8, k)",  # a number is no row
    ],
)
def test_what_works_in_another_way(steps: str) -> None:
    assert told(f"input: 8\nlayers:\n{steps}\n") == []


def test_a_tied_step_is_used() -> None:
    text = "input: 8\nlayers:\n  a: Linear(8, 8)\n  b: Linear(8, 8)(x)\ntie: {b.weight: a.weight}\n"
    assert told(text) == []


def test_nothing_is_told_of_a_model_with_an_error() -> None:
    trace = nnshape.trace(nnshape.loads("input: 8\nlayers:\n  a: Linear(8, 4)\n  b: Linear(9, 2)(x)\n"))
    assert [problem.kind for problem in trace.problems] == ["size-mismatch"]


@pytest.mark.parametrize(("step", "count"), [("n{0} + n{0}", 40), ("n{0} + 1", 700)])
def test_run_time_sizes_derived_from_each_other_are_walked_once(step: str, count: int) -> None:
    # Followed along each path, 40 doublings take 2**40 visits, and a chain of 700 exceeds Python's recursion limit.
    sizes = [f"  n{i + 1}: {step.format(i)}\n" for i in range(count)]
    text = "input: 4\nlayers:\n  a: Linear(4, 4)\n  n0: a.shape[1]\n" + "".join(sizes)
    text += f"  b: x.reshape(N, n{count} // n{count} * n0)\n"
    assert told(text) == []
    assert told(text + "  c: Linear(4, 2)(x)\noutput: c\n") == [("nothing uses b", text.count("\n"), 6)]


@pytest.mark.parametrize("comment", ["# a is a note\n", "  # and a is one\n", "  b: Linear(8, 2)(x)  # a, too\n"])
def test_a_comment_uses_no_step(comment: str) -> None:
    text = f"input: 8\nlayers:\n  a: Linear(8, 4)\n{comment}"
    text += "" if "b:" in comment else "  b: Linear(8, 2)(x)\n"
    assert told(text) == [("nothing uses a", 3, 6)]
    assert told("# a\n" + text) == [("nothing uses a", 4, 6)]


def test_the_search_for_mentions_in_a_long_file_is_limited() -> None:
    steps = "".join(f"  a{i}: relu(x)\n" for i in range(600))
    text = f"input: 8\nlayers:\n{steps}  z: relu(x)\n"
    assert len(told(text)) == 600
    assert 0 < len(told(f"{text}#{'x' * 900_000}\n")) < 600
