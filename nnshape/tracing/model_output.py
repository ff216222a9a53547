"""The output of a model: the values of its `output`, or of its last step."""

from __future__ import annotations

from keyword import iskeyword
from typing import Any

from nnshape.shapes.nested import leaves_in, map_nested
from nnshape.shapes.tensor import UNKNOWN, Unknown
from nnshape.spec import Expression, Spec
from nnshape.tracing.assigning import end_assignments
from nnshape.tracing.faults import Fault, Unknowable, fault
from nnshape.tracing.model import Call
from nnshape.tracing.scope import Frame
from nnshape.tracing.value_display import holds_tensor, holds_unknown, is_applied, shown

_HELP = "a module is no value until it is applied: name the step that calls it"


def model_output(frame: Frame, spec: Spec) -> Any:
    """Return the output of a model whose steps have run. Reports faults in `output`."""
    if spec.output is None:
        if holds_tensor(frame.running):
            return frame.running
        if spec.body.steps and not isinstance(frame.running, Unknown):
            message = f"{spec.name} has no output: no step gives a tensor, and it has no input"
            help = ("name the output: output: [weight]",)
            frame.tracer.report(fault("wrong-type", message, spec.body.steps[-1].span, help=help).problem)
        return UNKNOWN

    numbers = spec.output.takes_numbers
    if frame.run.calls:
        frame.call = frame.run.calls[-1]  # operations in `output` belong to the last row
    frame.call.told_as = Call("", "output", "", spec.output.span.text, spec.output.span, 0)

    def value_of(expression: Expression) -> Any:
        frame.expression = expression
        text = expression.text.strip()
        try:
            # A step whose name is no identifier or a keyword, such as block1-0 or None, reads as an expression too.
            is_name = text.isidentifier() and not iskeyword(text)
            step = None if is_name else frame.locals.get(text)
            value = frame.evaluate(expression.node) if step is None else step.value
            if holds_unknown(value) or ((numbers or holds_tensor(value)) and not _holds_module(value)):
                return value
            text = " ".join(expression.text.split())
            help = (_HELP,) if _holds_module(value) else ()
            message = f"the output {text} is {shown(value)}, not a tensor"
            raise fault("wrong-type", message, expression.where(), help=help)
        except Fault as wrong:
            frame.tracer.report(wrong.problem)
        except Unknowable:
            pass
        finally:
            end_assignments(frame)
        return UNKNOWN

    return map_nested(value_of, spec.output.value)


def _holds_module(value: Any) -> bool:
    """Return whether a value is or holds a module, a layer type or a function."""
    return any(map(is_applied, leaves_in(value)))
