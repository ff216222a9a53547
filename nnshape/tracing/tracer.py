"""Traces a `Spec` to a `Trace`, and holds the state of one trace."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from nnshape.problems import Label, Problem
from nnshape.problems.nearest import listed
from nnshape.shapes.constraints import Constraint, collecting, numbering
from nnshape.shapes.dtypes import default_dtype, defaulting_to
from nnshape.shapes.notices import Notice, noticing
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import UNKNOWN, Tensor, tensors_in
from nnshape.spec import ShapePattern, Span, Spec
from nnshape.spec.limits import CALL, CALLS, EXPLAINING, PATH_CHARACTERS, PROBLEMS, WORK, WORK_A_CALL
from nnshape.spec.nested_inputs import part_of
from nnshape.spec.variants_key import expectations_of
from nnshape.tracing import bodies, expressions, one_expression, starting_values
from nnshape.tracing.batch import batch_of, is_batch
from nnshape.tracing.batch_reports import OF_BATCH
from nnshape.tracing.contexts import Explainer, FaultContext, key_of
from nnshape.tracing.expectation_checks import check_expectations
from nnshape.tracing.faults import Abort
from nnshape.tracing.included_models import IncludedModel, check_included_models
from nnshape.tracing.measuring import Measuring
from nnshape.tracing.model import Call, Module, Operation, Requirement, Run, Trace
from nnshape.tracing.model_output import model_output
from nnshape.tracing.never_applied import make_never_applied
from nnshape.tracing.parameter_rows import parameter_rows, totals_of, whole_models
from nnshape.tracing.scope import FileScope, Frame
from nnshape.tracing.settings import evaluate_hparams, evaluate_tree, written_hparams
from nnshape.tracing.unused_steps import report_unused_steps
from nnshape.work import Budget, OutOfWork, bounded


class Tracer:
    """The state that all bodies of a trace share: problems, constraints, contexts and work."""

    def __init__(self, explainer: Explainer, measuring: Measuring | None) -> None:
        self.explainer = explainer
        # Expressions run bodies and bodies evaluate expressions: held here, neither module imports the other.
        self.evaluate = expressions.evaluate
        self.apply_body = bodies.apply_body
        self.apply_through = one_expression.apply_through
        self.measuring = measuring
        self.problems: list[Problem] = []
        self.requirements: list[Requirement] = []
        self.constraints: list[Constraint] = []
        self.notices: list[Notice] = []
        self.contexts: dict[tuple[str, str, int, int], FaultContext] = {}
        #: Whether N is the batch of the model: see `nnshape.tracing.batch`.
        self.has_batch = False
        #: N turned out to count the nodes of a graph: see `nnshape.tracing.graph_nodes`.
        self.counts_nodes = False
        self.batch = batch_of(())
        #: Whether bodies that no step calls run now, with unknown values: see `nnshape.tracing.never_applied`.
        self.makes_idle = False
        #: Whether the file, or one that it includes, may freeze parameters by globs.
        self.may_freeze = False
        #: The models of other files, as they are applied.
        self.included_models: list[IncludedModel] = []
        self._callers: list[tuple[Call, Span]] = []
        #: The work that the trace may take, and the work for explaining its problems.
        self.budget = Budget(WORK)
        self.explaining = Budget(EXPLAINING)
        #: The cache of layers with symbolic shapes: see `nnshape.tracing.layers`.
        self.answers: dict[tuple[Any, ...], Any] = {}
        self._calls = 0
        self._claimed = 0
        #: The size that arrived and the one that was wanted, at each fault after which the trace kept a size.
        self.refused_sizes: set[tuple[Any, Any]] = set()
        self._known: set[tuple[str, str, int, int]] = set()

    def report(self, problem: Problem) -> None:
        """Add a problem, with the calls that led to it. The same problem is added only once."""
        if problem.span is not None:
            key = key_of(problem)
            if key in self._known:
                return
            self._known.add(key)
        if self._callers and not problem.frames:
            problem = replace(problem, frames=self.callers())
        self.problems.append(problem)

    def count(self, call: Call) -> None:
        """Count one executed step. Raises Abort beyond the limits on calls and problems."""
        self._calls += 1
        self.budget.grant(WORK_A_CALL)
        self.budget.left -= CALL + len(call.path) // PATH_CHARACTERS
        if self._calls > CALLS:
            raise Abort(Problem("too-large", f"the model makes more than {CALLS:,} calls", call.span))
        if len(self.problems) > PROBLEMS:
            raise Abort(Problem("too-large", f"more than {PROBLEMS:,} problems: the trace ends here", call.span))

    def enter(self, call: Call, span: Span) -> None:
        """Push the call that runs a body. Raises Abort if blocks nest too deeply."""
        if len(self._callers) >= 64:
            # Not a Fault: blocks that apply each other reach this depth along exponentially many paths.
            message = "blocks are nested more than 64 levels deep"
            raise Abort(Problem("too-large", message, span))
        self._callers.append((call, span))

    def callers(self) -> tuple[Label, ...]:
        """Return the calls that led to the body that runs now, for a problem that is found later."""
        return tuple(Label(span, call.path) for call, span in self._callers)

    def leave(self) -> None:
        """Pop the call of the innermost body."""
        self._callers.pop()

    def attribute(self, call: Call) -> None:
        """Assign the constraints and notices since the last step to this one."""
        if self.notices:
            for notice in self.notices:
                message = notice.message.replace("{layer}", call.name)
                notes = (f"torch says: {notice.note}",) if notice.note else ()
                self.report(Problem(notice.problem, message, call.span, notes=notes, severity="warning"))
            self.notices.clear()
        for constraint in self.constraints[self._claimed :]:
            self.requirements.append(Requirement(constraint, call.path, call.span))
        self._claimed = len(self.constraints)

    def included(self, file: FileScope, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> FileScope:
        """Return the scope of an included model, with its hparams overridden by keyword. Raises Refusal."""
        if file.spec.dtype is not None and file.spec.dtype.value != default_dtype():
            given = file.spec.dtype.value
            message = f"{file.spec.name} is a model in {given}, and cannot be part of one in {default_dtype()}"
            raise Refusal("wrong-dtype", message, help=f"write dtype: {given} in this file too")
        if arguments:
            raise Refusal("unknown-argument", f"{file.spec.name} takes its hparams by keyword")
        taken = FileScope(file.spec, written_hparams(file.spec), {}, file.includes)
        variant = keywords.pop("variant", None)
        if variant is not None:
            # The sizes of the variant are ignored: the inputs have sizes of their own.
            own = starting_values.input_patterns(file.spec, None).values()
            starting_values.apply_variant(self.report, taken, starting_values.sizes_of(taken, own), variant)
            taken.variant = variant
        for name, value in keywords.items():
            if name not in taken.hparams:
                known = listed(taken.hparams)
                raise Refusal("unknown-argument", f"{file.spec.name} has no hparam {name}: it has {known}", name)
            taken.is_changed |= taken.hparams[name] != value
            taken.hparams[name] = value
        evaluate_hparams(self, taken)
        return taken


def file_scope(spec: Spec) -> FileScope:
    """Return the scope of a file, with those of the files that it includes."""
    includes = {name: file_scope(include.spec) for name, include in spec.includes.items() if include.spec is not None}
    return FileScope(spec, written_hparams(spec), {}, includes)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Turn off Python's cycle collector: a trace only grows, and each collection costs more than the last."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def trace_spec(
    spec: Spec,
    *,
    explainer: Explainer,
    input: str | Mapping[str, str | ShapePattern] | Sequence[str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    variant: str | None = None,
    symbolic: bool = False,
    dtype: str | None = None,
    measuring: Measuring | None = None,
) -> Trace:
    """Trace a spec, as `nnshape.trace` does, with the explainer that writes its problems.

    Problems of the spec are in the trace. Raises SpecError for `input`, `overrides`, `variant` or `dtype`.
    """
    options = {
        "explainer": explainer, "input": input, "overrides": overrides, "variant": variant, "symbolic": symbolic,
        "dtype": dtype, "measuring": measuring,
    }  # fmt: skip
    with defaulting_to(starting_values.dtype_of(spec, dtype)):
        return _at_batch(spec, options)


def _at_batch(spec: Spec, options: Mapping[str, Any]) -> Trace:
    """Trace a spec; at a batch that is set, also with a free batch, whose problems and needs are those of the model."""
    trace = _traced(spec, options, batch_is_free=False)
    input = options["input"]
    if "N" not in trace.sizes or not is_batch(starting_values.input_patterns(spec, input).values(), spec.hparams):
        return trace
    from nnshape.tracing.given_batch import joined  # only a batch that is set asks

    return joined(_traced(spec, options, batch_is_free=True), trace)


def _traced(spec: Spec, options: Mapping[str, Any], *, batch_is_free: bool, may_have_batch: bool = True) -> Trace:
    """Trace a spec once. If the batch is free, a value that is set for N is ignored.

    If N turns out to count the nodes of a graph, trace the spec again without a batch, unless that changes nothing.
    """
    input, variant = options["input"], options["variant"]
    tracer = Tracer(options["explainer"], options["measuring"])
    tracer.may_freeze = bool(spec.freeze or spec.includes)
    for problem in spec.problems:
        tracer.report(problem)
    file = file_scope(spec)
    shapes = starting_values.input_patterns(spec, input)
    with bounded(tracer.budget):
        values = starting_values.override(
            tracer, spec, file, shapes, variant, options["overrides"] or {}, options["symbolic"]
        )
    if batch_is_free:
        values.pop("N", None)
    module = Module(spec.name, (None, spec.body.span), path="")
    run = Run({})
    call = Call("", spec.name, spec.name, "", spec.body.span, -1, module)
    frame = Frame(tracer, file, module, run, "", 0, call=call)
    module.run = run
    has_batch = may_have_batch and is_batch(shapes.values(), file.hparams)
    with (
        numbering() as taken, collecting() as tracer.constraints, noticing() as tracer.notices, _no_collection(),
        bounded(tracer.budget),
    ):  # fmt: skip
        try:
            evaluate_tree(tracer, file)
            tracer.has_batch = has_batch and "N" not in values
            starting_values.declare_inputs(frame, shapes, values)
            tracer.batch = batch_of(tensor.shape for tensor in tensors_in(tuple(run.inputs.values())))
            taken.update(file.sizes)
            bodies.run_steps(frame, spec.body.steps)
            run.output = model_output(frame, spec)
            if not any(problem.severity == "error" for problem in tracer.problems):
                make_never_applied(frame, call)
        except Abort as abort:
            tracer.budget.grant(WORK // 4)  # for the results of the steps that were traced
            tracer.report(abort.problem)
            call.mark_partial()
            run.output = UNKNOWN
        tensors = {item.name: part_of(item, run.inputs) for item in spec.inputs if run.inputs}
        inputs = {name: value for name, value in tensors.items() if isinstance(value, Tensor)}
        call.operations.append(Operation(call, module, tuple(run.inputs.values()), {}, run.output, run=run))
        tracer.budget.grant(WORK // 4)  # for the sums
        try:
            for child in run.calls:
                call.add_counts(child)
        except OutOfWork:
            call.mark_partial()
            tracer.budget.grant(WORK // 4)
        call.inputs, call.output = tuple(inputs.values()), run.output
        _report_contradiction(tracer)
        if not any(problem.severity == "error" for problem in tracer.problems):
            try:
                report_unused_steps(call, run.output, tracer.report)
            except OutOfWork:  # hardly a model: its sizes are derived in chains of thousands
                tracer.budget.grant(WORK // 4)
        models = (*(whole_models(module) if spec.includes else ()), (module, spec))
        parameters = parameter_rows(module, models, call.partial_parameters, tracer.report)
        totals = totals_of(call, parameters)
        try:
            if not has_batch or tracer.has_batch:  # a file expects the MACs of one sample, not of a batch that is set
                check_expectations(frame, expectations_of(spec, variant), totals, run.output, tracer.report)
            check_included_models(tracer)
        except Abort as abort:
            tracer.report(abort.problem)
    if tracer.counts_nodes and any(problem.kind in OF_BATCH for problem in tracer.problems):
        return _traced(spec, options, batch_is_free=batch_is_free, may_have_batch=False)
    return Trace(
        spec, call, inputs, run.output, values, tuple(tracer.requirements), tuple(tracer.problems), parameters, totals,
        variant, dict(options), tracer.contexts, tracer.budget.spent, dtype=default_dtype(),
    )  # fmt: skip


def _report_contradiction(tracer: Tracer) -> None:
    """Report requirements that no sizes meet, unless there is another error, which may be their cause."""
    if tracer.requirements and not any(problem.severity == "error" for problem in tracer.problems):
        from nnshape.tracing.padded_lengths import needs_total_length
        from nnshape.tracing.requirements import contradiction  # only symbolic sizes have requirements

        problem = needs_total_length(tracer.requirements, tracer.batch.symbols) or contradiction(tracer.requirements)
        if problem is not None:
            tracer.report(problem)
