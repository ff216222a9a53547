"""Messages on the arguments of functions on numbers, in place of Python's own sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnshape.shapes.arguments import described
from nnshape.shapes.tensor import Tensor, tensors_in
from nnshape.tracing.runtime_sizes import plain

_TAKES = {
    "abs": "a number",
    "all": "a tuple of truths",
    "any": "a tuple of truths",
    "bool": "one value",
    "ceil": "a number",
    "enumerate": "a tuple, and a number to start from",
    "exp": "a number that is not too large",
    "float": "a number, or a string that is one",
    "floor": "a number",
    "int": "a number, or a string of digits",
    "isqrt": "a number of 0 or more",
    "len": "one tuple, list or string",
    "list": "one tuple",
    "log": "a number above 0",
    "log2": "a number above 0",
    "max": "numbers, or one tuple of them",
    "min": "numbers, or one tuple of them",
    "pow": "two numbers",
    "range": "whole numbers, and a step other than 0",
    "reversed": "one tuple",
    "round": "a number",
    "sqrt": "a number of 0 or more",
    "str": "one value",
    "sum": "a tuple of numbers or tensors, and a value to start from",
    "tuple": "one tuple",
    "zip": "tuples",
}
#: What does the same for tensors.
_OF_TENSORS = {
    "all": "stack([a, b]).all(0)", "any": "stack([a, b]).any(0)", "max": "maximum(a, b)", "min": "minimum(a, b)",
}  # fmt: skip


def wrong_arguments(name: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> str:
    """Return the message for arguments that a function on numbers does not take."""
    given = [described(plain(value)) for value in arguments]
    given += [f"{key}={described(plain(value))}" for key, value in keywords.items()]
    message = f"{name} takes {_TAKES[name]}, not {', '.join(given) or 'nothing'}"
    if name in _OF_TENSORS and any(isinstance(tensor, Tensor) for tensor in tensors_in(arguments)):
        message += f"; for tensors, write {_OF_TENSORS[name]}"
    return message
