"""The JSON contract: exactly its names, its numbers, and every call."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import nnshape
from nnshape.problems import Problem
from nnshape.rendering.trace_json import failure_json, trace_json

ROOT = Path(__file__).parents[2]


@pytest.fixture
def document(trace_of):
    def document(name: str, **options: object) -> dict:
        return json.loads(trace_json(trace_of(name, **options), None))

    return document


def test_the_contract(document):
    lenet = document("lenet.yaml")
    assert lenet["version"] == 1
    assert lenet["name"] == "LeNet"
    assert lenet["inputs"] == [{"name": "x", "dtype": "float32", "shape": ["N", 1, 32, 32]}]
    assert lenet["rows"][0] == {
        "path": "conv1",
        "type": "Conv2d",
        "text": "Conv2d(1, 6, 5)",
        "depth": 0,
        "inputs": [{"dtype": "float32", "shape": ["N", 1, 32, 32]}],
        "output": {"dtype": "float32", "shape": ["N", 6, 28, 28]},
        "parameters": 156,
        "macs": 117600,
        "span": {"file": "lenet.yaml", "line": 5, "column": 10, "end_line": 5, "end_column": 25},
    }
    assert lenet["output"] == {"dtype": "float32", "shape": ["N", 10]}
    wanted = {"parameters": 81290, "trainable": 81290, "buffers": 0, "macs": 322056, "parameter_bytes": 325160}
    assert wanted.items() <= lenet["totals"].items()
    assert (lenet["constraints"], lenet["problems"], lenet["verification"]) == ([], [], None)


def test_rows_are_never_folded_and_stand_in_the_order_of_execution(document):
    rows = document("nested")["rows"]
    paths = [row["path"] for row in rows]
    assert [path for path in paths if path.startswith("h.") and path.count(".") == 1] == [f"h.{i}" for i in range(12)]
    assert paths[:4] == ["embed", "h", "h.0", "h.0.norm"]
    assert [row["depth"] for row in rows[:4]] == [0, 0, 1, 2]


def test_symbolic_sizes_are_text(document):
    symbolic = document("symbolic")
    assert symbolic["rows"][0]["output"]["shape"] == ["N", 16, "H - 4", "W - 4"]
    assert isinstance(symbolic["totals"]["macs"], str)
    assert symbolic["constraints"]


def test_several_values_are_a_list(document):
    rows = {row["path"]: row for row in document("shared")["rows"]}
    output, (hidden, cell) = rows["lstm"]["output"]
    assert output["shape"] == ["N", 16, 8]
    assert hidden["shape"] == cell["shape"] == [1, "N", 8]


def test_named_outputs_are_an_object(document):
    text = "input: 8\nlayers:\n  a: Linear(8, 2)\n  b: ReLU()\noutput: {x: a, y: b}\n"
    assert list(document(text)["output"]) == ["x", "y"]


def test_shared_and_tied_parameters_count_once(document):
    shared = document("shared")
    rows = {row["path"]: row for row in shared["rows"]}
    assert rows["again"]["reused"] is True
    assert rows["again"]["parameters"] == rows["head"]["parameters"] == 0
    assert sum(row["parameters"] for row in shared["rows"]) == shared["totals"]["parameters"]


def test_problems_have_every_field(document):
    faulty = document("faulty")
    problem = next(problem for problem in faulty["problems"] if problem["kind"] == "size-mismatch")
    assert set(problem) == {
        "kind", "severity", "message", "span", "place", "argument", "label", "related", "frames", "help", "notes",
        "fixes", "rendered",
    }  # fmt: skip
    assert (problem["span"]["line"], problem["span"]["column"]) == (9, 15)
    assert faulty["totals"]["partial"] == ["parameters", "macs"]
    row = next(row for row in faulty["rows"] if row["path"] == "fc2")
    assert row["output"] is None
    assert row["partial"] == ["parameters", "macs"]


def test_text_beyond_ascii_stays_text(trace_of):
    text = trace_json(trace_of("name: Größe\ninput: 8\nlayers:\n  入力: ReLU()\n"), None)
    assert "Größe" in text
    assert "入力" in text
    assert json.loads(text.encode().decode())["rows"][0]["path"] == "入力"


def test_a_file_that_is_no_model_has_the_same_keys(document):
    failure = json.loads(failure_json((Problem("syntax", "no", place="x"),)))
    assert failure.keys() == document("lenet.yaml").keys()
    assert failure["problems"][0]["message"] == "no"


def test_depth(trace_of):
    rows = json.loads(trace_json(trace_of("nested"), None, depth=1))["rows"]
    assert [row["path"] for row in rows] == ["embed", "h", "stages", "head"]


@pytest.mark.parametrize("path", sorted([*ROOT.glob("configs/*.yaml"), *ROOT.glob("tests/cases/**/*.yaml")]), ids=str)
def test_the_document_keeps_the_schema_of_the_guide(path):
    schema = json.loads((ROOT / "nnshape" / "guide" / "inspect.schema.json").read_text("utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    try:
        text = nnshape.render(nnshape.trace(path, symbolic=True), format="json")
    except nnshape.SpecError as error:
        text = failure_json(error.problems)
    document = json.loads(text)
    jsonschema.validate(document, schema)
    for name in ("rows", "totals", "problems"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({key: value for key, value in document.items() if key != name}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "rows": [{"path": "conv1"}]}, schema)


def test_a_document_with_a_proof_keeps_the_schema_of_the_guide():
    schema = json.loads((ROOT / "nnshape" / "guide" / "inspect.schema.json").read_text("utf-8"))
    trace = nnshape.trace(ROOT / "configs" / "lenet.yaml")
    text = nnshape.render(trace, format="json", verification=nnshape.verify(trace))
    assert json.loads(text)["verification"]["agree"]
    jsonschema.validate(json.loads(text), schema)
