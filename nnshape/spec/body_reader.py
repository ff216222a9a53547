"""Reads the steps of a body: expressions, assertions and anonymous blocks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nnshape.problems import Problem, SpecError
from nnshape.records import dataclass
from nnshape.spec import limits
from nnshape.spec.expression import STRING, Expression, parse_expression
from nnshape.spec.mapping_steps import expression_of_mapping
from nnshape.spec.naming_rules import shortened, step_name_problem
from nnshape.spec.scalars import kind_of, value_of
from nnshape.spec.shape_patterns import ShapePattern, shape_of_node, shape_of_text
from nnshape.spec.source import Span
from nnshape.spec.spec import Body, Step
from nnshape.spec.yaml_tree import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Collection

    from nnshape.spec.findings import Findings

_QUOTE_BRACKET_OR_ARROW = re.compile(rf"{STRING}|[()\[\]{{}}]|->", re.DOTALL)
#: The blank from folding a line that ends with a bracket: `Sequential( Linear(8, 4) )`.
_PADDING = re.compile(r"(?<=[(\[{]) | (?=[)\]}])")
_MISSING_SPACE = re.compile(r"([^\W\d]\w*|\d+):(\S.*)")


@dataclass(frozen=True, slots=True)
class StepReader:
    """Reads bodies. A step that cannot be read has no value, and its problem is added to `findings`.

    `modules` are the names of the file's own modules (blocks, includes, imports). A mapping step constructs
    them, like the layers of torch.
    """

    findings: Findings
    modules: Collection[str]

    def body(self, node: Node, what: str) -> Body:
        """The steps of a mapping or list; `what` names the body in messages."""
        if isinstance(node, Scalar):
            self.findings.add(_no_body(node, what))
            return Body((), node.span, False)
        if not node.items:
            self.findings.add(Problem("missing-key", f"{what} has no steps", node.span))
        if len(node.items) > limits.CALLS:
            message = f"{what} holds more than {limits.CALLS:,} steps"
            self.findings.add(Problem("too-large", message, _start(node.span)))
            return Body((), node.span, isinstance(node, Sequence))
        if isinstance(node, Sequence):
            return Body(tuple(self.list_steps(node)), node.span, True)
        return Body(tuple(self.mapping_steps(node)), node.span, False)

    def block_body(self, node: Node, what: str) -> Body:
        """The body of a block: steps, or one expression, which is the step 0 of a list."""
        if isinstance(node, Scalar):
            is_step = _is_text(node) and not _MISSING_SPACE.match(node.value)
        else:
            is_step = isinstance(node, Mapping) and isinstance(node.get("type"), Scalar)
        if not is_step:
            return self.body(node, what)
        return Body((self.step("0", node.span, node),), node.span, True, True)

    def list_steps(self, node: Sequence) -> list[Step]:
        """The steps of a list, named as `nn.Sequential` names its items."""
        steps: list[Step] = []
        depth = 0
        for item in node.items:
            if depth > 0 and isinstance(item, Scalar):
                # The commas of the list have split a call.
                depth += _opened(item.value)
                continue
            if node.flow and isinstance(item, Scalar) and _is_split(item):
                depth = _opened(item.value)
                self.findings.add(_split_call(item, node))
                steps.append(Step(str(len(steps)), item.span, None, None, item.value, item.span))
                continue
            steps.append(self.step(str(len(steps)), item.span, item))
        return steps

    def mapping_steps(self, node: Mapping) -> list[Step]:
        """The steps of a mapping, by name."""
        steps: list[Step] = []
        depth = 0
        for key, value in node.items:
            if depth > 0 and isinstance(value, Scalar) and not value.value:
                # The commas of the mapping have split a call, and YAML reads each piece as a key.
                depth += _opened(key.value)
                continue
            if problem := step_name_problem(key.value, key.span):
                self.findings.add(problem)
            if node.flow and isinstance(value, Scalar) and _is_split(value):
                depth = _opened(value.value)
                self.findings.add(_split_call(value, node))
                steps.append(Step(key.value, key.span, None, None, value.value, value.span))
                continue
            steps.append(self.step(key.value, key.span, value))
        return steps

    def step(self, name: str, name_span: Span, node: Node) -> Step:
        """One step; its value or assertion is None if it cannot be read."""
        value: Expression | Body | None = None
        assertion: ShapePattern | None = None
        text = ""
        try:
            if isinstance(node, Scalar):
                text = _folded(node.value[: limits.EXPRESSION_CHARACTERS])
                value, assertion, text = self.scalar_step(node, name)
            elif isinstance(node, Mapping) and (kind := node.get("type")) is not None:
                shape = node.get("shape")
                value = expression_of_mapping(node, kind, self.modules)
                text = value.text
                assertion = shape_of_node(shape) if shape is not None else None
            else:
                value = self.body(node, name)
        except SpecError as error:
            self.findings.extend(error.problems)
        return Step(name, name_span, value, assertion, text, node.span)

    def scalar_step(self, node: Scalar, name: str) -> tuple[Expression, ShapePattern | None, str]:
        """The expression, the assertion and the text of a step: `expression` or `expression -> shape`."""
        text = node.value
        if not text.strip():
            fix = f"{name}: Identity()" if name.isidentifier() else "- Identity()"
            raise SpecError(Problem("syntax", "this step is empty", node.span, help=(fix,)))
        if len(text) > limits.EXPRESSION_CHARACTERS:
            # Checked before computing the origin, which takes time proportional to the length.
            message = f"this expression has {len(text):,} characters; {limits.EXPRESSION_CHARACTERS:,} is the most"
            raise SpecError(Problem("too-large", message, node.span, help=("split it into several steps",)))
        origin = node.origin
        if "->" not in text or (at := arrow(text)) < 0:
            return parse_expression(text, origin), None, _folded(text)
        expression = parse_expression(text[:at], origin.cut(0, at))
        assertion: ShapePattern | None = None
        try:
            assertion = shape_of_text(text[at + 2 :], origin.cut(at + 2, len(text)))
        except SpecError as error:
            # Only the assertion is invalid, so the trace continues with the step.
            self.findings.extend(error.problems)
        return expression, assertion, _folded(text[:at])


def arrow(text: str) -> int:
    """The offset of the last `->` outside quotes and brackets, or -1."""
    depth, found = 0, -1
    for match in _QUOTE_BRACKET_OR_ARROW.finditer(text):
        mark = match.group()
        if mark in ("(", "[", "{"):
            depth += 1
        elif mark in (")", "]", "}"):
            depth -= 1
        elif mark == "->" and depth <= 0:
            found = match.start()
    return found


def _folded(text: str) -> str:
    """The text with its lines joined into one."""
    return _PADDING.sub("", " ".join(text.split()))


def _is_split(scalar: Scalar) -> bool:
    return scalar.plain and _opened(scalar.value) > 0


def _opened(text: str) -> int:
    return text.count("(") - text.count(")")


def _split_call(scalar: Scalar, inside: Mapping | Sequence) -> Problem:
    what = "braces" if isinstance(inside, Mapping) else "brackets"
    message = f"inside {what} the commas of a call end the entry"
    fixes = ('put the call in quotes: "Conv2d(1, 6, 5)"', "or give each step a line of its own")
    return Problem("syntax", message, scalar.span, "cut off at its first comma", help=fixes)


def _is_text(scalar: Scalar) -> bool:
    try:
        value = value_of(scalar)
    except SpecError:
        return False
    return isinstance(value, str) and bool(value.strip())


def _no_body(node: Scalar, what: str) -> Problem:
    # Search the text, not the value: computing the origin of many lines takes long.
    if match := _MISSING_SPACE.match(node.value):
        name, rest = match.groups()
        at = node.span.start + node.span.text.index(":")
        start = Span(node.span.source, at, at + 1)
        fix = (f"{name}: {shortened(rest.strip())}",)
        return Problem("syntax", "a space is missing after this colon", start, help=fix)
    message = f"{what} expects steps (a mapping or a list), not {kind_of(node)}"
    fix = ("conv1: Conv2d(1, 6, 5)",)
    return Problem("wrong-type", message, node.span, help=fix)


def _start(span: Span) -> Span:
    return Span(span.source, span.start, min(span.start + 1, span.end))
