"""Checks traced shapes against the shape patterns of a spec, and binds the names in them."""

from __future__ import annotations

from typing import Any

from nnshape.problems import Label, Problem
from nnshape.shapes.constraints import assume_equal
from nnshape.shapes.dims import Dim, TooLarge, at_least
from nnshape.shapes.dtypes import DTYPES, default_dtype
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import UNKNOWN, N, Tensor, Unknown, shape_text
from nnshape.spec import ShapePattern, nodes
from nnshape.spec.limits import DIMENSIONS
from nnshape.tracing.faults import fault
from nnshape.tracing.runtime_sizes import RuntimeSize, plain
from nnshape.tracing.scope import MISSING, FileScope, Frame
from nnshape.tracing.value_display import shown
from nnshape.work import OutOfWork, bounded


def _wildcard(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.id == "_"


def _ellipsis(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Constant) and node.value is Ellipsis


def input_tensor(frame: Frame, pattern: ShapePattern) -> Tensor:
    """Return the tensor that an input's pattern declares. Raises Fault if a size is not valid."""
    frame.expression = pattern.expression
    sizes: list[Any] = [plain(frame.file.sizes["N"])] if pattern.per_sample else []
    for node in pattern.dims:
        if _wildcard(node) or _ellipsis(node):
            message = "an input needs every size"
            raise fault("syntax", message, pattern.expression.span(node), help=("write a number or a name",))
        size = plain(frame.evaluate(node))
        if isinstance(size, bool) or not isinstance(size, (int, Dim)):
            message = f"a size must be a whole number, not {shown(size)}"
            raise fault("wrong-type", message, pattern.expression.span(node))
        if at_least(size, 0) is False:
            raise fault("invalid-argument", f"a size must be 0 or more, not {size}", pattern.expression.span(node))
        sizes.append(size)
    if len(sizes) > DIMENSIONS:
        raise fault("too-large", f"an input can have at most {DIMENSIONS} dimensions, not {len(sizes):,}", pattern.span)
    return Tensor(tuple(sizes), DTYPES[pattern.dtype] if pattern.dtype else default_dtype())


def declare_sizes(file: FileScope, patterns: list[ShapePattern]) -> list[tuple[str, nodes.Name, ShapePattern]]:
    """Return the names of symbolic sizes in the patterns: those that are no hparam. Each with its node and pattern."""
    found = []
    for pattern in patterns:
        for dim in pattern.dims:
            stack: list[nodes.Node] = [dim]
            while stack:
                node = stack.pop()
                if isinstance(node, nodes.Name):
                    if node.id not in file.hparams and node.id != "_":
                        found.append((node.id, node, pattern))
                elif isinstance(node, nodes.Binary):
                    stack += [node.right, node.left]
                elif isinstance(node, nodes.Unary):
                    stack.append(node.operand)
                elif isinstance(node, nodes.Call):
                    stack += reversed(node.args)
    return found


def bind_sizes(names: dict[str, Any], pattern: ShapePattern, tensor: Tensor) -> None:
    """Make each name that is a whole dimension of the pattern a run-time size of the input, if it has that size."""
    offset = 1 if pattern.per_sample else 0
    if offset + len(pattern.dims) != len(tensor.shape):
        return  # the shape of the file, where another is given
    if pattern.per_sample and type(names.get("N", 0)) is int:
        names["N"] = RuntimeSize(tensor.shape[0], "size", (tensor, 0), is_named=True)
    for index, node in enumerate(pattern.dims, offset):
        if isinstance(node, nodes.Name) and names.get(node.id, -1) == tensor.shape[index]:
            names[node.id] = RuntimeSize(tensor.shape[index], "size", (tensor, index), is_named=True)


def match_block_input(frame: Frame, pattern: ShapePattern, value: Any, name: str) -> None:
    """Check a block's input against its pattern, and bind the new names in it to sizes. Raises Fault on a mismatch."""
    if isinstance(value, Unknown):
        for node in pattern.dims:
            if isinstance(node, nodes.Name) and frame.own(node.id) is MISSING:
                frame.names[node.id] = UNKNOWN
        return
    if not isinstance(value, Tensor):
        raise fault("wrong-type", f"{name} must be a tensor, not {shown(value)}", pattern.span)
    with frame.reading(pattern.expression):
        for index, node in _paired(pattern, value, name):
            size = value.shape[index]
            if _wildcard(node):
                continue
            if isinstance(node, nodes.Name) and not _bound(frame, node.id):
                frame.names[node.id] = RuntimeSize(size, "size", (value, index), is_named=True)
                continue
            wanted = plain(frame.evaluate(node))
            if not _same(size, wanted):
                message = f"dimension {index} of {name} is {size}, but {_named(node, wanted)} is expected"
                wrong = fault("unexpected-shape", message, pattern.expression.span(node), label=f"got {value}")
                wrong.refusal = Refusal(
                    "unexpected-shape", message, name, arrived=size, wanted=wanted, tensor=value, dims=(index,)
                )
                raise wrong
        if pattern.dtype and pattern.dtype != value.dtype:
            message = f"{name} is {value.dtype}, but {pattern.dtype} is expected"
            raise fault("wrong-dtype", message, pattern.span)


def _bound(frame: Frame, name: str) -> bool:
    """Return whether the name is a hyperparameter of the block, an earlier dimension, or an hparam of the file."""
    return name in frame.names or name in frame.file.hparams


def _named(node: nodes.Node, wanted: Any) -> str:
    return f"{node.id} = {wanted}" if isinstance(node, nodes.Name) else str(wanted)


def _paired(pattern: ShapePattern, value: Tensor, name: str) -> list[tuple[int, nodes.Node]]:
    """Pair each dimension of the shape with its node in the pattern, except those that `...` covers. Raises Fault."""
    dims = pattern.dims
    ndim = len(value.shape)
    if pattern.per_sample:
        dims = (nodes.Name("_", 0, 0), *dims)
    dots = [i for i, node in enumerate(dims) if _ellipsis(node)]
    if (len(dims) != ndim) if not dots else (len(dims) - 1 > ndim or len(dots) > 1):
        least = "at least " if dots else ""
        message = (
            f"{name} is {shape_text(value.shape)}: {ndim} dimensions, but {least}{len(dims) - len(dots)} are expected"
        )
        raise fault("unexpected-shape", message, pattern.span)
    if not dots:
        return list(enumerate(dims))
    at = dots[0]
    behind = len(dims) - at - 1
    return list(enumerate(dims[:at])) + [(ndim - behind + i, node) for i, node in enumerate(dims[at + 1 :])]


def _same(size: Any, wanted: Any) -> bool:
    return isinstance(wanted, (int, Dim)) and assume_equal(size, wanted)


def check_assertion(frame: Frame, pattern: ShapePattern, value: Any, name: str) -> Problem | None:
    """Return the problem if a value does not have the shape asserted by `-> shape`, or None."""
    if isinstance(value, Unknown):
        return None
    if not isinstance(value, Tensor):
        message = f"{name} is {shown(value)}, not one tensor"
        return Problem("unexpected-shape", message, pattern.span)
    try:
        with frame.reading(pattern.expression):
            wanted = [_wanted_size(frame, node) for node in pattern.dims]
        if pattern.per_sample:
            # A per-sample shape has the batch in front. Inside a block, or without an N, it can be any size.
            at_top = frame.outer is None and not frame.prefix
            wanted.insert(0, plain(frame.file.sizes.get("N")) if at_top else None)
        if not _fits(value.shape, wanted):
            message = f"{name} is {shape_text(value.shape)}, not {pattern.span.text.strip()}"
            label = f"got {shape_text(value.shape)}"
            related = _labels(frame, pattern, value)
            return Problem(
                "unexpected-shape",
                message,
                pattern.span,
                label,
                related,
                help=actual_shape(frame, pattern, value),
            )
        if pattern.dtype and pattern.dtype != value.dtype:
            return Problem("unexpected-shape", f"{name} is {value.dtype}, not {pattern.dtype}", pattern.span)
    except TooLarge as error:
        return Problem("too-large", str(error), pattern.span)
    return None


def _labels(frame: Frame, pattern: ShapePattern, value: Tensor) -> tuple[Label, ...]:
    """Return labels on the steps that led to a value; none once the work for explaining problems is spent."""
    try:
        with bounded(frame.tracer.explaining):
            return frame.tracer.explainer.way_to(value, frame.call, pattern.span)
    except OutOfWork:
        return ()


def actual_shape(frame: Frame, pattern: ShapePattern, value: Tensor) -> tuple[str, ...]:
    """Return a help line with the actual shape as a pattern, or none if a size cannot be written as one."""
    own = value.shape[1:] if pattern.per_sample and value.shape[:1] == (N,) else value.shape
    sizes = [str(size) for size in own]
    if not all(type(size) is int or text in frame.file.sizes for size, text in zip(own, sizes, strict=True)):
        return ()
    ahead = "-> " if pattern.span.source.text[: pattern.span.start].rstrip().endswith("->") else ""
    numbers = len(own) < len(value.shape) and own and not pattern.dtype and all(type(size) is int for size in own)
    text = "x".join(sizes) if numbers else f"{pattern.dtype or ''}[{', '.join(map(str, value.shape))}]"
    return (f"if you meant that:   {ahead}{text}",)


def _wanted_size(frame: Frame, node: nodes.Node) -> Any:
    if _wildcard(node):
        return None
    if _ellipsis(node):
        return Ellipsis
    return plain(frame.evaluate(node))


def _fits(shape: tuple[Any, ...], wanted: list[Any]) -> bool:
    if Ellipsis in wanted:
        at = wanted.index(Ellipsis)
        gap = len(shape) - (len(wanted) - 1)
        if gap < 0:
            return False
        wanted = [*wanted[:at], *[None] * gap, *wanted[at + 1 :]]
    if len(shape) != len(wanted):
        return False
    return all(
        want is None or (isinstance(want, (int, Dim)) and assume_equal(size, want))
        for size, want in zip(shape, wanted, strict=True)
    )
