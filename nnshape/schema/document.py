"""The schema of a whole file: what each of its keys holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from nnshape import __version__
from nnshape.schema import patterns
from nnshape.schema.argument_schema import Schema, items
from nnshape.schema.steps import BODY, SHAPE, SHAPE_TYPES, definitions
from nnshape.spec.expect_key import COUNT, QUANTITIES
from nnshape.spec.keys import KEYS, REQUIRED
from nnshape.spec.scalars import value_of
from nnshape.spec.sections import TARGET
from nnshape.spec.source import source_of_text
from nnshape.spec.yaml_tree import Mapping, Node, Sequence, parse_document

DRAFT = "http://json-schema.org/draft-07/schema#"
#: The keys that bring modules of the file's own: with one of them a class may be other than torch's.
_OWN_MODULES = ("blocks", "include", "import")

_NAME = "a name is letters, digits and _, and no word of Python's grammar"
_WORD: Schema = {"type": "string", "minLength": 1}
#: A text that YAML may take for a number.
_TEXT: Schema = {"type": ["string", "number"], "minLength": 1}
#: Numbers, words, and lists of them, as deep as there are.
_SETTING: Schema = {"$ref": "#/definitions/setting"}
#: Offered once, where the key itself is described.
_TORCH_ALONE: Schema = {"allOf": [{"$ref": "#/definitions/torch_alone"}], "doNotSuggest": True}


def schema() -> Schema:
    """The schema of a spec file."""
    missing_both: Schema = {"not": {"anyOf": [{"required": [key]} for key in REQUIRED]}}
    own_modules: Schema = {"anyOf": [{"required": [key]} for key in _OWN_MODULES]}
    return {
        "$schema": DRAFT,
        "title": "nnshape spec",
        "description": "A neural network, in torch's own words: what goes in, and the layers that it goes through.",
        "$comment": f"made by nnshape {__version__}: nnshape schema",
        "type": "object",
        "properties": {
            key: {"description": KEYS[key].meaning, **holds(), "examples": [_example(key)]}
            for key, holds in _HOLDS.items()
        },
        "additionalProperties": False,
        "allOf": [
            # A file that is only included may hold blocks and nothing else.
            {"if": {"required": ["blocks"], **missing_both}, "else": {"required": list(REQUIRED)}},
            {"if": {"not": own_modules}, "then": {"properties": {"layers": _TORCH_ALONE}}},
        ],
        "definitions": {
            "setting": {"type": ["number", "string", "boolean", "null", "array"], "items": _SETTING},
            "output_shape": _output_shape(),
            **definitions(),
        },
    }


def schema_text() -> str:
    """The schema as JSON, a line for each key and definition, in ASCII so that no encoding can spoil it."""
    lines = [_lines(key, item) for key, item in schema().items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _lines(key: str, value: Any) -> str:
    if key not in ("properties", "definitions"):
        return f" {json.dumps(key)}: {_compact(value)}"
    items = ",\n".join(f"  {json.dumps(name)}: {_compact(item)}" for name, item in value.items())
    return f" {json.dumps(key)}: {{\n{items}\n }}"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _named(values: Schema, *allowed: str, may_be_empty: bool = True) -> Schema:
    """A mapping of names of the file's own; with nothing behind it, the key holds nothing."""
    return {
        "type": ["object", "null"] if may_be_empty else "object",
        "propertyNames": {"pattern": patterns.name(*allowed), "patternErrorMessage": _NAME},
        "additionalProperties": values,
    }


def _input() -> Schema:
    return {
        "type": ["string", "integer", "array", "object"],
        "if": {"type": "object"},
        "then": {"minProperties": 1, **_named(SHAPE, may_be_empty=False)},
        "else": SHAPE,
    }


def _layers() -> Schema:
    return {"type": ["object", "array"], "allOf": [BODY]}


def _blocks() -> Schema:
    message = "write Name, Name(p, q=1) or Name(p, q=1)(x[N, T, D], mask=None)"
    return {
        "type": ["object", "null"],
        "propertyNames": {"pattern": patterns.signature(), "patternErrorMessage": message},
        "additionalProperties": _layers(),
    }


def _output() -> Schema:
    types = ["string", "number", "array", "object"]
    return {"type": types, "minLength": 1, **items(_TEXT), "additionalProperties": _TEXT}


def _freeze() -> Schema:
    return {"type": ["array", "string", "number", "null"], "minLength": 1, "items": _TEXT}


def _expect() -> Schema:
    count = {
        "type": ["integer", "string"],
        "minimum": 0,
        "pattern": patterns.whole(COUNT.pattern),
        "patternErrorMessage": "write 81290, 81_290, 25.6M or <= 4.1G",
    }
    output = {"$ref": "#/definitions/output_shape"}
    quantities = {
        name: {
            "description": meaning,
            **({"type": [*SHAPE_TYPES, "object"], "allOf": [output]} if name == "output" else count),
        }
        for name, meaning in QUANTITIES.items()
    }
    return {"type": ["object", "null"], "properties": quantities, "additionalProperties": False}


def _output_shape() -> Schema:
    """A shape, or shapes in a list or mapping that mirrors the output: a list of sizes is a shape itself."""
    again = {"$ref": "#/definitions/output_shape"}
    return {"anyOf": [SHAPE, {"type": ["array", "object"], "items": again, "additionalProperties": again}]}


def _variants() -> Schema:
    settings = {"type": ["object", "null"], "additionalProperties": _SETTING}
    return {"type": ["object", "null"], "additionalProperties": settings}


def _include() -> Schema:
    message = "a path from this file's folder, with /"
    return _named({"type": "string", "pattern": r"^[^/\\][^\\]*$", "patternErrorMessage": message})


def _import() -> Schema:
    message = "an import is written module.path:Class"
    return _named({"type": "string", "pattern": patterns.whole(TARGET.pattern), "patternErrorMessage": message})


#: What each key holds; a test holds that no key of a file is left out.
_HOLDS: dict[str, Callable[[], Schema]] = {
    "name": lambda: _TEXT,
    "input": _input,
    "layers": _layers,
    "hparams": lambda: _named(_SETTING),
    "dims": lambda: _named({"type": "integer", "minimum": 0}, "N"),
    "blocks": _blocks,
    "output": _output,
    "tie": lambda: {"type": ["object", "null"], "additionalProperties": _WORD},
    "freeze": _freeze,
    "expect": _expect,
    "variants": _variants,
    "include": _include,
    "import": _import,
}


def _example(key: str) -> Any:
    """The example of a key, as JSON has it."""
    root, _ = parse_document(source_of_text(KEYS[key].example, "<example>"))
    assert isinstance(root, Mapping)
    return _data(root)[key]


def _data(node: Node) -> Any:
    if isinstance(node, Mapping):
        return {key.value: _data(value) for key, value in node.items}
    if isinstance(node, Sequence):
        return [_data(item) for item in node.items]
    return value_of(node)
