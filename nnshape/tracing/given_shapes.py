"""Finds the sizes that `--input` gives the symbols of a file: `1x512x512` for `1xHxW` sets H and W to 512."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nnshape.problems import Problem, SpecError
from nnshape.shapes.dims import Size, symbol
from nnshape.spec import ShapePattern, nodes

if TYPE_CHECKING:
    from nnshape.tracing.scope import FileScope


def sizes_of_given(
    file: FileScope,
    own: Mapping[str, ShapePattern],
    shapes: Mapping[str, ShapePattern],
    values: Mapping[str, Any],
    overrides: Mapping[str, int],
) -> dict[str, Size]:
    """Return the size of each symbol of the file for which a given shape has something else in its place.

    `own` are the shapes in the file, and `shapes` those of the trace. `values` are the sizes with a value so far.
    Raises SpecError if two given shapes differ, or if a shape and a size in `overrides` do.
    """
    found: dict[str, Size] = {}
    for input_name, pattern in own.items():
        given = shapes[input_name]
        if given is pattern:
            continue
        for name, node in paired_names(pattern, given):
            size = None if name in file.hparams or _is_name(node, name) else _size(node, file, values)
            if size is None:
                continue
            before = found.setdefault(name, overrides.get(name, size))
            if before != size:
                message = f"{name} is {before} and {size} at once: the shape of {input_name} is {_text(pattern)}"
                raise SpecError(Problem("invalid-argument", message, argument="input"))
    return found


def paired_names(pattern: ShapePattern, given: ShapePattern) -> Iterator[tuple[str, nodes.Node]]:
    """Yield each name that is a whole dimension of a pattern, and its size in a given shape of the same rank."""
    dims, others = _with_batch(pattern), _with_batch(given)
    if len(dims) == len(others):
        for node, other in zip(dims, others, strict=True):
            if isinstance(node, nodes.Name):
                yield node.id, other


def _with_batch(pattern: ShapePattern) -> tuple[nodes.Node, ...]:
    return (nodes.Name("N", 0, 0), *pattern.dims) if pattern.per_sample else pattern.dims


def _is_name(node: nodes.Node, name: str) -> bool:
    return isinstance(node, nodes.Name) and node.id == name


def _size(node: nodes.Node, file: FileScope, values: Mapping[str, Any]) -> Size | None:
    """The number or symbol of one dimension of a given shape; None for arithmetic."""
    if isinstance(node, nodes.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, nodes.Name):
        known = file.hparams.get(node.id, values.get(node.id))
        return known if type(known) is int else symbol(node.id)
    return None


def _text(pattern: ShapePattern) -> str:
    return pattern.span.text.strip()
