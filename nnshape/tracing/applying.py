"""Makes modules and applies them: what a call in an expression does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnshape.shapes.arguments import described
from nnshape.shapes.dims import Dim, TooLarge, at_least
from nnshape.shapes.dtypes import FLOAT8, FLOAT32, DType, is_complex, is_floating
from nnshape.shapes.function import Function
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import UNKNOWN, Tensor
from nnshape.spec import nodes
from nnshape.spec.limits import DIMENSIONS
from nnshape.tracing import blocks, bodies, expressions, names, numbers
from nnshape.tracing.derived import is_number, plain
from nnshape.tracing.faults import fault
from nnshape.tracing.layers import apply_layer, check_dimensions, constructor_argument, make_layer, settle
from nnshape.tracing.located import located
from nnshape.tracing.measuring import declares_function, measure_of
from nnshape.tracing.model import Attribute, Module
from nnshape.tracing.refusals import located_refusal, refuse_import, report_notices
from nnshape.tracing.scope import (
    MISSING,
    Definition,
    FileScope,
    Foreign,
    Frame,
    Local,
    NumberFunction,
    Special,
    find_torch,
    is_layer_class,
)
from nnshape.tracing.values import holds_tensor, holds_unknown, shown


def call(frame: Frame, node: nodes.Call, target: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """The value of `target(arguments, keywords)`; raises Fault."""
    if is_layer_class(target):
        return make_layer(frame, node, target, arguments, keywords)
    if isinstance(target, Function):
        if numbers.takes(target.name, arguments) and not holds_unknown(arguments):
            return _with_numbers(frame, node, target.name, arguments, keywords)
        return _function(frame, node, target, arguments, keywords)
    if isinstance(target, Module):
        return apply_module(frame, node, target, arguments, keywords)
    if isinstance(target, Definition):
        return blocks.make_block(frame, node, target, arguments, keywords)
    if isinstance(target, FileScope):
        whole = Definition(target, None, target.spec.name)
        return blocks.make_block(frame, node, whole, arguments, keywords)
    if isinstance(target, NumberFunction):
        return _with_numbers(frame, node, target.name, arguments, keywords)
    if isinstance(target, Foreign):
        return _foreign(frame, node, target, arguments, keywords)
    assert isinstance(target, Special)
    return _own_tensor(frame, node, target.name, arguments, keywords)


def _with_numbers(
    frame: Frame, node: nodes.Call, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    if name == "len" and len(arguments) == 1 and isinstance(arguments[0], Module) and arguments[0].holds_modules:
        return len(arguments[0].children)
    if name == "len" and len(arguments) == 1 and isinstance(arguments[0], Tensor):
        return names.shape_of(arguments[0])[0] if arguments[0].shape else 0
    if holds_unknown(arguments):
        raise expressions.Unknowable
    if not all(is_number(a) or isinstance(a, (str, tuple, list, type(None))) for a in arguments):
        message = f"{name} works on numbers here, not on {', '.join(map(shown, arguments))}"
        raise fault("wrong-type", message, frame.expression.span(node))
    with located(frame, node):
        return numbers.evaluate(name, arguments, keywords)


# ---- functions ----


def _function(
    frame: Frame, node: nodes.Call, function: Function, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    """Apply a function by its name; with no tensor among its arguments it takes the running value first."""
    given = (arguments, keywords)
    if not function.factory and not holds_tensor(given) and not holds_unknown(given):
        arguments = (frame.running, *arguments)
    return apply_function(frame, node, function, arguments, keywords)


def apply_function(
    frame: Frame,
    node: nodes.Node,
    function: Function,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    method: bool = False,
) -> Any:
    """Apply a function's rule, and record the operation in the step."""
    if holds_unknown(arguments) or (keywords and holds_unknown(keywords)):
        raise expressions.Unknowable
    plain_arguments, plain_keywords = plain(arguments), {key: plain(value) for key, value in keywords.items()}
    try:
        result = function.apply(plain_arguments, plain_keywords)
        if function.count is not None:
            frame.call.macs += function.macs(result, plain_arguments, plain_keywords)
    except Refusal as refusal:
        raise located_refusal(
            frame, node, refusal, arguments, function.signature(), None, keywords, function.apply
        ) from None
    except TooLarge as error:
        raise fault("too-large", str(error), frame.expression.span(node)) from None
    if frame.tracer.notices:
        report_notices(frame, node, arguments, keywords, function.signature(), None, function.apply)
    if function.measured:
        frame.call.measured = frame.call.partial_macs = True
    check_dimensions(frame, node, result)
    return frame.call.record(function, arguments, keywords, result, method=method)


def read_attribute(frame: Frame, attribute: Attribute, tensor: Tensor) -> Tensor:
    """The value of a parameter or buffer, read inside an expression."""
    return frame.call.record(attribute, (), {}, tensor)  # type: ignore[no-any-return]  # a tensor stays one


# ---- modules ----


def made_before(frame: Frame, target: Any) -> Module | None:
    """The tensor of this step's own, made when its body ran before: a Parameter or Buffer is made once."""
    if not frame.again or not isinstance(target, Special):
        return None
    module = frame.module.children.get(frame.call.name)
    if module is None or module.tensor is None:
        return None
    frame.placed = frame.call.module = module
    return module


