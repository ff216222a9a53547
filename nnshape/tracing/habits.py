"""Names that people write from habit: of Python, of other libraries, or of another place in the file."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nnshape.problems import Edit
from nnshape.shapes.layers import find_layer
from nnshape.spec import Body, Span, nodes
from nnshape.tracing.einops_patterns import as_torch
from nnshape.tracing.faults import Fault, fault
from nnshape.tracing.other_libraries import LIBRARIES, activation, foreign_function, foreign_layer, in_words, joined
from nnshape.tracing.scope import MISSING, BlockBody, Frame, StepsBody, find_torch
from nnshape.tracing.unknown_sizes import unknown_size

if TYPE_CHECKING:
    from nnshape.spec import Block, Step

_CONSTANTS = {"false": "False", "true": "True", "none": "None", "null": "None"}
_OBJECTS = ("self", "this")


def habit(frame: Frame, name: str, node: nodes.Node) -> Fault | None:
    """The fault of an unknown name that people write from habit; None for any other name."""
    span = frame.expression.span(node)
    if name in _OBJECTS or name in LIBRARIES:
        return _prefix(frame, name, node)
    if name in _CONSTANTS:
        meant = _CONSTANTS[name]
        message = f"{name} is written {meant} here, as in Python"
        return fault("unknown-name", message, span, help=(f"write {meant}",), instead=(meant,))
    return (
        of_another_library(frame, name, node, span)
        or _elsewhere(frame, name, span)
        or unknown_size(frame, name, node)
        or _of_python(name, span)
    )


def _prefix(frame: Frame, name: str, node: nodes.Node) -> Fault:
    """The fault of `self.conv1`, `keras.layers.Dense` or `np.mean`."""
    chain = _chain(frame, node)
    last = chain[-1].name if len(chain) > 1 else ""
    span = frame.expression.span(node)
    whole = frame.expression.span(chain[-1])
    if name in _OBJECTS:
        # self.encoder.conv1 is encoder.conv1.
        first = chain[1] if len(chain) > 1 else None
        message = f"a spec has no {name}: its steps are called by their names"
        if first is None:
            return fault("unknown-name", message, span, help=("write the name of a step alone",))
        gone = Edit(Span(span.source, span.start, frame.expression.span(first).end - len(first.name)), "")
        return fault("unknown-name", message, span, help=(f"write the name alone: {first.name}",), instead=((gone,),))
    known = of_another_library(frame, last, chain[-1], span) if last else None
    if known is not None:
        return known
    title = name if name == LIBRARIES[name] else f"{name} ({LIBRARIES[name]})"
    message = f"a spec cannot use {title}"
    if last == "newaxis":
        return fault("unknown-name", message, span, help=("write None",), instead=((Edit(whole, "None"),),))
    if last and find_torch(last, called=True) is not MISSING:
        help, instead = (f"write {last}, which torch has too",), ((Edit(whole, last),),)
        return fault("unknown-name", message, span, help=help, instead=instead)
    return fault("unknown-name", message, span, help=("write a layer or function of torch",))


def _chain(frame: Frame, node: nodes.Node) -> list[nodes.Attribute]:
    """The name and the attributes that follow it: `np`, `np.linalg`, `np.linalg.norm`."""
    owners = {id(part.value): part for part in nodes.walk(frame.expression.node) if isinstance(part, nodes.Attribute)}
    chain = [node]
    while id(chain[-1]) in owners:
        chain.append(owners[id(chain[-1])])
    return chain  # type: ignore[return-value]  # the first is a name


def _call_of(frame: Frame, node: nodes.Node) -> nodes.Call | None:
    """The call whose function is this node."""
    parts = nodes.walk(frame.expression.node)
    return next((part for part in parts if isinstance(part, nodes.Call) and part.function is node), None)


def of_another_library(frame: Frame, name: str, node: nodes.Node, span: Span) -> Fault | None:
    """The fault of a layer or function of another library, with torch's form of it; None for any other name."""
    call = _call_of(frame, node)
    layer = foreign_layer(name)
    if layer is not None:
        if call is not None and len(call.args) > 2 and find_layer(name.replace("D", "d")) is not None:
            return None  # Conv2D(3, 64, 7) has torch's arguments
        message = f"{name} is a layer of {layer.library}, not of torch"
        edits = [] if call is None else layer.translations(frame.expression, call)
        instead = [(edit,) for edit in edits]
        return fault("unknown-layer", message, span, help=(f"write {layer.help}",), instead=instead)
    words = in_words(name)
    if words is not None:
        outer = None if call is None else _call_of(frame, call)
        edits = [] if outer is None else joined(frame.expression, outer, name)
        message = f"{name} is a layer of {words[0]}, not of torch"
        instead = [(edit,) for edit in edits]
        return fault("unknown-layer", message, span, help=(f"write {words[1]}",), instead=instead)
    if name == "Activation":
        message = "Activation is a layer of Keras, not of torch"
        first = call.args[0] if call is not None and call.args else None
        meant = activation(str(first.value)) if isinstance(first, nodes.Constant) else ""
        instead = [(Edit(frame.expression.span(call), meant),)] if call is not None and meant else []
        help = (f"write {meant or 'the activation itself, such as ReLU()'}",)
        return fault("unknown-layer", message, span, help=help, instead=instead)
    known = foreign_function(name)
    if known is not None:
        library, meant = known
        message = f"{name} is a function of {library}, not of torch"
        edits = []
        if find_torch(meant, called=True) is not MISSING:
            edits.append(Edit(frame.expression.span(node), meant))
        elif call is not None and (text := as_torch(frame.expression, call, name)):
            edits.append(Edit(frame.expression.span(call), text))
        return fault("unknown-name", message, span, help=(f"write {meant}",), instead=[(edit,) for edit in edits])
    return None


