"""ModuleList and its like: modules, or parameters, that a step holds and does not apply.

`heads: ModuleList(Linear(d, 2) for i in range(3))` moves no tensor; later steps apply what it holds, as in
`heads[0](x)` or `cat([head(x) for head in heads], 1)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nnshape.problems import Problem
from nnshape.problems.nearest import listed, nearest
from nnshape.spec import nodes
from nnshape.tracing import applying, expressions, sequences
from nnshape.tracing.faults import fault
from nnshape.tracing.layers import settle
from nnshape.tracing.located import located
from nnshape.tracing.model import Attribute, Call, Module, Run
from nnshape.tracing.scope import Frame, Item
from nnshape.tracing.values import shown

#: Each container: whether its items have names, and whether they are parameters.
CONTAINERS = {
    "ModuleList": (False, False),
    "ModuleDict": (True, False),
    "ParameterList": (False, True),
    "ParameterDict": (True, True),
}


def make_container(frame: Frame, node: nodes.Call, kind: str) -> Module:
    """A container of the items written, under the step's own name."""
    before = frame.module.children.get(frame.call.name) if frame.again else None
    if before is not None:
        frame.placed = frame.call.module = before
        return before
    module = Module(kind, (frame.expression, node), holds_modules=True)
    items = sequences.items_of(frame, node, kind)
    applying.place(frame, module)
    module.run = Run({})
    inner = Frame(
        frame.tracer, frame.file, module, module.run, f"{module.path}.", frame.depth + 1, outer=frame,
        running=frame.running, expression=frame.expression,
    )  # fmt: skip
    for item in items:
        _take(inner, item, kind)
        frame.call.take_counts(inner.call)
    return module


def _take(inner: Frame, item: Item, kind: str) -> None:
    """Let a container hold one more item, under its name."""
    named, of_parameters = CONTAINERS[kind]
    span = inner.expression.span(item.node)
    if named != item.is_named:
        message = f"an item of a {kind} is {'a pair of a name and' if named else ''} what it holds".replace("  ", " ")
        raise fault("wrong-type", message, span, help=(_FORMS[kind],))
    text = " ".join(inner.expression.text[item.node.start : item.node.end].split())
    inner.call = Call(inner.prefix + item.name, item.name, "", text, span, inner.depth)
    inner.tracer.count(inner.call)
    inner.placed, inner.names = None, item.variables
    value = expressions.evaluate(inner, item.node)
    if isinstance(value, Module) and value.path is None and not of_parameters:
        applying.place(inner, value)
        if value.layer is not None and not value.layer.wants_auto:
            settle(inner, value)
    elif not (inner.placed is not None and (value is inner.placed or inner.placed.tensor is not None)) or (
        of_parameters != (inner.placed.tensor is not None)
    ):
        wanted = "a Parameter" if of_parameters else "a module that is not applied"
        raise fault("wrong-type", f"an item of a {kind} is {wanted}, not {shown(value)}", span, help=(_FORMS[kind],))
    inner.run.calls.append(inner.call)


_FORMS = {
    "ModuleList": "write ModuleList(Linear(8, 2) for i in range(3)), and apply heads[0](x) in a later step",
    "ModuleDict": "write ModuleDict(('a', Linear(8, 2)), ('b', Linear(8, 4))), and apply heads['a'](x) in a later step",
    "ParameterList": "write ParameterList(Parameter(1, 8) for i in range(3)), and use scales[0] in a later step",
    "ParameterDict": "write ParameterDict(('a', Parameter(1, 8))), and use scales['a'] in a later step",
}


def item_of(frame: Frame, node: nodes.Subscript, container: Module, index: Any) -> Any:
    """What stands behind `heads[0]`, `heads[1:]` or `heads['a']`; raises Fault."""
    names = list(container.children)
    if CONTAINERS[container.type][0]:
        if index not in container.children:
            help = nearest(str(index), names)
            message = f"{container.path} holds no {shown(index)}: it holds {listed(names, 'nothing')}"
            raise fault("index-error", message, frame.expression.span(node), help=help)
        return _held(frame, container.children[index])
    if not isinstance(index, (int, slice)):
        message = f"{container.path} is a {container.type}, which is indexed by a number, not by {shown(index)}"
        raise fault("wrong-type", message, frame.expression.span(node))
    with located(frame, node):
        found = names[index]
    if isinstance(found, list):
        return tuple(_held(frame, container.children[name]) for name in found)
    return _held(frame, container.children[found])


def items_held(frame: Frame, container: Module) -> list[Any]:
    """What a loop over a container goes through: its items, or their names where they have names."""
    if CONTAINERS[container.type][0]:
        return list(container.children)
    return [_held(frame, child) for child in container.children.values()]


def _held(frame: Frame, child: Module) -> Any:
    return child if child.tensor is None else applying.read_attribute(frame, Attribute(child, ""), child.tensor)


def report_never_applied(root: Module, report: Callable[[Problem], None]) -> None:
    """Report what a container holds and no step applies, where its parameters hang on what it is applied to."""
    for module in _held_below(root):
        unknown = module.run is None if module.body is not None else module.layer is not None and not module.settled
        if unknown:
            message = f"{module.path} is never applied, so its parameters are not known"
            help = ("apply it in a later step, or leave it out",)
            report(Problem("unknown-value", message, module.span, help=help))


def _held_below(root: Module) -> Iterator[Module]:
    for module in root.walk():
        if module.holds_modules:
            yield from module.children.values()