def _as_before(frame: Frame, module: Module) -> Module:
    """The module that this step took when its body ran before, in place of the one made again: weights are shared.

    A body has the values of this run. Raises Fault where the step now makes a module of another type.
    """
    before = frame.module.children.get(frame.call.name)
    if before is None:
        return module
    if before.type != module.type:
        message = f"{before.path} is a {before.type}, and a {module.type} when its block is applied again"
        help = ("a module has one form: let one step make it in the one, and another step in the other",)
        raise fault("invalid-argument", message, module.span, help=help)
    before.body = module.body
    frame.placed = frame.call.module = before
    return before


def place(frame: Frame, module: Module) -> None:
    """Let the step take a module, under the step's own name."""
    if module.path is not None:
        return
    name = frame.call.name
    if frame.placed is not None:
        message = f"{name} makes a second module in one step"
        help = ("give it a step of its own",)
        raise fault("syntax", message, frame.call.span, help=help)
    module.path = frame.prefix + name
    frame.placed = module
    frame.call.module = module
    frame.module.children[name] = module


def apply_module(
    frame: Frame, node: nodes.Node | None, module: Module, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    """Apply a module, and record the operation in the step."""
    if frame.again and module.path is None and frame.placed is None:
        module = _as_before(frame, module)
    new = module.path is None
    place(frame, module)
    if module.body is not None:
        return bodies.apply_body(frame, node, module, arguments, keywords)
    assert node is not None
    if module.holds_modules:
        message = f"{module.path} is a {module.type}, which is not applied itself"
        help = (f"apply what it holds: {module.path}[{_first_key(module)}](x)",)
        raise fault("wrong-type", message, frame.expression.span(node), help=help)
    if module.tensor is not None:
        raise fault(
            "wrong-type", f"{frame.call.name} is a {module.type}: it cannot be called", frame.expression.span(node)
        )
    if module.layer is None:
        return UNKNOWN
    if not new:
        frame.call.reused = frame.placed is None
        frame.call.module = frame.call.module or module
    return apply_layer(frame, node, module, arguments, keywords)


def _first_key(container: Module) -> str:
    name = next(iter(container.children), "0")
    return name if name.isdigit() else repr(name)


def makes_module(frame: Frame, node: nodes.Node) -> bool:
    """Say whether an expression holds a call that makes a module, or one of a name that nothing explains."""
    for part in nodes.walk(node):
        if isinstance(part, nodes.Call):
            called = part.function
            name = called.id if isinstance(called, nodes.Name) else getattr(called, "name", "")
            target = frame.own(name) if isinstance(called, nodes.Name) else MISSING
            target = find_torch(name, called=True) if target is MISSING else target
            is_function = isinstance(target, (Local, Function, NumberFunction))
            if not is_function and not (target is MISSING and declares_function(name)):
                return True
    return False


# ---- what is no layer of torch.nn ----


def _is_size(value: Any) -> bool:
    return isinstance(value, (int, Dim)) and not isinstance(value, bool) and at_least(value, 0) is not False


def _own_tensor(frame: Frame, node: nodes.Call, kind: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """`Parameter(1, 1, 768)` or `Buffer(zeros(5))`: a tensor that the body itself holds."""
    span = frame.expression.span(node)
    dtype = keywords.pop("dtype", None) or FLOAT32
    if not isinstance(dtype, DType):
        raise fault("wrong-type", f"dtype is one of torch's, such as float32, not {shown(dtype)}", span)
    flag = "requires_grad" if kind == "Parameter" else "persistent"
    wanted = keywords.pop(flag, True)
    if not isinstance(wanted, bool):
        raise fault("wrong-type", f"{flag} is True or False, not {shown(wanted)}", span)
    if keywords:
        raise fault("unknown-argument", f"{kind} has no argument {next(iter(keywords))}", span)
    if holds_unknown(arguments):
        raise expressions.Unknowable
    if len(arguments) == 1 and isinstance(arguments[0], Tensor):
        tensor, initial = arguments[0].like(), arguments[0]
    else:
        sizes = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], (tuple, list)) else arguments
        sizes = plain(tuple(sizes))
        if not arguments:
            raise fault("missing-argument", f"{kind} is missing its sizes, or one tensor", span)
        if not all(map(_is_size, sizes)):
            raise fault("wrong-type", f"{kind} takes sizes or one tensor, not {described(arguments)}", span)
        if len(sizes) > DIMENSIONS:
            raise fault("too-large", f"{kind} has at most {DIMENSIONS} dimensions, not {len(sizes):,}", span)
        tensor, initial = Tensor(sizes, dtype), None
    frozen = kind == "Parameter" and not wanted
    learnable = is_floating(tensor.dtype) or is_complex(tensor.dtype) or tensor.dtype in FLOAT8
    if kind == "Parameter" and wanted and not learnable:
        message = f"{frame.call.name} is learned, and {tensor.dtype} numbers cannot learn"
        help = ("make it a Buffer, or write requires_grad=False",)
        notes = ("torch says: Only Tensors of floating point and complex dtype can require gradients",)
        raise fault("wrong-dtype", message, span, help=help, notes=notes)
    module = Module(kind, (frame.expression, node), tensor=tensor, persistent=wanted, frozen=frozen)
    place(frame, module)
    if kind == "Parameter":
        module.parameters = {"": tensor}
        settle(frame, module)
    else:
        module.buffers = {"": tensor}
    return frame.call.record(Attribute(module, ""), () if initial is None else (initial,), {}, tensor)


def _foreign(
    frame: Frame, node: nodes.Call, target: Foreign, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    """A class named in `import`, or one of torch's without a rule: measured with torch, where there is one."""
    module = Module(target.target.rpartition(":")[2].rpartition(".")[2], (frame.expression, node))
    if holds_unknown((arguments, keywords)):
        frame.call.lose_count()
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
