"""Messages as they stand on the terminal."""

from __future__ import annotations

from textwrap import dedent

import pytest

from nnshape.problems import Label, Problem
from nnshape.rendering.problems import problem_count, problem_lines, problems_lines
from nnshape.rendering.styled import cells, painted
from nnshape.rendering.visible import visible_signs
from nnshape.spec import Span, source_of_text


def shown(problem: Problem, width: int = 80) -> str:
    return painted(problem_lines(problem, width), color=False)


@pytest.fixture
def source():
    lines = ["input: 1x32x32", "layers:", "  conv2: Conv2d(6, 16, 3)", "  relu2: ReLU()", "  flatten: Flatten()"]
    return source_of_text("\n".join([*lines, *["  # more"] * 20, "  fc1: Linear(400, 120)"]), "lenet.yaml")


def span_of(source, text: str) -> Span:
    start = source.text.index(text)
    return Span(source, start, start + len(text))


def test_a_problem_with_everything(source):
    problem = Problem(
        "size-mismatch",
        "fc1 wants 400 features, but 576 arrive",
        span_of(source, "400"),
        "576 arrive, 400 wanted",
        related=(
            Label(span_of(source, "Conv2d(6, 16, 3)"), "3x3 kernel: 6x14x14 -> 16x12x12"),
            Label(span_of(source, "Flatten()"), "16 * 6 * 6 = 576"),
        ),
        frames=(Label(span_of(source, "layers"), "h"), Label(span_of(source, "ReLU()"), "h.0")),
        help=("match the input:    fc1: Linear(576, 120)",),
        notes=("torch says: mat1 and mat2 shapes cannot be multiplied (2x576 and 400x120)",),
    )
    assert shown(problem) == dedent("""\
        error[size-mismatch]: fc1 wants 400 features, but 576 arrive
          --> lenet.yaml:26:15
           |
         3 |   conv2: Conv2d(6, 16, 3)
           |          ---------------- 3x3 kernel: 6x14x14 -> 16x12x12
         5 |   flatten: Flatten()
           |            --------- 16 * 6 * 6 = 576
           ⋮
        26 |   fc1: Linear(400, 120)
           |               ^^^ 576 arrive, 400 wanted
          = in h.0, called from line 4
          = in h, called from line 2
        help: match the input:    fc1: Linear(576, 120)
        note: torch says: mat1 and mat2 shapes cannot be multiplied (2x576 and 400x120)
        """)


def test_several_marks_on_one_line(source):
    problem = Problem(
        "duplicate-key", "twice", span_of(source, "16, 3"), "here", related=(Label(span_of(source, "conv2"), "there"),)
    )
    assert shown(problem).splitlines()[3:] == [
        "3 |   conv2: Conv2d(6, 16, 3)",
        "  |                    ^^^^^ here",
        "  |   ----- there",
    ]


def test_a_range_of_several_lines_is_underlined_on_its_first(source):
    problem = Problem("syntax", "all of it", span_of(source, "ReLU()\n  flatten: Flatten()"))
    assert shown(problem).splitlines()[3:] == ["4 |   relu2: ReLU()", "  |          ^^^^^^ (to line 5)"]


def test_two_sources(source):
    other = source_of_text("blocks: 1\n", "other.yaml")
    problem = Problem(
        "include-refused", "no", span_of(source, "Flatten()"), related=(Label(span_of(other, "1"), "this"),)
    )
    assert shown(problem).splitlines()[1:] == [
        " --> lenet.yaml:5:12",
        "  |",
        "5 |   flatten: Flatten()",
        "  |            ^^^^^^^^^",
        " --> other.yaml:1:9",
        "  |",
        "1 | blocks: 1",
        "  |         - this",
    ]


def test_tabs_and_wide_characters_keep_the_underline_in_place():
    source = source_of_text("a:\t日本 x", "m.yaml")
    line, marks = shown(Problem("syntax", "m", span_of(source, "x"))).splitlines()[3:]
    assert cells(line[: line.index("x")]) == marks.index("^")


