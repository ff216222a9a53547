"""Sizes of a tensor: plain ints, or exact symbolic integers with three-valued comparison.

Everything about sizes is named here; the modules `dim_*` beside this one hold how it is done.
"""

from nnshape.shapes.dim_algebra import Dim, Size, symbol
from nnshape.shapes.dim_compare import (
    at_least,
    bounds,
    ceil_div,
    divisible,
    equal,
    maximum,
    minimum,
)
from nnshape.shapes.dim_replace import substitute, symbols_of
from nnshape.shapes.dim_terms import TooLarge
from nnshape.shapes.dim_text import shape_part

__all__ = [
    "Dim",
    "Size",
    "TooLarge",
    "at_least",
    "bounds",
    "ceil_div",
    "divisible",
    "equal",
    "maximum",
    "minimum",
    "shape_part",
    "substitute",
    "symbol",
    "symbols_of",
]
