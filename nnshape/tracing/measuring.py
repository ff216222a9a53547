"""Finds torch layers and functions without a rule, and infers their shapes by running torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from nnshape.records import dataclass
from nnshape.tracing.faults import fault

if TYPE_CHECKING:
    from nnshape.shapes.function import Function
    from nnshape.shapes.layer_base import Layer
    from nnshape.spec import nodes
    from nnshape.tracing.scope import Frame

#: The files of the torch package that declare its functions and methods, and the one that lists its layers.
_FUNCTIONS = (
    "_C/_VariableFunctions.pyi", "_C/__init__.pyi", "_tensor.py", "nn/functional.py", "functional.py",
    "fft/__init__.py", "linalg/__init__.py", "special/__init__.py", "_lowrank.py", "_lobpcg.py",
)  # fmt: skip
_LAYERS = "nn/modules/__init__.py"


class Measure(Protocol):
    """Infers shapes by running torch, for layers and functions without a rule."""

    def layer(self, target: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Layer:
        """Return a layer for the class `module.path:Class`. Raises Refusal if the class raises."""
        ...

    def has_layer(self, name: str) -> bool:
        """Return whether `torch.nn` has a layer of this name."""
        ...

    def function(self, name: str, namespace: str = "") -> Function | None:
        """Return the torch function of this name, in a namespace such as `linalg` if given; or None."""
        ...

    def method(self, name: str) -> Function | None:
        """Return the Tensor method of this name, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Measuring:
    """How a trace infers shapes by running torch: the Python classes that it may import, and a lazy loader of torch."""

    allowed: frozenset[str]
    load: Callable[[], Measure]


def measure_of(frame: Frame, node: nodes.Node, name: str) -> Measure | None:
    """Load the means to infer the shape of `name`, or return None if there are none. Raises Fault without torch."""
    measuring = frame.tracer.measuring
    if measuring is None:
        return None
    try:
        return measuring.load()
    except ImportError as error:
        message = f"{name} has no rule, and torch, which would infer its shape, cannot be imported: {error}"
        raise fault("unmeasured", message, frame.expression.span(node)) from None


def function_without_rule(frame: Frame, node: nodes.Node, name: str, namespace: str = "") -> Function | None:
    """Return a torch function without a rule, or None."""
    if not declares_function(name):
        return None
    measure = measure_of(frame, node, name)
    return None if measure is None else measure.function(name, namespace)


def method_without_rule(frame: Frame, node: nodes.Node, name: str) -> Function | None:
    """Return a Tensor method without a rule, or None."""
    if not declares_function(name):
        return None
    measure = measure_of(frame, node, name)
    return None if measure is None else measure.method(name)


def is_layer_without_rule(frame: Frame, node: nodes.Node, name: str) -> bool:
    """Return whether `torch.nn` has a layer of this name."""
    if f'"{name}"' not in _text(_LAYERS):
        return False
    measure = measure_of(frame, node, name)
    return measure is not None and measure.has_layer(name)


def declares_function(name: str) -> bool:
    """Return whether torch's source declares a function of this name: finds misspelt names without importing torch."""
    if not name[:1].islower():
        return False
    return name in _declared()


@cache
def _declared() -> frozenset[str]:
    """Return the names of torch's functions, read once: a file may hold many unknown names."""
    declaration = re.compile(r"^(?:(?:    )?def (\w+)\(|(\w+) = )", re.MULTILINE)
    return frozenset(a or b for file in _FUNCTIONS for a, b in declaration.findall(_text(file)))


@cache
def _text(file: str) -> str:
    """Return the text of a file of the installed torch, or an empty string."""
    found = find_spec("torch")
    for folder in (found.submodule_search_locations or ()) if found is not None else ():
        path = Path(folder, file)
        if path.is_file():
            return path.read_text("utf-8", errors="replace")
    return ""
