"""The snippets that an editor offers in a step: layers with their required arguments, functions with an example.

`defaultSnippets` is a keyword of VS Code that other programs ignore.
"""

from __future__ import annotations

from nnshape.schema.argument_schema import Schema
from nnshape.schema.rules import Rule, functions, layers
from nnshape.shapes.arguments import REQUIRED
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.twins import help_of


def step_snippets() -> list[Schema]:
    """Each rule as an expression."""
    made = [_snippet(name, layer, _construction(name, layer)) for name, layer in layers().items()]
    return made + [_snippet(name, rule, rule.example[0]) for name, rule in functions().items()]


def type_snippets() -> list[Schema]:
    """Each rule as the `type` of a mapping step."""
    rules: dict[str, Rule] = {**layers(), **functions()}
    return [_snippet(name, rule, name) for name, rule in rules.items()]


def _snippet(name: str, rule: Rule, body: str) -> Schema:
    return {"label": name, "description": help_of(rule)[0], "body": body}


def _construction(name: str, layer: type[Layer]) -> str:
    """`Conv2d(${1:auto}, ${2:out_channels}, ${3:kernel_size})`: in an editor, Tab moves to the next argument."""
    required = [parameter.name for parameter in layer.signature().positional if parameter.default is REQUIRED]
    places = (f"${{{index}:{'auto' if name in layer.auto else name}}}" for index, name in enumerate(required, 1))
    return f"{name}({', '.join(places)})"