@pytest.mark.parametrize("at", [0, 500, 990])
def test_a_long_line_is_cut_around_the_range(at):
    text = "a" * at + "BAD" + "c" * (997 - at)
    lines = shown(Problem("syntax", "m", span_of(source_of_text(text, "m.yaml"), "BAD")), 60).splitlines()[3:]
    assert all(cells(line) <= 60 for line in lines)
    assert lines[0].index("BAD") == lines[1].index("^^^")
    assert len(lines[1]) == lines[1].index("^^^") + 3


def test_a_range_longer_than_the_page():
    source = source_of_text("x" * 1000, "m.yaml")
    lines = shown(Problem("syntax", "m", Span(source, 100, 900)), 60).splitlines()[3:]
    assert all(cells(line) <= 60 for line in lines)


def test_an_empty_range_at_the_end_of_the_text():
    source = source_of_text("a: [", "m.yaml")
    assert shown(Problem("syntax", "unclosed", Span(source, 4, 4))).splitlines()[3:] == ["1 | a: [", "  |     ^"]


def test_a_problem_without_a_place_in_a_text():
    assert shown(Problem("unreadable", "cannot read x", place="x")) == "error[unreadable]: cannot read x\n  --> x\n"
    assert "  --> the option --set\n" in shown(Problem("syntax", "m", place="--set", argument="overrides"))
    assert "  --> the argument overrides\n" in shown(Problem("syntax", "m", argument="overrides"))
    assert "  --> --set\n" in shown(Problem("syntax", "m", place="--set")), "a file may have such a name"


def test_many_frames_are_cut_in_the_middle(source):
    frames = tuple(Label(span_of(source, "ReLU()"), f"b{i}") for i in range(20))
    lines = shown(Problem("syntax", "m", span_of(source, "400"), frames=frames)).splitlines()
    assert sum(line.startswith("  = in") for line in lines) == 6
    assert any("14 calls between" in line for line in lines)


def test_errors_come_before_warnings():
    warning = Problem("swallows-batch", "w", severity="warning", place="x")
    error = Problem("syntax", "e", place="x")
    text = painted(problems_lines([warning, error], 80), color=False)
    assert text.index("error") < text.index("warning[swallows-batch]")
    assert problem_count([warning, error, error]) == "2 errors and 1 warning"


def test_help_and_notes_are_wrapped_and_what_is_copied_stays_whole():
    problem = Problem(
        "wrong-type",
        "no",
        help=("match the input:   fc1: Linear(576, 120, bias=False)", "write each of its sizes, a number or a name"),
        notes=("torch says: mat1 and mat2 shapes cannot be multiplied",),
    )
    assert shown(problem, 40) == dedent("""\
        error[wrong-type]: no
        help: match the input:
                fc1: Linear(576, 120, bias=False)
        help: write each of its sizes, a number
              or a name
        note: torch says: mat1 and mat2 shapes cannot be multiplied
        """)


@pytest.mark.parametrize("place", [0, 300_000, 599_994])
def test_of_a_line_as_long_as_a_file_only_what_can_be_seen_is_looked_at(monkeypatch, place):
    looked_at = []

    def counted(text, escape):
        looked_at.append(len(text))
        return visible_signs(text, escape)

    monkeypatch.setattr("nnshape.rendering.excerpt.visible_signs", counted)
    text = "é\u0301 b, " * 100_000
    source = source_of_text(text, "lenet.yaml")
    lines = shown(Problem("size-mismatch", "here", Span(source, place, place + 2))).splitlines()
    (line,) = (line for line in lines if line.startswith("1 | "))
    assert cells(line) <= 80
    assert line.startswith("1 | …") == (place > 0)
    assert line.endswith("…") == (place < 599_000)
    marks = next(line for line in lines if "^" in line)
    assert line[4:].replace("\u0301", "")[marks.index("^") - 4] == "é"
    assert sum(looked_at) < 1_000
