"""Makes a module of a block with its hyperparameters, and binds its inputs when it is applied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnshape.problems import Label, Problem
from nnshape.shapes.arguments import REQUIRED, Parameter, Signature
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import UNKNOWN, Tensor
from nnshape.spec import Block, BlockInput, Body, Input, ShapePattern, Span, nodes
from nnshape.spec.nested_inputs import arguments_of, part_of
from nnshape.tracing import shape_matching
from nnshape.tracing.batch_reports import judge_block_input
from nnshape.tracing.faults import Fault
from nnshape.tracing.model import BodyInput, Module, produced
from nnshape.tracing.rule_refusals import keep_context, located_refusal
from nnshape.tracing.runtime_sizes import RuntimeSize
from nnshape.tracing.scope import BlockBody, Definition, FileScope, Frame, Local
from nnshape.tracing.value_display import holds_unknown


def make_block(
    frame: Frame,
    node: nodes.Call,
    definition: Definition,
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
) -> Module:
    """Return a new module of a block, with its hyperparameters bound. Raises Fault if they do not match the block's."""
    block = definition.block
    name = definition.name if block is None else definition.name.rpartition(".")[2]
    module = Module(name, (frame.expression, node))
    try:
        if block is None:
            file = frame.tracer.included(definition.file, arguments, keywords)
            module.body = BlockBody(definition, {}, file)
        else:
            module.body = BlockBody(
                definition, _hyperparameters(frame, block, definition.file, arguments, keywords), definition.file
            )
    except Refusal as refusal:
        signature = None if block is None else _signature(block)
        if block is not None and refusal.problem == "missing-argument":
            from nnshape.tracing.meant_inputs import inputs_hint  # only for this fault

            refusal.help = inputs_hint(block)
        refusal.most = len(block.parameters) if block is not None and refusal.problem == "unknown-argument" else None
        raise located_refusal(frame, node, refusal, (), signature) from None
    return module


def _signature(block: Block) -> Signature:
    parameters = [Parameter(p.name, ("Any",), UNKNOWN if p.has_default else REQUIRED) for p in block.parameters]
    return Signature(block.name, parameters)


