"""The faults of names that are unknown, with the nearest that is known."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from nnshape.problems.nearest import nearest_name, suggested
from nnshape.shapes.layers import all_layers
from nnshape.spec.words import WORDS
from nnshape.tracing.faults import fault
from nnshape.tracing.scope import MISSING, Frame, find_torch, torch_names
from nnshape.tracing.value_display import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nnshape.problems import Edit
    from nnshape.spec import Span, nodes


def unknown_name(frame: Frame, name: str, node: nodes.Node) -> Exception:
    """Return the fault for an unknown name: `unknown-layer` if it is capitalized."""
    span = frame.expression.span(node)
    from nnshape.tracing.habits import habit  # only for a name that is unknown

    known = habit(frame, name, node)
    if known is not None:
        return known
    if name[:1].isupper() and len(name) > 1:
        types = [*frame.file.spec.blocks, *frame.file.spec.imports, *all_layers(), *WORDS]
        message = f"there is no layer or block called {name}"
        near = nearest_name(name, types)
        return fault("unknown-layer", message, span, help=suggested(near), instead=_instead(frame, near, span))
    near = nearest_name(name, frame.own_names()) or nearest_name(name, names_of_same_sort(name))
    help, instead = suggested(near), _instead(frame, near, span)
    if span.source.text[: span.start].endswith("="):
        help = (*help, f"put text in quotes: '{name}'")
    message = f"there is no step, hparam, size or function called {name}"
    return fault("unknown-name", message, span, help=help, instead=instead)


def _instead(frame: Frame, near: str | None, span: Span) -> tuple[str, ...]:
    """The texts to try for a misspelt name; a call if the name is the whole step, as in `act: Relu`."""
    if near is None:
        return ()
    if span.start != frame.call.span.start or span.end != frame.call.span.end:
        return (near,)
    from nnshape.tracing.unapplied import called  # only for this fault

    meant = frame.own(near)
    meant = find_torch(near) if meant is MISSING else meant
    return (near, near + called(meant))


def names_of_same_sort(name: str) -> Iterable[str]:
    """The names of torch that a misspelt one may stand for: layers for a layer, functions for a function."""
    layers = [one for one in torch_names() if one[:1].isupper()]
    if name[:1].isupper():
        return layers
    by_case = (one for one in layers if one.casefold() == name.casefold())
    return chain(by_case, (one for one in torch_names() if not one[:1].isupper()))


def not_called(frame: Frame, node: nodes.Node, name: str) -> Exception:
    """Return the fault for a function of torch without brackets."""
    help = (f"write {name}(…)",)
    if name == "device":  # as in x.to(device)
        message = "a spec names no device: the model is built where the command or program says"
        return fault("unknown-name", message, frame.expression.span(node), help=("leave it out",))
    return fault("wrong-type", f"{name} is a function of torch: call it", frame.expression.span(node), help=help)


def no_item(frame: Frame, node: nodes.Attribute, owner: dict[str, Any]) -> Exception:
    """Return the fault for an attribute of a mapping: `body.low`."""
    text = frame.expression.span(node.value).text
    help = (f"write {text}['{node.name}']",) if node.name in owner else ()
    message = f"{text} is {shown(owner)}, which has no attribute {node.name}"
    return fault("wrong-type", message, frame.expression.span(node), help=help)


def no_attribute(
    frame: Frame,
    node: nodes.Attribute,
    owner: str,
    known: Iterable[str],
    instead: Iterable[tuple[Edit, ...]] = (),
) -> Exception:
    """Return the fault for an attribute that its owner does not have."""
    span = frame.expression.span((node.name_start, node.end))
    near = nearest_name(node.name, known)
    message = f"{owner} has no attribute {node.name}"
    return fault("unknown-name", message, span, help=suggested(near), instead=[near] if near else instead)
