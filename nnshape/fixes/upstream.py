"""Fixes above the failing step: one argument of an earlier step that changes the input to the expected size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nnshape.explain.labels import link_text
from nnshape.explain.origins import Chain, Link, chain_of
from nnshape.fixes import own
from nnshape.fixes.fix import Candidate, argument_of, construction, whole_number, with_argument
from nnshape.shapes.constraints import collecting
from nnshape.shapes.dims import TooLarge
from nnshape.shapes.function import Function
from nnshape.shapes.functions.class_losses import ClassesLast
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.nested import map_nested
from nnshape.shapes.notices import noticing
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import Tensor, tensors_in
from nnshape.spec import Expression, Node, nodes
from nnshape.tracing import Module, Operation, Trace
from nnshape.tracing.contexts import FaultContext
from nnshape.tracing.runtime_sizes import plain

#: The arguments that set a size, most likely edits first.
_SIZES = ("out_features", "out_channels", "embedding_dim", "hidden_size", "d_model", "output_size", "num_channels")
_WINDOW = ("output_padding", "kernel_size", "padding", "stride", "scale_factor", "upscale_factor", "downscale_factor")
_MAX_LINKS = 60
_FAILURES = (Refusal, TooLarge, ArithmeticError, TypeError, ValueError, IndexError, AttributeError)


def upstream(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Change one argument of an earlier step, for each tensor argument of the failing call."""
    refusal = context.refusal
    # No argument above is wrong: neither the batch nor the order of dimensions is one.
    ordered = isinstance(refusal.wanted, ClassesLast) or refusal.problem in ("fixed-batch", "restricted-batch")
    if context.apply is None or ordered or own.is_map(context) or own.is_loss(context):
        return
    seen: set[Tensor] = set()
    tensors = [context.refusal.tensor] if context.refusal.tensor is not None else []
    for tensor in (*tensors, *tensors_in((context.arguments, dict(context.keywords)))):
        if tensor in seen:
            continue
        seen.add(tensor)
        dims = context.refusal.dims if tensor == context.refusal.tensor else ()
        chain = chain_of(tensor, dims)
        yield from _along(trace, context, chain, tensor)


def _along(trace: Trace, context: FaultContext, chain: Chain, tensor: Tensor) -> Iterator[Candidate]:
    for number, link in enumerate(chain.links[:_MAX_LINKS]):
        place = _construction_of(link)
        if place is None or not link.changed:
            continue
        expression, call, layer = place
        yield from _at_the_block(trace, context, layer, call, link)
        for name, value in _changes(context, layer, call, link):
            changed = _changed(layer, name, value)
            if changed is None:
                continue
            shapes = list(_forward(changed, chain.links[: number + 1]))
            if shapes and shapes[-1] is not None and _accepts(context, tensor, shapes[-1]):
                edit = with_argument(expression, call, layer.signature(), name, value)
                yield Candidate(
                    _description(context), (edit,), link.call.span, link.call.name,
                    because=_because(chain.links[:number], shapes),
                )  # fmt: skip


def _at_the_block(
    trace: Trace, context: FaultContext, layer: Layer, call: nodes.Call, link: Link
) -> Iterator[Candidate]:
    """Change the value of the block's hyperparameter that sets the size, where the block is called."""
    if link.call not in context.scope.run.calls:
        return
    arrived, wanted = context.refusal.arrived, context.refusal.wanted
    others = [size for tensor in tensors_in((context.arguments, dict(context.keywords))) for size in tensor.shape[1:]]
    values = [size for size in ([wanted] if arrived is not None else others) if type(size) is int]
    for name in _SIZES:
        node = argument_of(call, layer.signature(), name)
        if not isinstance(node, nodes.Name):
            continue
        for value in dict.fromkeys(values):
            for edit, _ in own.written(trace, context, context.expression, node, str(value)):
                if edit.span.text != edit.replacement:
                    yield Candidate(_description(context), (edit,), shown=own.line_after(edit))


def _description(context: FaultContext) -> str:
    refusal = context.refusal
    if refusal.problem == "empty-output":
        return "keep the map larger"
    if refusal.wanted is None or refusal.names:
        return "make them equal" if context.module is None else "make the input match"
    return f"make {refusal.wanted} arrive"


def _construction_of(link: Link) -> tuple[Expression, nodes.Call, Layer] | None:
    operation = link.operation
    if operation is None or not isinstance(operation.target, Module) or operation.target.layer is None:
        return None
    expression, node = operation.target.place
    call = construction(node)
    return None if expression is None or call is None else (expression, call, operation.target.layer)


