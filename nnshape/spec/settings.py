"""Tells the expressions among the values of hparams, such as `inner: 4 * width`, from the strings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnshape.problems import SpecError
from nnshape.spec import limits, nodes
from nnshape.spec.expression import Expression, parse_expression
from nnshape.spec.scalars import Value, value_of_node
from nnshape.spec.yaml_tree import Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Collection

    from nnshape.spec.yaml_tree import Node

#: A value of an hparam, as written.
Setting = Value | Expression | list["Setting"]
#: `-` and `/` are left out: `resnet-50` and `2024/1` are names.
_OPERATORS = frozenset({"+", "*", "//", "%", "**"})


def setting_of(node: Node, hparams: Collection[str]) -> Setting:
    """The value of an hparam: a number, a string, an expression, or a list of them. Raises SpecError.

    A text is an expression if it uses another hparam, constructs a layer, computes with a number, or is a tuple or
    loop. Any other text is a string. So is one in quotes, unless it ends in a bracket: the comma needs the quotes in
    `{act: "Hardtanh(-1, top)"}`.
    """
    if isinstance(node, Sequence):
        return [setting_of(item, hparams) for item in node.items]
    value = value_of_node(node)
    if not isinstance(value, str) or not isinstance(node, Scalar) or (not node.plain and value[-1:] not in (")", "]")):
        return value
    if len(value) > limits.EXPRESSION_CHARACTERS or (value.isidentifier() and value not in hparams):
        return value
    try:
        expression = parse_expression(value, node.origin)
    except SpecError:
        return value
    return expression if _is_computed(expression.node, value, hparams) else value


def _is_computed(node: nodes.Node, text: str, hparams: Collection[str]) -> bool:
    if isinstance(node, nodes.Call) and _called(node.function)[:1].isupper():
        return True
    if isinstance(node, (nodes.Tuple, nodes.Comprehension)) and text[:1] in ("(", "["):
        return True
    parts = list(nodes.walk(node))
    if any(isinstance(part, nodes.Name) and part.id in hparams for part in parts):
        return True
    computes = any(isinstance(part, nodes.Binary) and part.operator in _OPERATORS for part in parts)
    return computes and any(isinstance(part, nodes.Constant) and _is_number(part.value) for part in parts)


def _called(function: nodes.Node) -> str:
    """The last part of the name of a function that is called, or nothing."""
    if isinstance(function, nodes.Name):
        return function.id
    return function.name if isinstance(function, nodes.Attribute) else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
