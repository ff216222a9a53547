"""The faults of values that are no tensor yet: `- ReLU`, `act: nn.SiLU`, the sum of several values."""

from __future__ import annotations

import re
from typing import Any

from nnshape.problems import Edit
from nnshape.shapes.arguments import REQUIRED
from nnshape.shapes.function import Function
from nnshape.spec import Span, nodes
from nnshape.tracing.faults import Fault, fault
from nnshape.tracing.meant_inputs import inputs_hint
from nnshape.tracing.scope import Definition, FileScope, Frame, is_layer_class
from nnshape.tracing.value_display import shown

#: A name by itself, also with a prefix: `ReLU`, `nn.ReLU`, `block.Bottleneck`.
_ALONE = re.compile(r"[^\W\d][\w.]*")
#: The arguments of layers and functions that people name with another default in mind.
_MEANT = dict.fromkeys(("LogSoftmax", "Softmax", "Softmin", "log_softmax", "softmax", "softmin"), "-1")
_MEANT["flatten"] = "1"


def unapplied(frame: Frame, value: Any) -> Fault:
    """Return the fault of a step that holds a layer or function which it does not apply to a tensor."""
    span = frame.call.span
    text = span.text
    if text.endswith(","):
        message = f"{frame.call.name} ends in a comma, which makes it a tuple"
        return fault("wrong-type", message, span, help=("take the comma away",), instead=(text.rstrip(", "),))
    if _ALONE.fullmatch(text) is None:
        message = f"{frame.call.name} holds {shown(value)}, which is not a value until it is applied to a tensor"
        return fault("wrong-type", message, span)
    call = text + called(value)
    doing = "calling it" if isinstance(value, Function) else "making one"
    message = f"{frame.call.name} names {_named(value, text)} without {doing}"
    hint = inputs_hint(value.block) if isinstance(value, Definition) and value.block is not None else ""
    if hint:
        return fault("wrong-type", message, span, help=(hint,))
    return fault("wrong-type", message, span, help=(f"write {call}",), instead=(call,))


def several_values(frame: Frame, node: nodes.Node, sign: str, left: Any, right: Any) -> Fault:
    """Return the fault of arithmetic on the several values of a step, such as the outputs of an attention."""
    span = frame.expression.span(node)
    message = f"{sign} takes a tensor or a number, not several values"
    instead: list[tuple[Edit, ...]] = []
    for part, value in ((getattr(node, "left", None), left), (getattr(node, "right", None), right)):
        if isinstance(value, (tuple, list)) and isinstance(part, (nodes.Name, nodes.Subscript, nodes.Call)):
            end = frame.expression.span(part).end
            instead.append((Edit(Span(span.source, end, end), "[0]"),))
    help = ("take one of them, such as the first: [0]",)
    return fault("wrong-type", message, span, help=help, instead=instead)


def _named(value: Any, text: str) -> str:
    return f"the block {text}" if isinstance(value, (Definition, FileScope)) else shown(value)


def called(value: Any) -> str:
    """Return the brackets that call a layer, function or block, with the arguments that it must have: `(num_groups)`.

    An argument that can be read off the input is `auto`. Any other value gives `()`.
    """
    if is_layer_class(value):
        auto = value.auto
        required = [parameter.name for parameter in value.signature().parameters if parameter.default is REQUIRED]
        given = ", ".join("auto" if name in auto else name for name in required)
        return f"({given or _MEANT.get(value.__name__, '')})"
    if isinstance(value, Function):
        required = [parameter.name for parameter in value.signature().positional if parameter.default is REQUIRED]
        return f"({_MEANT.get(value.name) or ', '.join(required if value.factory else required[1:])})"
    if isinstance(value, Definition) and value.block is not None:
        return f"({', '.join(parameter.name for parameter in value.block.parameters if not parameter.has_default)})"
    return "()"
