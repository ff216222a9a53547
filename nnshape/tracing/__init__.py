"""Spec -> Trace: every step of a model with its shapes, parameters and problems. Imports no torch."""

from nnshape.tracing.measuring import Measuring
from nnshape.tracing.model import Call, Module, Operation, Requirement, Run, StoredTensor, Trace
from nnshape.tracing.parameter_rows import ParameterRow, Totals, per_sample
from nnshape.tracing.tracer import trace_spec

__all__ = [
    "Call",
    "Measuring",
    "Module",
    "Operation",
    "ParameterRow",
    "Requirement",
    "Run",
    "StoredTensor",
    "Totals",
    "Trace",
    "per_sample",
    "trace_spec",
]
