"""Dtypes by name: `hparams: {d: bfloat16}` gives a string, and `Linear(16, 4, dtype=d)` takes a dtype."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnshape.shapes.arguments import Parameter, Signature
from nnshape.shapes.dtypes import DTYPES


def with_dtypes(
    signature: Signature, arguments: tuple[Any, ...], keywords: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call, with the dtype for each name of one that is given where a dtype is taken."""
    rest = len(arguments) - len(signature.positional)
    taken_by = [*signature.positional, *[signature.variadic] * rest]
    by_place = [_dtype(parameter, value) for parameter, value in zip(taken_by, arguments, strict=False)]
    by_name = {name: _dtype(signature.by_name.get(name), value) for name, value in keywords.items()}
    return (*by_place, *arguments[len(by_place) :]), by_name


def dtype_named(value: Any) -> Any:
    """Return the dtype that a string names, such as `bfloat16` or `torch.bfloat16`, and any other value as it is."""
    return DTYPES.get(value.removeprefix("torch."), value) if isinstance(value, str) else value


def _dtype(parameter: Parameter | None, value: Any) -> Any:
    takes_one = type(value) is str and parameter is not None and "DType" in parameter.kinds
    return dtype_named(value) if takes_one else value
