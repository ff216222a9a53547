"""Gives a rule's refusal its place: the argument at fault, the step that is named, the tensors that came."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from nnshape.problems import Label, Problem
from nnshape.shapes.arguments import Signature
from nnshape.shapes.constraints import collecting
from nnshape.shapes.dims import Dim, TooLarge, substitute, symbols_of
from nnshape.shapes.notices import noticing
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, tensors_in
from nnshape.spec import nodes
from nnshape.tracing.causes import FaultContext, key_of
from nnshape.tracing.derived import plain
from nnshape.tracing.faults import Fault
from nnshape.tracing.labels import (
    from_step,
    labels_of,
    operand_labels,
    primary_label,
    shrinking,
    step_name,
    tuple_told,
)
from nnshape.tracing.model import Module
from nnshape.tracing.origins import chain_of
from nnshape.tracing.scope import Frame

#: A longer expression is no name for what it makes.
_LONGEST_NAME = 30
_NOTHING: Mapping[str, Any] = {}


def located_refusal(
    frame: Frame,
    node: nodes.Node,
    refusal: Refusal,
    arguments: Sequence[Any],
    signature: Signature | None,
    module: Module | None = None,
    keywords: Mapping[str, Any] = _NOTHING,
    apply: Callable[[tuple[Any, ...], dict[str, Any]], Any] | None = None,
) -> Fault:
    """The fault for a refusal of the call at `node`, whose constructor or function has this signature.

    `apply` is the rule that refused, where it was applied to tensors.
    """
    place = _argument_node(node, refusal, signature, module, len(arguments))
    span = frame.expression.span(place)
    tensors = list(tensors_in((tuple(arguments), dict(keywords))))
    tensor = refusal.tensor or (tensors[0] if len(set(tensors)) == 1 else None)
    chain = None if tensor is None else chain_of(tensor, refusal.dims)
    if chain is not None:
        others = [meant for meant, _ in refusal.names.values() if meant != tensor]
        related = labels_of(chain, frame.call, span)[: 3 if others else None] + operand_labels(frame, others)
    else:
        related = operand_labels(frame, tensors)
    if place is node and module is not None and module.layer and module.path != frame.prefix + frame.call.name:
        related.append(Label(module.span, f"{module.path} is made here"))
    message = refusal.message.replace("{layer}", step_name(frame.call))
    scope = frame.scope()
    for word, (meant, otherwise) in refusal.names.items():
        name = scope.name_of(meant) or _written(frame, node, arguments, meant) or otherwise
        message = message.replace(f"{{{word}}}", name)
    if "{from}" in message:
        message = message.replace("{from}", from_step(chain))
    message, told = tuple_told(refusal, module, tuple(arguments), message)
    note = told or _torch_sentence(refusal, tuple(arguments), keywords, apply)
    torch_says = (f"torch says: {note}",) if note else ()
    takes: tuple[str, ...] = ()
    if signature is not None and refusal.problem in ("missing-argument", "unknown-argument"):
        takes = (f"it is {signature.text()}",)
    problem = Problem(
        refusal.problem, message, span, primary_label(refusal, tensor, tensors), tuple(related), (),
        (refusal.help,) if refusal.help else (), (*takes, *shrinking(refusal, chain), *torch_says),
    )  # fmt: skip
    context = FaultContext(
        refusal, scope, frame.call, frame.expression, node, place, tuple(arguments), keywords, signature, module,
        chain, apply,
    )  # fmt: skip
    frame.tracer.causes.setdefault(key_of(problem), context)
    return Fault(problem)


def _written(frame: Frame, node: nodes.Node, arguments: Sequence[Any], tensor: Tensor) -> str:
    """What is written for a tensor among a call's arguments, `arange(1025)`; empty where that is long."""
    if not isinstance(node, nodes.Call) or len(node.args) != len(arguments):
        return ""
    texts = [
        frame.expression.span(item).text for item, value in zip(node.args, arguments, strict=True) if value == tensor
    ]
    return texts[0] if texts and texts[0] != "_" and len(texts[0]) <= _LONGEST_NAME else ""


