"""Folds consecutive equal calls into one row."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import Any

from nnshape.shapes.tensor import Tensor
from nnshape.tracing import Call, Module, Operation, StoredTensor

_NUMBER = re.compile(r"\d+")
# The name does not end with a digit, so that each word matches in one way.
_NUMBERED_NAME = re.compile(r"\b([^\W\d]\w*(?<!\d))\d+\b")


def runs(calls: Sequence[Call], apart: Container[int]) -> list[list[Call]]:
    """The calls in groups of equal neighbours; those whose id is in `apart` stand alone.

    Two lines are quicker read than folded, so steps without steps inside fold from three on.
    """
    groups: list[list[Call]] = []
    for call in calls:
        if groups and id(call) not in apart and id(groups[-1][0]) not in apart and alike(groups[-1][0], call):
            groups[-1].append(call)
        else:
            groups.append([call])
    return [
        group
        for found in groups
        for group in ([found] if len(found) > 2 or found[0].children else [[call] for call in found])
    ]


def alike(one: Call, other: Call) -> bool:
    """Whether two sibling calls are equal except for the number in their names."""
    return _NUMBER.sub("#", one.name) == _NUMBER.sub("#", other.name) and _same(one, other, siblings=True)


def _marks(call: Call) -> tuple[bool, ...]:
    """The marks of a call's row, such as `(reused)` and `*`, which equal rows share."""
    return call.reused, call.measured, call.partial_parameters, call.partial_macs


def _same(one: Call, other: Call, siblings: bool = False) -> bool:
    if (
        one.type != other.type
        or one.parameters != other.parameters
        or one.macs != other.macs
        or _marks(one) != _marks(other)
        or not _same_value(one.inputs, other.inputs)
        or not _same_value(one.output, other.output)
    ):
        return False
    if one.text != other.text and not (siblings and _unnumbered(one.text) == _unnumbered(other.text)):
        return False
    if len(one.operations) != len(other.operations):
        return False
    if not all(map(_same_operation, one.operations, other.operations)):
        return False
    children, others = one.children, other.children
    return len(children) == len(others) and all(
        child.name == twin.name and _same(child, twin) for child, twin in zip(children, others, strict=True)
    )


def _unnumbered(text: str) -> str:
    """An expression without the numbers in its names; numbers in arguments stay."""
    return _NUMBERED_NAME.sub(r"\1#", text)


def _same_operation(one: Operation, other: Operation) -> bool:
    target, twin = one.target, other.target
    if isinstance(target, Module):
        if not isinstance(twin, Module) or target.type != twin.type:
            return False
        # Compare the arguments (in the rule's repr) too: equal shapes may hide different dilations.
        if target is not twin and repr(target.layer) != repr(twin.layer):
            return False
    elif isinstance(target, StoredTensor):
        if not isinstance(twin, StoredTensor) or target.name != twin.name:
            return False
    elif target is not twin:
        return False
    return _same_value(one.arguments, other.arguments) and _same_value(dict(one.keywords), dict(other.keywords))


def _same_value(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and one.shape == other.shape and one.dtype == other.dtype
    if isinstance(one, (tuple, list)):
        return isinstance(other, (tuple, list)) and len(one) == len(other) and all(map(_same_value, one, other))
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(_same_value(value, other[key]) for key, value in one.items())
        )
    if isinstance(one, Module):
        return isinstance(other, Module) and repr(one.layer) == repr(other.layer)
    return type(one) is type(other) and str(one) == str(other)
