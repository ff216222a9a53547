"""Spec -> Trace: every step of a model with its shapes, parameters and problems. Imports no torch."""

from nnshape.tracing.measuring import Measuring
from nnshape.tracing.model import Attribute, Call, Module, Operation, Requirement, Run, Trace
from nnshape.tracing.parameters import ParameterRow, Totals, per_sample
from nnshape.tracing.tracer import trace_spec

__all__ = [
    "Attribute",
    "Call",
    "Measuring",
    "Module",
    "Operation",
    "ParameterRow",
    "Requirement",
    "Run",
    "Totals",
    "Trace",
    "per_sample",
    "trace_spec",
]
