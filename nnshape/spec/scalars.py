"""The values of YAML scalars in YAML 1.2's core schema (section 10.3), not YAML 1.1's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nnshape.problems import Problem, SpecError
from nnshape.spec import limits
from nnshape.spec.yaml_tree import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from nnshape.spec.source import Span

Plain = None | bool | int | float | str
Value = Plain | list["Value"]

_WORDS: dict[str, Plain] = {
    "": None, "null": None, "Null": None, "NULL": None, "~": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    ".inf": float("inf"), ".Inf": float("inf"), ".INF": float("inf"),
    "+.inf": float("inf"), "+.Inf": float("inf"), "+.INF": float("inf"),
    "-.inf": float("-inf"), "-.Inf": float("-inf"), "-.INF": float("-inf"),
    ".nan": float("nan"), ".NaN": float("nan"), ".NAN": float("nan"),
}  # fmt: skip
_INTEGER = re.compile(r"([-+]?)(?:0o([0-7]+)|0x([0-9A-Fa-f]+)|([0-9]+))")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
# 2**63 has 19 decimal digits and 21 octal ones; longer numbers, without leading zeros, are never converted.
_DIGITS = 22


def value_of(scalar: Scalar) -> Plain:
    """The value of a scalar: null, a bool, a number or a string if plain, otherwise a string. Raises SpecError."""
    text = scalar.value
    if not scalar.plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if match := _INTEGER.fullmatch(text):
        sign, octal, hexadecimal, decimal = match.groups()
        digits = (octal or hexadecimal or decimal).lstrip("0") or "0"
        base = 8 if octal else 16 if hexadecimal else 10
        if len(digits) > _DIGITS or (value := int(digits, base)) >= limits.INTEGER:
            raise SpecError(Problem("too-large", "this integer is not below 2**63", scalar.span))
        return -value if sign == "-" else value
    if _FLOAT.fullmatch(text):
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise SpecError(Problem("too-large", "this number is too large for a float", scalar.span))
        return number
    return text


def value_of_node(node: Node) -> Value:
    """The value of a scalar, or of a list of scalars and lists. Raises SpecError."""
    if isinstance(node, Scalar):
        return value_of(node)
    if isinstance(node, Sequence):
        return [value_of_node(item) for item in node.items]
    raise SpecError(Problem("wrong-type", "a number, a word or a list of them is expected here", node.span))


def word_of(node: Node, wanted: str) -> tuple[str, Span]:
    """The text of a scalar. Raises SpecError for a collection or an empty value."""
    if isinstance(node, Scalar) and node.value:
        return node.value, node.span
    raise SpecError(Problem("wrong-type", f"{wanted} is expected here, not {kind_of(node)}", node.span))


def kind_of(node: Node) -> str:
    """The sort of a node in words: `a mapping`, `a list`."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    return "nothing" if _WORDS.get(node.value, 0) is None and node.plain else "a single value"
