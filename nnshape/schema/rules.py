"""A layer or function of torch -> the schema of a mapping step that names it."""

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
    """Every layer, by the name that a step calls it by."""
    return dict(sorted(all_layers().items()))


def functions() -> dict[str, Function]:
    """Every function and method that can be called by its own name, by that name."""
    return {name: rule for name, rule in sorted(all_functions().items()) if f"{name}(" in "".join(rule.example)}


def rule_schema(rule: Rule) -> Schema:
    """A mapping step that names the rule: its arguments by name, each with what it takes, means and has by default."""
    sentence, meanings = help_of(rule)
    auto = () if isinstance(rule, Function) else rule.auto
    properties: Schema = dict.fromkeys(OWN_KEYS, True)
    properties["type"] = {"description": f"{sentence}\n\n{page_of(rule)}"}
    for parameter in rule.signature().parameters:
        # An argument of a function that is called as one of the step's own keys can only stand in args.
        if parameter.name not in OWN_KEYS:
            meaning = meanings.get(parameter.name, "")
            if parameter.name in auto:
                meaning = f"{meaning.rstrip('.')}; auto infers it from the input."
            # What torch calls its own is taken and not offered.
            private = parameter.name.startswith("_")
            properties[parameter.name] = True if private else argument_schema(parameter, meaning)
    # So are numpy's names for arguments of torch.
    properties |= {synonym: True for synonym, name in rule.signature().synonyms.items() if name in properties}
    found: Schema = {"title": torch_name(rule), "properties": properties, "additionalProperties": False}
    if isinstance(rule, Function):
        # The places of its arguments shift with what it is applied to: nothing can be said of them here.
        return found
    properties["args"] = _positions(rule)
    return {**found, **_given_once(rule)}


def _positions(layer: type[Layer]) -> Schema:
    """The arguments without a name, each as the one is that has its place."""
    arguments = f"#/definitions/{torch_name(layer)}/properties/"
    places = [{"$ref": arguments + parameter.name} for parameter in layer.signature().positional]
    return {"items": places, "additionalItems": False} if places else {"maxItems": 0}


def _given_once(layer: type[Layer]) -> Schema:
    """That each argument stands in its place or under its name, not both, and one that must be there in either."""
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
    """The schemas of rules, with each form that an argument has more than once in a definition of its own.

    `device` or `dim` mean the same in a hundred places; said once, the whole is a sixth smaller.
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
