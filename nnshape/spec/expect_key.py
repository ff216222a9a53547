"""Reads the expectations of a file: `expect: {parameters: 81290, macs: <= 1M, output: 10}`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from nnshape.problems import Problem, SpecError
from nnshape.problems.nearest import nearest
from nnshape.spec import limits
from nnshape.spec.naming_rules import shortened
from nnshape.spec.scalars import kind_of
from nnshape.spec.shape_patterns import shape_of_node
from nnshape.spec.spec import Expectation, OutputShape, Quantity, Relation
from nnshape.spec.yaml_tree import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from nnshape.spec.findings import Findings

#: The keys of `expect`, with their meanings.
QUANTITIES: dict[Quantity, str] = {
    "parameters": "Number of parameters. Shared parameters count once.",
    "trainable": "Number of trainable parameters.",
    "buffers": "Number of elements in buffers.",
    "macs": "Multiply-accumulates per sample.",
    "parameter_bytes": "Size of the parameters in bytes.",
    "output": "The output shape, or a list or mapping of shapes for several outputs.",
}
#: A count, with an optional relation before it and an optional unit after it.
COUNT = re.compile(r"\s*(<=|>=|==|<|>|)\s*([0-9][0-9_,]{0,30}(?:\.[0-9]{1,20})?)\s*([KkMGBT]?)\s*")
_LONGEST_COUNT = 80
_UNITS = {"": 1, "K": 10**3, "k": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12}
_SHAPE_MARK = re.compile(r"\[|\dx|\sx\s|^\(")


def expectations(items: tuple[tuple[Scalar, Node], ...], findings: Findings) -> tuple[Expectation, ...]:
    """The expectations of a file. Problems of invalid ones are added to `findings`."""
    found = []
    for key, value in items:
        if key.value not in QUANTITIES:
            fix = nearest(key.value, QUANTITIES) or (f"a file may expect {', '.join(QUANTITIES)}",)
            message = f"{shortened(key.value)} is not a quantity of expect"
            findings.add(Problem("unknown-key", message, key.span, help=fix))
            continue
        try:
            found.append(_expectation(key.value, value))
        except SpecError as error:
            findings.extend(error.problems)
    return tuple(found)


def _expectation(quantity: Quantity, node: Node) -> Expectation:
    if quantity == "output":
        return Expectation(quantity, "==", _output(node), node.span)
    # Strip blanks first: a pattern that matches them in two places takes quadratic time.
    text = node.value.strip() if isinstance(node, Scalar) else ""
    match = COUNT.fullmatch(text) if len(text) <= _LONGEST_COUNT else None
    if match is None:
        fix = ("write 81290, 81_290, 25.6M or <= 4.1G",)
        message = f"{quantity} is a count"
        raise SpecError(Problem("wrong-type", message, node.span, help=fix))
    relation, digits, unit = match.groups()
    whole, _, fraction = digits.replace("_", "").replace(",", "").partition(".")
    # In integers, so that 25.6M is exact.
    number, rest = divmod(int(whole + fraction) * _UNITS[unit], 10 ** len(fraction))
    if rest:
        raise SpecError(Problem("wrong-type", f"{quantity} is a whole number", node.span))
    if number >= limits.INTEGER:
        raise SpecError(Problem("too-large", "this integer is not below 2**63", node.span))
    return Expectation(quantity, cast(Relation, relation or "=="), number, node.span)


def _output(node: Node) -> OutputShape:
    """One shape, or a list or mapping of shapes with the structure of the output."""
    if isinstance(node, Mapping):
        return {key.value: _output(value) for key, value in node.items}
    # A list of bare sizes is itself a shape; with a shape among its items it is a list of shapes.
    if isinstance(node, Sequence) and any(
        not isinstance(item, Scalar) or _SHAPE_MARK.search(item.value) for item in node.items
    ):
        return tuple([_output(item) for item in node.items])
    if isinstance(node, Scalar) and not node.value:
        raise SpecError(Problem("wrong-type", f"a shape is expected here, not {kind_of(node)}", node.span))
    return shape_of_node(node)
