"""Maps functions of the engine to the torch operations that graph nodes call."""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn.utils import rnn

from nnshape.shapes.function import Function

#: Functions that are operators in Python.
SIGNS: dict[str, Callable[..., Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
    "floor_divide": operator.floordiv, "remainder": operator.mod, "pow": operator.pow, "matmul": operator.matmul,
    "bitwise_and": operator.and_, "bitwise_or": operator.or_, "bitwise_xor": operator.xor,
    "bitwise_left_shift": operator.lshift, "bitwise_right_shift": operator.rshift,
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
    "getitem": operator.getitem,
}  # fmt: skip
_UNARY_SIGNS: dict[str, Callable[..., Any]] = {"neg": operator.neg, "bitwise_not": operator.invert}
#: Methods that move a tensor to another device.
MOVES = ("to", "cpu", "cuda")
PROPERTIES = ("T", "mT", "H", "mH", "real", "imag")

#: The namespaces to look up a function in, in this order, by their names in a pickle.
NAMESPACES: dict[str, Any] = {
    "torch.nn.functional": torch.nn.functional,
    "torch": torch,
    "torch.fft": torch.fft,
    "torch.linalg": torch.linalg,
    "torch.special": torch.special,
    "torch.nn.utils.rnn": rnn,
}
_PYTHON: dict[str, Any] = {"operator": operator, "math": math, "builtins": builtins}

#: Functions that use the statistics of the batch only if `training` is passed.
_EXPLICIT_TRAINING = ("batch_norm", "instance_norm")


def target_of(function: Function, count: int, keywords: bool, method: bool) -> Callable[..., Any] | str:
    """Return the target of a node: a function, or the name of a Tensor method.

    `count` is the number of positional arguments, and `keywords` is True if there are keyword arguments.
    """
    name = function.name
    if not keywords and not method:
        if count == 2 and name in SIGNS:
            return SIGNS[name]
        if count == 1 and name in _UNARY_SIGNS:
            return _UNARY_SIGNS[name]
    # Only a method takes sizes and dimensions as separate arguments, as in permute(0, 2, 1).
    if method or function.only_method or (function.method and function.signature().variadic is not None):
        return name
    found = torch_function(name)
    return name if found is None else found


def spread(
    function: Function, values: tuple[Any, ...], keywords: Mapping[str, Any]
) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """Return the arguments of a call for torch, in which those such as the operands of einsum have no name.

    A mapping step gives them by name: `{type: einsum, equation: ..., operands: [x, y]}`.
    """
    signature = function.signature()
    rest = signature.variadic
    if rest is None or rest.name not in keywords:
        return values, keywords
    ahead = [p.name for p in signature.positional[len(values) :] if p.name in keywords]
    given = keywords[rest.name]
    operands = given if isinstance(given, (tuple, list)) else (given,)
    others = {key: value for key, value in keywords.items() if key not in (*ahead, rest.name)}
    return (*values, *(keywords[name] for name in ahead), *operands), others


def torch_function(name: str) -> Callable[..., Any] | None:
    """Return the function of this name in one of torch's namespaces, or None."""
    for namespace in NAMESPACES.values():
        found = getattr(namespace, name, None)
        if callable(found) and not isinstance(found, type):
            return found  # type: ignore[no-any-return]
    return None


def follows_training(function: Function, count: int, keywords: Any) -> bool:
    """Return whether the function has a `training` argument that was not passed, and so follows its module's flag."""
    if function.name in _EXPLICIT_TRAINING or "training" in keywords:
        return False
    names = [parameter.name for parameter in function.signature().positional]
    if "training" in function.signature().by_name and "training" not in names:
        return True
    return "training" in names and count <= names.index("training")


def arithmetic(how: str) -> Callable[..., Any]:
    """Return the function on numbers that computes a run-time size, by its `how`."""
    if how in ("int", "float"):
        return torch.sym_int if how == "int" else torch.sym_float
    for namespace in (operator, math, builtins):
        # `operator` comes first: its `pow` keeps integers, unlike that of `math`.
        found = getattr(namespace, how, None)
        if callable(found):
            return found  # type: ignore[no-any-return]
    raise LookupError(f"there is no function {how} on numbers")


def path_of(target: Callable[..., Any]) -> str | Callable[..., Any]:
    """Return a function as `namespace:name` for a pickle, or the function itself if it is in no known namespace."""
    name = getattr(target, "__name__", "")
    for place, namespace in (_PYTHON | NAMESPACES).items():
        if name and getattr(namespace, name, None) is target:
            return f"{place}:{name}"
    return target


def function_at(path: str | Callable[..., Any]) -> Callable[..., Any]:
    """Return the function of a path made by `path_of`."""
    if not isinstance(path, str):
        return path
    place, _, name = path.partition(":")
    found: Callable[..., Any] = getattr((_PYTHON | NAMESPACES)[place], name)
    return found