def _changes(context: FaultContext, layer: Layer, call: nodes.Call, link: Link) -> Iterator[tuple[str, Any]]:
    """Other values for a layer's arguments: sizes first, then window arguments, nearest values first."""
    fields, signature = vars(layer), layer.signature()
    arrived, wanted = context.refusal.arrived, context.refusal.wanted
    others = [size for tensor in tensors_in((context.arguments, dict(context.keywords))) for size in tensor.shape]
    for name in _SIZES:
        value = fields.get(name)
        if type(value) is not int or not _is_plain(argument_of(call, signature, name)):
            continue
        if link.operation is not None and isinstance(link.operation.target, Module) and name == "num_channels":
            continue
        values: list[Any] = []
        if type(arrived) is int and type(wanted) is int and arrived:
            values += [wanted, *([value * wanted // arrived] if value * wanted % arrived == 0 else [])]
        values += others
        if name == "output_size":
            values += range(1, 9)
        for other in dict.fromkeys(values):
            if type(other) is int and other > 0 and other != value:
                yield name, other
    if context.refusal.problem == "empty-output":
        yield from _larger(layer, call)
        return
    for name in _WINDOW:
        value = fields.get(name)
        if type(value) is not int or not (_is_plain(argument_of(call, signature, name))):
            continue
        least = 0 if "padding" in name else 1
        if name == "kernel_size" and "Pool" in type(layer).__name__:
            least = 2  # pooling over 1 does nothing
        if name == "kernel_size" and value > 2:
            least = 2  # a kernel of 1 sees no neighbors
        near = sorted(set(range(least, value + 7)) - {value}, key=lambda other: abs(other - value))
        if name == "kernel_size":
            # Kernel sizes are usually odd, to have a center.
            near.sort(key=lambda other: (other - value) % 2)
        yield from ((name, other) for other in near)


def _larger(layer: Layer, call: nodes.Call) -> Iterator[tuple[str, Any]]:
    """Edits that keep a map larger: "same" padding, or a stride of 1."""
    fields, signature = vars(layer), layer.signature()
    kernel, padding, stride = (fields.get(name) for name in ("kernel_size", "padding", "stride"))
    pads = "Pool" not in type(layer).__name__ and _is_plain(argument_of(call, signature, "padding"))
    if pads and type(kernel) is int and type(padding) is int and padding < kernel // 2:
        yield "padding", kernel // 2
    if type(stride) is int and stride > 1 and _is_plain(argument_of(call, signature, "stride")):
        yield "stride", 1


def _is_plain(node: Node | None) -> bool:
    return node is None or whole_number(node) is not None


def _changed(layer: Layer, name: str, value: Any) -> Layer | None:
    try:
        fields = {key: vars(layer)[key] for key in layer.signature().by_name}
        return type(layer)(**{**fields, name: value})
    except _FAILURES:
        return None


def _forward(layer: Layer, links: tuple[Link, ...]) -> Iterator[Tensor | None]:
    """The output of each link from this layer on; stops at a link that refuses its input."""
    tensor: Tensor | None = None
    for number, link in enumerate(reversed(links)):
        operation = link.operation
        if operation is None or link.before is None:
            yield None
            return
        rule = layer.apply if number == 0 else applied_rule(operation)
        tensor = reapplied(operation, rule, link, link.before if number == 0 else tensor)
        yield tensor
        if tensor is None:
            return


def applied_rule(operation: Operation) -> Any:
    """The rule of an operation; None if it ran a body."""
    target = operation.target
    if isinstance(target, Function):
        return target.apply
    return target.layer.apply if isinstance(target, Module) and target.layer is not None else None


def reapplied(operation: Operation, rule: Any, link: Link, tensor: Tensor | None) -> Tensor | None:
    """The output of a rule with one input tensor replaced; None if the rule refuses it."""
    if rule is None or tensor is None or link.before is None:
        return None
    arguments = plain(swapped(operation.arguments, link.before, tensor))
    keywords = {name: plain(swapped(value, link.before, tensor)) for name, value in operation.keywords.items()}
    with collecting(), noticing():
        try:
            made = list(tensors_in(rule(arguments, keywords)))
        except _FAILURES:
            return None
    return made[link.after.index] if link.after.index < len(made) else None


def swapped(value: Any, before: Tensor, after: Tensor) -> Any:
    """The value with one tensor replaced."""
    return map_nested(lambda leaf: after if isinstance(leaf, Tensor) and leaf == before else leaf, value)


def _accepts(context: FaultContext, before: Tensor, after: Tensor) -> bool:
    """Whether the failing call accepts this tensor instead of its input."""
    arguments = plain(swapped(tuple(context.arguments), before, after))
    keywords = {name: plain(swapped(value, before, after)) for name, value in context.keywords.items()}
    assert context.apply is not None
    with collecting(), noticing():
        try:
            context.apply(arguments, keywords)
        except _FAILURES:
            return False
    return True


def _because(links: tuple[Link, ...], shapes: list[Tensor | None]) -> str:
    """The product of the last step that merges dimensions, after the edit: `16 * 5 * 5 = 400`."""
    text = ""
    for link, before, after in zip(reversed(links), shapes, shapes[1:], strict=False):
        if before is not None and after is not None and len(after.shape) < len(before.shape):
            text = link_text(Link(link.call, link.operation, before, after, link.dims, True, False))
    return text if "=" in text else ""
