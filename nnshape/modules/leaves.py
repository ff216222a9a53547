"""Constructs the leaf modules of a model: the `torch.nn` module of each `Layer`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from nnshape.problems import Problem, SpecError
from nnshape.shapes.dims import Dim, Size, substitute, symbols_of
from nnshape.shapes.dtypes import DType
from nnshape.shapes.layer_base import Layer
from nnshape.shapes.memory_formats import MemoryFormat
from nnshape.shapes.nested import map_nested
from nnshape.spec import Span

#: The values to use for symbols.
Values = Mapping[str, Size]


class OwnConstruction:
    """A layer that constructs its own module; see `nnshape.modules.measured`."""

    def construct(self) -> torch.nn.Module:
        """Return the module, on the device of the context."""
        raise NotImplementedError


def construct(layer: Layer, values: Values, span: Span | None = None) -> torch.nn.Module:
    """Return the module of a layer, on the device of the context. Raises SpecError if a size has no value."""
    if isinstance(layer, OwnConstruction):
        return layer.construct()
    kind: type[torch.nn.Module] = getattr(torch.nn, type(layer).__name__)
    given = {name: argument(value, values, span) for name, value in layer.given().items() if name != "device"}
    return kind(**given)


def argument(value: Any, values: Values, span: Span | None = None) -> Any:
    """Convert a traced value to torch: a layer to its module, a dtype to `torch.dtype`, a size to a number."""
    if isinstance(value, DType):
        return torch_dtype(value)
    if isinstance(value, MemoryFormat):
        return getattr(torch, value.name)
    if isinstance(value, Layer):
        return construct(value, values, span)
    if isinstance(value, Dim):
        return number(value, values, span)
    if isinstance(value, (tuple, list)):
        return map_nested(lambda leaf: argument(leaf, values, span), value)
    return value


def torch_dtype(dtype: str) -> torch.dtype:
    """Return the torch dtype of this name."""
    found = getattr(torch, dtype)
    assert isinstance(found, torch.dtype)
    return found


def number(size: Size, values: Values, span: Span | None = None) -> int:
    """Return a size as a number. Raises SpecError if a symbol in it has no value."""
    known = substitute(size, values)
    if isinstance(known, int):
        return known
    names = sorted(symbols_of(known))
    message = f"a module needs a number here, but {size} depends on {', '.join(names)}, which has no value"
    help = (f"give {names[0]} a value: dims: {{{names[0]}: 224}}",)
    raise SpecError(Problem("unknown-value", message, span, help=help))
