"""The output of a model: the values of its `output`, or of its last step."""

from __future__ import annotations

from typing import Any

from nnshape.shapes.nested import map_nested
from nnshape.shapes.tensor import UNKNOWN
from nnshape.spec import Expression, Spec
from nnshape.tracing.faults import Fault, Unknowable
from nnshape.tracing.scope import Frame
from nnshape.tracing.value_display import holds_tensor


def model_output(frame: Frame, spec: Spec) -> Any:
    """Return the output of a model whose steps have run. Reports faults in `output`."""
    if spec.output is None:
        return frame.running if holds_tensor(frame.running) else UNKNOWN

    if frame.run.calls:
        frame.call = frame.run.calls[-1]  # operations in `output` belong to the last row

    def value_of(expression: Expression) -> Any:
        frame.expression = expression
        try:
            return frame.evaluate(expression.node)
        except Fault as wrong:
            frame.tracer.report(wrong.problem)
        except Unknowable:
            pass
        return UNKNOWN

    return map_nested(value_of, spec.output.value)
