"""Explains one step of a model, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnshape.explain.formulas import derivation_of_call
from nnshape.explain.places import Origin, Place, origin
from nnshape.rendering import trace_json
from nnshape.rendering.amounts import counted, input_forms, value_forms
from nnshape.rendering.layer_report import call_lines, count_lines, named_tensors, needs_of_step, paragraph
from nnshape.rendering.problems import place_of, problems_lines
from nnshape.rendering.rows import tied_by_path
from nnshape.rendering.styled import Line, cells, cut_end, padded
from nnshape.rendering.summary import title
from nnshape.shapes.arguments import described
from nnshape.shapes.function import Function
from nnshape.shapes.tensor import Tensor
from nnshape.tracing import Call, Module, Operation, ParameterRow, Trace
from nnshape.tracing.scope import BlockBody

#: The steps inside a block are shown up to this many.
_MAX = 24


def step_lines(trace: Trace, found: Sequence[Place], width: int, others: Sequence[str] = ()) -> list[Line]:
    """Explain the shape and the parameter count of a step. `found` has several calls if they share weights."""
    place = found[0]
    call = place.call
    lines: list[Line] = [[(call.path, "head"), (f"  {call.type}", "type"), (f"  in {title(trace)}", "dim")]]
    if others:
        lines += paragraph("first", f"of {len(others) + 1} equal steps, to {others[-1]}", width)
    lines += paragraph("step", call.text or "a block", width)
    lines += paragraph("at", place_of(call.span), width)
    for caller, _ in reversed(place.frames[1:]):
        lines += paragraph("in", _frame_text(caller), width)
    layer = call.module.layer if call.module is not None else None
    if layer is not None and call.module is not None and call.module.type == call.type and repr(layer) != call.text:
        lines += paragraph("is", repr(layer), width)
    lines += call_lines(trace, call, width, _inputs(call))
    for name, tensor in _inputs(call).items():
        came = origin_text(origin(tensor))
        if came:
            lines += paragraph("from", f"{name}: {came}" if len(call.inputs) > 1 else came, width)
    lines += _operation_lines(call, width)
    for again in found[1:]:
        text = f"{input_forms(again.call.inputs)[0]} -> {value_forms(again.call.output)[0]}"
        lines += paragraph("again", text, width)
    lines += [(), *count_lines(call, _own_rows(trace, call), width, f"{call.path}.")]
    if call.reused and call.module is not None:
        lines += paragraph("", f"with the parameters of {call.module.path}, counted there", width)
    if call.children:
        lines += [(), *_children_lines(call, width)]
    own = [problem for problem in trace.problems if _is_here(call, problem)]
    if own:
        lines += [(), *problems_lines(own, width)]
    return lines


def _inputs(call: Call) -> dict[str, Tensor]:
    """The inputs of a step, by argument name if the step is a single operation."""
    if len(call.inputs) == 1:
        return {"x": call.inputs[0]}
    names: dict[Tensor, str] = {}
    if len(call.operations) == 1:
        operation = call.operations[0]
        target, signature = operation.target, None
        if isinstance(target, Function):
            signature = target.signature()
        elif isinstance(target, Module) and target.layer is not None:
            signature = target.layer.call_signature()
        positional = signature.positional if signature is not None else []
        named = [*zip((parameter.name for parameter in positional), operation.arguments, strict=False)]
        for name, value in (*named, *operation.keywords.items()):
            if isinstance(value, Tensor):
                names.setdefault(value, name)
    return {names.get(tensor, str(index + 1)): tensor for index, tensor in enumerate(call.inputs)}


def _own_rows(trace: Trace, call: Call) -> list[ParameterRow]:
    """The parameters of a step's own module; those of a block belong to its steps."""
    if call.reused or call.module is None or call.module.body is not None:
        return []
    rows = [row for row in trace.parameters if row.name == call.path or row.name.startswith(f"{call.path}.")]
    return sorted(rows, key=lambda row: row.buffer)


