"""`Candidate`, an untested fix, and the edits of a call's arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nnshape.fixes.editing import Edit
from nnshape.records import dataclass
from nnshape.shapes.arguments import Signature
from nnshape.spec import Expression, Keyword, Node, Span, nodes

#: A size that no model has: where it arrives, the size that is wanted there tells the one to write.
STAND_IN = 1_000_003


@dataclass(frozen=True, slots=True)
class Gap:
    """An argument whose size is not known yet; the edit writes `auto` or STAND_IN for it.

    `names` are the names that the size may be written as, and `literal` says whether it may be a number. Of
    `alternatives`, one is a fix only if no other works. The size is not `unlike`.
    """

    argument: str
    names: Mapping[str, int]
    literal: bool
    alternatives: tuple[str, ...] = ()
    unlike: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """Edits that have not been verified.

    `step` is the range of the edited step, if there is only one. `shown` is the text for the help line of edits beyond
    one step; otherwise the help line shows the edited step.
    """

    description: str
    edits: tuple[Edit, ...]
    step: Span | None = None
    name: str = ""
    shown: str = ""
    because: str = ""
    safe: bool = False
    gap: Gap | None = None


def text_of(value: Any) -> str:
    """The text of one or several sizes in an expression."""
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(str, value))}{',' if len(value) == 1 else ''})"
    return str(value)


def construction(node: Node | Span) -> nodes.Call | None:
    """Return the constructor call: `Conv2d(1, 6, 5)`, also inside `Conv2d(1, 6, 5)(x)`; None if there is none.

    A module that is no expression has a span in the place of the node.
    """
    if not isinstance(node, nodes.Call):
        return None
    while isinstance(node.function, nodes.Call):
        node = node.function
    return node


def argument_of(call: nodes.Call, signature: Signature, name: str) -> Node | None:
    """The node of a call's argument; None if the argument is not given."""
    for keyword in call.keywords:
        if keyword.name == name:
            return keyword.value
    names = [parameter.name for parameter in signature.positional]
    place = names.index(name) if name in names else len(names)
    if any(isinstance(item, nodes.Starred) for item in call.args) or place >= len(call.args):
        return None
    return call.args[place]


def with_argument(expression: Expression, call: nodes.Call, signature: Signature, name: str, value: Any) -> Edit:
    """The edit that sets an argument: replaces its text, or adds it as a keyword."""
    node = argument_of(call, signature, name)
    if node is not None:
        return Edit(expression.span(node), text_of(value))
    written: Sequence[Node | Keyword] = (*call.args, *call.keywords)
    if not written:
        inside = expression.span((call.end - 1, call.end))
        return Edit(Span(inside.source, inside.start, inside.start), f"{name}={text_of(value)}")
    end = expression.span(max(written, key=lambda item: item.end)).end
    source = expression.origin.source
    return Edit(Span(source, end, end), f", {name}={text_of(value)}")


def whole_number(node: Node | None) -> int | None:
    """The value of a number literal; None for any other expression."""
    value = node.value if isinstance(node, nodes.Constant) else None
    return value if type(value) is int else None
