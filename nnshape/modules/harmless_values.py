"""Arguments that look the same to a shape rule, with values that no operation refuses.

A loss wants probabilities, and an index wants to be in range: the random values of a proof need not be. So where
torch refuses an operation, it is asked again with values that are fine for both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch

from nnshape.shapes.nested import leaves_in, map_nested

#: The whole numbers that are tried: 0 is an index of every table but an empty one, and 1 a length or a divisor. With
#: 0 go numbers between 0 and 1, and with 1 the identity, which has all factors that a matrix can have.
_NUMBERS = (0, 1)


def retried(run: Callable[..., Any], arguments: tuple[Any, ...], keywords: Mapping[str, Any], error: Exception) -> Any:
    """The result for harmless values; raises the first error where torch refuses these too."""
    given = (arguments, dict(keywords))
    if not any(isinstance(leaf, torch.Tensor) for leaf in leaves_in(given)):
        raise error
    for number in _NUMBERS:
        try:
            others, named = map_nested(partial(_harmless, number), given)
            return run(*others, **named)
        except Exception:
            continue
    raise error


def _harmless(number: int, value: Any) -> Any:
    """A tensor of the same shape, strides and dtype; any other value as it is."""
    if not isinstance(value, torch.Tensor) or value.layout != torch.strided or isinstance(value, torch.nn.Parameter):
        return value
    elements = value.untyped_storage().nbytes() // value.element_size()
    is_number = value.dtype.is_floating_point or value.dtype.is_complex
    if is_number and number == 0:
        storage = torch.rand(elements, device=value.device).to(value.dtype)
    else:
        storage = torch.full((elements,), 0 if is_number else number, dtype=value.dtype, device=value.device)
    made = storage.as_strided(value.shape, value.stride(), value.storage_offset())
    if is_number and number == 1 and value.dim() >= 2:
        made.diagonal(dim1=-2, dim2=-1).fill_(1)
    return made
