"""Sizes of a tensor: plain ints, or exact symbolic integers with three-valued comparison.

This module holds the public names of the package.
"""

from nnshape.shapes.dims.algebra import RESERVED, Dim, Size, by_sign, divisor_in, symbol, without_common_factor
from nnshape.shapes.dims.atoms import Extremum, Quotient
from nnshape.shapes.dims.ceilings import readable, shape_part
from nnshape.shapes.dims.compare import (
    at_least,
    bounds,
    ceil_div,
    divisible,
    equal,
    maximum,
    minimum,
)
from nnshape.shapes.dims.range import surely_negative
from nnshape.shapes.dims.replace import substitute, symbols_of
from nnshape.shapes.dims.terms import TooLarge

__all__ = [
    "RESERVED",
    "Dim",
    "Extremum",
    "Quotient",
    "Size",
    "TooLarge",
    "at_least",
    "bounds",
    "by_sign",
    "ceil_div",
    "divisible",
    "divisor_in",
    "equal",
    "maximum",
    "minimum",
    "readable",
    "shape_part",
    "substitute",
    "surely_negative",
    "symbol",
    "symbols_of",
    "without_common_factor",
]
