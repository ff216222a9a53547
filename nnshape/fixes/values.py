"""Fixes of an argument's value: another type of the same value, or the valid value nearest to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nnshape.explain.refusals import place_of
from nnshape.fixes.arguments import without_argument
from nnshape.fixes.editing import Edit
from nnshape.fixes.fix import Candidate, text_of, whole_number
from nnshape.fixes.given import Given, given
from nnshape.fixes.own import line_after
from nnshape.problems.nearest import nearest_name
from nnshape.shapes.arguments import REQUIRED, Parameter
from nnshape.shapes.refusal import Refusal
from nnshape.spec import Keyword, Node, nodes
from nnshape.tracing import Trace
from nnshape.tracing.contexts import FaultContext

_WORD = re.compile(r"[a-z_0-9]+")
_DIGITS = re.compile(r"-?\d+")
#: How messages end if only a share of 1 is valid.
_SHARE = "from 0 to 1"
#: Kinds of arguments, by what a value for them must be.
_WHOLE = frozenset({"Size", "Sizes", "SizesOrNone", "Whole", "Wholes", "int"})
_REAL = frozenset({"float", "Floats", "Number", "complex"})
_TRUTH = frozenset({"bool", "Flag"})


def converted(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Write the same value in the type that the argument wants: `3` for `3.0`, `'3'` or `(3, 3)`."""
    parameter = parameter_at_fault(context)
    if parameter is None:
        return
    for node in _nodes_at_fault(context, parameter):
        value = given(trace, context, context.expression, node)
        for other in _conversions(value.node, frozenset(parameter.kinds)):
            yield _set(context, value, other, f"write {parameter.name} as {parameter.wanted}")
        if isinstance(value.node, nodes.Binary) and value.node.operator == "/" and _WHOLE.intersection(parameter.kinds):
            text = value.span.text
            if text.count("/") == 1:
                yield _set(context, value, text.replace("/", "//"), "divide whole numbers")
        leaves = context.refusal.problem == "wrong-type" and parameter.default is not REQUIRED
        if leaves and value.in_step and literal(value.node) is not None:
            yield from _left_out(context, parameter.name)


def _nodes_at_fault(context: FaultContext, parameter: Parameter) -> list[Node]:
    """The node of the argument at fault, or the nodes that it may be among those of a variadic one."""
    node = node_at_fault(context)
    if node is not None or not parameter.variadic or not isinstance(context.node, nodes.Call):
        return [] if node is None else [node]
    return [item for item in context.node.args if whole_number(item) is None]


def _conversions(node: Node, kinds: frozenset[str]) -> Iterator[Any]:
    items = [whole_number(item) for item in node.items] if isinstance(node, (nodes.Tuple, nodes.List)) else []
    if items and kinds & _WHOLE and len(set(items)) == 1 and items[0] is not None:
        yield items[0]
    value = literal(node)
    if isinstance(value, str):
        if kinds & (_WHOLE | _REAL) and _DIGITS.fullmatch(value.strip()):
            yield int(value)
        if kinds & _TRUTH and value.casefold() in ("true", "false"):
            yield value.casefold() == "true"
    elif isinstance(value, float) and kinds & _WHOLE and value.is_integer():
        yield int(value)
    elif type(value) is int and value in (0, 1) and kinds & _TRUTH:
        yield bool(value)
    elif type(value) is int and "WholeTuple" in kinds:
        yield (value,)


def valid_values(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Write the valid value that is nearest to an invalid one, or leave the argument at its default."""
    node, parameter = node_at_fault(context), parameter_at_fault(context)
    if node is None or parameter is None:
        return
    written = given(trace, context, context.expression, node)
    value = literal(written.node)
    if context.refusal.problem == "index-error" and parameter.name != "padding_idx":
        return
    if isinstance(value, str):
        words = _WORD.findall(f"{context.refusal.message} {context.refusal.help} {context.refusal.note}")
        near = nearest_name(value, (word for word in words if word != value))
        if near is not None:
            yield _set(context, written, repr(near), f"did you mean {near}?")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        for number in _near(value, parameter, context.refusal):
            yield _set(context, written, number, "use the nearest valid value")
        if parameter.default is not REQUIRED:
            if written.in_step:
                yield from _left_out(context, parameter.name)
            elif value == 0 and parameter.default in (None, 1):
                yield _set(context, written, 1, "use the nearest valid value")


def _near(value: int | float, parameter: Parameter, refusal: Refusal) -> Iterator[int | float]:
    """The numbers that an invalid one may have been meant for, likeliest first."""
    if type(refusal.wanted) is int:
        yield refusal.wanted
    if value < 0 and ((type(value) is int and _WHOLE.intersection(parameter.kinds)) or _SHARE in refusal.message):
        yield -value
    if _SHARE in refusal.message and type(value) is int and 1 < value <= 100:
        yield value / 100  # a percentage
    if parameter.default is REQUIRED and type(value) is int and value == 0:
        yield 1


def _left_out(context: FaultContext, name: str) -> Iterator[Candidate]:
    """Leave the argument out if nothing comes after it by position."""
    for call in _calls(context.node):
        for item in (*call.keywords, *call.args[-1:]):
            value = item.value if isinstance(item, Keyword) else item
            if value is node_at_fault(context):
                edit = without_argument(context.expression, call, item)
                yield Candidate(f"leave {name} at its default", (edit,), context.call.span, context.call.name)


def _calls(node: Node) -> Iterator[nodes.Call]:
    while isinstance(node, nodes.Call):
        yield node
        node = node.function


def node_at_fault(context: FaultContext) -> Node | None:
    """The node of the argument at fault; None if it is not written."""
    place = place_of(context)
    if place is context.node:
        return None
    return place.value if isinstance(place, Keyword) else place


def parameter_at_fault(context: FaultContext) -> Parameter | None:
    """The declared argument at fault."""
    name = context.refusal.argument or ""
    if context.signature is not None and name in context.signature.by_name:
        return context.signature.by_name[name]
    layer = context.module.layer if context.module is not None else None
    return None if layer is None else layer.call_signature().by_name.get(name)


def literal(node: Node) -> int | float | str | bool | None:
    """The value of a literal, with its sign; None for any other expression."""
    if isinstance(node, nodes.Unary) and node.operator == "-":
        value = literal(node.operand)
        return -value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    if isinstance(node, nodes.Word):
        return node.id
    return node.value if isinstance(node, nodes.Constant) and node.value is not Ellipsis else None


def _set(context: FaultContext, written: Given, value: Any, description: str) -> Candidate:
    edit = Edit(written.span, text_of(value))
    if written.in_step:
        return Candidate(description, (edit,), context.call.span, context.call.name)
    return Candidate(description, (edit,), shown=line_after(edit))
