"""Nested values: layers may take and return tuples, lists and mappings of tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def map_nested(change: Callable[[Any], Any], value: Any) -> Any:
    """Apply `change` to each leaf of nested tuples, lists, mappings and slices, which keep their type.

    The same as `torch.fx.node.map_aggregate`, without torch.
    """
    if isinstance(value, (tuple, list)):
        items = [map_nested(change, item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, dict):
        return {key: map_nested(change, item) for key, item in value.items()}
    if isinstance(value, slice):
        return slice(*(map_nested(change, part) for part in (value.start, value.stop, value.step)))
    return change(value)


def leaves_in(value: Any) -> Iterator[Any]:
    """The leaves of nested tuples, lists and mappings, in order."""
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from leaves_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from leaves_in(item)
    else:
        yield value
