"""Derives the sizes of a step's value, line by line, with numbers filled in."""

from __future__ import annotations

from nnshape.problems import SpecError
from nnshape.shapes.function import Function
from nnshape.shapes.twins import derivation_of
from nnshape.tracing.internal import internal_error
from nnshape.tracing.model import Call, Module, Operation
from nnshape.tracing.runtime_sizes import plain


def derivation(operation: Operation) -> tuple[str, ...]:
    """Return the formula of an operation; empty if it keeps its input's sizes, or has no rule."""
    arguments = plain(operation.arguments)
    keywords = {name: plain(value) for name, value in operation.keywords.items()}
    target = operation.target
    if isinstance(target, Function):
        return derivation_of(target, arguments, keywords)
    if isinstance(target, Module) and target.layer is not None:
        return target.layer.derivation(*arguments, **keywords)
    return ()


def derivation_of_call(call: Call) -> tuple[str, ...]:
    """Return the formulas of a step's operations, in order. The formulas inside a block belong to its own steps.

    Raises SpecError with an internal error at the step if the formula of a rule raises.
    """
    try:
        return tuple(line for operation in call.operations for line in derivation(operation))
    except Exception as error:
        raise SpecError(internal_error(error, call.span)) from error
