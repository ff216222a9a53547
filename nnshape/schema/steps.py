"""The definitions of steps: bodies, steps, and mapping steps of layers and functions."""

from __future__ import annotations

from collections.abc import Mapping

from nnshape.schema import patterns
from nnshape.schema.argument_schema import VALUE, Schema, items
from nnshape.schema.rules import Rule, functions, layers, rule_schema, sharing_arguments
from nnshape.schema.snippets import step_snippets, type_snippets
from nnshape.shapes.documentation import torch_name
from nnshape.spec import limits
from nnshape.spec.mapping_steps import CALLEE, OWN_KEYS
from nnshape.spec.shape_patterns import EXAMPLES
from nnshape.spec.words import WORDS

BODY: Schema = {"$ref": "#/definitions/body"}
STEP: Schema = {"$ref": "#/definitions/step"}
SHAPE: Schema = {"$ref": "#/definitions/shape"}
SHAPE_TYPES = ["string", "integer", "array"]

_STEP = (
    "A step: an expression such as Conv2d(1, 6, 5) or relu(_ + skip), optionally followed by -> and its expected "
    "shape; a mapping with a type; or nested steps, an anonymous block. _ is the value of the previous step; auto "
    "reads a size off the input."
)
_STEP_EXAMPLES = ("Conv2d(1, 6, 5) -> 6x28x28", "relu(_ + skip)", "Sequential(Block(d) for i in range(n))")
_STEP_NAME = "a step name consists of letters, digits, _ and hyphens, and does not begin with a hyphen"
_NO_STEP = "a step is an expression such as Conv2d(1, 6, 5), a mapping with a type, or nested steps"
_NO_SUCH_LAYER = "torch.nn has no such layer"


def definitions() -> dict[str, Schema]:
    """All definitions that the schema of a file refers to, by name."""
    rules: list[Rule] = [*layers().values(), *functions().values()]
    return {
        "shape": _shape(),
        "body": _body(),
        "step": _step(),
        "call": _call(),
        "value": VALUE,
        "torch_alone": _torch_alone(),
        **sharing_arguments({torch_name(rule): rule_schema(rule) for rule in rules}),
    }


def _shape() -> Schema:
    return {
        "type": SHAPE_TYPES,
        "pattern": patterns.shape(),
        "patternErrorMessage": f"not a shape: {EXAMPLES}",
        "minimum": 0,
        "items": {"type": ["integer", "string"], "minimum": 0, "minLength": 1},
    }


def _body() -> Schema:
    return {
        "minProperties": 1,
        "minItems": 1,
        "propertyNames": {"pattern": patterns.step_name(), "patternErrorMessage": _STEP_NAME},
        "additionalProperties": STEP,
        "items": STEP,
    }


def _step() -> Schema:
    return {
        "description": _STEP,
        # A number or bool is a step too: a local constant.
        "type": ["string", "number", "boolean", "object", "array"],
        "errorMessage": _NO_STEP,
        "pattern": r"\S",
        "maxLength": limits.EXPRESSION_CHARACTERS,
        # An editor offers expressions for an empty step, and none inside a mapping.
        "anyOf": [
            {"type": "string", "examples": list(_STEP_EXAMPLES), "defaultSnippets": step_snippets()},
            {"not": {"type": "string"}},
        ],
        "if": {"type": "object", "required": ["type"]},
        "then": {"$ref": "#/definitions/call"},
        "else": {"allOf": [BODY], "properties": {"type": {"description": OWN_KEYS["type"], "type": "string"}}},
    }


def _call() -> Schema:
    return {
        "required": ["type"],
        "properties": {
            "type": {
                # Its description comes from the rule that it names.
                "type": "string",
                "pattern": patterns.whole(CALLEE.pattern),
                "patternErrorMessage": "type is a name; write arguments as separate keys",
                "if": {"pattern": patterns.PREFIXED_CLASS},
                "then": _of_torch(),
                "defaultSnippets": type_snippets(),
            },
            "args": {"description": OWN_KEYS["args"], "type": "array"},
            "from": {
                "description": OWN_KEYS["from"],
                "type": ["string", "array"],
                "minLength": 1,
                **items({"type": "string", "minLength": 1}),
            },
            "shape": {"description": OWN_KEYS["shape"], "type": SHAPE_TYPES, "allOf": [SHAPE]},
        },
        "additionalProperties": {"$ref": "#/definitions/value"},
        "allOf": [
            _each_as_its_rule_says(patterns.TORCH_CLASS, layers()),
            _each_as_its_rule_says(patterns.TORCH_FUNCTION, functions()),
        ],
    }


def _each_as_its_rule_says(pattern: str, rules: Mapping[str, Rule]) -> Schema:
    """The rule that a mapping step has the arguments of the layer or function that its type names."""
    like = {"required": ["type"], "properties": {"type": {"type": "string", "pattern": pattern}}}
    each = [
        {
            "if": {"properties": {"type": {"pattern": patterns.named(name)}}},
            "then": {"$ref": f"#/definitions/{torch_name(rule)}"},
        }
        for name, rule in rules.items()
    ]
    return {"if": like, "then": {"allOf": each}}


def _of_torch() -> Schema:
    return {"pattern": patterns.named(*layers(), *WORDS), "patternErrorMessage": _NO_SUCH_LAYER}


def _torch_alone() -> Schema:
    """The steps of a file without modules of its own, so that each class in them is torch's."""
    again = {"$ref": "#/definitions/torch_alone"}
    named = {"if": {"pattern": patterns.CLASS}, "then": _of_torch()}
    return {
        "if": {"required": ["type"]},
        "then": {"properties": {"type": named}},
        "additionalProperties": again,
        "items": again,
    }
