"""The schema of an argument: tests its declared kinds with a value of each JSON type."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from nnshape.shapes.arguments import KINDS, REQUIRED, Parameter
from nnshape.shapes.dtypes import FLOAT32
from nnshape.shapes.functions import find_function
from nnshape.shapes.layers import find_layer
from nnshape.shapes.tensor import Tensor

Schema = dict[str, Any]

#: Any argument; a mapping is a mapping step, also inside a list.
VALUE: Schema = {
    "if": {"type": "object"},
    "then": {"$ref": "#/definitions/call"},
    "else": {"items": {"$ref": "#/definitions/value"}},
}
#: The kinds that accept true and false. In Python, True is also a whole number, but a file never means that.
_TRUTHS = frozenset({"bool", "Flag"})


def argument_schema(parameter: Parameter, meaning: str) -> Schema:
    """The accepted values of an argument, with its meaning and default.

    A string is always accepted, since it may be an expression of any value. The content of a mapping is
    checked by `VALUE`, which applies to every argument too.
    """
    checks = [KINDS[kind][0] for kind in parameter.kinds]

    def takes(value: object) -> bool:
        return any(check(value) for check in checks)

    found: Schema = {"description": meaning} if meaning else {}
    one = _values(takes, bool(_TRUTHS.intersection(parameter.kinds)))
    if parameter.variadic:
        return {**found, "anyOf": [one, {"type": "array", **items(one)}]}
    default = _plain(parameter.default)
    return {**found, **one} if default is REQUIRED else {**found, **one, "default": default}


def items(schema: Schema) -> Schema:
    """The schema of the items, for a value that may be a list.

    It is inside `allOf`, since editors take a plain `items` as a hint to write a list.
    """
    return {"allOf": [{"items": schema}]}


def _values(takes: Callable[[object], bool], truths: bool) -> Schema:
    if takes(object()):
        return {}
    types = ["boolean"] if truths else []
    types += ["number"] if takes(0.5) else ["integer"] if takes(2) else []
    types += ["string"]
    types += ["null"] if takes(None) else []
    found: Schema = {}
    if any(takes((probe,)) for probe in (*_MADE_BY_CALLS, 2, 0.5, "", None)):
        types.append("array")
        found = items(_values(lambda item: takes((item,)), False))
    if any(map(takes, _MADE_BY_CALLS)):
        types.append("object")
    return {"type": types[0] if len(types) == 1 else types, **found}


#: Examples of the results of a mapping step inside an argument.
_MADE_BY_CALLS = (Tensor((2,), FLOAT32), find_layer("Identity")(), find_function("relu"))  # type: ignore[misc]


def _plain(default: Any) -> Any:
    """A default as JSON; REQUIRED if there is none, or JSON cannot express it."""
    if isinstance(default, tuple):
        items = [_plain(item) for item in default]
        return REQUIRED if REQUIRED in items else items
    if type(default) in (int, bool, str, type(None)) or (type(default) is float and math.isfinite(default)):
        return default
    return str(default) if isinstance(default, str) else REQUIRED
