"""Runs the steps of a body: the model, a block, an anonymous block or a Sequential."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnshape.problems import Label, Problem
from nnshape.shapes.dims import Dim, TooLarge
from nnshape.shapes.dtypes import DType
from nnshape.shapes.layers import find_layer
from nnshape.shapes.memory_formats import MemoryFormat
from nnshape.shapes.tensor import UNKNOWN, N, Tensor, Unknown, tensors_in
from nnshape.spec import Body, Span, Step, nodes
from nnshape.spec.naming_rules import MODULE_ATTRIBUTES, attribute_problem
from nnshape.tracing import applying, block_calls
from nnshape.tracing.assertions import assert_shape
from nnshape.tracing.assigning import end_assignments
from nnshape.tracing.batch_reports import keep_one_message
from nnshape.tracing.faults import Abort, Fault, Unknowable, fault
from nnshape.tracing.included_models import read_off
from nnshape.tracing.internal import internal_error
from nnshape.tracing.layers import MAX_ELEMENTS
from nnshape.tracing.making import make_alone, makes_module
from nnshape.tracing.model import BodyInput, Call, Module, Operation, Run, produced
from nnshape.tracing.never_applied import apply_unknown
from nnshape.tracing.runtime_sizes import RuntimeSize, is_number
from nnshape.tracing.same_steps import other_step
from nnshape.tracing.scope import BlockBody, Frame, Item, ItemsBody, Local, StepsBody
from nnshape.tracing.shared_modules import register_again
from nnshape.tracing.value_display import holds_tensor, holds_unknown, is_applied, shown
from nnshape.tracing.work_limit import ended
from nnshape.work import OutOfWork, spend

_NUMBERS = (int, float, str, bool, type(None), RuntimeSize)


# ---- the loop ----


def run_steps(frame: Frame, steps: tuple[Step, ...]) -> None:
    """Run steps in order. A fault in a step is reported, and makes the value of that step unknown."""
    for step in steps:
        value = step.value
        if isinstance(value, Body):
            type_, evaluate = "block", _nested(value)
        else:
            type_, evaluate = "", _evaluated
        call = Call(frame.prefix + step.name, step.name, type_, step.text, step.span, frame.depth)
        if value is not None and not isinstance(value, Body):
            frame.expression = value
        output = run_step(frame, call, (lambda _frame: UNKNOWN) if value is None else evaluate)
        if step.name in MODULE_ATTRIBUTES and frame.placed is not None:
            frame.tracer.report(attribute_problem(step.name, step.name_span))
        if step.assertion is not None:
            assert_shape(frame, step, output, step.name)


def _nested(body: Body) -> Callable[[Frame], Any]:
    def evaluate(frame: Frame) -> Any:
        module = Module("block", (None, body.span), body=StepsBody(body.steps, frame.captured()))
        return applying.apply_module(frame, None, module, (frame.running,), {})

    return evaluate


def _evaluated(frame: Frame) -> Any:
    return frame.evaluate(frame.expression.node)


def run_step(frame: Frame, call: Call, evaluate: Callable[[Frame], Any], node: nodes.Node | None = None) -> Any:
    """Run one step and return its value, which becomes the local of that name and the new running value.

    `node` is the item of a Sequential; None for a whole expression. Constants, containers, and Parameters and Buffers
    leave the running value as it is.
    """
    tracer = frame.tracer
    tracer.count(call)
    told = len(tracer.problems)
    frame.call, frame.placed = call, None
    try:
        value = evaluate(frame)
        if isinstance(value, Module) and (value.path is None or value is frame.placed) and not value.stands:
            # A module that is made but not called is applied to the running value.
            value = applying.apply_module(frame, frame.expression.node, value, (frame.running,), {})
        if type(value) is Tensor:
            _check_elements(call, value)
        elif not isinstance(value, Module):
            _check_holds_values(frame, value)
    except Fault as wrong:
        tracer.report(wrong.problem)
        _lose_count(frame, node)
        value = UNKNOWN
    except Unknowable:
        if tracer.makes_idle and frame.placed is None:
            _make_idle(frame, node)
        _lose_count(frame, node)
        value = UNKNOWN
    except Abort:
        raise
    except OutOfWork:
        raise ended(call.span, "in this step") from None
    except TooLarge as error:
        tracer.report(Problem("too-large", str(error), call.span))
        _lose_count(frame, node)
        value = UNKNOWN
    except RecursionError:
        raise Abort(Problem("too-large", "blocks and expressions nest too deeply here", call.span)) from None
    except Exception as error:
        tracer.report(internal_error(error, call.span))
        _lose_count(frame, node)
        value = UNKNOWN
    if frame.assigned:
        end_assignments(frame)
    tracer.attribute(call)
    if len(tracer.problems) > told + 1:
        keep_one_message(tracer, call, told)
    module = frame.placed
    if module is None and type(value) is not Tensor and _is_constant(value):
        frame.locals[call.name] = Local(value)
        return value
    if isinstance(value, Module):
        if value is frame.placed and value.stands:
            frame.locals[call.name] = Local(value, value)
            call.type = value.type
            frame.run.calls.append(call)
            return value
        value = _not_a_value(frame, value)
    call.output = value
    call.type = call.type or _type_of(frame, call)
    call.inputs = tuple(_inputs_of(frame, call))
    frame.locals[call.name] = Local(value, module, call)
    frame.run.calls.append(call)
    if module is None or module.tensor is None:
        frame.running = value
    return value


def _make_idle(frame: Frame, node: nodes.Node | None) -> None:
    """Make the module of a step whose values are unknown since nothing calls its body."""
    try:
        module = make_alone(frame, node or frame.expression.node)
        if module is not None:
            apply_unknown(frame, module)
    except Unknowable:
        pass
    except Fault as wrong:
        frame.tracer.report(wrong.problem)


def _lose_count(frame: Frame, node: nodes.Node | None) -> None:
    """Mark the counts of a step that failed as partial."""
    call = frame.call
    call.partial_macs = True
    placed = frame.placed
    made = placed is not None and (placed.materialized or placed.run is not None)
    call.partial_parameters |= not made and makes_module(frame, node or frame.expression.node)


def _check_elements(call: Call, tensor: Tensor) -> None:
    elements = 1
    for size in tensor.shape:
        if type(size) is int:
            elements *= size
        elif isinstance(size, Dim) and size is not N:
            spend(len(size.terms()))  # every row of the table prints it
    if elements >= MAX_ELEMENTS:
        message = f"{call.name} would have {elements:,} elements, too many for torch to address"
        raise fault("too-large", message, call.span)


def _check_holds_values(frame: Frame, value: Any) -> None:
    """Raise Fault if a value holds a layer or function that has not been applied, as in `(ReLU(), x)` or `ReLU`."""
    if isinstance(value, (tuple, list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            _check_holds_values(frame, item)
    elif is_applied(value) or (type(value) is str and _names_layer(frame, value)):
        from nnshape.tracing.unapplied import unapplied  # only for this fault

        raise unapplied(frame, find_layer(value) if isinstance(value, str) else value)


def _names_layer(frame: Frame, value: str) -> bool:
    """Whether a step is only the name of an hparam such as `act: ReLU`: a constant would leave the layer out."""
    expression = frame.expression
    return expression is not None and type(expression.node) is nodes.Name and find_layer(value) is not None


def _not_a_value(frame: Frame, module: Module) -> Any:
    call = frame.call
    name = call.path if call.name.isdigit() else call.name
    message = f"{name} is the module {module.path}, not a tensor: call it"
    text = call.text.strip()
    help = (f"write {text}(_), which applies it with the same weights",) if text.isidentifier() else ()
    frame.tracer.report(fault("wrong-type", message, call.span, help=help).problem)
    frame.call.partial_macs = True
    return UNKNOWN


def _is_constant(value: Any) -> bool:
    if isinstance(value, (tuple, list, dict)):
        return not holds_tensor(value) and not holds_unknown(value)
    return isinstance(value, (*_NUMBERS, DType, MemoryFormat)) or is_number(value)


def _type_of(frame: Frame, call: Call) -> str:
    """Return the type of a step in the table: the class of its module, or the last operation.

    A step that applies several modules, such as a loop over a ModuleList, is named after the last operation.
    """
    modules = {operation.target for operation in call.operations if isinstance(operation.target, Module)}
    if call.module is not None and len(modules) < 2:
        return call.module.type
    if call.operations:
        last = call.operations[-1]
        if isinstance(call.output, (tuple, list, dict)) and call.output is not last.result:
            return _composed(call.output)
        if isinstance(last.target, Module):
            return last.target.type
        return getattr(last.target, "name", "") or "Parameter"
    return _composed(call.output)


def _composed(value: Any) -> str:
    return "dict" if isinstance(value, dict) else "tuple" if isinstance(value, (tuple, list)) else ""


def _inputs_of(frame: Frame, call: Call) -> list[Tensor]:
    """Return the tensors that a step uses and did not make itself, each once, in order of use."""
    if len(call.operations) == 1 and not call.operations[0].keywords and len(call.operations[0].arguments) == 1:
        only = call.operations[0].arguments[0]
        if type(only) is Tensor:
            return [only]
    taken = [
        tensor
        for operation in call.operations
        for tensor in tensors_in((operation.arguments, operation.keywords))
        if not (isinstance(tensor.producer, Operation) and tensor.producer.call is call)
    ]
    if not taken and call.partial_macs:
        return list(tensors_in(frame.running))
    return list(dict.fromkeys(taken))


# ---- applying bodies ----


def apply_body(
    frame: Frame, node: nodes.Node | None, module: Module, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    """Run the body of a module on the arguments, record the operation in the current step, and return the output.

    `node` is the call in the step's expression; None for an anonymous block, which has none.
    """
    call = frame.call
    new = module.path is None
    if new:
        applying.place(frame, module)
    elif frame.placed is None:
        call.reused = not frame.again
        call.module = call.module or module
    elif applying.is_other_name(frame, module):
        call.reused = True
    assert module.path is not None
    body = module.body
    run = Run({})
    inner = Frame(
        frame.tracer, frame.file, module, run, f"{module.path}.", frame.depth + 1, again=module.run is not None
    )
    if isinstance(body, BlockBody):
        inner.file = body.file
        inner.names = dict(body.names)
        block_calls.bind_inputs(frame, inner, node, body.definition, arguments, keywords)
    else:
        _bind_single(frame, inner, node, module, arguments, keywords)
    if module.run is None:
        module.run = run
    span = frame.expression.span(node) if node is not None and frame.expression is not None else call.span
    frame.tracer.enter(call, span)
    with frame.suspended():
        try:
            _run_body(inner, body)
        finally:
            frame.tracer.leave()
    if not run.calls and isinstance(body, (BlockBody, StepsBody)):
        # A body without steps could not be read, and that problem is reported: its output is unknown.
        inner.running = UNKNOWN
        if inner.locals.keys() - run.inputs.keys():
            message = f"{module.type} holds only numbers: a block needs a step that gives a tensor"
            frame.tracer.report(Problem("wrong-type", message, module.span))
        call.mark_partial()
    run.output = inner.running
    if inner.again:
        _check_same_steps(frame, module, run, span)
    for child in run.calls:
        call.add_counts(child)
    return call.record(module, arguments, keywords, inner.running, run=run)


def _check_same_steps(frame: Frame, module: Module, run: Run, span: Span) -> None:
    """Report a later call of a module that takes other steps than the first, as for a branch on the input's shape."""
    assert module.run is not None
    found = None if any(p.severity == "error" for p in frame.tracer.problems) else other_step(module.run, run)
    if found is None:
        return
    first, again = found
    step = again or first
    assert step is not None
    message = f"{module.path} is called again, but its step {step.name} does something else this time"
    related = (Label(step.span, f"depends on the input of {module.path}"),)
    help = (f"use a module of its own for each, since the weights of {module.path} are shared by one forward method",)
    frame.tracer.report(Problem("invalid-argument", message, span, related=related, help=help))