# ---- names of another place in the file ----


def _elsewhere(frame: Frame, name: str, span: Span) -> Fault | None:
    """The fault of the name of a step that is made later, or outside of the block."""
    for step in _later(frame, name, span):
        message = f"{name} is made later, at line {step.name_span.line}"
        edits = _moved(frame, step)
        instead = [edits] if edits else []
        return fault("unknown-name", message, span, help=("move its step above this one",), instead=instead)
    while frame.outer is not None:
        frame = frame.outer
    body = frame.module.body
    block = body.definition.block if isinstance(body, BlockBody) else None
    if block is not None and any(step.name == name for step in frame.file.spec.body.steps):
        message = f"the block {block.name} does not see the model's step {name}"
        parameters = ", ".join(parameter.name for parameter in block.parameters)
        inputs = ", ".join([*(item.name for item in block.inputs), name])
        help = (f"give it to the block as an input: {block.name}({parameters})({inputs}):",)
        return fault("unknown-name", message, span, help=help, instead=_as_an_input(frame, block, name))
    return None


def _as_an_input(frame: Frame, block: Block, name: str) -> list[tuple[Edit, ...]]:
    """The edits that give a step of the model to a block as an input, where the block is called and declared."""
    expression, node = frame.module.place
    if expression is None or not isinstance(node, nodes.Call):
        return []
    outer = next((part for part in nodes.walk(expression.node) if getattr(part, "function", None) is node), None)
    signature = block.signature.node
    has_inputs = isinstance(signature, nodes.Call) and isinstance(signature.function, nodes.Call)
    declared = block.signature.where()
    whole = expression.span(node if outer is None else outer)
    empty = "" if isinstance(signature, nodes.Call) else "()"
    return [(
        _appended(declared, f", {name})" if has_inputs else f"{empty}(x, {name})", has_inputs),
        _appended(whole, f"(_, {name})" if outer is None else f", {name})", outer is not None),
    )]  # fmt: skip


def _appended(span: Span, text: str, inside: bool) -> Edit:
    """The edit that adds a text after a call, or in place of its last bracket."""
    return Edit(Span(span.source, span.end - inside, span.end), text)


def _later(frame: Frame, name: str, span: Span) -> Iterator[Step]:
    """The steps of this name that come later in a body around the current step."""
    bodies: list[tuple[Step, ...]] = []
    around: Frame | None = frame
    while around is not None:
        body = around.module.body
        if isinstance(body, StepsBody):
            bodies.append(body.steps)
            around = body.frame
            continue
        block = body.definition.block if isinstance(body, BlockBody) else None
        if block is not None:
            bodies.append(block.body.steps)
        elif around.outer is None:
            bodies.append(around.file.spec.body.steps)
        around = around.outer if block is None else None
    for steps in bodies:
        for step in steps:
            if step.name == name and step.name_span.source is span.source and step.name_span.start > span.start:
                yield step


def _moved(frame: Frame, step: Step) -> tuple[Edit, ...]:
    """The edits that move the lines of a later step above the current one; none if it shares its lines."""
    source, text = step.name_span.source, step.name_span.source.text
    start = source.line_start(step.name_span.line)
    end = text.find("\n", step.span.end)
    end = len(text) if end < 0 else end + 1
    here = source.line_start(frame.call.span.line)
    own = text[here : frame.call.span.start].lstrip()
    if (
        isinstance(step.value, Body)
        or text[start : step.name_span.start].strip()
        or not own.startswith(frame.call.name)
    ):
        return ()
    moved = text[start:end]
    if not moved.endswith("\n"):
        moved += "\n"
    return Edit(Span(source, here, here), moved), Edit(Span(source, start, end), "")


# ---- Python and torch ----


#: Methods that read the values of a tensor.
_READING = ("allclose", "equal", "is_nonzero", "item", "numpy", "tolist")
#: Methods that change how torch trains or stores a tensor.
_TRAINING = ("backward", "data_ptr", "pin_memory", "register_hook", "retain_grad", "share_memory_", "storage", "stride")


def method_of_torch(name: str, span: Span) -> Fault:
    """The fault of a method that a tensor of torch has, and a step cannot call."""
    if name in _READING:
        message = f"{name} reads the values of a tensor, which are unknown until the model runs"
        return fault("unknown-name", message, span, help=("compute with the tensor itself",))
    help = ("it changes no shape: leave it out",) if name in _TRAINING else ()
    return fault("unknown-name", f"a step cannot call the method {name} of a tensor", span, help=help)


def _of_python(name: str, span: Span) -> Fault | None:
    """The fault of a function of Python that the language does not have."""
    if not callable(getattr(builtins, name, None)) or name[:1].isupper():
        return None
    help = "every row of the table shows a shape: leave it out" if name == "print" else ""
    message = f"{name} is a function of Python that a spec does not have"
    return fault("unknown-name", message, span, help=(help,) if help else ())
