"""Whole models of included files: such a model is tied, frozen, held to its figures and read off as its file says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nnshape.problems import Label
from nnshape.records import dataclass
from nnshape.shapes.tensor import N
from nnshape.spec import Expectation
from nnshape.spec.variants_key import expectations_of
from nnshape.tracing.expectation_checks import check_output, judged
from nnshape.tracing.model import Call, Module, Run
from nnshape.tracing.model_output import model_output
from nnshape.tracing.parameter_rows import parameter_rows, totals_of, whole_models
from nnshape.tracing.runtime_sizes import plain
from nnshape.tracing.scope import FileScope, Frame

if TYPE_CHECKING:
    from nnshape.tracing.tracer import Tracer


@dataclass(frozen=True, slots=True, eq=False)
class IncludedModel:
    """One application of an included model, with the figures of its file that hold there and the calls that led to it.

    `batch` is the size of the batch that arrives.
    """

    module: Module
    run: Run
    expect: tuple[Expectation, ...]
    batch: Any
    callers: tuple[Label, ...]


def read_off(inner: Frame) -> None:
    """Set the output of an included model whose steps have run, and hold it against the `expect` of its file."""
    file = inner.file
    inner.running = model_output(inner, file.spec)
    expect = _figures(inner, file)
    for expectation in expect:
        if expectation.quantity == "output":
            check_output(inner, expectation, inner.running, inner.tracer.report)
    counts = tuple(one for one in expect if one.quantity != "output")
    if counts:
        batch = plain(inner.names.get("N"))
        made = IncludedModel(inner.module, inner.run, counts, batch, inner.tracer.callers())
        inner.tracer.included_models.append(made)


def _figures(inner: Frame, file: FileScope) -> tuple[Expectation, ...]:
    """Return the expectations of a file that hold for the hparams of the call and the sizes that arrive.

    A call that sets an hparam makes another model than the one that the file counts. Outputs and MACs belong to the
    sizes in the file's `dims`.
    """
    if file.is_changed:
        return ()
    expect = expectations_of(file.spec, file.variant)
    dims: dict[str, Any] = {name: located.value for name, located in file.spec.dims.items()}
    if file.variant is not None:
        dims |= {name: setting.value for name, setting in file.spec.variants[file.variant].values.items()}
    arriving = {name: plain(value) for name, value in inner.names.items() if name != "N"}
    if all(dims.get(name, value) == value for name, value in arriving.items()):
        return expect if arriving.keys() <= dims.keys() else tuple(one for one in expect if one.quantity != "macs")
    return tuple(one for one in expect if one.quantity not in ("macs", "output"))


def check_included_models(tracer: Tracer) -> None:
    """Report each count of an included file that its model does not have, unless the trace has another error.

    What the including file ties and freezes besides is no part of that model.
    """
    if not tracer.included_models or any(problem.severity == "error" for problem in tracer.problems):
        return
    for model in tracer.included_models:
        path = model.module.path or ""
        call = Call(path, path, model.module.type, "", model.module.span, 0)
        for child in model.run.calls:
            call.add_counts(child)
        if model.batch != N:
            whole = type(model.batch) is int and type(call.macs) is int and model.batch and not call.macs % model.batch
            call.macs = call.macs // model.batch if whole else call.macs
            call.partial_macs |= not whole
        rows = parameter_rows(model.module, whole_models(model.module), True, lambda problem: None)
        totals = totals_of(call, rows)
        for expectation in model.expect:
            if expectation.quantity == "macs" and call.partial_macs:
                continue
            problem = judged(expectation, totals)
            if problem is not None:
                tracer.report(replace(problem, frames=model.callers))
