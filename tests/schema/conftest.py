"""What the tests of the schema share: a YAML text as the data that an editor holds against the schema."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft7Validator

from nnshape.schema import schema
from nnshape.spec.scalars import value_of
from nnshape.spec.source import source_of_text
from nnshape.spec.yaml_tree import Mapping, Node, Scalar, parse_document


def _data(node: Node | None) -> Any:
    if isinstance(node, Mapping):
        return {key.value: _data(value) for key, value in node.items}
    if isinstance(node, Scalar):
        return value_of(node)
    return None if node is None else [_data(item) for item in node.items]


@pytest.fixture(scope="session")
def whole() -> dict[str, Any]:
    return schema()


@pytest.fixture(scope="session")
def part(whole):
    """The validator of one definition."""

    def part(name: str) -> Draft7Validator:
        return Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": whole["definitions"]})

    return part


@pytest.fixture(scope="session")
def data():
    """A text's data by YAML 1.2, as nnshape reads it."""
    return lambda text: _data(parse_document(source_of_text(text, "<test>"))[0])


@pytest.fixture(scope="session")
def refused(whole, data):
    """The path and message of each fault that the schema finds in a text."""
    validator = Draft7Validator(whole)

    def refused(text: str) -> list[tuple[str, str]]:
        return [("/".join(map(str, e.absolute_path)), e.message) for e in validator.iter_errors(data(text))]

    return refused