def _run_body(inner: Frame, body: BlockBody | StepsBody | ItemsBody) -> None:
    if isinstance(body, BlockBody):
        run_steps(inner, block_calls.steps_of(body).steps)
        if body.definition.block is None:
            read_off(inner)
    elif isinstance(body, StepsBody):
        inner.outer = body.frame
        inner.file = body.frame.file
        run_steps(inner, body.steps)
    else:
        inner.outer = body.frame
        inner.file = body.frame.file
        inner.expression = body.expression
        for item in body.items:
            _run_item(inner, body, item)


def _bind_single(
    frame: Frame,
    inner: Frame,
    node: nodes.Node | None,
    module: Module,
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
) -> None:
    if len(arguments) + len(keywords) != 1:
        span = frame.expression.span(node) if node is not None else frame.call.span
        raise fault(
            "unknown-argument", f"{module.type} takes one value, but got {len(arguments) + len(keywords)}", span
        )
    given = arguments[0] if arguments else next(iter(keywords.values()))
    value = produced(given, BodyInput("x", frame.call.span, frame.call, given))
    inner.run.inputs["x"] = value
    inner.running = value
    if not isinstance(module.body, ItemsBody):
        inner.locals["x"] = Local(value)


def _run_item(inner: Frame, body: ItemsBody, item: Item) -> None:
    """Run one item of a Sequential as a step, with the loop variables of its iteration."""
    inner.names = item.variables
    span = body.expression.span(item.node)
    text = " ".join(body.expression.text[item.node.start : item.node.end].split())
    call = Call(inner.prefix + item.name, item.name, "", text, span, inner.depth)

    def evaluate(frame: Frame) -> Any:
        value = frame.evaluate(item.node)
        if isinstance(item.node, nodes.Name) and isinstance(value, Tensor) and item.node.id != "_":
            name = item.node.id
            message = f"an item of a Sequential must be a module, but {name} is a value here"
            raise fault("wrong-type", message, span, help=(f"write {name}(_) to call the module of that step again",))
        if isinstance(value, Module) and value.tensor is None:
            if value.path is not None and value is not frame.placed:
                register_again(frame, item.node, value)
            return applying.apply_module(frame, item.node, value, (frame.running,), {})
        return value

    inner.expression = body.expression
    before = inner.running
    value = run_step(inner, call, evaluate, item.node)
    if not isinstance(value, (Tensor, tuple, list, dict, Unknown)):
        message = f"an item of a Sequential must be a module, not {shown(value)}"
        inner.tracer.report(Problem("wrong-type", message, span))
        inner.running = before
