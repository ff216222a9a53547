"""Turns a rule's refusal into a located problem that names the argument, the step and its inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nnshape.explain.labels import (
    from_step,
    labels_of,
    operand_labels,
    primary_label,
    shrinking,
    step_name,
    tuple_message,
)
from nnshape.explain.origins import Chain, chain_of
from nnshape.problems import Label, Problem
from nnshape.shapes.constraints import collecting
from nnshape.shapes.dims import Dim, TooLarge, substitute, symbols_of
from nnshape.shapes.nested import leaves_in, map_nested
from nnshape.shapes.notices import noticing
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, tensors_in
from nnshape.spec import nodes
from nnshape.tracing.contexts import FaultContext
from nnshape.tracing.runtime_sizes import plain

#: Maximum length of an expression that names its value in a message.
_LONGEST_NAME = 30
_NOTHING: Mapping[str, Any] = {}


def problem_of(context: FaultContext) -> Problem:
    """Return the problem of a refusal: its message and place, the steps that led to it, and torch's error message."""
    refusal, call, module, signature = context.refusal, context.call, context.module, context.signature
    place = place_of(context)
    span = context.expression.span(place)
    tensors = list(tensors_in((context.arguments, dict(context.keywords))))
    tensor = tensor_of(context)
    chain = chain_of_fault(context)
    if chain is not None:
        others = [meant for meant, _ in refusal.names.values() if meant != tensor]
        related = labels_of(chain, call, span)[: 3 if others else None] + operand_labels(context, others)
    else:
        related = operand_labels(context, tensors)
    is_own = module is None or module.path == call.path
    if module is not None and module.layer and not is_own and place is context.node:
        related.append(Label(module.span, f"{module.path} is made here"))
    message = refusal.message.replace("{layer}", step_name(call))
    for word, (meant, otherwise) in refusal.names.items():
        name = context.scope.name_of(meant) or _written(context, meant) or otherwise
        message = message.replace(f"{{{word}}}", name)
    if "{from}" in message:
        message = message.replace("{from}", from_step(chain))
    message, sentence = tuple_message(refusal, module, context.arguments, message)
    note = sentence or _torch_sentence(context)
    torch_says = (f"torch says: {note}",) if note else ()
    takes: tuple[str, ...] = ()
    if signature is not None and refusal.problem in ("missing-argument", "unknown-argument"):
        takes = (f"it is {signature.text()}",)
    return Problem(
        refusal.problem, message, span, primary_label(refusal, tensor, tensors), tuple(related), (),
        (refusal.help,) if refusal.help else (), (*takes, *shrinking(refusal, chain), *torch_says),
    )  # fmt: skip


def tensor_of(context: FaultContext) -> Tensor | None:
    """Return the tensor at fault, or None if it is ambiguous."""
    tensors = set(tensors_in((context.arguments, dict(context.keywords))))
    return context.refusal.tensor or (tensors.pop() if len(tensors) == 1 else None)


def chain_of_fault(context: FaultContext) -> Chain | None:
    """Return the chain of steps that set the sizes of the tensor at fault, or None if it is ambiguous."""
    tensor = tensor_of(context)
    return None if tensor is None else chain_of(tensor, context.refusal.dims)


def _written(context: FaultContext, tensor: Tensor) -> str:
    """The source text of a tensor argument, such as `arange(1025)`; empty if it is long."""
    node, arguments = context.node, context.arguments
    if not isinstance(node, nodes.Call) or len(node.args) != len(arguments):
        return ""
    pairs = zip(node.args, arguments, strict=True)
    texts = [context.expression.span(item).text for item, value in pairs if value == tensor]
    return texts[0] if texts and texts[0] != "_" and len(texts[0]) <= _LONGEST_NAME else ""


def place_of(context: FaultContext) -> nodes.Node | nodes.Keyword:
    """Return the node of the argument at fault, or the whole call if that argument is not given."""
    node, signature, module, name = context.node, context.signature, context.module, context.refusal.argument
    given = len(context.arguments)  # includes an implicit first argument: `_` or the owner of a method
    if not isinstance(node, nodes.Call):
        return node
    if name is None:
        surplus = node.args[context.refusal.most :][:1] if context.refusal.most is not None else ()
        return surplus[0] if surplus and not any(isinstance(a, nodes.Starred) for a in node.args) else node
    for call in _calls(node):
        for keyword in call.keywords:
            if keyword.name == name:
                return keyword if context.refusal.problem == "unknown-argument" else keyword.value
    if signature is None:
        return node
    constructs = signature.owner[:1].isupper()
    if name in signature.by_name:
        # The constructor may be the callee of this call.
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
    """Return the call and the constructor call inside it: `Conv2d(1, 6, 5)(x)` holds two calls."""
    calls = [node]
    while isinstance(calls[-1].function, nodes.Call):
        calls.append(calls[-1].function)
    return calls


def _torch_sentence(context: FaultContext) -> str:
    """Return torch's error message for a batch of 2, or an empty string if other sizes have no value."""
    apply, note = context.apply, context.refusal.note
    values = plain(context.arguments), {name: plain(value) for name, value in context.keywords.items()}
    symbols = _symbols(values)
    if not note or not symbols or apply is None or context.refusal.problem == "not-contiguous":
        return note  # of strides it gives no number
    if "N" in symbols:
        try:
            with collecting(), noticing():
                apply(*map_nested(_with_two, values))
            return ""
        except Refusal as again:
            note = again.note
        except (TooLarge, ArithmeticError, TypeError, ValueError):
            return ""
    return "" if any(re.search(rf"\b{re.escape(name)}\b", note) for name in symbols) else note


def _symbols(value: Any) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for leaf in leaves_in(value):
        if isinstance(leaf, Dim):
            found |= symbols_of(leaf)
        elif isinstance(leaf, Tensor):
            found |= _symbols(leaf.shape)
    return found


def _with_two(leaf: Any) -> Any:
    """Return a size or a tensor with 2 for N."""
    if isinstance(leaf, Dim):
        return substitute(leaf, {"N": 2})
    if isinstance(leaf, Tensor):
        return Tensor(tuple(map(_with_two, leaf.shape)), leaf.dtype, leaf.span)
    return leaf
