"""Fixes of the model's inputs: their shapes, dtypes and sizes."""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt
from typing import Any

from nnshape.explain.origins import Chain, chain_of
from nnshape.fixes.editing import Edit, first_line_after
from nnshape.fixes.fix import Candidate
from nnshape.fixes.own import is_map
from nnshape.fixes.upstream import applied_rule, reapplied, swapped
from nnshape.shapes.constraints import collecting
from nnshape.shapes.dims import TooLarge
from nnshape.shapes.notices import noticing
from nnshape.shapes.refusal import Refusal
from nnshape.shapes.tensor import N, Tensor, tensors_in
from nnshape.spec import Input, ShapePattern, nodes
from nnshape.tracing import Trace
from nnshape.tracing.contexts import FaultContext
from nnshape.tracing.runtime_sizes import plain

_LARGEST = 1024


def _ends(trace: Trace, context: FaultContext) -> Iterator[tuple[Input, Tensor, Chain]]:
    """Yield the model inputs that reach the failing call, with the chain of steps from each."""
    seen: set[Tensor] = set()
    tensors = [context.refusal.tensor] if context.refusal.tensor is not None else []
    for tensor in (*tensors, *tensors_in((context.arguments, dict(context.keywords)))):
        dims = context.refusal.dims if tensor == context.refusal.tensor else ()
        chain = chain_of(tensor, dims)
        if chain.input is None:
            continue
        for item in trace.spec.inputs:
            given = trace.inputs.get(item.name)
            if given is not None and given == chain.input and given not in seen and item.pattern is not None:
                seen.add(given)
                # A shape from an option is not in the file.
                if chain.input_span.source is trace.spec.source:
                    yield item, given, chain