def origin_text(came: Origin | None) -> str:
    """The origin of a tensor in words: `pool1 (line 6: MaxPool2d(2))`."""
    if came is None:
        return ""
    through = f", by way of {', '.join(reversed(came.through))}" if came.through else ""
    if came.step is None:
        return f"the model's input {came.input}{through}"
    return f"{came.step.path} (line {came.step.span.line}: {came.step.text or came.step.type}){through}"


def _frame_text(caller: Call) -> str:
    """A call on the way to a step: its path, its block with hyperparameters, and its line."""
    body = caller.module.body if caller.module is not None else None
    block = body.definition.block if isinstance(body, BlockBody) else None
    given = ", ".join(f"{p.name}={described(body.names[p.name])}" for p in block.parameters) if block else ""  # type: ignore[union-attr]
    return f"{caller.path}, {caller.type}{f'({given})' if block else ''}, line {caller.span.line}"


def _operation_lines(call: Call, width: int) -> list[Line]:
    """The operations of a step, in order."""
    if len(call.operations) < 2:
        return []
    lines: list[Line] = []
    for operation in call.operations:
        name = _name_of(operation)
        given = [tensor for _, tensor in named_tensors((*operation.arguments, *operation.keywords.values()))]
        text = f"{name}: {input_forms(given)[0]} -> {value_forms(operation.result)[0]}" if given else (
            f"{name}: {value_forms(operation.result)[0]}"
        )  # fmt: skip
        lines += paragraph(" " if lines else "does", text, width)
    return lines


def _name_of(operation: Operation) -> str:
    target: Any = operation.target
    if isinstance(target, Function):
        return target.name
    if hasattr(target, "module"):
        return ".".join(filter(None, (target.module.path, target.name)))
    return str(target.type)


def _children_lines(call: Call, width: int) -> list[Line]:
    """The steps inside a block, each with its output."""
    children = call.children
    lines: list[Line] = [[(counted(len(children), "step") + " inside", "head")]]
    room = max(cells(child.name) for child in children)
    outputs = [value_forms(child.output)[0] for child in children]
    widest = min(max(map(cells, outputs)), max(12, width - room - 24))
    for child, output in list(zip(children, outputs, strict=True))[:_MAX]:
        text = cut_end(child.text or child.type, max(8, width - room - widest - 6))
        line = f"  {padded(child.name, room)}  {padded(cut_end(output, widest), widest)}  "
        lines.append([(line, ""), (text, "dim")])
    if len(children) > _MAX:
        lines.append([(f"  … {counted(len(children) - _MAX, 'more step')}", "dim")])
    return lines


def _is_here(call: Call, problem: Any) -> bool:
    span = problem.span
    own = call.span
    return span is not None and span.source is own.source and own.start <= span.start and span.end <= own.end


def step_json(trace: Trace, found: Sequence[Place], others: Sequence[str] = ()) -> str:
    """The derivation of a step's shape and counts, as JSON."""
    place = found[0]
    call = place.call
    layer = call.module.layer if call.module is not None else None
    origins = [origin(tensor) for tensor in call.inputs]
    return trace_json.text_of({
        "version": trace_json.VERSION,
        "kind": "step",
        "name": trace.spec.name,
        "variant": trace.variant,
        **trace_json.row_json(call, tied_by_path(trace)),
        "layer": None if layer is None else repr(layer),
        "frames": [{"path": caller.path, "span": trace_json.span_json(caller.span)} for caller, _ in place.frames[1:]],
        "origins": [_origin_json(came) for came in origins],
        "derivation": list(derivation_of_call(call)),
        "constraints": needs_of_step(trace, call),
        "own_parameters": [trace_json.parameter_json(row) for row in _own_rows(trace, call)],
        "calls": len(found),
        "equal_steps": list(others),
        "problems": [trace_json.problem_json(problem) for problem in trace.problems if _is_here(call, problem)],
    })  # fmt: skip


def _origin_json(came: Origin | None) -> dict[str, Any] | None:
    if came is None:
        return None
    return {"step": came.step.path if came.step else None, "input": came.input or None, "through": list(came.through)}