def _hyperparameters(
    frame: Frame, block: Block, file: FileScope, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> dict[str, Any]:
    bound = _signature(block).bind(arguments, keywords)
    given = {parameter.name for parameter, _ in zip(block.parameters, arguments, strict=False)} | set(keywords)
    inner = Frame(frame.tracer, file, frame.module, frame.run, "", 0, call=frame.call, expression=block.signature)
    for parameter in block.parameters:
        if parameter.name not in given:
            # A default may use the hyperparameters before it.
            assert parameter.default is not None
            bound[parameter.name] = inner.evaluate(parameter.default)
        inner.names[parameter.name] = bound[parameter.name]
    return bound


def steps_of(body: BlockBody) -> Body:
    """The steps of a block, or of an included model."""
    definition = body.definition
    return body.file.spec.body if definition.block is None else definition.block.body


def inputs_of(definition: Definition) -> Sequence[BlockInput | Input]:
    """The inputs of a block, or of an included model."""
    return arguments_of(definition.file.spec.inputs) if definition.block is None else definition.block.inputs


def bind_inputs(
    frame: Frame,
    inner: Frame,
    node: nodes.Node | None,
    definition: Definition,
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
    as_given: bool = False,
) -> None:
    """Bind the inputs of a block to the arguments of its call, and check them against their shape patterns.

    The block has values of its own for them, except `as_given`, if it is part of the step that calls it.
    """
    block, inputs = definition.block, inputs_of(definition)
    parameters = [Parameter(i.name, ("Any",), None if getattr(i, "optional", False) else REQUIRED) for i in inputs]
    signature = Signature(definition.name, parameters)
    place = node if node is not None else frame.expression.node
    # `B(64)` is applied to the running value; in `B(64)(x, y)` the outer call has the inputs.
    applied = place if isinstance(place, nodes.Call) and inner.module.place[1] is not place else None
    try:
        bound = signature.bind(arguments, keywords)
    except Refusal as refusal:
        refusal.most = len(inputs) if applied is not None and refusal.problem == "unknown-argument" else None
        raise located_refusal(frame, place, refusal, (), None) from None
    for item in inputs:
        given = bound[item.name]
        value = given
        if not as_given:
            value = produced(given, BodyInput(item.name, item.span, frame.call, given, len(inputs) == 1))
        inner.run.inputs[item.name] = value
        inner.locals[item.name] = Local(value)
        if item.pattern is not None and value is not None:
            assumed = len(frame.tracer.constraints)
            if block is None:
                _match_model_input(inner, item.pattern, value, item.name)
            else:
                try:
                    shape_matching.match_block_input(inner, item.pattern, value, item.name)
                except Fault as wrong:
                    del frame.tracer.constraints[assumed:]
                    at = _given(applied, [each.name for each in inputs], item.name)
                    moved = _at_call(frame, at or place, wrong, item.span)
                    meant = wrong.refusal or Refusal(moved.problem.kind, moved.problem.message, item.name)
                    keep_context(frame, place, moved.problem, meant, arguments, keywords, inner.module)
                    raise moved from None
            wrong_batch = judge_block_input(
                inner, assumed, item.pattern, value, item.name, frame.expression.span(place)
            )
            if wrong_batch is not None:
                frame.tracer.report(wrong_batch)
    if block is None:
        _match_parts(frame, inner, place, definition.file.spec.inputs)
    inner.running = inner.run.inputs[inputs[0].name] if inputs else None


def _match_parts(frame: Frame, inner: Frame, place: nodes.Node, inputs: Sequence[Input]) -> None:
    """Check the lists and mappings of tensors that an included model takes. Raises Fault."""
    for item in inputs:
        if not item.place or item.pattern is None:
            continue
        try:
            unknown = holds_unknown(inner.run.inputs[item.argument])
            value = UNKNOWN if unknown else part_of(item, inner.run.inputs)
        except (LookupError, TypeError):
            message = f"the input {item.argument} has no {item.name}, which is {item.pattern.span.text.strip()}"
            related = (Label(item.span, "expected here"),)
            problem = Problem("unexpected-shape", message, frame.expression.span(place), related=related)
            raise Fault(problem) from None
        assumed = len(frame.tracer.constraints)
        _match_model_input(inner, item.pattern, value, item.name)
        wrong = judge_block_input(inner, assumed, item.pattern, value, item.name, frame.expression.span(place))
        if wrong is not None:
            frame.tracer.report(wrong)


def _given(call: nodes.Call | None, names: list[str], name: str) -> nodes.Node | None:
    """The node of an input in the call that passes it; None if the call passes it unnamed, as a running value does."""
    if call is None or any(isinstance(item, nodes.Starred) for item in call.args):
        return None
    for keyword in call.keywords:
        if keyword.name == name:
            return keyword.value
    index = names.index(name)
    return call.args[index] if index < len(call.args) else None


def _match_model_input(inner: Frame, pattern: ShapePattern, value: Any, name: str) -> None:
    """Check an input of an included model, and bind that model's sizes, N included."""
    if pattern.per_sample and isinstance(value, Tensor) and value.shape:
        inner.names.setdefault("N", RuntimeSize(value.shape[0], "size", (value, 0)))
    shape_matching.match_block_input(inner, pattern, value, name)


def _at_call(frame: Frame, node: nodes.Node, wrong: Fault, span: Span) -> Fault:
    """Move a fault in a block's input to the call that passed it, with a label at the block's own line."""
    problem = wrong.problem
    place = problem.span or span
    label = Label(place, "expected here")
    return Fault(
        Problem(problem.kind, problem.message, frame.expression.span(node), problem.label, (label,), (), problem.help)
    )
