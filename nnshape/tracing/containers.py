"""ModuleList, ModuleDict, ParameterList and ParameterDict: they hold modules or parameters and do not apply them.

`heads: ModuleList(Linear(d, 2) for i in range(3))` leaves the running value as it is. Later steps call its items:
`heads[0](x)`, or `cat([head(x) for head in heads], 1)`.
"""

from __future__ import annotations

from nnshape.spec import nodes
from nnshape.tracing import sequences
from nnshape.tracing.applying import place
from nnshape.tracing.faults import fault
from nnshape.tracing.layers import materialize
from nnshape.tracing.members import CONTAINERS
from nnshape.tracing.model import Call, Module, Run
from nnshape.tracing.scope import Frame, Item
from nnshape.tracing.shared_modules import module_named, register_again
from nnshape.tracing.value_display import shown


def make_container(frame: Frame, node: nodes.Call, kind: str) -> Module:
    """Return a container with its items, registered under the name of the current step. Raises Fault."""
    before = frame.module.children.get(frame.call.name) if frame.again else None
    if before is not None:
        frame.placed = frame.call.module = before
        return before
    module = Module(kind, (frame.expression, node), holds_modules=True)
    items = sequences.items_of(frame, node, kind)
    place(frame, module)
    module.run = Run({})
    inner = Frame(
        frame.tracer, frame.file, module, module.run, f"{module.path}.", frame.depth + 1, outer=frame.kept(),
        running=frame.running, expression=frame.expression,
    )  # fmt: skip
    for item in items:
        _add_item(inner, item, kind)
        frame.call.add_counts(inner.call)
    return module


def _add_item(inner: Frame, item: Item, kind: str) -> None:
    """Add an item to a container, as a call of its own. Raises Fault if it is not one that the container can hold."""
    named, of_parameters = CONTAINERS[kind]
    span = inner.expression.span(item.node)
    if named != item.is_named:
        held = "a parameter" if of_parameters else "a module"
        message = f"an item of a {kind} must be {f'a pair of a name and {held}' if named else held}"
        raise fault("wrong-type", message, span, help=(_FORMS[kind],))
    text = " ".join(inner.expression.text[item.node.start : item.node.end].split())
    inner.call = Call(inner.prefix + item.name, item.name, "", text, span, inner.depth)
    inner.tracer.count(inner.call)
    inner.placed, inner.names = None, item.variables
    shared = None if of_parameters else module_named(inner, item.node)
    value = inner.evaluate(item.node) if shared is None else register_again(inner, item.node, shared)
    if isinstance(value, Module) and value.path is None and not of_parameters:
        place(inner, value)
        if value.layer is not None and not value.layer.wants_auto:
            materialize(inner, value)
    elif not (inner.placed is not None and (value is inner.placed or inner.placed.tensor is not None)) or (
        of_parameters != (inner.placed.tensor is not None)
    ):
        wanted = "a Parameter" if of_parameters else "a module that is not called"
        message = f"an item of a {kind} must be {wanted}, not {shown(value)}"
        raise fault("wrong-type", message, span, help=(_FORMS[kind],))
    inner.run.calls.append(inner.call)


_FORMS = {
    "ModuleList": "write ModuleList(Linear(8, 2) for i in range(3)), and call heads[0](x) in a later step",
    "ModuleDict": "write ModuleDict(('a', Linear(8, 2)), ('b', Linear(8, 4))), and call heads['a'](x) in a later step",
    "ParameterList": "write ParameterList(Parameter(1, 8) for i in range(3)), and use scales[0] in a later step",
    "ParameterDict": "write ParameterDict(('a', Parameter(1, 8))), and use scales['a'] in a later step",
}
