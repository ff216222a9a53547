"""Where an argument's value is written: in the call, or at the call of the block whose hyperparameter it is."""

from __future__ import annotations

from nnshape.fixes.fix import construction
from nnshape.records import dataclass
from nnshape.spec import Expression, Node, Span, nodes
from nnshape.tracing import Module, Trace
from nnshape.tracing.contexts import FaultContext
from nnshape.tracing.scope import BlockBody


@dataclass(frozen=True, slots=True)
class Given:
    """The text of a value, its node, and whether it is written in the step of the fault, and in the model's body."""

    span: Span
    node: Node
    in_step: bool
    in_model: bool


def given(trace: Trace, context: FaultContext, expression: Expression, node: Node) -> Given:
    """Follow a name to the value that it was given: by the calls of the blocks around it, or in `hparams`."""
    here = context.call.span
    span = expression.span(node)
    in_step = span.source is here.source and here.start <= span.start and span.end <= here.end
    found = Given(span, node, in_step, in_model_body(context))
    assert trace.root.module is not None
    modules = {module.path: module for module in trace.root.module.walk()}
    inner: Module | None = context.scope.module
    while isinstance(found.node, nodes.Name) and inner is not None:
        body = inner.body
        block = body.definition.block if isinstance(body, BlockBody) else None
        if block is None and inner.path:  # a Sequential, whose items see the names of the body around it
            inner = _around(modules, inner)
            continue
        names = [] if block is None else [parameter.name for parameter in block.parameters]
        if found.node.id not in names:
            hparam = trace.spec.hparams.get(found.node.id)
            if hparam is not None and isinstance(hparam.value, (int, float, str)):
                return Given(hparam.span, nodes.Constant(hparam.value, 0, 0), False, True)
            return found
        place, made = inner.place
        call = construction(made)
        value = None if call is None else passed(call, names, found.node.id)
        if place is None or value is None:
            return found
        inner = _around(modules, inner)
        found = Given(place.span(value), value, False, inner is not None and not inner.path)
    return found


def in_model_body(context: FaultContext) -> bool:
    """Whether a step is in the body of the model, or in a Sequential there: its layers are made once."""
    scope = context.scope
    while scope.outer is not None:
        scope = scope.outer
    return scope.is_model


def passed(call: nodes.Call, names: list[str], name: str) -> Node | None:
    """The node of the value that a block's call gives for a hyperparameter; None if it is not written."""
    for keyword in call.keywords:
        if keyword.name == name:
            return keyword.value
    place = names.index(name)
    if place >= len(call.args) or any(isinstance(item, nodes.Starred) for item in call.args):
        return None
    return call.args[place]


def _around(modules: dict[str | None, Module], inner: Module) -> Module | None:
    """The module that holds another one: a Sequential, a block or the model."""
    return modules.get((inner.path or "").rpartition(".")[0]) if inner.path else None
