"""The key `output`: one value or more, in a file and in the schema alike."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

import nnshape
from nnshape.schema import schema_text

_TEXT = "input: 8\nlayers:\n  p: Linear(8, 2)\noutput: {}\n"
_SCHEMA = json.loads(schema_text())


@pytest.mark.parametrize("empty", ["[]", "{}", "[ ]", "{ }", "\n  []"])
def test_an_empty_output_is_refused_where_it_is_written(empty):
    text = _TEXT.format(empty)
    (problem,) = nnshape.trace(nnshape.loads(text)).problems
    assert (problem.kind, problem.severity) == ("wrong-type", "error")
    assert problem.message == "output names no step, so the model would return nothing"
    assert problem.span.text == empty.strip()
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), _SCHEMA)


@pytest.mark.parametrize("output", ["p", "[p]", "{a: p}", "[p, x]"])
def test_an_output_of_one_value_or_more(output):
    text = _TEXT.format(output)
    assert not nnshape.trace(nnshape.loads(text)).problems
    jsonschema.validate(yaml.safe_load(text), _SCHEMA)
