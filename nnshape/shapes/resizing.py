"""Scaling a size by a factor that need not be a whole number."""

from __future__ import annotations

from math import isfinite

from nnshape.shapes.dims import Dim, Size
from nnshape.shapes.refusal import Refusal

#: The largest denominator of a factor of a symbol: 2.5 is 5/2, but 0.1 is not exact in binary.
LARGEST_DENOMINATOR = 1 << 20


def scaled(size: Size, factor: float, name: str) -> Size:
    """A size times a factor, rounded towards 0, as torch computes it in float64.

    A symbolic size stays symbolic if that is exact: 2.5 times H is 5*H//2. Otherwise, raises Refusal (unknown-value).
    """
    if isinstance(factor, Dim):
        raise Refusal("unknown-value", f"{{layer}} needs a number as {name}, and {factor} has no value", name)
    if isinstance(size, int):
        made = size * factor
        if not isfinite(made) or abs(made) >= 2**63:
            raise Refusal("invalid-argument", f"`{name}` (={factor}) makes no size of {size}", name)
        return int(made)
    if not isfinite(factor):
        raise Refusal("invalid-argument", f"`{name}` (={factor}) makes no size of {size}", name)
    above, below = factor.as_integer_ratio()
    if below > LARGEST_DENOMINATOR or above < 0:
        message = f"{{layer}} rounds {size} times {factor}, which wants a value for {size}"
        raise Refusal("unknown-value", message, name)
    return size * above // below


def scale_text(size: Size, factor: float, made: Size) -> str:
    """The derivation of `scaled`, a line."""
    return f"floor({size} * {factor:g}) = {made}"
