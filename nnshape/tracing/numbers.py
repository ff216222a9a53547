"""Arithmetic on the numbers of a spec, symbolic sizes included: as in Python, within the limits."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from nnshape.shapes.arguments import described
from nnshape.shapes.dims import Dim, TooLarge, at_least, divisible, equal, maximum, minimum
from nnshape.shapes.tensor import Tensor
from nnshape.spec.limits import INTEGER, ITERATIONS
from nnshape.tracing.number_arguments import wrong_arguments
from nnshape.tracing.runtime_sizes import RuntimeSize, is_number, plain

#: The function in Python's `operator` module for each operator.
BINARY = {
    "+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod", "**": "pow",
    "&": "and_", "|": "or_", "^": "xor", "<<": "lshift", ">>": "rshift", "@": "matmul",
}  # fmt: skip


class UndecidedCondition(Exception):
    """A condition on a symbolic size holds for some of its values only."""


def arithmetic(sign: str, left: Any, right: Any) -> Any:
    """Return `left sign right` for numbers, and for `+` and `*` on tuples, with its derivation.

    Raises ValueError or TypeError with a message for the user, and TooLarge beyond the limits.
    """
    a, b = plain(left), plain(right)
    name = BINARY[sign]
    if isinstance(a, (tuple, list)) or isinstance(b, (tuple, list)):
        return _on_tuples(sign, left, right)
    if isinstance(a, str) and isinstance(b, str) and sign == "+":
        return short(a + b)
    if not (is_number(a) and is_number(b)):
        raise TypeError(f"{sign} takes two numbers or tensors")
    if sign == "**":
        _check_power(a, b)
    elif sign == "<<":
        _check_power(2, b)
    if sign in ("/", "//", "%") and not isinstance(b, Dim) and b == 0:
        raise ValueError("division by zero")
    if sign == "/" and _divides_symbol(a, b):
        name = "floordiv"  # symbolic sizes are integers, so only an exact quotient is one
    try:
        value = getattr(operator, name)(a, b)
    except (OverflowError, ZeroDivisionError, ValueError) as error:
        if isinstance(error, TooLarge):
            raise
        raise ValueError(f"{sign} does not work on {described(a)} and {described(b)}") from None
    except TypeError:
        if isinstance(a, Dim) or isinstance(b, Dim):
            raise UndecidedCondition from None
        raise TypeError(f"{sign} does not work on {_kind(a)} and {_kind(b)}") from None
    return runtime_size(in_range(value), name, left, right)


def _divides_symbol(a: Any, b: Any) -> bool:
    symbolic = isinstance(a, Dim) or isinstance(b, Dim)
    return symbolic and not isinstance(a, float) and not isinstance(b, float) and divisible(a, b) is True


def runtime_size(value: Any, how: str, *operands: Any) -> Any:
    """Return the value, as a run-time size if an operand is one."""
    if any(type(operand) is RuntimeSize for operand in operands):
        return RuntimeSize(value, how, operands)
    return value


def in_range(value: Any) -> Any:
    """Return the number. Raises TooLarge or ValueError if it cannot be a size in torch."""
    if isinstance(value, int) and not -INTEGER <= value < INTEGER:
        raise TooLarge("this number is not below 2**63")
    if isinstance(value, complex):
        raise ValueError("a size cannot be a complex number")
    return value


def _check_power(base: Any, exponent: Any) -> None:
    if isinstance(exponent, Dim):
        raise UndecidedCondition
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and exponent > 1 and exponent * (abs(base).bit_length() - 1) > 64:
        raise TooLarge("this number is not below 2**63")


def _on_tuples(sign: str, left: Any, right: Any) -> Any:
    if sign == "+" and isinstance(left, (tuple, list)) and isinstance(right, (tuple, list)):
        return _bounded((*left, *right))
    items, count = (left, plain(right)) if isinstance(left, (tuple, list)) else (right, plain(left))
    if sign != "*" or not isinstance(count, int):
        raise TypeError(f"{sign} does not work on a tuple")
    if len(items) * max(count, 0) > ITERATIONS:
        raise TooLarge(f"a tuple of more than {ITERATIONS:,} items")
    return tuple(items) * count


def _bounded(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(items) > ITERATIONS:
        raise TooLarge(f"a tuple of more than {ITERATIONS:,} items")
    return items


def short(text: str) -> str:
    """Return the text. Raises TooLarge if it is longer than any name or equation."""
    if len(text) > ITERATIONS:
        raise TooLarge(f"a string of more than {ITERATIONS:,} characters")
    return text


def compare(sign: str, left: Any, right: Any) -> bool:
    """Return whether `left sign right` holds. Raises UndecidedCondition for a symbol, and TypeError as Python does."""
    a, b = plain(left), plain(right)
    if isinstance(a, Dim) or isinstance(b, Dim):
        if not (is_number(a) and is_number(b)) or isinstance(a, float) or isinstance(b, float):
            if sign in ("==", "is", "is not", "!=") and not (is_number(a) and is_number(b)):
                return sign in ("!=", "is not")
            raise UndecidedCondition
        verdict = _SYMBOLIC[sign](a, b) if sign in _SYMBOLIC else None
        if verdict is None:
            raise UndecidedCondition
        return verdict
    try:
        return bool(_COMPARISONS[sign](a, b))
    except TypeError:
        raise TypeError(f"{sign} does not work on {described(a)} and {described(b)}") from None


def _negated(verdict: bool | None) -> bool | None:
    return None if verdict is None else not verdict


_SYMBOLIC: dict[str, Callable[[Any, Any], bool | None]] = {
    "==": equal,
    "!=": lambda a, b: _negated(equal(a, b)),
    ">=": at_least,
    "<=": lambda a, b: at_least(b, a),
    ">": lambda a, b: at_least(a, b + 1),
    "<": lambda a, b: at_least(b, a + 1),
}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "is": operator.is_, "is not": operator.is_not,
    "in": lambda a, b: a in b, "not in": lambda a, b: a not in b,
}  # fmt: skip


def _kind(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__.lower()}"


# ---- functions on numbers ----


def _int(value: Any = 0) -> Any:
    return value if isinstance(value, Dim) else int(value)


def _float(value: Any = 0) -> float:
    if isinstance(value, Dim):
        raise UndecidedCondition
    return float(value)


def _real(function: Callable[[float], Any]) -> Callable[[Any], Any]:
    def applied(value: Any) -> Any:
        if isinstance(value, Dim):
            raise UndecidedCondition
        return function(value)

    return applied


def _range(*bounds: Any) -> tuple[int, ...]:
    if any(isinstance(bound, Dim) for bound in bounds):
        raise UndecidedCondition
    numbers = range(*bounds)
    if len(numbers) > ITERATIONS:
        raise TooLarge(f"a loop of {len(numbers):,} iterations; the limit is {ITERATIONS:,}")
    return tuple(numbers)


def _extreme(function: Callable[..., Any], of_sizes: Callable[..., Any]) -> Callable[..., Any]:
    def applied(*values: Any) -> Any:
        items = values[0] if len(values) == 1 else values
        if not isinstance(items, (tuple, list)) or not all(map(is_number, items)):
            raise TypeError
        if any(isinstance(item, Dim) for item in items):
            if any(isinstance(item, float) for item in items):
                raise UndecidedCondition
            return of_sizes(*items)
        return function(items)

    return applied


def _total(items: Any) -> Any:
    total: Any = 0
    for item in items:
        total = total + item
    return total


def _truths(function: Callable[..., bool]) -> Callable[[Any], bool]:
    def applied(items: Any) -> bool:
        if not all(isinstance(item, (bool, int, float, type(None), str)) for item in items):
            if any(isinstance(plain(item), Dim) for item in items):
                raise UndecidedCondition
            raise TypeError
        return function(items)

    return applied


def _abs(value: Any) -> Any:
    if isinstance(value, Dim):
        if at_least(value, 0):
            return value
        raise UndecidedCondition
    return abs(value)


#: Functions that torch also has for tensors. With numbers only, they compute as in Python.
SHARED: dict[str, Callable[..., Any]] = {
    "abs": _abs,
    "all": _truths(all),
    "any": _truths(any),
    "bool": bool,
    "ceil": _real(math.ceil),
    "exp": _real(math.exp),
    "float": _float,
    "floor": _real(math.floor),
    "int": _int,
    "log": _real(math.log),
    "log2": _real(math.log2),
    "max": _extreme(max, maximum),
    "min": _extreme(min, minimum),
    "pow": lambda base, exponent: arithmetic("**", base, exponent),
    "round": _real(round),
    "sqrt": _real(math.sqrt),
    "sum": _total,
}
#: Functions on numbers and tuples only.
PYTHON: dict[str, Callable[..., Any]] = {
    "dict": lambda **items: items,
    "enumerate": lambda items, start=0: tuple(enumerate(items, start)),
    "isqrt": _real(lambda value: math.isqrt(int(value))),
    "len": len,
    "list": lambda items=(): list(items),
    "range": _range,
    "reversed": lambda items: tuple(reversed(items)),
    "str": lambda value="": short(str(value)),
    "tuple": lambda items=(): tuple(items),
    "zip": lambda *items: tuple(zip(*items, strict=False)),
}


def takes(name: str, arguments: tuple[Any, ...]) -> bool:
    """Return whether a function of this name computes with numbers, given its arguments."""
    if name in PYTHON:
        return True
    if name not in SHARED or not arguments or isinstance(arguments[0], Tensor):
        return False
    if name in ("min", "max"):
        return len(arguments) > 1 or isinstance(arguments[0], (tuple, list))
    if name in ("all", "any", "sum"):
        return isinstance(arguments[0], (tuple, list))
    if name == "pow" and len(arguments) == 1:
        return False
    return all(map(is_number, arguments)) or (name in ("float", "int") and isinstance(arguments[0], str))


def evaluate(name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Return the value of a function on numbers, with its derivation. Raises the errors of `arithmetic`."""
    function = PYTHON.get(name) or SHARED[name]
    try:
        if name in PYTHON and name not in ("str", "isqrt", "range"):
            return function(*arguments, **keywords)
        value = function(*map(plain, arguments), **{key: plain(item) for key, item in keywords.items()})
    except (TypeError, OverflowError, ValueError) as error:
        if isinstance(error, TooLarge):
            raise
        raise TypeError(wrong_arguments(name, arguments, keywords)) from None
    # The iterations of a loop are fixed when the model is traced, so `range` returns plain numbers.
    return value if isinstance(value, tuple) else runtime_size(in_range(value), name, *arguments)
