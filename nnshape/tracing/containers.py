"""ModuleList and its like: modules, or parameters, that a step holds and does not apply.

`heads: ModuleList(Linear(d, 2) for i in range(3))` moves no tensor; later steps apply what it holds, as in
`heads[0](x)` or `cat([head(x) for head in heads], 1)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nnshape.problems import Problem
from nnshape.spec import nodes
from nnshape.tracing import sequences
from nnshape.tracing.applying import place
from nnshape.tracing.faults import fault
from nnshape.tracing.layers import materialize
from nnshape.tracing.members import CONTAINERS
from nnshape.tracing.model import Call, Module, Run
from nnshape.tracing.scope import Frame, Item
from nnshape.tracing.value_display import shown


def make_container(frame: Frame, node: nodes.Call, kind: str) -> Module:
    """A container of the items written, under the step's own name."""
    before = frame.module.children.get(frame.call.name) if frame.again else None
    if before is not None:
        frame.placed = frame.call.module = before
        return before
    module = Module(kind, (frame.expression, node), holds_modules=True)
    items = sequences.items_of(frame, node, kind)
    place(frame, module)
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
    value = inner.evaluate(item.node)
    if isinstance(value, Module) and value.path is None and not of_parameters:
        place(inner, value)
        if value.layer is not None and not value.layer.wants_auto:
            materialize(inner, value)
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


def report_never_applied(root: Module, report: Callable[[Problem], None]) -> None:
    """Report what a container holds and no step applies, where its parameters hang on what it is applied to."""
    for module in _held_below(root):
        is_layer = module.layer is not None
        unknown = module.run is None if module.body is not None else is_layer and not module.materialized
        if unknown:
            message = f"{module.path} is never applied, so its parameters are not known"
            help = ("apply it in a later step, or remove it",)
            report(Problem("unknown-value", message, module.span, help=help))


def _held_below(root: Module) -> Iterator[Module]:
    for module in root.walk():
        if module.holds_modules:
            yield from module.children.values()