def report_notices(
    frame: Frame,
    node: nodes.Node,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    signature: Signature,
    module: Module | None,
    apply: Callable[[tuple[Any, ...], dict[str, Any]], Any],
) -> None:
    """Report what the rule that was just applied has noticed, as warnings at its call."""
    notices = frame.tracer.notices
    for notice in notices:
        refusal = Refusal(notice.problem, notice.message, note=notice.note)
        problem = located_refusal(frame, node, refusal, arguments, signature, module, keywords).problem
        related = () if notice.problem == "fails-in-training" else problem.related
        warning = replace(problem, severity="warning", related=related)
        cause = frame.tracer.causes.pop(key_of(problem))
        argument = "shape" if notice.problem == "swallows-batch" else None
        refusal.argument = argument
        frame.tracer.causes[key_of(warning)] = replace(cause, apply=apply)
        frame.tracer.report(warning)
    notices.clear()


def _argument_node(
    node: nodes.Node, refusal: Refusal, signature: Signature | None, module: Module | None, given: int
) -> nodes.Node | nodes.Keyword:
    """The part of a call in which an argument is written; the whole call where it is not.

    `given` is how many arguments came: one more than are written where `_`, or what stands before a
    method's dot, came first.
    """
    name = refusal.argument
    if name is None or not isinstance(node, nodes.Call):
        return node
    for call in _calls(node):
        for keyword in call.keywords:
            if keyword.name == name:
                return keyword if refusal.problem == "unknown-argument" else keyword.value
    if signature is None:
        return node
    constructs = signature.owner[:1].isupper()
    if name in signature.by_name:
        # A constructor may stand inside the call of what it makes.
        call = _calls(node)[-1] if constructs else node
        ahead = 0 if call is not node or constructs else given - len(call.args)
    elif module is not None and module.layer is not None and module.place[1] is not node:
        signature, call = module.layer.call_signature(), node
        ahead = given - len(call.args)
    else:
        return node
    names = [parameter.name for parameter in signature.positional]
    position = names.index(name) - ahead if name in names else -1
    if 0 <= position < len(call.args) and not any(isinstance(a, nodes.Starred) for a in call.args):
        return call.args[position]
    return node


def _calls(node: nodes.Call) -> list[nodes.Call]:
    """The call, and the construction inside it: `Conv2d(1, 6, 5)(x)` holds two calls."""
    calls = [node]
    while isinstance(calls[-1].function, nodes.Call):
        calls.append(calls[-1].function)
    return calls


def _torch_sentence(
    refusal: Refusal,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    apply: Callable[[tuple[Any, ...], dict[str, Any]], Any] | None,
) -> str:
    """Torch's own sentence, as it would say it of a batch of two; nothing where other sizes have no value either."""
    values = plain(arguments), {name: plain(value) for name, value in keywords.items()}
    symbols = _symbols(values)
    note = refusal.note
    if not note or not symbols or apply is None:
        return note
    if "N" in symbols:
        try:
            with collecting(), noticing():
                apply(*_with_two(values))
            return ""
        except Refusal as again:
            note = again.note
        except (TooLarge, ArithmeticError, TypeError, ValueError):
            return ""
    return "" if any(re.search(rf"\b{re.escape(name)}\b", note) for name in symbols) else note


def _symbols(value: Any) -> frozenset[str]:
    if isinstance(value, Dim):
        return symbols_of(value)
    if isinstance(value, Tensor):
        return _symbols(value.shape)
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (tuple, list)):
        return frozenset().union(*map(_symbols, value)) if value else frozenset()
    return frozenset()


def _with_two(value: Any) -> Any:
    """The value with 2 in the place of N."""
    if isinstance(value, Dim):
        return substitute(value, {"N": 2})
    if isinstance(value, Tensor):
        return Tensor(_with_two(value.shape), value.dtype, value.span)
    if isinstance(value, dict):
        return {name: _with_two(item) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        items = [_with_two(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


def refuse_import(target: str) -> NoReturn:
    """Refuse to import a Python class that the person running nnshape has not allowed by name."""
    message = f"{target} is Python code, and this run does not allow it to be imported"
    raise Refusal("import-refused", message, help=f"if you trust it: --allow-import {target}")
