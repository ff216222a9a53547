"""A block that is written as one expression, such as `Stage(w, n): Sequential(Block(w) for i in range(n))`.

If the expression makes a module, the block is that module: it is a module of the step that makes it, with its names and
its type. If it gives a value, such as `relu(Linear(auto, c)(x))`, the block has one step, called 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import contextmanager
from typing import Any

from nnshape.shapes.dtypes import DType
from nnshape.shapes.tensor import Unknown
from nnshape.spec import Expression, nodes
from nnshape.tracing import applying, block_calls, name_lookup
from nnshape.tracing.assertions import assert_shape
from nnshape.tracing.faults import Fault, Unknowable, fault
from nnshape.tracing.located import truth
from nnshape.tracing.members import CONTAINERS
from nnshape.tracing.model import Module, Run
from nnshape.tracing.scope import (
    BlockBody,
    Definition,
    Entry,
    FileScope,
    Foreign,
    Frame,
    ItemsBody,
    Namespace,
    Special,
    is_layer_class,
)
from nnshape.work import spend

#: The words that make a tensor of their step, not a module.
_TENSORS = ("Parameter", "Buffer")


def resolved(frame: Frame, node: nodes.Call, module: Module) -> Module:
    """Return the module that a new block is: the one that its expression makes, or the block itself. Raises Fault."""
    body = module.body
    block = body.definition.block if isinstance(body, BlockBody) else None
    if block is None or not block.body.is_expression or block.body.steps[0].value is None:
        return module
    step = block.body.steps[0]
    assert isinstance(step.value, Expression)
    inner = _frame_inside(frame, node, body.definition, body.names)
    with _entered(frame, node, inner):
        inputs = _names_of_inputs(body)
        root = _chosen(inner, step.value.node, inputs)
        kind = None if root is None else _made_by(inner, root, inputs)
        if root is None or kind is None:
            return module
        if kind not in CONTAINERS and _mentions(root, inputs):
            return Module(kind, (step.value, root), entry=Entry(body.definition, body.names, True))
        made = inner.evaluate(root)
    if not isinstance(made, Module):
        return module
    if not made.holds_modules:
        made.entry = Entry(body.definition, body.names, False, made.entry)
    return made


def apply_through(
    frame: Frame, node: nodes.Node, module: Module, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    """Apply a module with an entry: bind the inputs of its block, and apply the module of the expression to them."""
    return _enter(frame, node, module, module.entry, arguments, keywords)


def _enter(
    frame: Frame,
    node: nodes.Node,
    module: Module,
    entry: Entry,
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
) -> Any:
    block = entry.definition.block
    assert block is not None
    step = block.body.steps[0]
    assert isinstance(step.value, Expression)
    inner = _frame_inside(frame, node, entry.definition, entry.names)
    block_calls.bind_inputs(frame, inner, node, entry.definition, arguments, keywords, as_given=True)
    with _entered(frame, node, inner):
        further = entry.inner
        if entry.waits:
            made = inner.evaluate(step.value.node)
            further = made.entry if isinstance(made, Module) else None
            _become(inner, module, made)
        given = _given(inner, step.value.node, module)
        if further is None:
            output = applying.apply_itself(inner, step.value.node, module, given, {})
        else:
            output = _enter(inner, step.value.node, module, further, given, {})
        if step.assertion is not None:
            assert_shape(inner, step, output, frame.call.name)
        return output


def _frame_inside(frame: Frame, node: nodes.Node, definition: Definition, names: dict[str, Any]) -> Frame:
    """Return a frame for the expression of a block, which registers its module in the step of `frame`."""
    block = definition.block
    assert block is not None
    expression = block.body.steps[0].value
    assert isinstance(expression, Expression)
    stand_in = Module(
        definition.name, (frame.expression, node), body=BlockBody(definition, names, definition.file),
        path=frame.prefix + frame.call.name, children=frame.module.children,
    )  # fmt: skip
    return Frame(
        frame.tracer, definition.file, stand_in, Run({}), frame.prefix, frame.depth, names=dict(names), call=frame.call,
        expression=expression, placed=frame.placed, again=frame.again,
    )  # fmt: skip


@contextmanager
def _entered(frame: Frame, node: nodes.Node, inner: Frame) -> Iterator[None]:
    """Report a fault in the expression of a block with the calls that led to it, and raise Unknowable then."""
    frame.tracer.enter(frame.call, frame.expression.span(node))
    try:
        yield
    except Fault as wrong:
        frame.tracer.report(wrong.problem)
        raise Unknowable from None
    finally:
        frame.tracer.leave()
        frame.placed = inner.placed


def _names_of_inputs(body: BlockBody) -> Set[str]:
    """Return the names that are known only when the block is called: its inputs, the sizes in them, and `_`."""
    block = body.definition.block
    assert block is not None
    found = {"_"}
    for item in block.inputs:
        found.add(item.name)
        if item.pattern is not None:
            found.update(dim.id for dim in item.pattern.dims if isinstance(dim, nodes.Name))
    return found - body.names.keys()


def _mentions(node: nodes.Node, names: Set[str]) -> bool:
    for part in nodes.walk(node):
        spend(1)
        if isinstance(part, (nodes.Name, nodes.Word)) and part.id in names:
            return True
    return False


def _chosen(inner: Frame, node: nodes.Node, inputs: Set[str]) -> nodes.Node | None:
    """Return the branch of `a if c else b` that is taken; None if the inputs decide it."""
    while isinstance(node, nodes.Conditional):
        if _mentions(node.test, inputs):
            return None
        node = node.body if truth(inner, node.test, inner.evaluate(node.test)) else node.orelse
    return node


def _made_by(inner: Frame, node: nodes.Node, inputs: Set[str]) -> str | None:
    """Return the type of the module that an expression makes, or None if it gives another value."""
    if not isinstance(node, nodes.Call) or _mentions(node.function, inputs):
        return None
    function = node.function
    target: Any = None
    if isinstance(function, nodes.Name):
        target = name_lookup.lookup(inner, function.id, function, called=True)
    elif isinstance(function, nodes.Attribute):
        owner = name_lookup.attribute_owner(inner, function)
        if isinstance(owner, Namespace):
            target = name_lookup.in_namespace(inner, function, owner, called=True)
        elif isinstance(owner, FileScope):
            target = name_lookup.attribute(inner, function)
    if isinstance(target, Unknown):
        raise Unknowable
    if isinstance(target, str) and not isinstance(target, DType):
        target = name_lookup.named_type(inner, function, target)
    if is_layer_class(target):
        return str(target.__name__)
    if isinstance(target, Special):
        return None if target.name in _TENSORS else target.name
    if isinstance(target, Definition):
        return target.name
    if isinstance(target, FileScope):
        return target.spec.name
    return target.target.rpartition(":")[2] if isinstance(target, Foreign) else None


def _become(inner: Frame, module: Module, made: Any) -> None:
    """Make a module the one that its expression makes, now that the inputs are known. Raises Fault."""
    span = inner.expression.where()
    if not isinstance(made, Module):
        raise fault("wrong-type", f"{inner.module.type} makes no module here", span)
    if module.layer is None and module.body is None:
        module.type, module.layer, module.body = made.type, made.layer, made.body
        module.place, module.parametrizations = made.place, made.parametrizations
    elif module.type != made.type:
        message = f"{module.path} is a {module.type} at first, but a {made.type} when it is called again"
        raise fault("invalid-argument", message, span)
    else:
        module.body = made.body


def _given(inner: Frame, node: nodes.Node, module: Module) -> tuple[Any, ...]:
    """Return the values that the module of a block takes: the first input, and others that it does not mention."""
    values = list(inner.run.inputs.items())
    if isinstance(module.body, ItemsBody):
        values = values[:1]
    given = [value for index, (name, value) in enumerate(values) if not index or not _mentions(node, {name})]
    while given and given[-1] is None:
        given.pop()
    return tuple(given)
