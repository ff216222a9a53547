"""The parameters of a model in every format."""

from __future__ import annotations

import csv
import io
import json

import pytest

from nnshape.rendering.formats import View
from nnshape.rendering.parameters import (
    Selection,
    Values,
    layer_text,
    parameter_lines,
    render_csv,
    render_json,
    render_markdown,
    share,
)
from nnshape.rendering.styled import cells, painted


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", ["lenet.yaml", "shared", "faulty"])
def test_table(name, width, trace_of, snapshot):
    trace = trace_of(name)
    text = painted(parameter_lines(Selection(trace, trace.parameters), width), color=False)
    assert text == snapshot
    assert all(cells(line) <= width for line in text.splitlines())


def test_buffers_stand_last(trace_of):
    trace = trace_of("input: 3x8x8\nlayers:\n  bn: BatchNorm2d(3)\n  conv: Conv2d(3, 4, 3)\n")
    rows = json.loads(render_json(Selection(trace, trace.parameters), View()))["parameters"]
    assert [row["buffer"] for row in rows] == sorted(row["buffer"] for row in rows)
    assert [row["name"] for row in rows[:2]] == ["bn.weight", "bn.bias"]
    assert rows[-1]["trainable"] is False


def test_a_layer_says_its_part(trace_of):
    trace = trace_of("lenet.yaml")
    rows = [row for row in trace.parameters if row.name.startswith("fc1.")]
    assert layer_text(Selection(trace, rows, "fc1")) == "fc1 has 69,240 of 81,290 parameters (85.2%), 270.5 KiB"
    assert layer_text(Selection(trace, [], "relu1")) == "relu1 has no parameters"


def test_json(trace_of):
    trace = trace_of("shared")
    rows = {
        row["name"]: row for row in json.loads(render_json(Selection(trace, trace.parameters), View()))["parameters"]
    }
    assert rows["head.weight"]["tied_to"] == "embed.weight"
    assert rows["fc.weight"]["trainable"] is False
    assert rows["lstm.weight_ih_l0"]["shape"] == [32, 8]


def test_json_has_no_nan(trace_of):
    trace = trace_of("input: 8\nlayers:\n  fc: Linear(8, 1, bias=False)\n")
    values = {"fc.weight": Values("", "", {"mean": float("nan")}, [[float("inf"), 1.0]])}
    row = json.loads(render_json(Selection(trace, trace.parameters, None, values), View()))["parameters"][0]
    assert row["statistics"] == {"mean": "nan"}
    assert row["values"] == [["inf", 1.0]]


def test_csv_and_markdown_read_back(trace_of):
    trace = trace_of("shared")
    selection = Selection(trace, trace.parameters)
    lines = list(csv.DictReader(io.StringIO(render_csv(selection, View()))))
    assert {line["name"] for line in lines} == {row.name for row in trace.parameters}
    assert lines[0]["count"] == "800"
    table = [line for line in render_markdown(selection, View()).splitlines() if line.startswith("|")]
    assert len(table) == len(lines) + 2
    assert {line.count("|") for line in table} == {8}


@pytest.mark.parametrize(
    ("count", "total", "text"), [(1, 3, "33.3%"), (1, 10**6, "<0.1%"), (0, 5, "0.0%"), (3, 0, "-"), (5, 5, "100.0%")]
)
def test_share(count, total, text):
    assert share(count, total) == text