def other_shape(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Fixes of an input's channels, rank or dimension order."""
    wanted, refusal = context.refusal.wanted, context.refusal
    own = vars(context.module.layer) if context.module is not None and context.module.layer is not None else {}
    for item, tensor, chain in _ends(trace, context):
        pattern, shape = item.pattern, tensor.shape
        assert pattern is not None
        direct = not any(link.changed for link in chain.links)
        if (
            refusal.problem == "size-mismatch"
            and not is_map(context)
            and type(wanted) is int
            and direct
            and len(refusal.dims) == 1
        ):
            place = refusal.dims[0] % len(shape)
            if "kernel_size" in own and shape[-1] == wanted != shape[-2] and len(shape) == 4 and shape[0] == N:
                yield _shape(item, pattern, (shape[3], shape[1], shape[2]), "or put its channels first")
            edit = dim_edit(trace, pattern, place, wanted)
            if edit is not None:
                yield Candidate("change the input", (edit,), shown=line_after(edit))
        channels = own.get("in_channels")
        if refusal.problem == "wrong-rank" and direct and type(channels) is int and shape[:1] == (N,):
            if len(shape) == 3:
                yield _shape(item, pattern, (channels, *shape[1:]), "change the input")
            if len(shape) == 2 and type(shape[1]) is int and shape[1] % channels == 0:
                side = isqrt(shape[1] // channels)
                if side * side * channels == shape[1]:
                    yield _shape(item, pattern, (channels, side, side), "change the input")


def other_dtype(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Change the dtype of an input to the one that the failing layer expects."""
    if context.refusal.problem != "wrong-dtype":
        return
    for item, tensor, chain in _ends(trace, context):
        if any(str(link.after.dtype) != str(tensor.dtype) for link in chain.links):
            continue
        pattern = item.pattern
        assert pattern is not None
        sizes = _listed(pattern)
        for dtype in ("int64", "float32"):
            if dtype != tensor.dtype:
                edit = Edit(pattern.span, f"{dtype}[{sizes}]" if dtype != "float32" else f"[{sizes}]")
                yield Candidate("change the input", (edit,), shown=line_after(edit))


def _listed(pattern: ShapePattern) -> str:
    sizes = [pattern.span_of(index).text for index in range(len(pattern.dims))]
    return ", ".join((["N"] if pattern.per_sample else []) + sizes)


def _shape(item: Input, pattern: ShapePattern, sizes: tuple[Any, ...], description: str) -> Candidate:
    dtype = pattern.dtype or ""
    numbers = all(type(size) is int for size in sizes)
    text = "x".join(map(str, sizes)) if pattern.per_sample and numbers and not dtype else (
        f"{dtype}[N, {', '.join(map(str, sizes))}]"
    )  # fmt: skip
    edit = Edit(pattern.span, text)
    return Candidate(description.removeprefix("or "), (edit,), shown=line_after(edit))


def dim_edit(trace: Trace, pattern: ShapePattern, place: int, value: int) -> Edit | None:
    """The edit that sets one dimension of an input, in its shape or in the value of its symbol."""
    index = place - (1 if pattern.per_sample else 0)
    if not 0 <= index < len(pattern.dims):
        return None
    node = pattern.dims[index]
    if isinstance(node, nodes.Name):
        located = trace.spec.dims.get(node.id)
        return None if located is None or trace.options.get("overrides") else Edit(located.span, str(value))
    return Edit(pattern.span_of(index), str(value)) if isinstance(node, nodes.Constant) else None


def line_after(edit: Edit) -> str:
    """The line after the edit."""
    span = edit.span
    line = span.source.line(span.line)
    start = span.column - 1
    whole = line[:start] + edit.replacement + line[start + span.end - span.start :]
    return whole.split(" #")[0].strip()


def other_map(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Enlarge an input to the smallest map size at which no output is empty."""
    if context.refusal.problem != "empty-output":
        return
    for item, tensor, chain in _ends(trace, context):
        pattern, rank = item.pattern, len(tensor.shape)
        assert pattern is not None
        places = [place for place in range(2, rank) if type(tensor.shape[place]) is int] if rank in (3, 4, 5) else []
        if not places or tensor.shape[0] != N:
            continue
        yield from _smallest(trace, context, pattern, tensor, chain, places)
        return


def even_map(trace: Trace, context: FaultContext) -> Iterator[Candidate]:
    """Resize an input to the nearest map size that halves evenly, if two maps differ in size."""
    if context.refusal.problem != "size-mismatch" or not context.refusal.names:
        return
    for item, tensor, _ in _ends(trace, context):
        pattern, rank = item.pattern, len(tensor.shape)
        assert pattern is not None
        places = [place for place in range(2, rank) if type(tensor.shape[place]) is int] if rank in (3, 4, 5) else []
        # Only if the spatial dimensions differ, not the channels.
        if places and tensor.shape[0] == N and all(dim % rank in places for dim in context.refusal.dims):
            yield from _multiples(trace, pattern, tensor, places)
        return


def _smallest(
    trace: Trace, context: FaultContext, pattern: ShapePattern, tensor: Tensor, chain: Chain, places: list[int]
) -> Iterator[Candidate]:
    largest = max(size for place in places if type(size := tensor.shape[place]) is int)
    low, high = largest, largest * 2 or 1
    while high <= _LARGEST * 4 and not _fits(context, chain, tensor, places, high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _fits(context, chain, tensor, places, middle) else (middle, high)
    edits = _map_edits(trace, pattern, places, [high] * len(places))
    if edits and high <= _LARGEST * 4:
        yield Candidate("use a larger input", edits, shown=first_line_after(edits))


def _fits(context: FaultContext, chain: Chain, tensor: Tensor, places: list[int], size: int) -> bool:
    """Whether the failing call accepts an input of this size."""
    shape = tuple(size if place in places else old for place, old in enumerate(tensor.shape))
    made: Tensor | None = Tensor(shape, tensor.dtype)
    for link in reversed(chain.links):
        if link.operation is None:
            return False
        made = reapplied(link.operation, applied_rule(link.operation), link, made)
    if made is None or context.apply is None:
        return False
    before = context.refusal.tensor or next(tensors_in(context.arguments).__iter__(), None)
    if before is None:
        return False
    with collecting(), noticing():
        try:
            context.apply(plain(swapped(tuple(context.arguments), before, made)), dict(context.keywords))
        except (Refusal, TooLarge, ArithmeticError, TypeError, ValueError):
            return False
    return True


def _multiples(trace: Trace, pattern: ShapePattern, tensor: Tensor, places: list[int]) -> Iterator[Candidate]:
    """The map sizes rounded to multiples of 2, 4, 8, 16 or 32, nearest first."""
    old = [size for place in places if type(size := tensor.shape[place]) is int]
    tried = {
        tuple(size // factor * factor + more for size in old) for factor in (2, 4, 8, 16, 32) for more in (0, factor)
    }

    def distance(sizes: tuple[int, ...]) -> int:
        return sum(abs(a - b) for a, b in zip(sizes, old, strict=True))

    for sizes in sorted(tried - {tuple(old)}, key=distance):
        edits = _map_edits(trace, pattern, places, list(sizes))
        if edits and all(sizes):
            yield Candidate("use a size that halves evenly", edits, shown=first_line_after(edits))


def _map_edits(trace: Trace, pattern: ShapePattern, places: list[int], sizes: list[int]) -> tuple[Edit, ...]:
    edits: dict[int, Edit] = {}
    for place, size in zip(places, sizes, strict=True):
        edit = dim_edit(trace, pattern, place, size)
        if edit is None:
            return ()
        if edit.span.text != edit.replacement:
            edits[edit.span.start] = edit
    return tuple(edits.values())
