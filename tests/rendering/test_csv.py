"""CSV: read back, it says what the trace says."""

from __future__ import annotations

import csv
import io

from nnshape.rendering.csv import trace_csv, written


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
