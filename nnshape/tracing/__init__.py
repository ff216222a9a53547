"""Traces a `Spec` to a `Trace`: the shapes, parameters and problems of every step. Never imports torch."""

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
