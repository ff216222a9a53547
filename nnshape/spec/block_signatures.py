"""Parses the keys of `blocks` into signatures: `Attn(d, heads=8)(x[N, T, D], mask=None)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshape.problems import Label, Problem, SpecError
from nnshape.records import dataclass
from nnshape.spec import nodes
from nnshape.spec.expression import Expression, parse_expression
from nnshape.spec.naming_rules import name_problem
from nnshape.spec.shape_patterns import ShapePattern, check_dim
from nnshape.spec.spec import BlockInput, BlockParameter

if TYPE_CHECKING:
    from nnshape.spec.source import Span
    from nnshape.spec.yaml_tree import Scalar

_EXAMPLE = "write Name, Name(p, q=1) or Name(p, q=1)(x[N, T, D], mask=None)"


@dataclass(frozen=True, slots=True)
class BlockSignature:
    """The name, hyperparameters and inputs in the key of a block."""

    name: str
    name_span: Span
    parameters: tuple[BlockParameter, ...]
    inputs: tuple[BlockInput, ...]
    expression: Expression


def signature_of(key: Scalar) -> BlockSignature:
    """The signature in the key of a block. Raises SpecError."""
    expression = parse_expression(key.value, key.origin)
    node = expression.node
    calls: list[nodes.Call] = []
    while isinstance(node, nodes.Call) and len(calls) < 2:
        calls.insert(0, node)
        node = node.function
    if not isinstance(node, nodes.Name):
        raise SpecError(Problem("syntax", "not a block signature", expression.where(), help=(_EXAMPLE,)))
    name_span = expression.span(node)
    if problem := name_problem(node.id, "a block", name_span):
        raise SpecError(problem)
    parameters = _parameters(expression, calls[0]) if calls else ()
    if len(calls) == 2:
        inputs = _inputs(expression, calls[1])
    else:
        # The default: one tensor of any shape.
        inputs = (BlockInput("x", None, False, expression.where()),)
    return BlockSignature(node.id, name_span, parameters, inputs, expression)


def _parameters(expression: Expression, call: nodes.Call) -> tuple[BlockParameter, ...]:
    found: list[BlockParameter] = []
    for argument in call.args:
        span = expression.span(argument)
        if isinstance(argument, nodes.Subscript):
            name = expression.text[: call.function.end].strip()
            inputs = expression.text[call.function.end : call.end]
            fix = f"{name}(){inputs}: hyperparameters come first, in brackets of their own"
            message = "an input is not allowed among the hyperparameters"
            raise SpecError(Problem("syntax", message, span, help=(fix,)))
        if not isinstance(argument, nodes.Name):
            raise SpecError(Problem("syntax", "a hyperparameter is a name", span, help=(_EXAMPLE,)))
        found.append(BlockParameter(argument.id, None, False, span))
    for keyword in call.keywords:
        name, span = _keyword(expression, keyword)
        found.append(BlockParameter(name, keyword.value, True, span))
    _check([(entry.name, entry.span) for entry in found], "a hyperparameter")
    return tuple(found)


def _inputs(expression: Expression, call: nodes.Call) -> tuple[BlockInput, ...]:
    found: list[BlockInput] = []
    for argument in call.args:
        span = expression.span(argument)
        if isinstance(argument, nodes.Name):
            found.append(BlockInput(argument.id, None, False, span))
        elif isinstance(argument, nodes.Subscript) and isinstance(argument.value, nodes.Name):
            pattern = _pattern(expression, argument)
            found.append(BlockInput(argument.value.id, pattern, False, expression.span(argument.value)))
        else:
            raise SpecError(Problem("syntax", "an input is a name, or x[N, T, D]", span, help=(_EXAMPLE,)))
    for keyword in call.keywords:
        name, span = _keyword(expression, keyword)
        if not (isinstance(keyword.value, nodes.Constant) and keyword.value.value is None):
            message = f"an optional input is written {name}=None"
            raise SpecError(Problem("syntax", message, expression.span(keyword.value)))
        found.append(BlockInput(name, None, True, span))
    _check([(entry.name, entry.span) for entry in found], "an input")
    return tuple(found)


def _keyword(expression: Expression, keyword: nodes.Keyword) -> tuple[str, Span]:
    if keyword.name is None:
        raise SpecError(Problem("syntax", "** is not allowed in a block's signature", expression.span(keyword)))
    return keyword.name, expression.span((keyword.start, keyword.start + len(keyword.name)))


def _pattern(expression: Expression, argument: nodes.Subscript) -> ShapePattern:
    index = argument.index
    # The index of `x[(N, T),]` contains a tuple; a plain comma list is one, without brackets.
    dims = index.items if isinstance(index, nodes.Tuple) else (index,)
    for dim in dims:
        check_dim(dim, expression)
    return ShapePattern(dims, None, False, expression, expression.span((argument.value.end, argument.end)))


def _check(entries: list[tuple[str, Span]], what: str) -> None:
    seen: dict[str, Span] = {}
    for name, span in entries:
        if problem := name_problem(name, what, span):
            raise SpecError(problem)
        if name in seen:
            related = (Label(seen[name], "first here"),)
            message = f"{what} {name} is named twice"
            raise SpecError(Problem("duplicate-key", message, span, "and again here", related=related))
        seen[name] = span
