"""Rules for torch's functions and Tensor methods: one file per family of operations.

As for layers, `index.py` maps each name to its file.
"""

from __future__ import annotations

from importlib import import_module

from nnshape.shapes.function import REGISTRY, TWINS, Function
from nnshape.shapes.functions.index import FAMILY_OF
from nnshape.shapes.tensor import give_methods

#: The files of this folder that declare functions.
FAMILIES = (
    "pointwise",
    "shape",
    "conversion",
    "joining",
    "splitting",
    "striding",
    "activation",
    "softmax",
    "matrix",
    "reduction",
    "creation",
    "indexing",
    "elementary",
    "repeating",
    "diagonals",
    "rearrange",
    "einsum",
    "ranking",
    "counting",
    "gathering",
    "scattering",
    "putting",
    "packing",
    "samples",
    "products",
    "linalg",
    "spectral",
    "network",
    "attention",
    "dropout",
    "padding",
    "normalization",
    "pooling",
    "adaptive",
    "convolution",
    "vision",
    "folding",
    "distance",
    "unpooling",
    "losses",
    "likelihood_losses",
    "class_losses",
    "pair_losses",
    "inplace",
)


def find_function(name: str) -> Function | None:
    """The function or method of this name, or None."""
    if name not in REGISTRY and name in FAMILY_OF:
        import_module(f"{__name__}.{FAMILY_OF[name]}")
    return REGISTRY.get(name)


def find_method(name: str) -> Function | None:
    """The Tensor method of this name, or None."""
    found = find_function(f"Tensor.{name}" if name in TWINS else name)
    return found if found is not None and found.method else None


give_methods(find_method)


def all_functions() -> dict[str, Function]:
    """Every function and method that has a rule, by torch's name."""
    for family in FAMILIES:
        import_module(f"{__name__}.{family}")
    return dict(REGISTRY)
