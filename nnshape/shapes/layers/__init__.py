"""Rules for the classes of `torch.nn`: one file per family in torch's documentation.

`index.py` maps each name to its file, so that a lookup imports only that file.
"""

from __future__ import annotations

from importlib import import_module

from nnshape.shapes.layer_base import REGISTRY, Layer
from nnshape.shapes.layers.index import FAMILY_OF

#: The files of this folder that declare layers.
FAMILIES = (
    "activation",
    "softmax",
    "linear",
    "convolution",
    "pooling",
    "normalization",
    "dropout",
    "shape",
    "adaptive",
    "transposed",
    "instance",
    "vision",
    "padding",
    "sparse",
    "recurrent",
    "attention",
    "transformer_layer",
    "transformer",
    "unpooling",
    "loss",
    "class_loss",
    "pair_loss",
    "distance",
    "lazy",
    "cell",
    "adaptive_softmax",
)


def find_layer(name: str) -> type[Layer] | None:
    """The layer of this name of `torch.nn`, or None."""
    if name not in REGISTRY and name in FAMILY_OF:
        import_module(f"{__name__}.{FAMILY_OF[name]}")
    return REGISTRY.get(name)


def all_layers() -> dict[str, type[Layer]]:
    """Every layer that has a rule, by torch's name."""
    for family in FAMILIES:
        import_module(f"{__name__}.{family}")
    return dict(REGISTRY)
