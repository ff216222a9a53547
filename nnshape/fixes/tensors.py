"""Fixes of the tensors given to a call: states without their layers, one-hot targets, swapped operands."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nnshape.fixes.batches import given_tensors, in_step, with_method
from nnshape.fixes.editing import Edit
from nnshape.fixes.fix import Candidate
from nnshape.fixes.inputs import dim_edit, line_after
from nnshape.fixes.own import is_loss, name_of_rule
from nnshape.spec import Node, nodes
from nnshape.tracing import Trace
from nnshape.tracing.contexts import FaultContext

_RECURRENT = frozenset({"GRU", "LSTM", "RNN"})
_PRODUCTS = frozenset({"bmm", "matmul", "mm", "mv"})
_CLASSES = re.compile(r"CrossEntropyLoss|NLLLoss(2d)?|cross_entropy|nll_loss(2d)?")


def states_with_layers(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Add the dimension of the layers to the first states of a recurrent layer, or move the batch behind it."""
    module = context.module
    if module is None or module.type not in _RECURRENT or context.refusal.argument != "hx":
        return
    states = given_tensors(context)[1:]
    for method, description in (
        (".unsqueeze(0)", "add the dimension of the layers"),
        (".transpose(0, 1)", "put the layers first"),
    ):
        if states:
            edits = [with_method(context, node, method) for node, _ in states]
            yield in_step(context, description, *edits)


def class_indices(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Make class indices of a one-hot target with argmax, or give it as probabilities."""
    if context.refusal.argument != "target" or _CLASSES.fullmatch(name_of_rule(context)) is None:
        return
    given = given_tensors(context)
    if len(given) < 2 or len(given[0][1].shape) != len(given[1][1].shape):
        return
    node, target = given[1]
    cast = _uncast(context, node)
    if target.shape == given[0][1].shape and len(target.shape) > 1:
        before = cast or context.expression.span(node).text
        span = context.expression.span(node)
        text = before if re.fullmatch(r"[\w.\[\]]+", before) else f"({before})"
        yield in_step(context, "take the class of each one-hot target", Edit(span, f"{text}.argmax(1)"))
        if cast is not None:
            yield in_step(context, "give it as probabilities", Edit(span, cast))
        elif not target.dtype.startswith("float"):
            yield in_step(context, "give it as probabilities", with_method(context, node, ".float()"))


def _uncast(context: FaultContext, node: Node) -> str | None:
    """The text of the tensor in `t.long()`; None for any other expression."""
    if not isinstance(node, nodes.Call) or not isinstance(node.function, nodes.Attribute):
        return None
    is_cast = node.function.name in ("long", "int") and not node.args
    return context.expression.span(node.function.value).text if is_cast else None


def in_the_other_order(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Swap the operands of a matrix product, or the input and the target of a loss."""
    node, given = context.node, given_tensors(context)
    is_product = isinstance(node, nodes.Binary) and node.operator == "@"
    name = name_of_rule(context)
    if len(given) < 2 or not (is_product or name in _PRODUCTS or is_loss(context)):
        return
    one, two = (context.expression.span(part) for part, _ in given[:2])
    if is_product or (isinstance(node, nodes.Call) and isinstance(node.function, nodes.Attribute)):
        texts = [_operand(part, span.text) for (part, _), span in zip(given, (one, two), strict=False)]
    else:
        texts = [one.text, two.text]
    yield in_step(context, "swap the two", Edit(one, texts[1]), Edit(two, texts[0]))


def target_like_scores(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Give the input that is a loss's target the size of the scores: their layer decides the number of classes."""
    given = given_tensors(context)
    if not is_loss(context) or len(given) < 2 or len(given[0][1].shape) != len(given[1][1].shape):
        return
    (_, scores), (node, target) = given[:2]
    differ = [place for place, size in enumerate(target.shape) if size != scores.shape[place]]
    for item in trace.spec.inputs:
        if isinstance(node, nodes.Name) and item.name == node.id and item.pattern is not None and len(differ) == 1:
            size = scores.shape[differ[0]]
            edit = dim_edit(trace, item.pattern, differ[0], size) if type(size) is int else None
            if edit is not None:
                yield Candidate("change the input", (edit,), shown=line_after(edit))


def _operand(node: Node, text: str) -> str:
    simple = isinstance(node, (nodes.Name, nodes.Call, nodes.Subscript, nodes.Attribute))
    return text if simple or text.startswith("(") else f"({text})"


def unused_input(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Use the input that no step uses, if the one that is given does not fit."""
    if not context.scope.is_model:
        return
    text = trace.spec.body.span.text
    unused = [name for name in context.scope.run.inputs if not re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text)]
    for node, _ in given_tensors(context):
        if isinstance(node, nodes.Name) and node.id in context.scope.run.inputs and len(unused) == 1:
            yield in_step(context, f"use {unused[0]}", Edit(context.expression.span(node), unused[0]))
