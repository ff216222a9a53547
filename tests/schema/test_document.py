"""The schema as a document: sound by draft-07, whole, and held to what the reader and the trace know."""

from __future__ import annotations

from typing import get_args

from jsonschema import Draft7Validator

from nnshape.schema import schema_text
from nnshape.spec import loads
from nnshape.spec.expect_key import QUANTITIES
from nnshape.spec.keys import KEYS, REQUIRED
from nnshape.spec.mapping_steps import OWN_KEYS
from nnshape.spec.spec import Quantity
from nnshape.spec.words import WORDS
from nnshape.tracing.scope import Special, find_torch


def test_it_is_a_schema_of_draft_7(whole):
    assert whole["$schema"] == "http://json-schema.org/draft-07/schema#"
    Draft7Validator.check_schema(whole)


def test_its_keys_are_the_readers_own(whole):
    assert list(whole["properties"]) == list(KEYS)
    assert all(whole["properties"][key]["description"] == KEYS[key].meaning for key in KEYS)
    every = "\n".join(key.example for key in KEYS.values())
    # The reader takes each of them, and takes no other: the file that is included is not there.
    assert [problem.kind for problem in loads(every).problems] == ["include-refused"]
    assert not Draft7Validator(whole).is_valid({"input": 3, "layers": ["ReLU()"], "colour": "red"})
    assert [problem.kind for problem in loads("input: 3\nlayers: [ReLU()]\ncolour: red\n").problems] == ["unknown-key"]


def test_what_each_example_shows_is_sound(refused):
    assert refused("\n".join(key.example for key in KEYS.values())) == []
    assert {problem.message for problem in loads("name: a\n").problems} == {
        f"the file has no {key}" for key in REQUIRED
    }


def test_a_mapping_step_has_the_readers_own_keys(whole):
    assert list(whole["definitions"]["call"]["properties"]) == list(OWN_KEYS)


def test_what_can_be_expected(whole):
    assert tuple(QUANTITIES) == get_args(Quantity)
    assert tuple(whole["properties"]["expect"]["properties"]) == get_args(Quantity)


def test_the_words_that_are_called_as_layers():
    assert all(find_torch(name) == Special(name) for name in WORDS)


def references(held) -> set[str]:
    if isinstance(held, dict):
        found = {held["$ref"]} if isinstance(held.get("$ref"), str) else set()
        return found.union(*map(references, held.values()))
    return set().union(*map(references, held)) if isinstance(held, list) else set()


def test_every_definition_is_there_and_of_use(whole):
    found = references(whole)
    for reference in found:
        place = whole
        for key in reference.removeprefix("#/").split("/"):
            place = place[key]
    used = {reference.split("/")[2] for reference in found}
    assert used == whole["definitions"].keys()


def test_an_editor_offers_a_layer_with_its_arguments_to_fill_in(whole):
    text = whole["definitions"]["step"]["anyOf"][0]
    bodies = {snippet["label"]: snippet["body"] for snippet in text["defaultSnippets"]}
    assert bodies["Conv2d"] == "Conv2d(${1:auto}, ${2:out_channels}, ${3:kernel_size})"
    assert bodies["ReLU"] == "ReLU()"
    assert bodies["flatten"] == "flatten(1)"


def test_its_text_is_ascii_and_of_a_size_that_an_editor_reads_at_once():
    text = schema_text()
    assert text.isascii()
    assert len(text) < 800_000
