"""CSV: read back, it says what the trace says."""

from __future__ import annotations

import csv
import io
import json

import nnshape
from nnshape.rendering.csv import trace_csv, written
from nnshape.rendering.trace_json import trace_json


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_line_a_call_with_plain_numbers(trace_of):
    trace = trace_of("lenet.yaml")
    lines = rows(trace_csv(trace))
    assert [line["path"] for line in lines] == [call.path for call in trace.calls]
    assert lines[0]["output"] == "float32[N, 6, 28, 28]"
    assert lines[7]["parameters"] == "69240"
    assert sum(int(line["parameters"]) for line in lines) == 81290
    assert (lines[0]["line"], lines[0]["column"]) == ("5", "10")


def test_rows_are_not_folded(trace_of):
    assert (
        sum(line["path"].startswith("h.") and line["depth"] == "1" for line in rows(trace_csv(trace_of("nested"))))
        == 12
    )


def test_quotes_commas_and_line_ends_come_back():
    fields = ['a,"b"', "c\nd", "e"]
    assert list(csv.reader(io.StringIO(written(fields, [fields])))) == [fields, fields]


def test_an_unknown_count_is_empty_and_not_0():
    trace = nnshape.trace("input: 3x8x8\nlayers:\n  c: Conv2d(3, 4, 3)\n  d: Conv2d(9, 4, 3)\n  e: ReLU()\n")
    assert [line["macs"] for line in rows(trace_csv(trace))] == ["3888", "", "0"]
    found = json.loads(trace_json(trace, None))["rows"]
    assert [row["macs"] for row in found] == [3888, None, 0]
    assert found[1]["partial"] == ["macs"]
