"""The schemas of the mapping steps of torch's layers and functions."""

from __future__ import annotations

import json
from collections import Counter

from nnshape.schema.argument_schema import Schema, argument_schema
from nnshape.shapes.arguments import REQUIRED
from nnshape.shapes.documentation import page_of, torch_name
from nnshape.shapes.function import Function
from nnshape.shapes.functions import all_functions
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.layers import all_layers
from nnshape.shapes.twins import help_of
from nnshape.spec.mapping_steps import OWN_KEYS

Rule = Function | type[Layer]


def layers() -> dict[str, type[Layer]]:
    """Every layer, by its name in steps."""
    return dict(sorted(all_layers().items()))


def functions() -> dict[str, Function]:
    """Every function and method that steps can call by its own name, by that name."""
    return {name: rule for name, rule in sorted(all_functions().items()) if f"{name}(" in "".join(rule.example)}


def rule_schema(rule: Rule) -> Schema:
    """The schema of a mapping step of a rule: its arguments by name, with their values, meanings and defaults."""
    sentence, meanings = help_of(rule)
    auto = () if isinstance(rule, Function) else rule.auto
    properties: Schema = dict.fromkeys(OWN_KEYS, True)
    properties["type"] = {"description": f"{sentence}\n\n{page_of(rule)}"}
    for parameter in rule.signature().parameters:
        # An argument with the name of one of the step's own keys can only be passed in args.
        if parameter.name not in OWN_KEYS and not parameter.by_place:
            meaning = meanings.get(parameter.name, "")
            if parameter.name in auto:
                meaning = f"{meaning.rstrip('.')}; auto infers it from the input."
            # torch's private arguments are accepted, but not offered.
            private = parameter.name.startswith("_")
            properties[parameter.name] = True if private else argument_schema(parameter, meaning)
    # So are NumPy's names for arguments of torch.
    properties |= {synonym: True for synonym, name in rule.signature().synonyms.items() if name in properties}
    found: Schema = {"title": torch_name(rule), "properties": properties, "additionalProperties": False}
    if isinstance(rule, Function):
        # The positions of its arguments depend on its inputs, so the schema cannot check them.
        return found
    properties["args"] = _positions(rule)
    return {**found, **_given_once(rule)}


def _positions(layer: type[Layer]) -> Schema:
    """The schema of the positional arguments."""
    arguments = f"#/definitions/{torch_name(layer)}/properties/"
    places = [{"$ref": arguments + parameter.name} for parameter in layer.signature().positional]
    return {"items": places, "additionalItems": False} if places else {"maxItems": 0}


def _given_once(layer: type[Layer]) -> Schema:
    """The rule that each argument is passed by position or by name, not both, and each required one is passed."""
    places = layer.signature().positional
    required = [
        {"if": _at_most(index), "then": {"required": [parameter.name]}}
        for index, parameter in enumerate(places)
        if parameter.default is REQUIRED
    ]
    only_by_name = {parameter.name: _at_most(index) for index, parameter in enumerate(places)}
    return {"dependencies": only_by_name, **({"allOf": required} if required else {})}


def _at_most(count: int) -> Schema:
    return {"properties": {"args": {"maxItems": count}}}


def sharing_arguments(rules: dict[str, Schema]) -> dict[str, Schema]:
    """The schemas of rules, with each repeated argument in a shared definition.

    `device` and `dim` mean the same in a hundred places; sharing makes the schema a sixth smaller.
    """
    forms: dict[str, Counter[str]] = {}
    for rule in rules.values():
        for name, argument in rule["properties"].items():
            if name not in OWN_KEYS and argument is not True:
                forms.setdefault(name, Counter())[json.dumps(argument)] += 1
    places: dict[tuple[str, str], str] = {}
    for name, counted in sorted(forms.items()):
        repeated = [form for form, count in counted.most_common() if count > 1]
        for number, form in enumerate(repeated, 1):
            places[name, form] = f"argument.{name}" if number == 1 else f"argument.{name}.{number}"

    def shared(name: str, argument: Schema) -> Schema:
        place = places.get((name, json.dumps(argument)))
        return {"$ref": f"#/definitions/{place}"} if place else argument

    definitions = {place: json.loads(form) for (_, form), place in places.items()}
    return definitions | {
        title: {**rule, "properties": {name: shared(name, held) for name, held in rule["properties"].items()}}
        for title, rule in rules.items()
    }
