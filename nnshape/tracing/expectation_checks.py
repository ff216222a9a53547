"""Checks the `expect` of a spec against its trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from nnshape.problems import Problem
from nnshape.shapes.dims import Dim, symbols_of
from nnshape.shapes.tensor import Unknown
from nnshape.spec import Expectation, ShapePattern
from nnshape.tracing import shape_matching
from nnshape.tracing.batch_reports import judge_pattern
from nnshape.tracing.faults import Fault, Unknowable
from nnshape.tracing.value_display import shown
from nnshape.tracing.work_limit import ended
from nnshape.work import OutOfWork

if TYPE_CHECKING:
    from nnshape.tracing.parameter_rows import Totals
    from nnshape.tracing.scope import Frame

_HOLDS: dict[str, Callable[[int, int], bool]] = {
    "==": lambda a, b: a == b, "<=": lambda a, b: a <= b, "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b, ">": lambda a, b: a > b,
}  # fmt: skip
_NAMES = {"parameter_bytes": "bytes of parameters", "macs": "MACs", "trainable": "trainable parameters"}


def check_expectations(
    frame: Frame, expect: Iterable[Expectation], totals: Totals, output: Any, report: Callable[[Problem], None]
) -> None:
    """Report each expectation that does not hold. Counts are checked only if the trace has no other error."""
    is_wrong = any(p.severity == "error" and p.kind != "unexpected-shape" for p in frame.tracer.problems)
    for expectation in expect:
        if expectation.quantity == "output":
            check_output(frame, expectation, output, report)
            continue
        if not is_wrong:
            problem = judged(expectation, totals)
            if problem is not None:
                report(problem)


def check_output(frame: Frame, expectation: Expectation, output: Any, report: Callable[[Problem], None]) -> None:
    """Report an expectation of the output that does not hold."""
    _check_output(frame, expectation, expectation.value, output, "the output", report)


def judged(expectation: Expectation, totals: Totals) -> Problem | None:
    """Return the problem of a count, or None. It is a warning if the count is not known well enough to check."""
    value = getattr(totals, expectation.quantity)
    is_least = totals.partial_macs if expectation.quantity == "macs" else totals.partial_parameters
    name = _NAMES.get(expectation.quantity, expectation.quantity)
    span = expectation.span
    if isinstance(value, Dim):
        symbols = ", ".join(sorted(symbols_of(value)))
        help = (f"give {symbols} a value in dims",)
        message = f"cannot check the model's {name}: they depend on {symbols}"
        return Problem("unchecked", message, span, str(value), help=help, severity="warning")
    assert isinstance(expectation.value, int)
    bound = f"{'' if expectation.relation == '==' else f'{expectation.relation} '}{expectation.value:,}"
    holds = _HOLDS[expectation.relation](value, expectation.value)
    if is_least and (holds or expectation.relation not in ("<", "<=")):
        message = f"cannot check the model's {name}: some are unknown"
        return Problem("unchecked", message, span, f"at least {value:,}", severity="warning")
    if holds:
        return None
    least = "at least " if is_least else ""
    message = f"the model has {least}{value:,} {name}, where {bound} is expected"
    return Problem("over-budget", message, span, f"{least}{value:,}")


def _check_output(
    frame: Frame, expectation: Expectation, wanted: Any, value: Any, name: str, report: Callable[[Problem], None]
) -> None:
    if isinstance(value, Unknown):
        return
    if isinstance(wanted, ShapePattern):
        assumed = len(frame.tracer.constraints)
        try:
            problem = shape_matching.check_assertion(frame, wanted, value, name)
            problem = problem or judge_pattern(frame, assumed, wanted, name, value)
        except Fault as wrong:
            problem = wrong.problem
        except Unknowable:
            return
        except OutOfWork:
            raise ended(wanted.span, "while checking this shape") from None
        if problem is not None:
            report(problem)
        return
    keys = wanted.keys() if isinstance(wanted, dict) else range(len(wanted))
    container = dict if isinstance(wanted, dict) else (tuple, list)
    if not isinstance(value, container) or len(value) != len(keys):
        message = f"{name} is {shown(value)}, where {len(keys)} values are expected"
        report(Problem("unexpected-shape", message, expectation.span))
        return
    for key in keys:
        if isinstance(value, dict) and key not in value:
            report(Problem("unexpected-shape", f"{name} has no {key}", expectation.span))
            continue
        _check_output(frame, expectation, wanted[key], value[key], f"{name} {key}", report)
