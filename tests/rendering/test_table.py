"""The table of `inspect`: real answers at real widths."""

from __future__ import annotations

import re

import pytest

from nnshape.rendering.styled import cells, painted
from nnshape.rendering.table import table_lines

WIDTHS = (60, 80, 120, 200)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["lenet.yaml", "nested", "symbolic", "shared", "faulty", "deep"])
def test_answer(name, width, answer, snapshot):
    assert answer(name, width) == snapshot


@pytest.mark.parametrize("width", [40, 60, 72, 80, 100, 120, 160, 200])
@pytest.mark.parametrize("name", ["lenet.yaml", "nested", "symbolic", "shared", "faulty", "deep"])
def test_no_line_is_wider_than_the_page(name, width, trace_of):
    lines = painted(table_lines(trace_of(name), width), color=False).splitlines()
    assert [line for line in lines if cells(line) > width] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_numbers_are_right_aligned(width, answer):
    lines = answer("lenet.yaml", width).splitlines()
    end = lines[4].index("Params") + len("Params")
    counts = [line[:end].split()[-1] for line in lines[6:18]]
    assert counts == ["156", "-", "-", "880", "-", "-", "-", "69,240", "-", "10,164", "-", "850"]
    assert not any(line[end : end + 1].strip() for line in lines[6:18])


def test_a_large_model_fits_one_screen(answer):
    text = answer("nested", 80, overrides={"depth": 48})
    assert len(text.splitlines()) < 45
    assert "h.0 … h.47" in text
    assert "48 x Mixer" in text


def test_a_folded_row_counts_the_whole_run_and_each(answer):
    (row,) = (line for line in answer("nested", 120).splitlines() if "12 x Mixer" in line)
    assert "12 x Mixer, 8,416 each" in row
    assert "100,992" in row


def test_no_fold_gives_every_step_a_row(answer):
    text = answer("nested", 80, fold=False)
    assert sum(" h." in line for line in text.splitlines()) == 12
    assert "12 x" not in text


def test_depth_limits_the_levels(answer):
    text = answer("nested", 80, depth=1)
    names = [line.split()[0] for line in text.splitlines()[6:10]]
    assert names == ["embed", "h", "stages", "head"]
    assert "├" not in text


def test_depth_marks_the_row_that_hides_a_fault(answer):
    assert re.search(r"^✗ h ", answer("deep", 80, depth=1), re.MULTILINE)
    assert not re.search(r"^✗ h ", answer("deep", 80), re.MULTILINE)


def test_a_step_that_differs_in_an_argument_is_not_folded(answer):
    text = answer(
        """
        input: 4x32x32
        layers:
          c: Sequential(Conv2d(4, 4, 3, padding=2**i, dilation=2**i) for i in range(4))
          d: Sequential(Conv2d(4, 4, 3, padding=1) for i in range(4))
        """,
        80,
    )
    assert "c.3" in text
    assert "d.0 … d.3" in text
    assert "c.0 …" not in text


def test_steps_with_words_for_names_are_not_folded(answer):
    text = answer("input: 8\nlayers:\n  q: Linear(8, 8)\n  k: Linear(8, 8)\n  v: Linear(8, 8)\n", 80)
    assert "3 x" not in text


def test_colour_adds_nothing_but_colour(trace_of):
    lines = table_lines(trace_of("faulty"), 80)
    plain, colored = painted(lines, color=False), painted(lines, color=True)
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == plain
    assert "\x1b" not in plain


def test_controls_in_names_do_not_reach_the_terminal(trace_of):
    text = painted(table_lines(trace_of('name: "a\\e[2Jb"\ninput: 8\nlayers:\n  a: ReLU()\n'), 80), color=False)
    assert "\x1b" not in text
    assert text.startswith("a\\x1b[2Jb\n")


def test_wide_characters_keep_the_columns(answer):
    lines = answer("input: 8\nlayers:\n  入力: Linear(8, 8)\n  fc: Linear(8, 8)\n", 80).splitlines()
    rows = [line for line in lines if "Linear(8, 8)" in line]
    assert len({cells(line[: line.index("Linear")]) for line in rows}) == 1


def test_unknown_is_never_nothing(answer):
    text = answer("faulty", 80)
    assert re.search(r"^parameters +>= 50,006", text, re.MULTILINE)
    assert re.search(r"^MACs +>= ", text, re.MULTILINE)
    assert re.search(r"^✗ fc2 +\? ", text, re.MULTILINE)


@pytest.mark.parametrize("width", WIDTHS)
def test_totals_that_are_all_formulas(width, answer):
    text = answer("input: [N, C, H]\nlayers:\n  a: BatchNorm1d(auto)\n  b: Conv1d(auto, 4, 3)\n", width)
    assert "parameters  14*C + 4" in text
    assert re.search(r"buffers +2\*C \+ 1", text)
