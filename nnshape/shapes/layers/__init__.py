"""The rules for the classes of `torch.nn`: one file a family of torch's documentation.

Families are imported one by one, those that models use most first, until a name is found: a rule
that a model does not use costs it nothing.
"""

from __future__ import annotations

from importlib import import_module

from nnshape.shapes.layer import REGISTRY, Layer

#: The files of this folder, in the order in which a name is looked for.
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
    for family in FAMILIES:
        if name in REGISTRY:
            break
        import_module(f"{__name__}.{family}")
    return REGISTRY.get(name)


def all_layers() -> dict[str, type[Layer]]:
    """Every layer that has a rule, by torch's name."""
    for family in FAMILIES:
        import_module(f"{__name__}.{family}")
    return dict(REGISTRY)
