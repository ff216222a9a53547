"""Makes modules that have no rule: a Parameter or Buffer, and classes whose shapes are inferred by running torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nnshape.shapes.arguments import described
from nnshape.shapes.dims import Dim, at_least
from nnshape.shapes.dtypes import FLOAT8, DType, default_dtype, is_complex, is_floating
from nnshape.shapes.function import Function
from nnshape.shapes.nested import leaves_in
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor
from nnshape.spec import nodes
from nnshape.spec.limits import DIMENSIONS
from nnshape.tracing.applying import place
from nnshape.tracing.dtype_arguments import dtype_named
from nnshape.tracing.faults import Unknowable, fault
from nnshape.tracing.initial_values import refuse_later_value
from nnshape.tracing.layers import constructor_argument, materialize
from nnshape.tracing.measuring import declares_function, measure_of
from nnshape.tracing.model import Module, StoredTensor
from nnshape.tracing.rule_refusals import located_refusal, refuse_import
from nnshape.tracing.runtime_sizes import plain
from nnshape.tracing.scope import MISSING, Foreign, Frame, Local, NumberFunction, find_torch
from nnshape.tracing.value_display import holds_unknown, shown


def _is_size(value: Any) -> bool:
    return isinstance(value, (int, Dim)) and not isinstance(value, bool) and at_least(value, 0) is not False


def own_tensor(frame: Frame, node: nodes.Call, kind: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Make `Parameter(1, 1, 768)` or `Buffer(zeros(5))`, registered in the body itself, and return its tensor."""
    span = frame.expression.span(node)
    dtype = dtype_named(keywords.pop("dtype", None)) or default_dtype()
    if not isinstance(dtype, DType):
        raise fault("wrong-type", f"dtype must be a dtype of torch, such as float32, not {shown(dtype)}", span)
    flag = "requires_grad" if kind == "Parameter" else "persistent"
    wanted = keywords.pop(flag, True)
    if not isinstance(wanted, bool):
        raise fault("wrong-type", f"{flag} must be True or False, not {shown(wanted)}", span)
    if keywords:
        name = next(iter(keywords))
        unknown = Refusal("unknown-argument", f"{kind} has no argument {name}", name)
        raise located_refusal(frame, node, unknown, arguments, None)
    if holds_unknown(arguments):
        raise Unknowable
    if len(arguments) == 1 and isinstance(arguments[0], Tensor):
        tensor, initial = arguments[0].like(), arguments[0]
        refuse_later_value(frame, node, kind, initial)
    else:
        sizes = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], (tuple, list)) else arguments
        sizes = plain(tuple(sizes))
        if not arguments:
            raise fault("missing-argument", f"{kind} needs sizes or one tensor", span)
        if not all(map(_is_size, sizes)):
            wrong = Refusal("wrong-type", f"{kind} takes sizes or one tensor, not {described(arguments)}")
            raise located_refusal(frame, node, wrong, arguments, None)
        if len(sizes) > DIMENSIONS:
            raise fault("too-large", f"{kind} can have at most {DIMENSIONS} dimensions, not {len(sizes):,}", span)
        tensor, initial = Tensor(sizes, dtype), None
    frozen = kind == "Parameter" and not wanted
    learnable = is_floating(tensor.dtype) or is_complex(tensor.dtype) or tensor.dtype in FLOAT8
    if kind == "Parameter" and wanted and not learnable:
        message = f"{frame.call.name} is trainable, but {tensor.dtype} tensors have no gradient"
        help = ("make it a Buffer, or write requires_grad=False",)
        notes = ("torch says: Only Tensors of floating point and complex dtype can require gradients",)
        raise fault("wrong-dtype", message, span, help=help, notes=notes)
    module = Module(kind, (frame.expression, node), tensor=tensor, persistent=wanted, frozen=frozen)
    place(frame, module)
    if kind == "Parameter":
        module.parameters = {"": tensor}
    else:
        module.buffers = {"": tensor}
    materialize(frame, module, arguments)
    return frame.call.record(StoredTensor(module, ""), () if initial is None else (initial,), {}, tensor)


def foreign(
    frame: Frame, node: nodes.Call, target: Foreign, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    """Make a module of a class in `import`, or of a torch class without a rule, whose shapes torch infers."""
    module = Module(target.target.rpartition(":")[2].rpartition(".")[2], (frame.expression, node))
    if holds_unknown((arguments, keywords)):
        frame.call.mark_partial()
        return module
    try:
        allowed = frame.tracer.measuring.allowed if frame.tracer.measuring else ()
        if not target.is_torch and target.target not in allowed:
            refuse_import(target.target)
        measure = measure_of(frame, node, target.target)
        assert measure is not None
        module.layer = measure.layer(
            target.target,
            tuple(map(constructor_argument, arguments)),
            {k: constructor_argument(v) for k, v in keywords.items()},
        )
    except Refusal as refusal:
        raise located_refusal(frame, node, refusal, arguments, None) from None
    return module


def makes_module(frame: Frame, node: nodes.Node) -> bool:
    """Return whether an expression calls a module class, or a name that is unknown and could be one."""
    return any(True for _ in _constructions(frame, node))


def _constructions(frame: Frame, node: nodes.Node) -> Iterator[nodes.Call]:
    """Yield the calls of module classes in an expression, and of names that are unknown and could be one."""
    parts = list(nodes.walk(node))
    variables = {name for part in parts if isinstance(part, nodes.Generator) for name in leaves_in(part.target)}
    for part in parts:
        if isinstance(part, nodes.Call) and _is_module_class(frame, part.function, variables):
            yield part


def _is_module_class(frame: Frame, called: nodes.Node, variables: set[str]) -> bool:
    if isinstance(called, nodes.Attribute):
        owner = called.value
        if isinstance(owner, nodes.Name) and (owner.id in variables or type(frame.own(owner.id)) is Local):
            return False  # a method of a value, or a module inside that of a step
        name, target = called.name, MISSING
        if not isinstance(owner, nodes.Name):
            return name[:1].isupper()
    elif isinstance(called, nodes.Name):
        name, target = called.id, frame.own(called.id)
        if name in variables:
            return False
    else:
        return False
    target = find_torch(name, called=True) if target is MISSING else target
    is_function = isinstance(target, (Local, Function, NumberFunction))
    return not is_function and not (target is MISSING and declares_function(name))


def make_alone(frame: Frame, node: nodes.Node) -> Any:
    """Return the module that an expression makes, without the values that it takes; None if that is not clear."""
    if any(isinstance(part, (nodes.Conditional, nodes.Comprehension, nodes.Boolean)) for part in nodes.walk(node)):
        return None
    found = list(_constructions(frame, node))
    made = frame.evaluate(found[0]) if len(found) == 1 else None
    return made if isinstance(made, Module) and made.path is None else None
