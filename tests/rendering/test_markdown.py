"""Markdown: a table that GitHub reads as one."""

from __future__ import annotations

import re

import pytest

from nnshape.rendering.markdown import escaped, problems_markdown, trace_markdown


@pytest.mark.parametrize("name", ["lenet.yaml", "nested", "shared", "faulty"])
def test_answer(name, trace_of, snapshot):
    assert trace_markdown(trace_of(name)) == snapshot


def test_every_row_has_the_columns_of_the_header(trace_of):
    text = trace_markdown(trace_of("input: 8\nlayers:\n  a: (_ > 0) | (_ < 1)\n  b: Linear(8, 8)(a.float())\n"))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1


def test_escaped():
    assert escaped("a|b_c*d") == "a\\|b\\_c\\*d"


def test_problems(trace_of):
    text = problems_markdown(trace_of("faulty").problems)
    assert text.startswith("```text\nerror[")
    assert text.endswith("```\n")
