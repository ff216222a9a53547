"""Makes the spec of one step from its text and input shapes, as typed on the command line.

Each argument is a line of the source, so that problems of the spec point at columns of the argument.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from nnshape.calculator.typed_inputs import Form, TypedShape, WrongUse, name_of
from nnshape.problems import SpecError
from nnshape.spec import (
    Body,
    Expression,
    Output,
    Source,
    Span,
    Spec,
    Step,
    nodes,
    parse_expression,
)
from nnshape.spec.body_reader import arrow
from nnshape.spec.shape_patterns import shape_of_text
from nnshape.spec.source import LAYER, source_of_text
from nnshape.spec.source_map import verbatim
from nnshape.tracing.model import Call, Trace
from nnshape.tracing.runtime_sizes import plain

# A name before the step: `(conv1): ` as in print(model), or `conv1: ` as in a spec.
_PREFIX = re.compile(r"\s*(?:\((\w+)\)|([^\W\d]\w*)):\s+")
_SHAPE_NAME = re.compile(r"\s*([^\W\d]\w*)\s*=\s*")


def one_step(step: str, shapes: Sequence[str]) -> Spec:
    """Return the spec of one step and its inputs, each `SHAPE` or `NAME=SHAPE`.

    A layer is applied to the inputs in order, and to named inputs as keyword arguments. A function takes
    the inputs before its own arguments, unless the step names its tensors. Raises SpecError if the step
    is not valid, and WrongUse if the inputs do not match it.
    """
    source = source_of_text("\n".join((step, *shapes)), LAYER)
    step = source.text[: len(source.text) - sum(len(shape) + 1 for shape in shapes)]
    name, start = _name_ahead(step)
    blank = " " * start + step[start:]
    at = arrow(blank) if "->" in blank else -1
    end = len(step) if at < 0 else at
    parsed = parse_expression(blank[:end], verbatim(Span(source, 0, end)))
    assertion = None if at < 0 else shape_of_text(step[at + 2 :], verbatim(Span(source, at + 2, len(step))))
    given = _shapes(source, len(step), shapes)
    node, inputs = Form(parsed, given).applied()
    expression = Expression(source.text, node, verbatim(Span(source, 0, len(source.text))))
    span = parsed.where()
    name = name or name_of(parsed.node)
    text = " ".join(step[start:end].split())
    body = Body((Step(name, span, expression, assertion, text, span),), span, False)
    # The value of the step is the output of the model, even if it is a number.
    output = Output(Expression(source.text, nodes.Name(name, 0, end), expression.origin), span, True)
    count = len(shapes)

    def reread(text: str) -> Spec:
        lines = text.split("\n")
        return one_step("\n".join(lines[: len(lines) - count]), lines[len(lines) - count :])

    return Spec(source, name, inputs, {}, {}, {}, body, output, {}, (), (), {}, {}, {}, (), reread)


def is_named(spec: Spec) -> bool:
    """Return whether the step was typed with a name."""
    return _PREFIX.match(spec.source.text) is not None


def step_of(trace: Trace) -> Call:
    """Return the call of the step; a new one if the value is a number, which has no call."""
    if trace.calls:
        return trace.calls[0]
    step = trace.spec.body.steps[0]
    inputs = tuple(trace.inputs.values())
    return Call(step.name, step.name, "", step.text, step.span, 0, None, inputs, plain(trace.output))


def _name_ahead(step: str) -> tuple[str | None, int]:
    """Return the name before the step, if any, and the offset of the step."""
    match = _PREFIX.match(step)
    return (match[1] or match[2], match.end()) if match else (None, 0)


def _shapes(source: Source, start: int, shapes: Sequence[str]) -> list[TypedShape]:
    """Parse each shape and its name. Raises WrongUse for an invalid shape."""
    found: list[TypedShape] = []
    for text in shapes:
        start += 1
        named = _SHAPE_NAME.match(text)
        begin = named.end() if named else 0
        try:
            pattern = shape_of_text(text[begin:], verbatim(Span(source, start + begin, start + len(text))))
        except SpecError as error:
            raise WrongUse(*error.problems) from None
        found.append(TypedShape(named[1] if named else None, pattern, Span(source, start, start + len(text))))
        start += len(text)
    return found
