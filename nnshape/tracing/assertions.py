"""Checks the shape that a step asserts about its output: `flat: flatten(1) -> 64`."""

from __future__ import annotations

from typing import Any

from nnshape.spec import Step
from nnshape.tracing import shape_matching
from nnshape.tracing.batch_reports import is_told, judge_pattern
from nnshape.tracing.faults import Fault, Unknowable
from nnshape.tracing.scope import Frame
from nnshape.tracing.work_limit import ended
from nnshape.work import OutOfWork


def assert_shape(frame: Frame, step: Step, output: Any, name: str) -> None:
    """Report it if the output of a step, called `name` in the message, is not as asserted."""
    assert step.assertion is not None
    assumed = len(frame.tracer.constraints)
    try:
        problem = shape_matching.check_assertion(frame, step.assertion, output, name)
        problem = problem or judge_pattern(frame, assumed, step.assertion, name, output)
    except Fault as wrong:
        problem = wrong.problem
    except Unknowable:
        return
    except OutOfWork:
        raise ended(step.assertion.span, "while checking this shape") from None
    if problem is not None and not is_told(frame, problem):
        frame.tracer.report(problem)
